"""How often the verdict errs, with noise that was measured: a variant against itself, and against one that is 10 % slower."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from core.bench.simulation import simulate_verdicts
from core.model.comparison import PRESETS, VERDICTS
from core.store.comparisons import ComparisonStore

NOISE_PATH = Path(__file__).parent / "noise.json"
COMPARISONS = 1000
TRUE_RATIOS = (1.0, 1.1)
MIN_RATIOS = 12


@dataclass(frozen=True, kw_only=True)
class Noise:
    """Log ratios of a variant against itself, and where they were measured."""

    where: str
    self_log_ratios: np.ndarray


def recorded_noise() -> Noise:
    """The noise that comes with the project."""
    raw = json.loads(NOISE_PATH.read_text(encoding="utf-8"))
    return Noise(where=raw["where"], self_log_ratios=np.log(np.array(raw["self_ratios"])))


def own_noise() -> Noise | None:
    """The noise of this machine, from the comparisons in its store; None where there are too few."""
    results = [one.result for one in ComparisonStore().all() if one.result is not None]
    ratios = [ratio for result in results for ratio in result.noise_ratios]
    if len(ratios) < MIN_RATIOS:
        return None
    return Noise(where=f"this machine, {len(ratios)} pairs in its store", self_log_ratios=np.log(np.array(ratios)))


def report(console: Console) -> None:
    """Print the shares of verdicts, in percent of the simulated comparisons."""
    for noise in filter(None, (recorded_noise(), own_noise())):
        spread = math.expm1(float(np.std(noise.self_log_ratios)))
        console.print(
            f"{COMPARISONS:,} simulated comparisons a row; noise of {noise.where}: {spread:.1%} standard deviation of a pair"
        )
        table = Table("preset", "truth")
        for name in ("faster", "no difference", "measurable", "cannot tell", "wrong side"):
            table.add_column(name, justify="right")
        for preset in (PRESETS["quick"], PRESETS["standard"]):
            for true_ratio in TRUE_RATIOS:
                counts = simulate_verdicts(
                    noise.self_log_ratios, true_ratio=true_ratio, pairs=preset.pairs, self_pairs=preset.noise_pairs + preset.pairs // 2,
                    threshold=0.05, comparisons=COMPARISONS, seed=1,
                )  # fmt: skip
                shares = [f"{counts[name] / COMPARISONS:.1%}" for name in (*VERDICTS[:-1], "wrong")]
                table.add_row(preset.name, "equal" if true_ratio == 1 else f"{true_ratio - 1:.0%} slower", *shares)
        console.print(table)
