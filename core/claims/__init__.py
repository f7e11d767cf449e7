"""The article's claims as data, and the experiments that test them on this machine."""
