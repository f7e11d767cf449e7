"""What leaves the project for other programs: files in formats that others read."""
