"""The demo's last line: its process starts no other one, and writes nowhere but in the system's temporary folder.

An audit hook hears what Python is about to do, whichever library asks for it (https://docs.python.org/3/library/audit_events.html),
and cannot be taken off again. It is no sandbox against code that was written to get around it; it holds where a page or a library
does something that nobody thought of. What it refuses looks like a system without the right to do it, which libraries know.

It does not hear compiled code that opens files by itself, as Polars does where it is given a path, nor the making of named pipes;
pages do neither.
"""

from __future__ import annotations

import _posixsubprocess
import errno
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

#: Events of a process that starts, or becomes, another one.
STARTS = frozenset(
    ("os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.startfile", "os.startfile/2", "os.system", "pty.spawn",
     "subprocess.Popen")
)  # fmt: skip
#: Events that change a file system, and where in their arguments the paths stand: place of the path, place of its `dir_fd` or None.
CHANGES: dict[str, tuple[tuple[int, int | None], ...]] = {
    "os.chflags": ((0, None),),
    "os.chmod": ((0, 2),),
    "os.chown": ((0, 3),),
    "os.link": ((0, 2), (1, 3)),
    "os.mkdir": ((0, 2),),
    "os.remove": ((0, 1),),
    "os.removexattr": ((0, None),),
    "os.rename": ((0, 2), (1, 3)),
    "os.rmdir": ((0, 1),),
    "os.setxattr": ((0, None),),
    "os.symlink": ((1, 2),),
    "os.truncate": ((0, None),),
    "os.utime": ((0, 3),),
}
#: Events that make a file where it is not there, by the place of its path: what a database or a socket is kept in.
MAKES = {"sqlite3.connect": 0, "socket.bind": 1}
#: What was opened for writing was looked at then.
_OF_WRITABLE = frozenset(("os.truncate",))

_WRITING_MODE = frozenset("wax+")
_WRITING_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
#: What `dir_fd` is where none was given.
_NO_FOLDER = -1
#: Streamlit writes this at the start of a session where its usage statistics are on, which only a hosting service can do: the demo's
#: settings have them off.
_STREAMLITS = ("~/.streamlit", "~/.streamlit/machine_id_v4")


def install(*, store: Path) -> None:
    """From now on, for as long as this process lives. Nothing below `store` is written, wherever it lies."""
    temporary = os.path.realpath(tempfile.gettempdir())  # finding it writes into it
    allowed = _Allowed(temporary=temporary, store=os.path.realpath(store))
    checks: dict[str, Callable[[tuple[Any, ...]], None]] = dict.fromkeys(STARTS, _refuse_start)
    checks |= {event: allowed.check_change(event) for event in CHANGES}
    checks |= {event: allowed.check_make(place) for event, place in MAKES.items()}
    checks["open"] = allowed.check_open

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        check = checks.get(event)
        if check is not None:  # most events are none of these, and every one of the process comes by here
            check(arguments)

    sys.addaudithook(hook)
    # multiprocessing starts its processes, and helpers that nobody asked for, by this, below what is heard.
    _posixsubprocess.fork_exec = _refuse_fork


def _refuse_start(arguments: tuple[Any, ...]) -> NoReturn:
    raise PermissionError(errno.EPERM, "this demo starts no process")


def _refuse_fork(*arguments: Any) -> NoReturn:
    _refuse_start(arguments)


class _Allowed:
    """Where something may be written: below the temporary folder, but not in the store; both without links in their paths."""

    def __init__(self, *, temporary: str, store: str) -> None:
        self._temporary = temporary
        self._store = store
        self._others = frozenset((os.devnull, *map(os.path.expanduser, _STREAMLITS)))

    def check_open(self, arguments: tuple[Any, ...]) -> None:
        """Of `open` and `os.open`: path, mode or None, flags."""
        path, mode, flags = arguments[:3]
        if isinstance(mode, str):
            writes = not _WRITING_MODE.isdisjoint(mode)
        else:
            writes = bool((flags or 0) & _WRITING_FLAGS)
        if writes and not isinstance(path, int):  # a number is a file that is open already
            self._check(path, _NO_FOLDER)

    def check_change(self, event: str) -> Callable[[tuple[Any, ...]], None]:
        places = CHANGES[event]

        def check(arguments: tuple[Any, ...]) -> None:
            for path, folder in places:
                if not isinstance(arguments[path], int):
                    self._check(arguments[path], _NO_FOLDER if folder is None else arguments[folder])
                elif event not in _OF_WRITABLE:
                    self._check(_path_of(arguments[path]), _NO_FOLDER)

        return check

    def check_make(self, place: int) -> Callable[[tuple[Any, ...]], None]:
        def check(arguments: tuple[Any, ...]) -> None:
            # An address of the network is no text; a database in memory has a name of its own, and a socket without a file none.
            text = os.fsdecode(arguments[place]) if isinstance(arguments[place], str | bytes | os.PathLike) else ""
            if text != ":memory:" and not text.startswith("\0") and text:
                self._check(text, _NO_FOLDER)

        return check

    def _check(self, path: Any, folder: int) -> None:
        """Raises OSError (EROFS), as a read-only file system would."""
        text = os.fsdecode(path)
        if text in self._others:
            return
        # The name itself, which is what is removed or renamed, and what it leads to, which is what is written.
        above, name = os.path.split(_joined(text, folder))
        for whole in {os.path.join(os.path.realpath(above), name), os.path.realpath(os.path.join(above, name))}:
            if not _is_below(whole, self._temporary) or _is_below(whole, self._store):
                raise OSError(errno.EROFS, "this demo keeps nothing", text)


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _joined(path: str, folder: int) -> str:
    """The path from the root on; `folder` is what it is relative to, as an open file's number.

    `..` stays in it: behind a link it leads out of what the link leads to.
    """
    if os.path.isabs(path):
        return path
    return os.path.join(os.getcwd() if folder in (None, _NO_FOLDER) else _path_of(folder), path)


def _path_of(number: int) -> str:
    """Of an open file or folder; one that is refused where the system does not tell."""
    try:
        return os.readlink(f"/proc/self/fd/{number}")
    except OSError:
        import fcntl  # of macOS

        get_path = getattr(fcntl, "F_GETPATH", None)
        return os.sep if get_path is None else os.fsdecode(fcntl.fcntl(number, get_path, bytes(1024)).rstrip(b"\0"))
