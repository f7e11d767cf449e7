"""A small decoder that predicts the next token."""
