"""The machine's facts: read from laid-out files, and once from this machine."""

import json
import os

import psutil
import pytest

from core.machine import cgroup, cpu, facts


def write(root, path, text):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_two_threads_of_one_core_are_one_physical_core(tmp_path):
    for number, core in enumerate([0, 1, 0, 1]):
        write(tmp_path, f"sys/devices/system/cpu/cpu{number}/topology/physical_package_id", "0\n")
        write(tmp_path, f"sys/devices/system/cpu/cpu{number}/topology/core_id", f"{core}\n")
    assert cpu.physical_cores({0, 1, 2, 3}, tmp_path) == 2
    assert cpu.physical_cores({0, 2}, tmp_path) == 1


@pytest.mark.parametrize(("cores", "quota", "threads"), [(8, None, 7), (2, None, 1), (1, None, 1), (8, 4.0, 3), (8, 2.5, 1), (8, 0.5, 1)])
def test_one_usable_core_is_left_for_the_app(monkeypatch, cores, quota, threads):
    monkeypatch.setattr(cpu, "physical_cores", lambda cpus: cores)
    monkeypatch.setattr(cgroup, "cpu_quota_cores", lambda: quota)
    assert cpu.default_threads() == threads


def test_governor_and_turbo(tmp_path):
    assert cpu.governors({0}, tmp_path) == ()
    assert cpu.turbo(tmp_path) is None
    write(tmp_path, "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n")
    write(tmp_path, "sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "performance\n")
    write(tmp_path, "sys/devices/system/cpu/cpufreq/boost", "1\n")
    assert cpu.governors({0, 1}, tmp_path) == ("performance", "powersave")
    assert cpu.governors({1}, tmp_path) == ("performance",)
    assert cpu.turbo(tmp_path) is True
    write(tmp_path, "sys/devices/system/cpu/intel_pstate/no_turbo", "1\n")
    assert cpu.turbo(tmp_path) is False


def test_processor_name_and_hypervisor_come_from_cpuinfo(tmp_path):
    write(tmp_path, "proc/cpuinfo", "processor\t: 0\nmodel name\t: Some CPU @ 3 GHz\nflags\t\t: fpu sse hypervisor avx\n")
    assert cpu.model_name(tmp_path) == "Some CPU @ 3 GHz"
    assert cpu.hypervisor_flag(tmp_path)
    write(tmp_path, "proc/cpuinfo", "model name\t: Some hypervisor CPU\nflags\t\t: fpu sse avx\n")
    assert not cpu.hypervisor_flag(tmp_path)


def test_container_is_told_by_its_marker(tmp_path, monkeypatch):
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.delenv("container", raising=False)
    assert facts.container(tmp_path) is None
    write(tmp_path, "run/.containerenv", "")
    assert facts.container(tmp_path) == "podman"


def test_available_memory_respects_the_groups_limit(monkeypatch):
    monkeypatch.setattr(cgroup, "memory_left_bytes", lambda: 1000)
    assert facts.available_memory_bytes() == 1000


def test_facts_of_this_machine():
    found = facts.machine_facts()
    assert json.loads(json.dumps(found)) == found
    assert found["memory_total_bytes"] == psutil.virtual_memory().total
    assert found["usable_cores"] == len(os.sched_getaffinity(0))
    assert 1 <= found["default_threads"] <= found["usable_cores"]
    assert found["cpu_model"]
    assert bool(found["gpus"]) == (found["nvidia_missing"] is None and found["nvidia_driver"] is not None)
