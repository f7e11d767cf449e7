"""Graphs and batches of varying length."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.claims.experiments.processes import Processes
from core.claims.experiments.varying_lengths import judge_dynamic
from tests.claims.here import context

NOISE = (0.99, 1.0, 1.01, 1.0, 0.995, 1.005)


def runs(**total_s: float) -> dict[str, list[list[dict[str, Any]]]]:
    """Six processes: eager execution takes a second for all batches, the others what is said."""
    modes = {"eager": 1.0, **total_s}

    def rows(noise: float) -> list[dict[str, Any]]:
        return [
            {"mode": mode, "total_s": time * (1.0 if mode == "eager" else noise), "again_s": 0.5, "graphs": 0 if mode == "eager" else 29}
            for mode, time in modes.items()
        ]

    return {"tensorflow": [rows(noise) for noise in NOISE]}


@pytest.mark.parametrize(
    ("total_s", "verdict"),
    [({"graph": 5.0}, "holds"), ({"graph": 5.0, "graph, any length": 0.4}, "does_not_hold"), ({"graph": 1.0}, "cannot_tell")],
)
def test_eager_execution_wins_only_against_every_graph(total_s: dict[str, float], verdict: str):
    assert judge_dynamic(runs(**total_s), where="here").verdict == verdict


def test_what_was_tried_in_one_process_alone_gets_no_interval_and_no_say():
    measured = runs(graph=5.0)
    measured["tensorflow"][0].append({"mode": "compile", "total_s": 0.1, "again_s": 0.5, "graphs": 2})
    result = judge_dynamic(measured, where="here")
    assert result.verdict == "holds"
    row = next(row for row in result.rows if row["mode"] == "torch.compile")
    assert (row["processes"], row["low"]) == (1, None)
    assert "TensorFlow tf.function 5.00 [4.95, 5.05]; 29 graphs" in result.reason.replace("(", "").replace(")", "")


@pytest.mark.slow
def test_a_graph_for_each_length_or_one_for_all(tmp_path: Path):
    settings = {"seed": 1, "batches": 6, "shortest": 3, "longest": 5, "batch_size": 2}
    modes = ["eager", "graph", "graph, any length"]
    rows = Processes(context(tmp_path), limit_s=180).run("varying_lengths", "tensorflow", {**settings, "modes": modes})["rows"]
    assert [row["graphs"] for row in rows] == [0, 3, 1]
    assert [row["loss"] for row in rows] == pytest.approx([rows[0]["loss"]] * 3, rel=1e-4)
