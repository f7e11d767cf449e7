"""The nouns of the product as frozen value types; standard library only, so that a worker of any interpreter can use them."""
