"""One at a time: who holds the machine, and what those who wait are told."""

from pathlib import Path

import pytest

from core.machine.gpu import Nvml
from core.machine.probes.deep import check_deep
from core.machine.queue import Cancelled, machine_lock


def test_a_second_one_is_told_who_holds_it_and_may_give_up(home: Path):
    told: list[str] = []
    with machine_lock("20261123-014255-a1b2c3", waiting=told.append, cancelled=lambda: False):
        assert told == []
        with pytest.raises(Cancelled), machine_lock("other", waiting=told.append, cancelled=lambda: True):
            raise AssertionError("two at once")
    assert told == ["20261123-014255-a1b2c3"]
    with machine_lock("other", waiting=told.append, cancelled=lambda: False):
        assert len(told) == 1


def test_what_others_write_into_the_temporary_folder_is_not_passed_on(home: Path):
    told: list[str] = []
    with (
        machine_lock("![](http://example.org/x)", waiting=told.append, cancelled=lambda: False),
        pytest.raises(Cancelled),
        machine_lock("b", waiting=told.append, cancelled=lambda: True),
    ):
        raise AssertionError("two at once")
    assert told == ["another comparison"]


def test_the_deep_check_does_not_disturb_a_comparison(home: Path):
    with machine_lock("20261123-014255-a1b2c3", waiting=lambda id: None, cancelled=lambda: False):
        [finding] = check_deep("pytorch", [], Nvml())
    assert finding.status == "unknown"
    assert "comparison 20261123-014255-a1b2c3 uses this machine" in finding.seen
