"""The article's convolutional network on MNIST."""
