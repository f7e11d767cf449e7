"""(being written)"""
def doctor() -> None:
    """Check."""
