"""A finding: what a setup check saw, why it matters and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass

#: From best to worst. `unknown`: the probe could not tell; it never counts as good.
STATUSES = ("ok", "note", "unknown", "warning", "problem")


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One setup check."""

    id: str
    """Stable, e.g. `cpu.governor`."""
    area: str
    """`machine`, `cpu`, `gpu`, `tensorflow`, `pytorch`, `profiler` or `deep`."""
    title: str
    status: str
    """One of `STATUSES`."""
    seen: str
    """What was measured, with its unit."""
    why: str
    """Why it matters to a measurement."""
    remedy: str = ""
    """The exact thing to do; empty where there is nothing to do."""
    harms_timing: bool = False
    """True: numbers from this machine cannot be trusted while this stands."""
