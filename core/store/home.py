"""Where everything that the user made is kept; in the hosted demo, where what was recorded lies."""

from __future__ import annotations

import errno
import os
from pathlib import Path, PosixPath
from typing import Any, NoReturn

import platformdirs

from core.model.hosted import KEEPS_NOTHING, is_hosted

HOME_VARIABLE = "SHOWDOWN_HOME"
_WRITES = set("wax+")


class RecordedPath(PosixPath):
    """A path on what is, for this program, a read-only file system; every path that is made of it is one too.

    All of its own methods that change something raise OSError (EROFS). What goes around them, such as `shutil.rmtree`, the
    guard of the demo's process stops (`demo/guard.py`).
    """

    __slots__ = ()

    def _refuse(self, *given: Any, **named: Any) -> NoReturn:
        raise OSError(errno.EROFS, KEEPS_NOTHING, str(self))

    mkdir = rmdir = unlink = rename = replace = touch = chmod = symlink_to = hardlink_to = write_bytes = write_text = _refuse

    def open(self, mode: str = "r", *arguments: Any, **named: Any) -> Any:
        if _WRITES & set(mode):
            self._refuse()
        return super().open(mode, *arguments, **named)


def home() -> Path:
    """`SHOWDOWN_HOME`, or the platform's folder for user data; not created here. In the hosted demo nothing below it can be changed."""
    chosen = os.environ.get(HOME_VARIABLE)
    folder = Path(chosen).expanduser() if chosen else Path(platformdirs.user_data_dir("framework-showdown", appauthor=False))
    return RecordedPath(folder) if is_hosted() else folder


def traces_folder() -> Path:
    """Where decoded traces are cached, one folder per content digest."""
    return home() / "traces"
