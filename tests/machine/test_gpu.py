"""NVML through a fake of its module: no test here needs a card."""

import os
from types import SimpleNamespace
from typing import Any

import pytest

from core.machine.gpu import Nvml, decode_reasons
from tests.machine.fake_nvml import FakeNvml, refuse


@pytest.fixture(autouse=True)
def every_card_visible(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def test_without_a_driver_there_is_a_sentence_and_no_gpu():
    nvml = Nvml(FakeNvml(nvmlInit=refuse))
    assert nvml.missing == "no NVIDIA driver (Not Supported)"
    assert (nvml.gpus(), nvml.driver_version(), nvml.cuda_driver_version()) == ([], None, None)


def test_facts_are_in_the_units_of_their_names():
    [gpu] = Nvml(FakeNvml()).gpus()
    assert (gpu.name, gpu.compute_capability, gpu.sm_clock_max_mhz, gpu.memory_clock_max_mhz) == ("NVIDIA H100 80GB HBM3", (9, 0), 1980, 2619)
    assert (gpu.memory_total_bytes, gpu.power_limit_w, gpu.mig, gpu.persistence) == (80 << 30, 700.0, False, True)
    assert Nvml(FakeNvml()).cuda_driver_version() == "13.0"


def test_reading_is_in_the_units_of_its_names():
    now = Nvml(FakeNvml()).read(0)
    assert (now.temperature_c, now.power_w, now.energy_j, now.utilisation_percent, now.sm_clock_mhz) == (41, 112.5, 5000.0, 0, 1980)
    assert (now.memory_used_bytes, now.harmful_reasons, now.noted_reasons, now.process_bytes) == (2 << 30, (), ("idle",), {})


def test_what_a_card_does_not_tell_is_none():
    silent: dict[str, Any] = {name: refuse for name in FakeNvml()._answers if name.startswith("nvmlDeviceGet")}
    silent |= {"nvmlDeviceGetCount": 1, "nvmlDeviceGetHandleByIndex": 0}
    nvml = Nvml(FakeNvml(**silent))
    [gpu] = nvml.gpus()
    assert {value for name, value in vars(gpu).items() if name != "index"} == {None}
    now = nvml.read(0)
    assert {value for value in vars(now).values() if value != ()} == {None}


def test_an_older_driver_knows_the_reasons_by_their_older_name():
    for missing in (refuse, None):
        fake = FakeNvml(nvmlDeviceGetCurrentClocksEventReasons=missing, nvmlDeviceGetCurrentClocksThrottleReasons=0x48)
        assert Nvml(fake).read(0).harmful_reasons == ("hardware slowdown", "hardware thermal slowdown")


def test_only_harmful_reasons_are_called_harmful():
    assert decode_reasons(0) == ((), ())
    assert decode_reasons(0x1 | 0x4) == ((), ("idle", "software power cap"))
    assert decode_reasons(0x20 | 0x80 | 0x4) == (("software thermal slowdown", "hardware power brake"), ("software power cap",))
    assert decode_reasons(0x10000) == ((), ("reason 0x10000",))


def test_process_memory_is_unknown_where_the_ids_are_not_of_this_container():
    mine = SimpleNamespace(pid=os.getpid(), usedGpuMemory=100)
    assert Nvml(FakeNvml(nvmlDeviceGetComputeRunningProcesses=[mine])).read(0).process_bytes == {os.getpid(): 100}
    for other in (SimpleNamespace(pid=2**22 + 1, usedGpuMemory=5), SimpleNamespace(pid=os.getpid(), usedGpuMemory=None)):
        assert Nvml(FakeNvml(nvmlDeviceGetComputeRunningProcesses=[mine, other])).read(0).process_bytes is None


@pytest.mark.parametrize(("visible", "indices"), [
    (None, [0, 1]), ("", []), ("-1", []), ("1", [1]), ("1,0", [1, 0]), ("0,7,1", [0]), ("GPU-11111111", [1]),
])  # fmt: skip
def test_cuda_visible_devices_hides_and_orders(monkeypatch, visible, indices):
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert [gpu.index for gpu in Nvml(FakeNvml(nvmlDeviceGetCount=2)).visible_gpus()] == indices


def test_the_library_is_closed_once():
    fake = FakeNvml()
    with Nvml(fake) as nvml:
        nvml.close()
    assert fake.calls.count("nvmlShutdown") == 1
    assert nvml.gpus() == []
