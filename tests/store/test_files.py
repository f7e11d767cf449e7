"""Files that are written whole and read back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.store.files import write_json


def test_a_number_of_numpy_is_written_as_the_number_it_is(tmp_path: Path):
    write_json(tmp_path / "a.json", {"median": np.float64(1.5), "count": np.int64(3), "ends": (np.float32(0.25), 2.0), "none": float("nan")})
    assert json.loads((tmp_path / "a.json").read_bytes()) == {"median": 1.5, "count": 3, "ends": [0.25, 2.0], "none": None}


def test_what_json_has_no_word_for_is_refused_and_leaves_no_file(tmp_path: Path):
    with pytest.raises(TypeError, match="object cannot be written as JSON"):
        write_json(tmp_path / "a.json", object())
    assert list(tmp_path.iterdir()) == []
