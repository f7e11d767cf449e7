"""A small store as the demo shows one: written first, then looked at by a process that is hosted."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from core.model.claim import ClaimResult
from core.store.claims import ClaimStore
from core.store.comparisons import ComparisonStore
from core.store.home import traces_folder
from core.traces.cache import open_trace
from core.traces.library import TraceLibrary
from core.traces.read import find_profile
from tests.pages.test_claims import RESULT
from tests.pages.test_kernels import device_step, profiled
from tests.pages.test_sweeps import make


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What lies in the store."""

    comparison: str
    """Finished, with a profile of each side."""
    sweep: str
    trace: str
    """Digest of a recording in the library."""
    claim: ClaimResult


def write_store() -> Shown:
    """Into the home of this test; the profiles are decoded, so that no page has anything to write."""
    sweep = make(1.0, 2.0)
    store = ComparisonStore()
    comparison = profiled(store)
    one = store.load(comparison.id)
    for index, side in ((22, "a"), (23, "b")):
        open_trace(find_profile(one.run_folder(index, side) / "profile"), traces_folder())
    (traces_folder() / "known.json").unlink()
    trace = TraceLibrary(traces_folder()).upload("recorded.pt.trace.json", device_step())
    claim = replace(RESULT, environment={"cpu_model": "Example CPU", "usable_cores": 2, "gpus": [], "versions": {}})
    ClaimStore().save(claim)
    return Shown(comparison=comparison.id, sweep=sweep.id, trace=trace.digest, claim=claim)


def contents(folder: Path) -> dict[str, str]:
    """Digest of every file below a folder, and the folders themselves, by their place in it."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        for path in sorted(folder.rglob("*"))
    }
