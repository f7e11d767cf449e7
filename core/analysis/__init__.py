"""What a trace shows, as tables: pure functions from a frame to a frame, no files and no charts."""
