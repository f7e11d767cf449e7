"""Image classification by a small vision transformer."""
