"""Digits by dense layers alone."""
