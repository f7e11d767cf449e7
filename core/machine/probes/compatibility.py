"""Which driver runs which CUDA, and which card runs code that was compiled for which: the rules, without looking at anything."""

from __future__ import annotations

import re

#: Oldest Linux driver branch for the CUDA runtime of each major version, by NVIDIA's minor version compatibility
#: (CUDA Compatibility guide, table "minor version compatibility").
OLDEST_DRIVER = {11: 450, 12: 525, 13: 580}


def driver_needed(cuda_runtime: str, driver: str) -> int | None:
    """The branch that has to be installed for this CUDA runtime (as `12.5.1`), None where the driver (as `580.65.06`) will do.

    Raises ValueError for a CUDA version that is not in `OLDEST_DRIVER`, or a version that does not begin with a number.
    """
    major = int(cuda_runtime.split(".")[0])
    if major not in OLDEST_DRIVER:
        raise ValueError(f"CUDA {cuda_runtime} is not in the table of drivers")
    return OLDEST_DRIVER[major] if int(driver.split(".")[0]) < OLDEST_DRIVER[major] else None


def architecture_fit(architectures: list[str], capability: tuple[int, int]) -> str:
    """How a card gets its kernels from a build: `binary`, `compiled` (from PTX, when first needed) or `none`.

    `sm_86` is machine code for cards of the same major version and at least that minor one; a letter narrows it: `sm_90a` runs on
    9.0 alone, `sm_100f` on its family. `compute_90` is PTX, which the driver can compile for any later card.
    """
    fits = "none"
    for kind, number, letter in re.findall(r"\b(sm|compute)_(\d+)([af]?)\b", " ".join(architectures)):
        major, minor = divmod(int(number), 10)
        if kind == "sm" and capability[0] == major and (capability[1] == minor if letter == "a" else capability[1] >= minor):
            return "binary"
        if kind == "compute" and not letter and (major, minor) <= capability:
            fits = "compiled"
    return fits
