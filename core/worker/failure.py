"""Turning whatever went wrong in a worker into one kind and one sentence."""

from __future__ import annotations

import errno
import sys

from core.model.errors import ShowdownError
from core.model.variant import FRAMEWORK_LABELS
from core.workloads.own_places import first_line, own_place

#: Exit status when the event that would tell could not be written, because the disk is full.
EXIT_DISK_FULL = 74
EXIT_FAILED = 1


class RunFailure(Exception):
    """A failure that the worker can already name."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def is_disk_full(error: BaseException) -> bool:
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def is_out_of_memory(error: BaseException) -> bool:
    names = {kind.__name__ for kind in type(error).__mro__}
    return bool(names & {"MemoryError", "OutOfMemoryError", "ResourceExhaustedError"}) or "can't allocate memory" in str(error)


def is_compile_failure(error: BaseException) -> bool:
    return any(kind.__module__.startswith(("torch._inductor", "torch._dynamo")) for kind in type(error).__mro__)


def is_resource_failure(error: BaseException) -> bool:
    """Is it about this machine, rather than about the network?"""
    return is_out_of_memory(error) or is_compile_failure(error)


def classify_import(error: BaseException, framework: str) -> RunFailure:
    """Why the framework could not be imported."""
    label = FRAMEWORK_LABELS[framework]
    packages = {"tensorflow": ("tensorflow", "keras", "numpy"), "pytorch": ("torch", "numpy")}[framework]
    if isinstance(error, ModuleNotFoundError) and (error.name or "").split(".")[0] in packages:
        return RunFailure("framework_missing",
                          f"{label} is not installed for {sys.executable}; install it with "
                          f"'{sys.executable} -m pip install -r requirements.txt'.")  # fmt: skip
    return RunFailure("framework_broken",
                      f"{label} cannot be imported by {sys.executable}: {first_line(error)}. "
                      f"Reinstall it with '{sys.executable} -m pip install --force-reinstall -r requirements.txt'.")  # fmt: skip


def classify(error: BaseException, device: str) -> RunFailure:
    """What a failure during the run was, from its type and text; type names are used so that no framework is imported."""
    if isinstance(error, RunFailure):
        return error
    if isinstance(error, ShowdownError):
        return RunFailure("workload", str(error))
    text = first_line(error)
    if is_disk_full(error):
        return RunFailure("disk_full", "The disk is full; free some space and run the comparison again.")
    if is_out_of_memory(error):
        return RunFailure("out_of_memory", f"Out of memory on the {device.upper()}: {text}. Use a smaller batch.")
    if is_compile_failure(error):
        return RunFailure("compile_failed",
                          f"torch.compile could not compile the model: {text}. It needs a C++ compiler "
                          "(Debian: 'apt-get install g++').")  # fmt: skip
    if place := own_place(error):
        return RunFailure("workload", f"{place}: {type(error).__name__}: {text}.")
    return RunFailure("error", f"{type(error).__name__}: {text}")
