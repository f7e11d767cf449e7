"""Every checkable statement of the article, in the order of the claims page."""

from __future__ import annotations

from core.claims.statements.deployment import DEPLOYMENT
from core.claims.statements.practice import PRACTICE
from core.claims.statements.setup import SETUP
from core.claims.statements.training import TRAINING
from core.model.claim import Claim
from core.model.errors import ShowdownError

CLAIMS: tuple[Claim, ...] = (*SETUP, *TRAINING, *PRACTICE, *DEPLOYMENT)
_BY_ID = {claim.id: claim for claim in CLAIMS}


class UnknownClaim(ShowdownError):
    """An id that no claim has."""


def find_claim(id: str) -> Claim:
    """Raises UnknownClaim."""
    if id not in _BY_ID:
        raise UnknownClaim(f"There is no claim '{id[:60]}'; 'python -m core claims' lists them.")
    return _BY_ID[id]
