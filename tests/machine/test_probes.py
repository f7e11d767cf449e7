"""The cheap checks: each limit from both sides, and once for real."""

import os
from types import SimpleNamespace

import psutil
import pytest

from core.machine.gpu import Nvml
from core.machine.probes import cpu, load, system
from core.machine.probes.gpu import check_gpu
from core.model.run import MachineLoad
from tests.machine.fake_nvml import FakeNvml, refuse
from tests.machine.readings import FakeReader, reading

GIB = 1 << 30


def test_python_and_system():
    assert system.check_python((3, 11, 0)).status == "ok"
    old = system.check_python((3, 10, 14))
    assert (old.status, old.seen.startswith("Python 3.10.14")) == ("problem", True)
    assert system.check_os().status == "ok"
    assert system.check_os("Windows").status == "problem"
    assert "wsl --install" in system.check_os("Windows").remedy


@pytest.mark.parametrize(("gib", "status", "harms"), [(0.5, "problem", True), (1.5, "warning", True), (8, "ok", False)])
def test_memory(gib, status, harms):
    finding = system.check_memory(int(gib * GIB))
    assert (finding.status, finding.harms_timing) == (status, harms)


def test_swap():
    assert system.check_swap(0).status == "ok"
    assert system.check_swap(GIB).status == "note"


