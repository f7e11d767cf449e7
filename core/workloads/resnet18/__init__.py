"""Image classification by a residual network of 18 layers, in its form for small images."""
