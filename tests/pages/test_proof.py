"""The proof on the Models page: a gate that fails says what most likely makes the difference."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from core.store.comparisons import ComparisonStore
from core.store.files import write_json
from tests.pages import samples
from tests.pages.apps import open_page, words


def test_the_likely_cause_stands_beside_the_failed_gate(home: Path):
    store = ComparisonStore()
    spec = samples.new(store)
    samples.fail_parity(store, spec)
    said = "All gradients are 64 times as large in PyTorch: the loss is scaled there (sum against mean?)."
    stages = tuple(replace(stage, cause=said) if stage.stage == "gradients" else stage for stage in samples.parity(failing="gradients"))
    write_json(store.folder(spec.id) / "parity.json", {"schema": 1, "stages": stages, "layers": {"a": [], "b": []}})
    assert f"**Likely cause (gradients):** {said}" in words(open_page("models"))
