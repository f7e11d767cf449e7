"""Running one experiment of `core.worker.experiments` in a fresh process, and getting its result."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.bench.launch import Limits, run_process
from core.machine.interpreter import framework_python, process_environment
from core.machine.queue import Cancelled
from core.model.errors import ShowdownError
from core.store.files import StoreError, read_json, write_json

#: An experiment that says nothing for so long is waiting for something that does not come; compiling can take minutes.
SILENCE_LIMIT_S = 600.0


class ExperimentFailed(ShowdownError):
    """An experiment that gave no result: a `kind` as of `core.model.run.RunError`, one sentence, the end of its log."""

    def __init__(self, kind: str, message: str, log_tail: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.log_tail = log_tail


def run_experiment(
    name: str,
    framework: str,
    settings: dict[str, Any],
    *,
    folder: Path,
    threads: int,
    device: str,
    python: str = "",
    limit_s: float,
    say: Callable[[str], None],
    cancelled: Callable[[], bool],
) -> dict[str, Any]:
    """What `core.worker.experiments.<name>.<framework>.run` returns for `settings`, with `threads` and `device` added to them.

    `folder`: made where it is missing, one for each call; settings, events, log and result stay there. `python`: an interpreter;
    empty: the framework's configured one. `say` hears the experiment's progress. Numbers that JSON does not have come back as None.
    Raises ExperimentFailed, Cancelled, and OSError where the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "settings.json", {**settings, "threads": threads, "device": device})

    def hear(event: dict[str, Any]) -> None:
        if event["event"] == "progress":
            say(str(event.get("words")))

    outcome = run_process(
        [python or framework_python(framework), "-m", "core.worker.experiment", name, framework, str(folder.resolve())],
        folder=folder, variables=process_environment(threads=threads, device=device),
        limits=Limits(total_s=limit_s, silence_s=min(limit_s, SILENCE_LIMIT_S)), cancelled=cancelled, on_event=hear,
    )  # fmt: skip
    if outcome.cancelled:
        raise Cancelled
    if outcome.error is not None:
        raise ExperimentFailed(outcome.error.kind, outcome.error.message, outcome.error.log_tail)
    try:
        return read_json(folder / "result.json", dict[str, Any])
    except (FileNotFoundError, StoreError) as error:
        raise ExperimentFailed("protocol", f"The experiment {name} ended without a result that can be read; see {folder / 'log.txt'}.") from error
