"""Where everything that the user made is kept."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

HOME_VARIABLE = "SHOWDOWN_HOME"


def home() -> Path:
    """`SHOWDOWN_HOME`, or the platform's folder for user data; not created here."""
    chosen = os.environ.get(HOME_VARIABLE)
    return Path(chosen).expanduser() if chosen else Path(platformdirs.user_data_dir("framework-showdown", appauthor=False))


def traces_folder() -> Path:
    """Where decoded traces are cached, one folder per content digest."""
    return home() / "traces"
