"""Resident memory of this process, as the operating system counts it."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")


def reset_peak() -> None:
    """Start a new peak at the present size, where the kernel offers it (Linux); elsewhere the peak keeps counting."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pass  # not Linux, or not permitted: host_peak_bytes then includes the import, which the caller subtracts


def resident_bytes() -> int:
    """Present resident size; on systems without /proc the peak so far."""
    return _status_bytes("VmRSS")


def peak_bytes() -> int:
    """Largest resident size since the process began or since `reset_peak`."""
    return _status_bytes("VmHWM")


def _status_bytes(field: str) -> int:
    if _STATUS.exists():
        for line in _STATUS.read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest if sys.platform == "darwin" else largest * 1024
