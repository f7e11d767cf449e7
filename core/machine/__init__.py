"""What this machine is: its facts, its load while something runs, and whether it is fit to measure on."""
