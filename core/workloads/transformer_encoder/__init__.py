"""Text classification by a transformer of the shape of BERT-mini."""
