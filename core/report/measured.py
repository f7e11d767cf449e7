"""A stored comparison as what two of them are held against each other by."""

from __future__ import annotations

from core.analysis.baseline import Measured
from core.store.comparisons import StoredComparison
from core.store.files import StoreError


def measured(one: StoredComparison) -> Measured:
    """Raises StoreError for one that has not ended, or that cannot be read."""
    if one.spec is None or one.result is None:
        raise StoreError(one.problem or f"Comparison {one.id} is {one.state}; only one that has ended can be held against another.")
    return Measured(spec=one.spec, result=one.result, environment=one.environment())
