"""Profiler traces of either framework, read into one columnar schema."""
