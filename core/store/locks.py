"""A file that a process holds for as long as it lives: unlike a process id, that ends with the process and needs no clock."""

from __future__ import annotations

import fcntl
import time
from pathlib import Path
from typing import BinaryIO

#: Who looks whether it is held holds it for a moment itself.
_WITHIN_S = 1.0


def hold(path: Path) -> BinaryIO | None:
    """Hold it until the file that is returned is closed, at the latest by the end of this process; None where somebody else does."""
    file = path.open("ab")
    until = time.monotonic() + _WITHIN_S
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return file
        except BlockingIOError:
            if time.monotonic() > until:
                file.close()
                return None
            time.sleep(0.02)


def is_held(path: Path) -> bool:
    """Does a living process hold it?"""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
