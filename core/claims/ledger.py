"""Each claim with what testing it on this machine gave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.claims.catalogue import CLAIMS
from core.model.claim import Claim, ClaimResult
from core.store.claims import ClaimStore, StoredClaim


@dataclass(frozen=True, kw_only=True)
class LedgerRow:
    """One line of the claims page."""

    claim: Claim
    stored: StoredClaim

    @property
    def result(self) -> ClaimResult | None:
        return self.stored.result

    @property
    def verdict(self) -> str:
        """One of `core.model.claim.CLAIM_VERDICTS`; `open` where there is no result and there could be one."""
        if self.result is not None:
            return self.result.verdict
        return "open" if self.claim.measurable else "not_measurable"

    @property
    def reason(self) -> str:
        """The result's; without one, why there is none."""
        if self.result is not None:
            return self.result.reason
        if self.stored.failure is not None:
            return f"The last attempt gave no result: {self.stored.failure.reason}"
        if not self.claim.measurable:
            return f"{self.claim.known} ({self.claim.source}, {self.claim.as_of})"
        return self.stored.problem or f"Not tested on this machine yet; run '{self.claim.command}'."

    @property
    def comparison(self) -> str | None:
        """Id of the comparison behind it, the last where there are several: that is the fairest."""
        return self.result.comparisons[-1] if self.result and self.result.comparisons else None

    def as_json(self) -> dict[str, Any]:
        """As `claims list --json` and `claims run --json` print it."""
        claim, result = self.claim, self.result
        return {
            "id": claim.id, "verdict": self.verdict, "reason": self.reason, "comparison": self.comparison,
            "says": claim.says, "known": claim.known, "source": claim.source, "as_of": claim.as_of, "experiment": claim.experiment,
            "command": claim.command, "needs_gpu": claim.needs_gpu, "measurable": claim.measurable, "estimate_s": claim.estimate_s,
            "estimate": result.estimate if result else None, "estimate_is": result.estimate_is if result else None,
            "interval": result.interval if result else None, "comparisons": result.comparisons if result else (),
            "rows": result.rows if result else (), "tested": result.tested if result else None,
            "duration_s": result.duration_s if result else None, "failure": self.stored.failure.reason if self.stored.failure else None,
        }  # fmt: skip


def ledger(store: ClaimStore, ids: Sequence[str] | None = None) -> list[LedgerRow]:
    """Every claim, or those of these ids, in the catalogue's order."""
    return [LedgerRow(claim=claim, stored=store.load(claim.id)) for claim in CLAIMS if ids is None or claim.id in ids]