def test_disk(tmp_path, monkeypatch):
    assert system.check_disk(tmp_path / "not" / "yet").status in ("ok", "warning")
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert system.check_disk(blocked / "home").status == "problem"
    assert "SHOWDOWN_HOME" in system.check_disk(blocked / "home").remedy
    monkeypatch.setattr(system.shutil, "disk_usage", lambda path: SimpleNamespace(free=GIB // 2))
    monkeypatch.setenv("SHOWDOWN_HOME", str(tmp_path / "elsewhere"))
    full = system.check_disk()
    assert (full.status, full.seen) == ("problem", f"0.5 GiB free for {tmp_path / 'elsewhere'}")


@pytest.mark.parametrize(("usable", "physical", "quota", "status"), [
    (8, 4, None, "ok"), (2, 2, 2.0, "ok"), (8, 1, 1.5, "warning"), (1, 1, None, "warning"), (2, 1, None, "warning"),
])  # fmt: skip
def test_threads(usable, physical, quota, status):
    finding = cpu.check_threads(usable=usable, physical=physical, quota=quota)
    assert (finding.status, finding.harms_timing, bool(finding.remedy)) == (status, status == "warning", status == "warning")


def test_governor_turbo_and_power(monkeypatch):
    assert cpu.check_governor(("performance",)).status == "ok"
    assert cpu.check_governor(("performance", "powersave")).remedy == "sudo cpupower frequency-set -g performance"
    assert cpu.check_governor(()).status == "note"
    assert [cpu.check_turbo(on).status for on in (True, False)] == ["note", "ok"]
    monkeypatch.setattr(psutil, "sensors_battery", lambda: None, raising=False)
    assert cpu.check_power_supply() == []
    monkeypatch.setattr(psutil, "sensors_battery", lambda: SimpleNamespace(percent=80.0, power_plugged=False), raising=False)
    assert [(finding.status, finding.harms_timing) for finding in cpu.check_power_supply()] == [("warning", True)]


def window(other=0.0, steal=0.0, busiest=(), paged=0):
    return load.Window(load=MachineLoad(own_cores=0.0, other_cores=other, steal_cores=steal, samples=2), busiest=list(busiest), paged_bytes=paged)


@pytest.mark.parametrize(("other", "status"), [(0.1, "ok"), (0.3, "note"), (0.8, "warning")])
def test_neighbours(other, status):
    [finding, *_] = load.check_load(window(other, busiest=[("backup (process 9)", other)]))
    assert (finding.status, finding.harms_timing) == (status, status == "warning")
    assert "backup (process 9)" in finding.seen
    assert bool(finding.remedy) == (status != "ok")


def test_neighbours_that_cannot_be_seen_are_said_to_be_so():
    [finding, *_] = load.check_load(window(0.9))
    assert "cannot be seen from here" in finding.seen


def test_steal_and_paging(monkeypatch):
    monkeypatch.setattr(load, "usable_cpus", lambda: {0, 1})
    _, steal, paging = load.check_load(window(steal=0.2, paged=4096))
    assert (steal.status, steal.seen) == ("warning", "10.0% of the processor's time given to other virtual machines in 2 s")
    assert (paging.status, paging.harms_timing) == ("warning", True)
    assert [finding.status for finding in load.check_load(window())] == ["ok", "ok", "ok"]


def test_the_app_itself_is_no_neighbour():
    slept: list[float] = []
    reader = FakeReader([reading(0.0), reading(2.0, busy_cpu_s=1.0, own_cpu_s=0.75)])
    seen = load.observe(reader, wait=slept.append)
    assert slept == [load.WINDOW_S]
    assert reader.followed == [os.getpid()]
    assert reader.closed
    assert seen.load.other_cores == 0.125
    assert not any(f"(process {os.getpid()})" in name for name, _ in seen.busiest)


@pytest.fixture
def every_card_visible(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def gpu_findings(**answers):
    return {finding.id: finding for finding in check_gpu(Nvml(FakeNvml(**answers)))}


def test_no_gpu_is_a_note_and_nothing_more(monkeypatch, every_card_visible):
    [finding] = gpu_findings(nvmlInit=refuse).values()
    assert (finding.status, finding.seen) == ("note", "no NVIDIA GPU visible: nothing to check (no NVIDIA driver (Not Supported))")
    assert "without a card" in gpu_findings(nvmlDeviceGetCount=0)["gpu.visible"].seen
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    hidden = gpu_findings()["gpu.visible"]
    assert (hidden.status, "CUDA_VISIBLE_DEVICES='-1' hides 1" in hidden.seen) == ("note", True)


def test_a_quiet_card_is_ok(every_card_visible):
    findings = gpu_findings()
    assert {finding.status for finding in findings.values()} == {"ok"}
    assert findings["gpu.visible"].seen == "NVIDIA H100 80GB HBM3, 80 GiB, compute capability 9.0, driver 580.65.06 (CUDA up to 13.0)"
    assert findings["gpu.clocks"].seen == "41 °C, not slowed down; also: idle"


@pytest.mark.parametrize(("answers", "id", "status", "harms"), [
    ({"nvmlDeviceGetCurrentClocksEventReasons": 0x40}, "gpu.clocks", "warning", True),
    ({"nvmlDeviceGetTemperature": 91}, "gpu.clocks", "warning", True),
    ({"nvmlDeviceGetCurrentClocksEventReasons": 0x4}, "gpu.clocks", "ok", False),
    ({"nvmlDeviceGetUtilizationRates": SimpleNamespace(gpu=70, memory=1)}, "gpu.neighbours", "warning", True),
    ({"nvmlDeviceGetComputeRunningProcesses": [SimpleNamespace(pid=os.getpid(), usedGpuMemory=GIB)]}, "gpu.neighbours", "note", False),
    ({"nvmlDeviceGetUtilizationRates": refuse, "nvmlDeviceGetMemoryInfo": refuse, "nvmlDeviceGetComputeRunningProcesses": refuse},
     "gpu.neighbours", "unknown", True),
    ({"nvmlDeviceGetEnforcedPowerLimit": 400_000}, "gpu.power_limit", "note", False),
    ({"nvmlDeviceGetTotalEnergyConsumption": refuse}, "gpu.energy", "note", False),
    ({"nvmlDeviceGetMigMode": [1, 1]}, "gpu.visible", "warning", False),
    ({"nvmlDeviceGetCount": 2, "nvmlDeviceGetName": lambda handle: f"card {handle}"}, "gpu.visible", "warning", False),
])  # fmt: skip
def test_a_card_in_trouble(every_card_visible, answers, id, status, harms):
    finding = gpu_findings(**answers)[id]
    assert (finding.status, finding.harms_timing) == (status, harms)
