"""The article's words about the machine: the driver, the check of an installation, and the V100."""

from __future__ import annotations

from typing import Any

from core.claims.experiment import Context
from core.claims.judging import CANNOT_TELL, DOES_NOT_HOLD, HOLDS
from core.machine.child import ChildEnd, run_child
from core.machine.interpreter import framework_python
from core.machine.probes.compatibility import OLDEST_DRIVER, architecture_fit, driver_needed
from core.machine.probes.frameworks import Probe, probe
from core.machine.queue import Cancelled
from core.model.claim import ClaimResult
from core.model.variant import FRAMEWORK_LABELS, FRAMEWORKS

NEEDS_GPU = "needs_gpu"
V100 = (7, 0)
CHILD_LIMIT_S = 180.0
#: The article's own check, word for word.
_ARTICLE_CHECK = "import tensorflow as tf; print('TF', tf.__version__)"


def driver(context: Context) -> ClaimResult:
    """Claim `setup-driver`."""
    return judge_driver(context.machine.get("nvidia_driver"), probes_of_both(context))


def judge_driver(installed: str | None, probes: dict[str, Probe]) -> ClaimResult:
    """Refuted where a CUDA 11 build computes on the GPU under a driver older than 525; only such a machine can tell.

    Not run on a GPU by us.
    """
    rows = []
    for one in probes.values():
        cuda = (one.event("build") or {}).get("cuda")
        major = int(cuda.split(".")[0]) if cuda else None
        rows.append({
            "framework": one.label, "built_with_cuda": cuda, "oldest_driver": None if major is None else OLDEST_DRIVER.get(major),
            "driver_here": installed, "computed_on_gpu": _computed_on_gpu(one),
        })  # fmt: skip
    table = ", ".join(f"CUDA {major}.x needs {oldest}" for major, oldest in OLDEST_DRIVER.items())
    if installed is None:
        reason = f"No NVIDIA driver here. By NVIDIA's table {table}: 525 is the number of CUDA 12, not of 11.8."
        return ClaimResult(id="setup-driver", verdict=NEEDS_GPU, reason=reason, rows=tuple(rows))
    branch = int(installed.split(".")[0])
    eleven = [row for row in rows if str(row["built_with_cuda"]).startswith("11.")]
    if branch >= 525 or not eleven:
        reason = (f"Driver {installed} here{'' if eleven else ', and no build for CUDA 11'}: only a driver older than 525 with such a build "
                  f"could show it. By NVIDIA's table {table}.")  # fmt: skip
        return ClaimResult(id="setup-driver", verdict=CANNOT_TELL, reason=reason, rows=tuple(rows))
    works = [row["framework"] for row in eleven if row["computed_on_gpu"]]
    refused = [row["framework"] for row in eleven if not row["computed_on_gpu"]]
    enough = driver_needed("11.8", installed) is None
    if works:
        reason = f"Driver {installed} is older than 525, and {' and '.join(map(str, works))} built for CUDA 11 computed on the GPU."
        return ClaimResult(id="setup-driver", verdict=DOES_NOT_HOLD, reason=reason, rows=tuple(rows))
    known = f"Driver {installed} {'would do' if enough else 'is too old'} for CUDA 11 by NVIDIA's table"
    reason = f"{known}; {' and '.join(map(str, refused))} did not compute on the GPU."
    return ClaimResult(id="setup-driver", verdict=CANNOT_TELL if enough else HOLDS, reason=reason, rows=tuple(rows))


def verify(context: Context) -> ClaimResult:
    """Claim `setup-verify`."""
    probes = probes_of_both(context)
    go_on(context, "the article's check, with every GPU hidden")
    command = [framework_python("tensorflow"), "-c", _ARTICLE_CHECK]
    hidden = run_child(command, limit_s=CHILD_LIMIT_S, variables={"CUDA_VISIBLE_DEVICES": "-1"})
    return judge_verify(hidden, probes)


