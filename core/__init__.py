"""Framework Showdown without a browser: comparisons, profiles and everything that is true about them."""
