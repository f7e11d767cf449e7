"""Turning whatever went wrong in a worker into one kind and one sentence."""

from __future__ import annotations

import errno
import sys

from core.model.variant import FRAMEWORK_LABELS, Variant

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


def classify_import(error: BaseException, variant: Variant) -> RunFailure:
    """Why the framework could not be imported."""
    label = FRAMEWORK_LABELS[variant.framework]
    packages = {"tensorflow": ("tensorflow", "keras", "numpy"), "pytorch": ("torch", "numpy")}[variant.framework]
    if isinstance(error, ModuleNotFoundError) and (error.name or "").split(".")[0] in packages:
        return RunFailure("framework_missing",
                          f"{label} is not installed for {sys.executable}; install it with "
                          f"'{sys.executable} -m pip install -r requirements.txt'.")  # fmt: skip
    return RunFailure("framework_broken",
                      f"{label} cannot be imported by {sys.executable}: {_one_line(error)}. "
                      f"Reinstall it with '{sys.executable} -m pip install --force-reinstall -r requirements.txt'.")  # fmt: skip


def classify(error: BaseException, variant: Variant) -> RunFailure:
    """What a failure during the run was, from its type and text; type names are used so that no framework is imported."""
    if isinstance(error, RunFailure):
        return error
    text = _one_line(error)
    names = {kind.__name__ for kind in type(error).__mro__}
    if is_disk_full(error):
        return RunFailure("disk_full", "The disk is full; free some space and run the comparison again.")
    if "MemoryError" in names or "OutOfMemoryError" in names or "ResourceExhaustedError" in names or "can't allocate memory" in text:
        return RunFailure("out_of_memory", f"Out of memory on the {variant.device.upper()}: {text}. Use a smaller batch.")
    if any(module.startswith(("torch._inductor", "torch._dynamo")) for module in {kind.__module__ for kind in type(error).__mro__}):
        return RunFailure("compile_failed",
                          f"torch.compile could not compile the model: {text}. It needs a C++ compiler "
                          "(Debian: 'apt-get install g++').")  # fmt: skip
    return RunFailure("error", f"{type(error).__name__}: {text}")


def _one_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    return (text[:297] + "...") if len(text) > 300 else text.rstrip(".")
