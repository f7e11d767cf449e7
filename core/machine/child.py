"""Running a framework's interpreter as a child process that can neither hang nor take anything down with it."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from core.machine.interpreter import PROJECT
from core.model.errors import ShowdownError
from core.model.hosted import refuse_if_hosted
from core.store.files import tail


class InterpreterError(ShowdownError):
    """An interpreter that cannot be started."""


@dataclass(frozen=True, kw_only=True)
class ChildEnd:
    """How a child process ended."""

    exit_code: int | None
    """Negative: the signal that ended it. None: it was ended here, because its time was over."""
    log_tail: tuple[str, ...]
    """The last lines that it printed."""


def run_child(command: list[str], *, limit_s: float, variables: dict[str, str] | None = None) -> ChildEnd:
    """Run a command from the project's root and wait; after `limit_s` it is killed. Nothing that it started stays behind.

    Raises InterpreterError where it cannot be started, HostedError in the demo.
    """
    refuse_if_hosted("a framework")
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", "KERAS_BACKEND": "tensorflow", **(variables or {})}
    with tempfile.TemporaryDirectory() as folder:
        log_path = Path(folder) / "log.txt"
        with log_path.open("wb") as log:
            try:
                process = subprocess.Popen(command, cwd=PROJECT, env=environment, stdin=subprocess.DEVNULL, stdout=log,
                                           stderr=subprocess.STDOUT, start_new_session=True)  # fmt: skip
            except OSError as error:
                raise InterpreterError(f"{command[0]} cannot be started: {error.strerror or error}.") from error
            exit_code: int | None = None
            try:
                exit_code = process.wait(limit_s)
            except subprocess.TimeoutExpired:
                pass  # told by the missing exit code
            finally:
                _end_group(process)
        return ChildEnd(exit_code=exit_code, log_tail=tail(log_path, 12))


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End a child and its descendants, which share its process group; those of a child that ended by itself too."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # nothing is left of it
    process.wait()
