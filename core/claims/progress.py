"""How far a run of several claims is, read from what it has written down; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, kw_only=True)
class RunProgress:
    """A run of claims at one moment."""

    state: str
    """`running`, `finished`, `stopped`, or `interrupted` where its process ended without a word."""
    ids: tuple[str, ...] = ()
    """All claims of the run, in order."""
    done: dict[str, str] = field(default_factory=dict)
    """Verdict by claim, of those that are over; `open` where the experiment failed."""
    current: str | None = None
    words: str = ""
    """What the current one does."""
    elapsed_s: float = 0.0
    remaining_s: float = 0.0
    """By the estimates; at least nothing."""

    @property
    def fraction(self) -> float:
        """Of the time, 0 to 1."""
        whole = self.elapsed_s + self.remaining_s
        return min(self.elapsed_s / whole, 1.0) if whole else 0.0


def run_progress(events: Sequence[Mapping[str, Any]], *, alive: bool, now: datetime) -> RunProgress | None:
    """None where no run has been begun. `alive`: is its process still there?"""
    planned = next((event for event in events if event["event"] == "plan"), None)
    if planned is None:
        return None
    estimates = dict(zip(planned["ids"], planned["estimates_s"], strict=True))
    begins = {event["id"]: event for event in events if event["event"] == "claim_begin"}
    done = {event["id"]: event["verdict"] for event in events if event["event"] == "claim_end"}
    end = next((event for event in events if event["event"] == "end"), None)
    current = next((id for id in begins if id not in done), None) if end is None else None
    words = next((event["text"] for event in reversed(events) if event["event"] == "words" and event["id"] == current), "")
    until = _moment(end) if end is not None else now if alive else _moment(events[-1])
    remaining_s = sum(estimates[id] for id in estimates if id not in done and id != current)
    if current is not None:
        remaining_s += max(0.0, estimates[current] - (until - _moment(begins[current])).total_seconds())
    return RunProgress(
        state=end["state"] if end is not None else "running" if alive else "interrupted", ids=tuple(estimates), done=done, current=current,
        words=words, elapsed_s=max(0.0, (until - _moment(planned)).total_seconds()), remaining_s=remaining_s if end is None else 0.0,
    )  # fmt: skip


def _moment(event: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(event["time"])
