"""The one-line switches for mixed precision: what they warn of, which types come out of each layer, and what overflows."""
