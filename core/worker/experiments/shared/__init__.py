"""What several experiments do alike: a workload's model, ready to be asked; packages that may be absent."""
