"""The GPU by the driver's own account: is there one, is it free, and does something hold its clocks down.

Not run on a GPU here: tested with a fake of NVML.
"""

from __future__ import annotations

import os

from core.machine.gpu import GpuFacts, GpuReading, Nvml
from core.model.finding import Finding

_GIB = 1 << 30
_BUSY_PERCENT = 5
_OTHER_BYTES = _GIB // 4
_HOT_C = 80


def check_gpu(nvml: Nvml) -> list[Finding]:
    """One note where no GPU can be used; else findings about the first one, which is the one that runs use."""
    visible = nvml.visible_gpus()
    if not visible:
        return [_nothing(nvml)]
    facts, now = visible[0], nvml.read(visible[0].index)
    return [
        _device(nvml, visible),
        _clocks(now),
        _neighbours(now),
        _power_limit(facts),
        Finding(
            id="gpu.energy", area="gpu", title="Energy counter", status="note" if now.energy_j is None else "ok",
            seen="the card has none" if now.energy_j is None else "present",
            why="With the counter, energy per step is exact; without it, it cannot be stated.",
        ),
    ]  # fmt: skip


def _nothing(nvml: Nvml) -> Finding:
    hidden = len(nvml.gpus())
    hides = f"CUDA_VISIBLE_DEVICES={os.environ.get('CUDA_VISIBLE_DEVICES')!r} hides {hidden}"
    reason = nvml.missing or (hides if hidden else "a driver without a card")
    return Finding(
        id="gpu.visible", area="gpu", title="NVIDIA GPU", status="note", seen=f"no NVIDIA GPU visible: nothing to check ({reason})",
        why="Comparisons run on the CPU.",
        remedy="Unset CUDA_VISIBLE_DEVICES to use the GPU." if hidden else "If this machine has an NVIDIA card, install its driver (580 or later; "
        "Debian and Ubuntu: 'sudo apt-get install nvidia-driver'); in a container, start it with '--gpus all'.",
    )  # fmt: skip


def _device(nvml: Nvml, visible: list[GpuFacts]) -> Finding:
    facts = visible[0]
    memory = "" if facts.memory_total_bytes is None else f", {facts.memory_total_bytes / _GIB:.0f} GiB"
    capability = "" if facts.compute_capability is None else ", compute capability {}.{}".format(*facts.compute_capability)
    others = f"; {len(visible) - 1} more" if len(visible) > 1 else ""
    mixed = len({gpu.name for gpu in visible}) > 1 and os.environ.get("CUDA_DEVICE_ORDER") != "PCI_BUS_ID"
    status = "warning" if mixed or facts.mig else "ok"
    remedy = "Set CUDA_DEVICE_ORDER=PCI_BUS_ID, so that the card that is measured is the card that is watched." if mixed else (
        "Name one instance in CUDA_VISIBLE_DEVICES; temperature, power and energy are those of the whole card." if facts.mig else "")  # fmt: skip
    return Finding(
        id="gpu.visible", area="gpu", title="NVIDIA GPU", status=status,
        seen=f"{facts.name}{memory}{capability}, driver {nvml.driver_version()} (CUDA up to {nvml.cuda_driver_version()})"
        f"{', cut into MIG instances' if facts.mig else ''}{others}",
        why="Runs on the GPU use the first one.", remedy=remedy,
    )  # fmt: skip


def _clocks(now: GpuReading) -> Finding:
    harmful = ", ".join(now.harmful_reasons)
    hot = now.temperature_c is not None and now.temperature_c >= _HOT_C
    noted = f"; also: {', '.join(now.noted_reasons)}" if now.noted_reasons else ""
    temperature = "temperature unknown" if now.temperature_c is None else f"{now.temperature_c} °C"
    return Finding(
        id="gpu.clocks", area="gpu", title="GPU clocks", status="warning" if harmful or hot else "ok",
        seen=f"{temperature}, {f'slowed down by {harmful}' if harmful else 'not slowed down'}{noted}",
        why="A card that is too hot or short of power lowers its clocks in the middle of a run.",
        remedy="Let it cool down, improve the air flow, and check its power cables and supply." if harmful or hot else "",
        harms_timing=bool(harmful) or hot,
    )  # fmt: skip


def _neighbours(now: GpuReading) -> Finding:
    """No run is on the card now, so whatever uses it belongs to somebody else."""
    held = now.memory_used_bytes if now.process_bytes is None else sum(now.process_bytes.values())
    busy = (now.utilisation_percent or 0) > _BUSY_PERCENT
    crowded = now.process_bytes is not None and (held or 0) > _OTHER_BYTES
    whose = "in use, by whom cannot be seen" if now.process_bytes is None else f"held by {len(now.process_bytes)} processes"
    unknown = now.utilisation_percent is None and held is None
    return Finding(
        id="gpu.neighbours", area="gpu", title="GPU neighbours",
        status="unknown" if unknown else "warning" if busy else "note" if crowded else "ok",
        seen="the driver does not tell" if unknown else f"{now.utilisation_percent} % busy, {(held or 0) / _GIB:.1f} GiB of memory {whose}",
        why="Another program on the card takes turns with the run's kernels.",
        remedy="End the other programs ('nvidia-smi' lists them)." if busy or crowded else "", harms_timing=busy or unknown,
    )  # fmt: skip


def _power_limit(facts: GpuFacts) -> Finding:
    limit, default = facts.power_limit_w, facts.power_limit_default_w
    lowered = limit is not None and default is not None and limit < default - 1
    return Finding(
        id="gpu.power_limit", area="gpu", title="GPU power limit",
        status="note" if lowered or limit is None else "ok",
        seen="the card does not tell" if limit is None else f"{limit:.0f} W" + (f", lowered from {default:.0f} W" if lowered else ""),
        why="The limit sets how high the clocks stay under load; both sides meet the same one.",
        remedy=f"sudo nvidia-smi -pl {default:.0f}" if lowered else "",
    )  # fmt: skip
