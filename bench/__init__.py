"""What the product itself costs, against doing the same without it; `make bench` prints it, nothing is stored."""
