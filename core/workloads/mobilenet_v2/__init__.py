"""Image classification by inverted residuals with depthwise convolutions."""
