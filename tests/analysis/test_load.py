"""The machine's load while a comparison ran, and its runs on the same clock."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from core.analysis.load import load_over_time, run_spans, seconds_since_1970
from core.store.comparisons import ComparisonStore
from core.store.files import read_events
from tests.pages import samples


def test_load_is_averaged_over_equal_stretches():
    every = [{"time_s": 100.0 + i, "own_cores": float(i % 2), "other_cores": 0.5, "steal_cores": 0.0} for i in range(100)]
    load = load_over_time(every, marks=10)
    own = load.filter(pl.col("who") == "this run")
    assert len(own) == 11
    assert own["cores"].head(9).to_list() == pytest.approx([0.5] * 9, abs=0.1)
    assert load["seconds"].min() == 0.0
    assert load_over_time([]).is_empty()


def test_runs_lie_on_the_clock_of_the_samples(tmp_path: Path):
    store = ComparisonStore(tmp_path)
    spec = samples.new(store)
    events = read_events(samples.begin(store, spec) / "events.jsonl")[0]
    spans = run_spans(events, seconds_since_1970(spec.created) - 7.0)
    assert spans.rows() == [(0, "pair", "a", 7.0, 7.0), (1, "pair", "b", 7.0, 7.0)]
