"""The one base of every error that a person is meant to read."""


class ShowdownError(Exception):
    """Something the user can act on: one sentence that says what is wrong, where, and what to do."""
