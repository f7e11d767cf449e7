"""Text classification by an LSTM."""
