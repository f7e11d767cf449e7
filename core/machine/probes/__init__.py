"""The setup checks, one file per area: each looks at one thing and returns what it found, with the remedy."""
