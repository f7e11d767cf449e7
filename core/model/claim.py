"""A claim of the article, and what testing it on this machine gave."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from core.model.run import SCHEMA_VERSION

CLAIM_VERDICTS = ("holds", "does_not_hold", "cannot_tell", "needs_gpu", "not_measurable", "open")
CLAIM_VERDICT_LABELS = {
    "holds": "holds here",
    "does_not_hold": "does not hold here",
    "cannot_tell": "cannot tell",
    "needs_gpu": "needs an NVIDIA GPU",
    "not_measurable": "not measurable",
    "open": "not tested yet",
}


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One row of the claims page, the same on every machine."""

    id: str
    says: str
    """The article's statement, in its sense."""
    known: str
    """What is known today."""
    source: str
    """Where that is known from: a page, a paper, a package's metadata, or `measured by this project` with the machine."""
    as_of: str
    """Date of `known`, ISO 8601."""
    experiment: str
    """What is done here to test it, in one line."""
    needs_gpu: bool = False
    """Nothing of it can be said without an NVIDIA GPU."""
    measurable: bool = True
    """False: an opinion, a habit or a price; there is nothing to run."""
    estimate_s: float = 0.0
    """About how long its experiment takes on two CPU cores."""

    @property
    def command(self) -> str:
        """What tests it, here or on a machine that can."""
        return f"python -m core claims run {self.id}"


@dataclass(frozen=True, kw_only=True)
class ClaimResult:
    """What an experiment found; a result exists only if something was measured, or if it is said why nothing could be."""

    schema: int = SCHEMA_VERSION
    id: str
    verdict: str
    """One of `CLAIM_VERDICTS` except `open`."""
    reason: str
    """The verdict in one or two sentences with its numbers and units."""
    tested: str = ""
    """ISO 8601, UTC."""
    duration_s: float | None = None
    comparisons: tuple[str, ...] = ()
    """Ids of the comparisons behind it."""
    rows: tuple[dict[str, Any], ...] = ()
    """The evidence as a table: values by column name, units in the names; the same columns in each row."""
    interval: tuple[float, float] | None = None
    """95 % interval of `estimate`, where there is one."""
    estimate: float | None = None
    estimate_is: str = ""
    """What `estimate` is, e.g. `time of TensorFlow over time of PyTorch`."""
    log_tail: tuple[str, ...] = ()
    environment: dict[str, Any] = field(default_factory=dict)
    """CPU model, usable cores, GPU names, and versions of what was tested."""
