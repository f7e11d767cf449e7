"""What every experiment gets and gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from core.model.claim import ClaimResult
from core.store.comparisons import ComparisonStore


@dataclass(frozen=True, kw_only=True)
class Context:
    """The machine that an experiment runs on, and who listens."""

    store: ComparisonStore
    folder: Path
    """The experiment's own, empty at first; what it leaves there is kept."""
    machine: dict[str, Any]
    """As `core.machine.facts.machine_facts` gives it."""
    threads: int
    device: str
    """`gpu` where an NVIDIA GPU is visible, else `cpu`."""
    say: Callable[[str], None]
    """Progress in words."""
    cancelled: Callable[[], bool]
    not_before: str = ""
    """ISO 8601: no comparison made before this is taken up in place of a new one; empty: any of this machine and these versions is."""


class Experiment(Protocol):
    """Tests one claim. Raises `core.machine.queue.Cancelled` when asked to stop, ShowdownError where it cannot be done here."""

    def __call__(self, context: Context) -> ClaimResult: ...