def judge_verify(hidden: ChildEnd, probes: dict[str, Probe]) -> ClaimResult:
    """A check that passes where no GPU can be used does not verify that one can. `hidden`: the check with every GPU hidden."""
    rows = []
    for one in probes.values():
        gpus = [gpu["name"] for gpu in (one.event("devices") or {"gpus": []})["gpus"]]
        for event in one.events:
            if event["event"] == "kernel":
                outcome = event.get("failed") or f"relative error {event['error']:.1e} against numpy"
                rows.append({"framework": one.label, "gpus_seen": len(gpus), "kernel_on": event["device"], "outcome": outcome})
    printed = next((line for line in reversed(hidden.log_tail) if line.startswith("TF ")), "")
    if hidden.exit_code != 0 or not printed:
        what = f"ended with {ended(hidden)}{f': {hidden.log_tail[-1]}' if hidden.log_tail else ''}"
        reason = f"The article's check of TensorFlow {what}, with every GPU hidden."
        return ClaimResult(id="setup-verify", verdict=CANNOT_TELL, reason=reason, rows=tuple(rows))
    seen = ", ".join(f"{one.label} sees {len((one.event('devices') or {'gpus': []})['gpus'])}" for one in probes.values())
    reason = (f"With every GPU hidden the article's check still prints '{printed}' and ends well: it never asks for a GPU. Asked for their "
              f"GPUs and for a matrix product on each device, {seen}.")  # fmt: skip
    return ClaimResult(id="setup-verify", verdict=DOES_NOT_HOLD, reason=reason, rows=tuple(rows))


def p3(context: Context) -> ClaimResult:
    """Claim `setup-p3`."""
    return judge_p3(probes_of_both(context), [gpu for gpu in context.machine.get("gpus") or [] if gpu.get("compute_capability")])


def judge_p3(probes: dict[str, Probe], gpus: list[dict[str, Any]]) -> ClaimResult:
    """Have these builds kernels for a V100 (compute capability 7.0)? Where one has none, no V100 is needed to know."""
    rows = []
    for one in probes.values():
        build = one.event("build") or {}
        architectures = [str(name) for name in build.get("architectures") or []]
        fit = architecture_fit(architectures, V100) if architectures else None
        rows.append({
            "framework": one.label, "version": build.get("version"), "cuda": build.get("cuda"), "architectures": ", ".join(architectures),
            "kernels_for_7_0": fit,
        })  # fmt: skip
    without = [row for row in rows if row["kernels_for_7_0"] == "none"]
    on_card = any(tuple(gpu["compute_capability"]) == V100 for gpu in gpus)
    if without:
        builds = " and ".join(f"{row['framework']} {row['version']} ({row['architectures']})" for row in without)
        others = [f"; {row['framework']} {row['version']} has" for row in rows if row["kernels_for_7_0"] in ("binary", "compiled")]
        reason = f"{builds} {'has' if len(without) == 1 else 'have'} no kernel for a V100, which is compute capability 7.0{''.join(others)}."
        return ClaimResult(id="setup-p3", verdict=DOES_NOT_HOLD, reason=reason, rows=tuple(rows))
    computed = [one.label for one in probes.values() if _computed_on_gpu(one)]
    if on_card and len(computed) == len(FRAMEWORKS):
        reason = "Both frameworks computed a matrix product on the V100 here."
        return ClaimResult(id="setup-p3", verdict=HOLDS, reason=reason, rows=tuple(rows))
    silent = "the build does not tell, as one for the CPU alone has none"
    known = "; ".join(f"{row['framework']}: {row['kernels_for_7_0'] or silent}" for row in rows)
    reason = f"No V100 computed here. Kernels for compute capability 7.0: {known}."
    return ClaimResult(id="setup-p3", verdict=NEEDS_GPU, reason=reason, rows=tuple(rows))


def _computed_on_gpu(one: Probe) -> bool:
    return any(event["event"] == "kernel" and "cpu" not in event["device"].lower() and "error" in event for event in one.events)


def probes_of_both(context: Context) -> dict[str, Probe]:
    """What each framework's interpreter tells of itself."""
    found = {}
    for framework in FRAMEWORKS:
        go_on(context, f"asking {FRAMEWORK_LABELS[framework]} for its build, its devices and a matrix product")
        found[framework] = probe(framework)
    return found


def go_on(context: Context, words: str) -> None:
    """Tell what comes next. Raises Cancelled."""
    if context.cancelled():
        raise Cancelled
    context.say(words)


def ended(end: ChildEnd) -> str:
    """How a child ended, in words."""
    if end.exit_code is None:
        return f"no end within {CHILD_LIMIT_S:.0f} s"
    return f"signal {-end.exit_code}" if end.exit_code < 0 else f"exit code {end.exit_code}"
