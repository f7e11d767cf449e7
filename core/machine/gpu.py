"""NVIDIA GPUs as the driver sees them, by NVML; no framework and no CUDA context is needed.

Every call is guarded: without a driver there is a sentence instead of GPUs, and what a card does not tell is None.
Written against NVML's documented calls, tested with a fake of its module, and run on one machine with an H100.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import psutil
import pynvml

#: Bits of nvmlDeviceGetCurrentClocksEventReasons. These slow the card down for a reason of its surroundings.
HARMFUL_REASONS = {
    0x08: "hardware slowdown",
    0x20: "software thermal slowdown",
    0x40: "hardware thermal slowdown",
    0x80: "hardware power brake",
}
#: These belong to normal work: a card at its power limit, or with nothing to do.
NOTED_REASONS = {
    0x001: "idle",
    0x002: "application clocks setting",
    0x004: "software power cap",
    0x010: "sync boost",
    0x100: "display clock setting",
    0x200: "board limit",
    0x400: "reliability limit",
}


@dataclass(frozen=True, kw_only=True)
class GpuFacts:
    """What does not change while the machine is up."""

    index: int
    """NVML's number: the order on the PCI bus."""
    name: str | None
    uuid: str | None
    memory_total_bytes: int | None
    compute_capability: tuple[int, int] | None
    sm_clock_max_mhz: int | None
    memory_clock_max_mhz: int | None
    power_limit_w: float | None
    power_limit_default_w: float | None
    persistence: bool | None
    mig: bool | None
    """Is the card cut into instances?"""


@dataclass(frozen=True, kw_only=True)
class GpuReading:
    """What the card does now."""

    temperature_c: int | None
    power_w: float | None
    energy_j: float | None
    """Since the driver was loaded; only its differences mean anything."""
    utilisation_percent: int | None
    """Share of NVML's last sampling period (a second at most) in which a kernel ran."""
    sm_clock_mhz: int | None
    memory_used_bytes: int | None
    harmful_reasons: tuple[str, ...]
    noted_reasons: tuple[str, ...]
    process_bytes: dict[int, int] | None
    """Memory by process id; None where the driver does not tell, or tells ids that do not exist in this container."""


