"""Numbers, times and headings of tables for readers who are somewhere else."""

from __future__ import annotations

import pytest

from core.report import formats


@pytest.mark.parametrize(
    ("column", "expected"),
    [("step_ms", "step (ms)"), ("peak_memory_bytes", "peak memory (bytes)"), ("other_cores", "other (cores)"), ("ms", "ms"),
     ("op_class", "op class")],
)  # fmt: skip
def test_a_heading_has_its_unit_in_brackets(column: str, expected: str):
    assert formats.heading(column) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, "—"), (True, "yes"), (False, "no"), (1234567, "1,234,567"), (0.123456789, "0.123457"), (4.4e-07, "4.4e-07"), (12345678.9, "12,345,679"),
     ("<b>", "<b>")],
)  # fmt: skip
def test_a_cell_of_a_table(value: object, expected: str):
    assert formats.cell(value) == expected


def test_a_moment_is_the_same_for_every_reader():
    assert formats.universal_moment("2026-11-23T01:42:55+00:00") == "23 Nov 2026, 01:42 UTC"
    assert formats.universal_moment("2026-11-23T03:42:55+02:00") == "23 Nov 2026, 01:42 UTC"
    assert formats.universal_moment("yesterday") == "yesterday"


def test_a_long_time_says_no_zero():
    assert [formats.seconds(value) for value in (42, 60, 200, 3600, 3900)] == ["42.0 s", "1 min", "3 min 20 s", "1 h", "1 h 5 min"]
