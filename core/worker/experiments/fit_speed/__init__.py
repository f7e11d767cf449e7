"""What a training step of one's own costs inside Keras `fit`."""
