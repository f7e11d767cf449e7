"""Which Python runs a worker, and in which environment."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from core.model.run import RunSpec
from core.model.variant import Variant
from core.worker.events import SPAWNED_VARIABLE

PROJECT = Path(__file__).resolve().parents[2]


def python_variable(framework: str) -> str:
    """The environment variable that names a framework's interpreter."""
    return f"SHOWDOWN_PYTHON_{framework.upper()}"


def framework_python(framework: str) -> str:
    """The interpreter that runs a framework: the configured one, else the one of this process."""
    return os.environ.get(python_variable(framework)) or sys.executable


def interpreter(variant: Variant) -> str:
    """The variant's own interpreter, else its framework's."""
    return variant.python or framework_python(variant.framework)


#: For glibc's allocator: no block is mapped apart, and nothing freed at the end of the heap goes back
#: (https://man7.org/linux/man-pages/man3/mallopt.3.html).
KEEP_FREED_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**62)}


def process_environment(*, threads: int, device: str) -> dict[str, str]:
    """Variables of every process of a framework: the same thread limits for every library, and no GPU where none is asked for."""
    environment = {
        **os.environ,
        SPAWNED_VARIABLE: str(time.time_ns()),
        "PYTHONUNBUFFERED": "1",
        "KERAS_BACKEND": "tensorflow",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "OPENBLAS_NUM_THREADS": str(threads),
        "TF_NUM_INTRAOP_THREADS": str(threads),
        "TF_NUM_INTEROP_THREADS": "1",
    }
    if device == "cpu":
        environment["CUDA_VISIBLE_DEVICES"] = "-1"
    return environment


def worker_environment(spec: RunSpec) -> dict[str, str]:
    """Variables of a run's process."""
    environment = process_environment(threads=spec.variant.threads, device=spec.variant.device)
    if spec.variant.malloc == "keep":
        environment |= KEEP_FREED_MEMORY
    if spec.role == "parity":
        environment["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
    return environment
