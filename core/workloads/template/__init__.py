"""What `python -m core new-workload` copies: a small pair that passes parity, commented for whoever replaces its model."""
