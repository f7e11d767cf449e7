"""The ledger of claims as tables."""

from __future__ import annotations

from typing import Any

from core.analysis.claims import evidence_intervals, evidence_table, verdict_counts


def test_verdicts_are_counted_in_a_fixed_order():
    counts = verdict_counts(["open", "holds", "cannot_tell", "holds"])
    assert counts.rows() == [("holds here", 2), ("cannot tell", 1), ("not tested yet", 1)]


def test_evidence_with_intervals_can_be_drawn_and_the_rest_is_left_to_the_table():
    rows: list[dict[str, Any]] = [
        {"what": "mlp", "ratio": 1.2, "low": 1.1, "high": 1.3},
        {"what": "resnet50", "ratio": None, "low": None, "high": None},
        {"knob": "metrics", "ratio": 2, "low": 1, "high": 3},
        {"what": "A", "mean_percent": 98.0, "low_percent": 97.0, "high_percent": 99.0},
    ]
    assert evidence_intervals(rows).rows() == [("mlp", 1.2, 1.1, 1.3, "ratio"), ("metrics", 2.0, 1.0, 3.0, "ratio"),
                                               ("A", 98.0, 97.0, 99.0, "mean_percent")]  # fmt: skip
    cells = [{"operator": "softmax", "shape": "8 x 8", "pytorch_ms": 1.0, "ratio": 1.1, "low": 1.0, "high": 1.2, "note": "x"}]
    assert evidence_intervals(cells)["what"].to_list() == ["softmax · 8 x 8"]
    assert evidence_intervals([{"format": "onnx", "size_bytes": 3}]).is_empty()


def test_evidence_of_mixed_values_is_a_table_all_the_same():
    table = evidence_table([{"what": "a", "sizes": [1, 2], "ratio": 1}, {"what": "b", "sizes": None, "ratio": 1.5}])
    assert table["sizes"].to_list() == ["[1, 2]", None]
    assert table["ratio"].to_list() == [1.0, 1.5]
