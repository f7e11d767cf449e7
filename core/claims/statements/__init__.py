"""The article's statements by the part of it that they come from; `core.claims.catalogue` puts them together."""
