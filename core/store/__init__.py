"""The folders on disk: comparisons and traces; the only code that knows their paths."""
