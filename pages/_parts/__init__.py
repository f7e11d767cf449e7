"""Widgets and words that several pages use."""
