"""Whole comparisons with real processes whose answer is known beforehand."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.bench.referee import Referee
from core.bench.start import make_spec
from core.model.comparison import ComparisonResult
from core.model.variant import parse_variant
from core.store.comparisons import ComparisonStore

pytestmark = [pytest.mark.slow, pytest.mark.alone]

#: Each step of this interpreter's PyTorch takes 15 % longer, by waiting busily as slow code does.
SLOWED = """
import time
from core.workloads.mnist_cnn import pytorch as workload
original = workload.train_step
def slowed(*arguments):
    began_ns = time.perf_counter_ns()
    value = original(*arguments)
    now_ns = time.perf_counter_ns()
    while time.perf_counter_ns() < now_ns + 0.15 * (now_ns - began_ns):
        pass
    return value
workload.train_step = slowed
"""
ATTEMPTS = 2
#: A difference of 15 % cannot be found where a variant differs from itself by about as much.
TOO_NOISY = 0.09


def compare(b: str) -> ComparisonResult:
    spec = make_spec("mnist_cnn", parse_variant("pytorch", threads=1), parse_variant(b, threads=1), profile=False)
    store = ComparisonStore()
    store.create(spec)
    return Referee(store, spec, lambda event: None, lambda: False).run()


def test_a_variant_against_itself_is_not_faster(home: Path):
    result = compare("pytorch")
    assert result.state == "finished"
    assert all(stage.passed for stage in result.parity)
    assert result.verdict != "faster"
    assert len(result.pairs) == 6
    assert len(result.noise_ratios) >= 6
    assert result.interval_95 is not None
    assert result.interval_95[0] == pytest.approx(min(pair.ratio for pair in result.pairs))
    assert result.ratio == pytest.approx(math.exp(np.median([math.log(pair.ratio) for pair in result.pairs])))


def test_a_side_slowed_by_15_percent_is_found_out(home: Path, fake_python: Callable[[str, str], str]):
    """Never the wrong side; and the right one, unless this machine is as noisy as the difference itself every time."""
    python = fake_python("python-slowed", SLOWED)
    spreads, blamed = [], []
    for _ in range(ATTEMPTS):
        result = compare(f"pytorch:python={python}")
        assert result.state == "finished"
        assert result.faster_side != "b"
        assert result.cpu_ratio is not None
        if result.verdict == "faster":
            assert result.faster_side == "a"
            return
        assert result.interval_95 is not None
        low, high = result.interval_95
        spreads.append(max(result.noise_floor or 0.0, high / low - 1))
        blamed.append(result.verdict == "not_comparable")
    clear = [spread for spread, machine in zip(spreads, blamed, strict=True) if spread < TOO_NOISY and not machine]
    if not clear:
        pytest.skip("this machine's times spread by " + ", ".join(f"{spread:.0%}" for spread in spreads) + ": rerun on a quieter one")
    pytest.fail(f"15 % was not found with spreads of {spreads}")
