"""From counters to means: hand-made readings with hand-computed answers, and one look at this machine."""

import os

import pytest

from core.machine.load import MachineReader, live_sample, load_between
from tests.machine.readings import gpu_reading, reading


def test_means_come_from_the_counters_at_the_ends():
    load = load_between([
        reading(10.0, busy_cpu_s=100.0, own_cpu_s=5.0, steal_cpu_s=1.0, memory_available_bytes=900),
        reading(10.1, busy_cpu_s=190.0, own_cpu_s=6.0, steal_cpu_s=1.0, memory_available_bytes=300),  # in between: gauges only
        reading(14.0, busy_cpu_s=106.0, own_cpu_s=9.0, steal_cpu_s=1.4, memory_available_bytes=800),
    ])  # fmt: skip
    assert load.own_cores == pytest.approx(1.0)
    assert load.other_cores == pytest.approx(0.5)
    assert load.steal_cores == pytest.approx(0.1)
    assert (load.samples, load.memory_available_min_bytes) == (3, 300)
    assert (load.gpu_throttle_reasons, load.gpu_temperature_max_c, load.gpu_energy_j, load.gpu_other_process_bytes) == ((), None, None, None)


def test_rounding_of_the_counters_never_makes_others_negative():
    load = load_between([reading(0.0), reading(0.05, busy_cpu_s=0.04, own_cpu_s=0.05)])
    assert load.other_cores == 0.0


def test_a_window_without_length_has_no_load():
    load = load_between([reading(1.0), reading(1.0, busy_cpu_s=1.0)])
    assert (load.own_cores, load.other_cores, load.steal_cores) == (0.0, 0.0, 0.0)


def test_gpu_power_is_energy_over_time():
    load = load_between([
        reading(0.0, gpu=gpu_reading(energy_j=1000.0, power_w=80.0)),
        reading(2.0, gpu=gpu_reading(energy_j=1900.0, power_w=999.0)),
    ])  # fmt: skip
    assert (load.gpu_energy_j, load.gpu_power_mean_w) == (900.0, 450.0)


def test_gpu_power_without_a_counter_is_the_mean_of_the_readings():
    load = load_between([reading(t, gpu=gpu_reading(energy_j=None, power_w=w)) for t, w in [(0.0, 100.0), (1.0, 300.0)]])
    assert (load.gpu_energy_j, load.gpu_power_mean_w) == (None, 200.0)


def test_gpu_gauges_over_the_window():
    load = load_between([
        reading(0.0, gpu=gpu_reading(utilisation_percent=90, sm_clock_mhz=1900, temperature_c=50)),  # utilisation of the time before
        reading(1.0, gpu=gpu_reading(utilisation_percent=0, sm_clock_mhz=345, temperature_c=45)),  # idle: its clock says nothing
        reading(2.0, gpu=gpu_reading(utilisation_percent=60, sm_clock_mhz=1500, temperature_c=70, harmful_reasons=("hardware slowdown",),
                                     noted_reasons=("software power cap",))),
    ])  # fmt: skip
    assert load.gpu_utilisation_mean_percent == 30
    assert load.gpu_sm_clock_min_mhz == 1500
    assert load.gpu_temperature_max_c == 70
    assert load.gpu_throttle_reasons == ("hardware slowdown",)


def test_gpu_memory_of_others_leaves_the_run_out():
    gpu = gpu_reading(process_bytes={7: 100, 8: 20, 9: 3})
    before, after = reading(0.0, gpu=gpu, own_pids=frozenset({7})), reading(1.0, gpu=gpu, own_pids=frozenset({7, 8}))
    assert load_between([before, after]).gpu_other_process_bytes == 23
    hidden = gpu_reading(process_bytes=None)
    assert load_between([reading(0.0, gpu=hidden), reading(1.0, gpu=hidden)]).gpu_other_process_bytes is None


def test_a_live_sample_holds_only_what_there_is():
    sample = live_sample(reading(0.0), reading(2.0, busy_cpu_s=3.0, own_cpu_s=2.0))
    assert sample == {"own_cores": 1.0, "other_cores": 0.5, "steal_cores": 0.0, "memory_available_bytes": 8 << 30}
    with_gpu = live_sample(reading(0.0, gpu=gpu_reading()), reading(1.0, gpu=gpu_reading(power_w=None)))
    assert "gpu_power_w" not in with_gpu
    assert with_gpu["gpu_temperature_c"] == 40


def test_this_machines_counters_only_rise():
    reader = MachineReader()
    reader.follow(os.getpid())
    first, last = reader.read(), reader.read()
    reader.close()
    assert last.at_s >= first.at_s
    assert last.busy_cpu_s >= first.busy_cpu_s > 0
    assert last.own_cpu_s >= first.own_cpu_s > 0
    assert os.getpid() in last.own_pids
    assert last.memory_available_bytes > 0
