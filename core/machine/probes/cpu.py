"""Cores that may be used, and what changes their speed while something is timed."""

from __future__ import annotations

import psutil

from core.machine import cgroup, cpu
from core.machine.facts import virtualised
from core.model.finding import Finding


def check_threads(*, usable: int | None = None, physical: int | None = None, quota: float | None = None) -> Finding:
    """Affinity, quota and the spare core."""
    usable = usable or len(cpu.usable_cpus())
    physical = physical or cpu.usable_physical_cores()
    quota = quota or cgroup.cpu_quota_cores()
    threads = max(1, physical - 1)
    limit = "no CPU quota" if quota is None else f"a CPU quota of {quota:g} cores"
    runs = f"runs use {threads} {'thread' if threads == 1 else 'threads'}"
    seen = f"{physical} usable physical cores, {usable} of {psutil.cpu_count() or usable} logical ones, {limit}; {runs}"
    if quota is not None and quota < 2:
        status, remedy = "warning", "Give the container at least 2 CPUs (docker run --cpus=2, or Kubernetes limits.cpu: 2)."
        why = "When a quota is used up, every thread stands still until the next period: steps then come in bursts of 0.1 s."
    elif physical < 2:
        status, remedy = "warning", "Use a machine, or a virtual machine or container, with at least 2 physical cores."
        why = "With a single core the run takes turns with everything else, the app and the load sampler included."
    else:
        status, remedy = "ok", ""
        why = "Runs leave one physical core to the app, the referee and the load sampler."
    return Finding(id="cpu.threads", area="cpu", title="Cores and threads", status=status, seen=seen, why=why, remedy=remedy,
                   harms_timing=status == "warning")  # fmt: skip


def check_governor(governors: tuple[str, ...] | None = None) -> Finding:
    """How the system sets the clock."""
    governors = cpu.governors(cpu.usable_cpus()) if governors is None else governors
    why = "A governor that follows the load with a delay makes the first steps of a run slow, and steps with pauses slower."
    frequency = psutil.cpu_freq() if hasattr(psutil, "cpu_freq") else None
    clock = f"; now at {frequency.current:.0f} MHz" if frequency and frequency.current else ""
    if not governors:
        host = "the host of this virtual machine sets it" if virtualised() else "this system does not tell"
        return Finding(id="cpu.governor", area="cpu", title="CPU governor", status="note", seen=f"not readable: {host}{clock}", why=why)
    steady = set(governors) <= {"performance"}
    return Finding(
        id="cpu.governor", area="cpu", title="CPU governor", status="ok" if steady else "warning", seen=", ".join(governors) + clock,
        why=why, remedy="" if steady else "sudo cpupower frequency-set -g performance",
    )  # fmt: skip


def check_turbo(turbo: bool | None = None) -> Finding:
    """Clocks above the base clock last until the package is warm."""
    turbo = cpu.turbo() if turbo is None else turbo
    return Finding(
        id="cpu.turbo", area="cpu", title="Turbo", status="note" if turbo is None or turbo else "ok",
        seen="not readable" if turbo is None else "on" if turbo else "off",
        why="With turbo the clock falls as the package warms up; pairs of neighbouring runs cancel most of that, not all.",
        remedy="For the steadiest times, switch it off: 'echo 1 | sudo tee /sys/devices/system/cpu/intel_pstate/no_turbo' (Intel) or "
        "'echo 0 | sudo tee /sys/devices/system/cpu/cpufreq/boost' (others)." if turbo else "",
    )  # fmt: skip


def check_power_supply() -> list[Finding]:
    """On battery the whole machine runs slower; nothing to say where there is no battery."""
    battery = psutil.sensors_battery() if hasattr(psutil, "sensors_battery") else None
    if battery is None:
        return []
    plugged = battery.power_plugged is not False
    return [Finding(
        id="cpu.power", area="cpu", title="Power supply", status="ok" if plugged else "warning",
        seen=f"{'plugged in' if plugged else 'on battery'}, {battery.percent:.0f} % charged",
        why="On battery the system lowers clocks as it pleases.",
        remedy="" if plugged else "Plug the machine in.", harms_timing=not plugged,
    )]  # fmt: skip
