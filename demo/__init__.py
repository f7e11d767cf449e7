"""What the hosted demo deploys beside the program's own pages: its entry, its guard, its limits, and what was recorded."""
