"""The facts of this machine that travel with every result, in `environment.json`."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil

from core.machine import cgroup, cpu
from core.machine.cpu import default_threads
from core.machine.gpu import Nvml, gpu_visible

__all__ = ["available_memory_bytes", "container", "default_threads", "gpu_visible", "machine_facts", "virtualised"]


def machine_facts() -> dict[str, Any]:
    """Everything about this machine that bears on a time, ready for JSON; None: this machine does not tell."""
    cpus = cpu.usable_cpus()
    frequency = psutil.cpu_freq() if hasattr(psutil, "cpu_freq") else None
    with Nvml() as nvml:
        gpus = [asdict(facts) | {"now": asdict(nvml.read(facts.index))} for facts in nvml.gpus()]
        return {
            "cpu_model": cpu.model_name(),
            "cpu_architecture": platform.machine(),
            "logical_cores": psutil.cpu_count() or len(cpus),
            "usable_cores": len(cpus),
            "usable_physical_cores": cpu.usable_physical_cores(),
            "cpu_quota_cores": cgroup.cpu_quota_cores(),
            "cpu_frequency_max_mhz": (frequency.max or None) if frequency else None,
            "governor": ", ".join(cpu.governors(cpus)) or None,
            "turbo": cpu.turbo(),
            "default_threads": default_threads(),
            "memory_total_bytes": psutil.virtual_memory().total,
            "memory_available_bytes": available_memory_bytes(),
            "swap_total_bytes": psutil.swap_memory().total,
            "os": os_name(),
            "kernel": f"{platform.system()} {platform.release()}",
            "wsl": is_wsl(),
            "virtualised": virtualised(),
            "container": container(),
            "python": platform.python_version(),
            "python_path": sys.executable,
            "nvidia_driver": nvml.driver_version(),
            "nvidia_missing": nvml.missing or None,
            "cuda_driver": nvml.cuda_driver_version(),
            "gpus": gpus,
        }


def available_memory_bytes() -> int:
    """Memory that new processes can have without paging, the control group's limit respected."""
    available = int(psutil.virtual_memory().available)
    left = cgroup.memory_left_bytes()
    return available if left is None else min(available, left)


def os_name() -> str:
    """The system as its users call it."""
    if platform.system() == "Darwin":
        return f"macOS {platform.mac_ver()[0]}"
    if platform.system() == "Linux":
        try:
            return platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
        except OSError:
            return "Linux"
    return f"{platform.system()} {platform.version()}"


def is_wsl() -> bool:
    """Is this Linux a guest of Windows (WSL2)?"""
    return "microsoft" in platform.release().lower()


def virtualised(root: Path = Path("/")) -> bool | None:
    """Does a hypervisor share this machine out? None where it cannot be told."""
    if platform.machine() == "x86_64" and platform.system() == "Linux":
        return cpu.hypervisor_flag(root)
    try:
        maker = (root / "sys/class/dmi/id/sys_vendor").read_text(encoding="utf-8", errors="replace").lower()
    except OSError:
        return None
    return any(word in maker for word in ("qemu", "kvm", "vmware", "xen", "amazon ec2", "google", "parallels", "openstack"))


def container(root: Path = Path("/")) -> str | None:
    """Which kind of container this process lives in, if any."""
    if "KUBERNETES_SERVICE_HOST" in os.environ:
        return "kubernetes"
    if (root / ".dockerenv").exists():
        return "docker"
    if (root / "run/.containerenv").exists():
        return "podman"
    return os.environ.get("container")  # noqa: SIM112 - systemd and podman spell it so