class Nvml:
    """The driver's library, opened for as long as this object lives."""

    def __init__(self, module: Any = pynvml) -> None:
        self._nvml = module
        self.missing = ""
        """Why there is nothing to ask; empty where the library works."""
        try:
            module.nvmlInit()
        except module.NVMLError as error:
            self.missing = f"no NVIDIA driver ({error})"

    def __enter__(self) -> Nvml:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        if not self.missing:
            self._ask("nvmlShutdown")
            self.missing = "closed"

    def _ask(self, function: str, *arguments: Any) -> Any:
        """The function's answer; None where this driver, this card or this binding does not have it."""
        call = getattr(self._nvml, function, None)
        if call is None:
            return None
        try:
            return call(*arguments)
        except self._nvml.NVMLError:
            return None

    def driver_version(self) -> str | None:
        return None if self.missing else self._ask("nvmlSystemGetDriverVersion")

    def cuda_driver_version(self) -> str | None:
        """The newest CUDA that the driver can run, as `13.0`."""
        number = None if self.missing else self._ask("nvmlSystemGetCudaDriverVersion_v2")
        return None if number is None else f"{number // 1000}.{number % 1000 // 10}"

    def gpus(self) -> list[GpuFacts]:
        """Every card of the machine, hidden ones too."""
        count = 0 if self.missing else self._ask("nvmlDeviceGetCount") or 0
        return [self._facts(index) for index in range(count)]

    def visible_gpus(self) -> list[GpuFacts]:
        """The cards that a framework may use, in its order: what CUDA_VISIBLE_DEVICES leaves of them.

        CUDA counts the fastest card first where cards differ, unless CUDA_DEVICE_ORDER=PCI_BUS_ID; NVML cannot tell, so a
        machine with different cards should set that.
        """
        every = self.gpus()
        chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
        if chosen is None:
            return every
        visible: list[GpuFacts] = []
        for part in (part.strip() for part in chosen.split(",")):
            found = [gpu for gpu in every if part == str(gpu.index) or (part.startswith("GPU-") and str(gpu.uuid).startswith(part))]
            if not found:
                break  # as CUDA does: the first name that fits nothing ends the list
            visible.append(found[0])
        return visible

    def _facts(self, index: int) -> GpuFacts:
        handle = self._ask("nvmlDeviceGetHandleByIndex", index)
        memory = self._ask("nvmlDeviceGetMemoryInfo", handle)
        capability = self._ask("nvmlDeviceGetCudaComputeCapability", handle)
        persistence = self._ask("nvmlDeviceGetPersistenceMode", handle)
        mig = self._ask("nvmlDeviceGetMigMode", handle)
        return GpuFacts(
            index=index,
            name=self._ask("nvmlDeviceGetName", handle),
            uuid=self._ask("nvmlDeviceGetUUID", handle),
            memory_total_bytes=None if memory is None else int(memory.total),
            compute_capability=None if capability is None else (int(capability[0]), int(capability[1])),
            sm_clock_max_mhz=self._ask("nvmlDeviceGetMaxClockInfo", handle, pynvml.NVML_CLOCK_SM),
            memory_clock_max_mhz=self._ask("nvmlDeviceGetMaxClockInfo", handle, pynvml.NVML_CLOCK_MEM),
            power_limit_w=_thousandth(self._ask("nvmlDeviceGetEnforcedPowerLimit", handle)),
            power_limit_default_w=_thousandth(self._ask("nvmlDeviceGetPowerManagementDefaultLimit", handle)),
            persistence=None if persistence is None else bool(persistence),
            mig=None if mig is None else bool(mig[0]),
        )

    def read(self, index: int) -> GpuReading:
        """What a card does at this moment."""
        handle = self._ask("nvmlDeviceGetHandleByIndex", index)
        memory = self._ask("nvmlDeviceGetMemoryInfo", handle)
        utilisation = self._ask("nvmlDeviceGetUtilizationRates", handle)
        reasons = self._ask("nvmlDeviceGetCurrentClocksEventReasons", handle)
        if reasons is None:
            reasons = self._ask("nvmlDeviceGetCurrentClocksThrottleReasons", handle)  # its name before driver 535
        harmful, noted = decode_reasons(reasons or 0)
        return GpuReading(
            temperature_c=self._ask("nvmlDeviceGetTemperature", handle, pynvml.NVML_TEMPERATURE_GPU),
            power_w=_thousandth(self._ask("nvmlDeviceGetPowerUsage", handle)),
            energy_j=_thousandth(self._ask("nvmlDeviceGetTotalEnergyConsumption", handle)),
            utilisation_percent=None if utilisation is None else int(utilisation.gpu),
            sm_clock_mhz=self._ask("nvmlDeviceGetClockInfo", handle, pynvml.NVML_CLOCK_SM),
            memory_used_bytes=None if memory is None else int(memory.used),
            harmful_reasons=harmful,
            noted_reasons=noted,
            process_bytes=_process_bytes(self._ask("nvmlDeviceGetComputeRunningProcesses", handle)),
        )


def decode_reasons(bits: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What lowers the clocks, in words: the harmful reasons and the others."""
    known = HARMFUL_REASONS | NOTED_REASONS
    unknown = tuple(f"reason {1 << i:#x}" for i in range(bits.bit_length()) if bits >> i & 1 and 1 << i not in known)
    harmful = tuple(word for bit, word in HARMFUL_REASONS.items() if bits & bit)
    return harmful, tuple(word for bit, word in NOTED_REASONS.items() if bits & bit) + unknown


def gpu_visible() -> bool:
    """Is there an NVIDIA GPU that a framework may use?"""
    with Nvml() as nvml:
        return bool(nvml.visible_gpus())


def _process_bytes(processes: Any) -> dict[int, int] | None:
    if processes is None or any(process.usedGpuMemory is None or not psutil.pid_exists(process.pid) for process in processes):
        return None
    return {int(process.pid): int(process.usedGpuMemory) for process in processes}


def _thousandth(value: int | None) -> float | None:
    """NVML counts in milliwatts and millijoules."""
    return None if value is None else value / 1000
