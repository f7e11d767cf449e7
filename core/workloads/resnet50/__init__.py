"""Image classification by a residual network of 50 layers."""
