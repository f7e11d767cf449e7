"""A stand-in for the module `pynvml`: one H100 as NVML's documentation says it would answer, every answer replaceable."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any


class NVMLError(Exception):
    """As in pynvml: the base of everything that NVML refuses."""


class NotSupported(NVMLError):
    """As NVMLError_NotSupported."""


def refuse(*_: Any) -> Any:
    raise NotSupported("Not Supported")


class FakeNvml:
    """Pass `name=value` to replace what a function returns, `name=refuse` to let it fail, `name=None` to leave it out."""

    NVMLError = NVMLError

    def __init__(self, **answers: Any) -> None:
        self.calls: list[str] = []
        self._answers = {
            "nvmlInit": None,
            "nvmlShutdown": None,
            "nvmlSystemGetDriverVersion": "580.65.06",
            "nvmlSystemGetCudaDriverVersion_v2": 13000,
            "nvmlDeviceGetCount": 1,
            "nvmlDeviceGetHandleByIndex": lambda index: index,
            "nvmlDeviceGetName": "NVIDIA H100 80GB HBM3",
            "nvmlDeviceGetUUID": lambda handle: f"GPU-{handle}1111111-2222-3333-4444-555555555555",
            "nvmlDeviceGetMemoryInfo": SimpleNamespace(total=80 << 30, used=2 << 30, free=78 << 30),
            "nvmlDeviceGetCudaComputeCapability": (9, 0),
            "nvmlDeviceGetMaxClockInfo": lambda handle, kind: {1: 1980, 2: 2619}[kind],
            "nvmlDeviceGetEnforcedPowerLimit": 700_000,
            "nvmlDeviceGetPowerManagementDefaultLimit": 700_000,
            "nvmlDeviceGetPersistenceMode": 1,
            "nvmlDeviceGetMigMode": [0, 0],
            "nvmlDeviceGetTemperature": 41,
            "nvmlDeviceGetPowerUsage": 112_500,
            "nvmlDeviceGetTotalEnergyConsumption": 5_000_000,
            "nvmlDeviceGetUtilizationRates": SimpleNamespace(gpu=0, memory=0),
            "nvmlDeviceGetClockInfo": 1980,
            "nvmlDeviceGetCurrentClocksEventReasons": 0x1,
            "nvmlDeviceGetComputeRunningProcesses": [],
            **answers,
        }

    def __getattr__(self, name: str) -> Callable[..., Any]:
        answer = self._answers.get(name, refuse)
        if answer is None and name not in ("nvmlInit", "nvmlShutdown"):
            raise AttributeError(name)

        def call(*arguments: Any) -> Any:
            self.calls.append(name)
            return answer(*arguments) if callable(answer) else answer

        return call
