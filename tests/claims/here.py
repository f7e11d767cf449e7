"""A context for experiments that really run, on the CPU with one thread."""

from __future__ import annotations

from pathlib import Path

from core.claims.experiment import Context
from core.machine.facts import machine_facts
from core.store.comparisons import ComparisonStore


def context(folder: Path) -> Context:
    """`folder` holds the experiment's own files and an empty store."""
    return Context(
        store=ComparisonStore(folder / "home"), folder=folder, machine=machine_facts(), threads=1, device="cpu", say=lambda words: None,
        cancelled=lambda: False,
    )  # fmt: skip
