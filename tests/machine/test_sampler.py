"""The sampler on readings made by hand; its thread sleeps through these tests, except where it is the subject."""

import json
import subprocess
import sys
import threading

import pytest

from core.machine.sampler import LoadSampler
from tests.machine.readings import FakeReader, reading

NEVER_S = 3600.0


def test_a_window_counts_from_begin_to_end():
    reader = FakeReader([
        reading(0.0),
        reading(5.0, busy_cpu_s=50.0),  # begin
        reading(6.0, busy_cpu_s=50.9, own_cpu_s=0.5),
        reading(7.0, busy_cpu_s=52.0, own_cpu_s=1.6),  # end
    ])  # fmt: skip
    with LoadSampler(reader=reader, interval_s=NEVER_S) as sampler:
        sampler.begin(42)
        sampler.sample()
        load = sampler.end()
    assert load.own_cores == pytest.approx(0.8)
    assert load.other_cores == pytest.approx(0.2)
    assert load.samples == 3
    assert reader.followed == [42, None]
    assert reader.closed


def test_two_runs_have_windows_of_their_own():
    reader = FakeReader([reading(float(at), busy_cpu_s=busy) for at, busy in enumerate([0, 1, 2, 2, 2])])
    with LoadSampler(reader=reader, interval_s=NEVER_S) as sampler:
        sampler.begin(1)
        first = sampler.end()
        sampler.begin(2)
        second = sampler.end()
    assert (first.other_cores, first.samples) == (1.0, 2)
    assert (second.other_cores, second.samples) == (0.0, 2)


def test_where_no_run_could_begin_the_window_is_the_whole_time():
    with LoadSampler(reader=FakeReader([reading(0.0), reading(2.0, busy_cpu_s=3.0)]), interval_s=NEVER_S) as sampler:
        load = sampler.end()
    assert (load.own_cores, load.other_cores) == (0.0, 1.5)


def test_samples_are_appended_to_the_file_and_the_last_is_at_hand(tmp_path):
    path = tmp_path / "samples.jsonl"
    for _ in range(2):
        reader = FakeReader([reading(0.0), reading(1.0, busy_cpu_s=1.0), reading(2.0, busy_cpu_s=1.5)])
        with LoadSampler(path, reader=reader, interval_s=NEVER_S) as sampler:
            assert sampler.latest() == {}
            sampler.sample()
            sampler.sample()
            latest = sampler.latest()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["other_cores"] for line in lines] == [1.0, 0.5, 1.0, 0.5]
    assert lines[-1] == latest
    assert latest["time_s"] > 1.7e9


def test_rates_do_not_span_a_change_of_what_is_followed():
    """Own time is counted from nought for each run: a difference across the change would be meaningless."""
    reader = FakeReader([reading(0.0), reading(1.0, own_cpu_s=9.0), reading(2.0, own_cpu_s=10.0, busy_cpu_s=1.0), reading(3.0), reading(4.0)])
    with LoadSampler(reader=reader, interval_s=NEVER_S) as sampler:
        sampler.begin(1)
        assert sampler.latest() == {}
        sampler.end()
        assert sampler.latest()["own_cores"] == 1.0
        sampler.sample()
        assert sampler.latest()["own_cores"] == 1.0
        sampler.sample()
        assert sampler.latest()["own_cores"] == 0.0


def test_the_thread_samples_by_itself_and_its_failure_is_raised_by_end():
    gone = threading.Event()

    class Breaking(FakeReader):
        def read(self):
            if threading.current_thread().name == "load-sampler":
                gone.set()
                raise OSError("no more counters")
            return super().read()

    with LoadSampler(reader=Breaking([reading(0.0), reading(1.0)]), interval_s=0.001) as sampler:
        assert gone.wait(30)
        sampler._thread.join(30)
        with pytest.raises(OSError, match="no more counters"):
            sampler.end()


def test_a_real_run_shorter_than_the_interval():
    burn = "import time\nwhile time.process_time() < 0.3: pass\n"
    with LoadSampler() as sampler:
        process = subprocess.Popen([sys.executable, "-S", "-c", burn])
        sampler.begin(process.pid)
        process.wait()
        load = sampler.end()
    assert load.samples >= 2
    assert 0 < load.own_cores <= 1.5
    assert load.memory_available_min_bytes
