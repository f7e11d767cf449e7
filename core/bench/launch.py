"""Starting one worker process, listening to it, and making sure that it ends."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from core.machine.interpreter import PROJECT, interpreter, worker_environment
from core.model.run import RunError, RunSpec
from core.store.files import read_events, tail, write_json
from core.worker.failure import EXIT_DISK_FULL

_POLL_S = 0.1
_TERMINATE_GRACE_S = 1.0
#: A worker that prints more than this is not working.
_MAX_LOG_BYTES = 50_000_000


@dataclass(frozen=True, kw_only=True)
class Limits:
    """When a worker is ended."""

    total_s: float
    silence_s: float


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a worker process ended."""

    events: list[dict[str, Any]]
    wall_s: float
    cancelled: bool = False
    error: RunError | None = None


def run_worker(
    spec: RunSpec,
    limits: Limits,
    *,
    cancelled: Callable[[], bool],
    on_start: Callable[[int], None] = lambda pid: None,
) -> Outcome:
    """Run one worker to its end, whatever that is; on return no process of it is left.

    `on_start` gets the process id. Raises OSError where the run's folder cannot be written.
    """
    folder = Path(spec.folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "spec.json", asdict(spec))
    command = [interpreter(spec.variant), "-m", "core.worker", str(folder)]
    return run_process(command, folder=folder, variables=worker_environment(spec), limits=limits, cancelled=cancelled, on_start=on_start)


def run_process(
    command: list[str],
    *,
    folder: Path,
    variables: dict[str, str],
    limits: Limits,
    cancelled: Callable[[], bool],
    on_start: Callable[[int], None] = lambda pid: None,
    on_event: Callable[[dict[str, Any]], None] = lambda event: None,
) -> Outcome:
    """Run a process that writes `events.jsonl` into `folder` to its end; what it prints goes to `log.txt` there.

    `variables`: its whole environment. `on_event` hears its events as they come. On return nothing that it started is left.
    Raises OSError where the folder cannot be written.
    """
    began = time.monotonic()
    with (folder / "log.txt").open("wb") as log:
        try:
            process = subprocess.Popen(
                command, cwd=PROJECT, env=variables, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            message = f"The interpreter {command[0]} cannot be started ({error.strerror}); check the path."
            return Outcome(events=[], wall_s=0.0, error=RunError(kind="interpreter", message=message))
    try:
        on_start(process.pid)
        watch = _watch(process, folder, limits, began, cancelled, on_event)
    finally:
        _end(process)
    wall_s = time.monotonic() - began
    events, _ = read_events(folder / "events.jsonl")
    if watch == "cancelled":
        return Outcome(events=events, wall_s=wall_s, cancelled=True)
    return Outcome(events=events, wall_s=wall_s, error=_error(watch, process.returncode, events, limits, folder))


def _watch(
    process: subprocess.Popen[bytes], folder: Path, limits: Limits, began: float, cancelled: Callable[[], bool],
    on_event: Callable[[dict[str, Any]], None],
) -> str:
    """Wait for the end; returns `exited` or why the process must be ended."""
    offset = 0
    last_word = began
    while process.poll() is None:
        time.sleep(_POLL_S)
        events, offset = read_events(folder / "events.jsonl", offset)
        now = time.monotonic()
        if events:
            last_word = now
            for event in events:
                on_event(event)
        if any(event["event"] == "garbage" for event in events) or (folder / "log.txt").stat().st_size > _MAX_LOG_BYTES:
            return "protocol"
        if cancelled():
            return "cancelled"
        if now - began > limits.total_s:
            return "time_limit"
        if now - last_word > limits.silence_s:
            return "hung"
    for event in read_events(folder / "events.jsonl", offset)[0]:
        on_event(event)
    return "exited"


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and everything it started, kindly first."""
    family = [process.pid]
    with contextlib.suppress(psutil.Error):
        family += [child.pid for child in psutil.Process(process.pid).children(recursive=True)]
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_TERMINATE_GRACE_S)
    # The group may outlive its leader, and a child may have left the group.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    for pid in family[1:]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def _error(watch: str, exit_code: int, events: list[dict[str, Any]], limits: Limits, folder: Path) -> RunError | None:
    log_tail = tail(folder / "log.txt")
    last = events[-1] if events else {"event": "nothing"}
    phases = [str(event.get("name")) for event in events if event["event"] == "phase_begin"]
    where = f" in phase '{phases[-1]}'" if phases else " before its first event"

    def error(kind: str, message: str) -> RunError:
        return RunError(kind=kind, message=message, exit_code=exit_code, log_tail=log_tail)

    if watch == "time_limit":
        return error("time_limit", f"The run was ended{where} after its limit of {limits.total_s:.0f} s; take a smaller preset or batch.")
    if watch == "hung":
        return error("hung", f"The run said nothing for {limits.silence_s:.0f} s{where} and was ended; see the log for what it waited for.")
    garbage = next((event for event in events if event["event"] == "garbage"), None)
    if watch == "protocol" or garbage:
        what = f"wrote a line that is no event ({str((garbage or {}).get('text'))[:60]!r})" if garbage else "printed more than 50 MB"
        return error("protocol", f"The run {what}{where}; check which program its interpreter really is.")
    if last["event"] == "failed":
        return error(str(last.get("kind", "error")), str(last.get("message", "the worker gave no reason")))
    if exit_code == EXIT_DISK_FULL:
        return error("disk_full", "The disk filled up while the run was writing; free some space and run the comparison again.")
    if exit_code < 0:
        name = signal.Signals(-exit_code).name if -exit_code in set(signal.Signals) else f"signal {-exit_code}"
        hint = "; the kernel does this when memory runs out: take a smaller batch or close other programs" if exit_code == -9 else ""
        return error("killed", f"The run was killed by {name}{where}{hint}.")
    if exit_code != 0:
        return error("crashed", f"The run ended with exit code {exit_code}{where}; the last lines of its log say why.")
    if last["event"] != "finished":
        return error("protocol", f"The run ended{where} without a result; check which program its interpreter really is.")
    return None
