"""TensorFlow: does it start, compute, use the card and profile?"""

from __future__ import annotations

from core.machine.gpu import GpuFacts
from core.machine.probes.frameworks import Probe, check_finished, check_gpu_build, check_import, check_kernels
from core.machine.probes.profilers import check_profiler
from core.model.finding import Finding


def check_tensorflow(probe: Probe, gpus: list[GpuFacts], driver: str | None) -> list[Finding]:
    """Everything that the probe told, as findings."""
    imported = check_import(probe)
    if imported.status != "ok":
        return [imported]
    build = probe.event("build") or {}
    # The plain wheel is built for CUDA but brings none of its libraries; the extra does.
    gpu_remedy = probe.install(f"'tensorflow[and-cuda]=={build['version']}'")
    gpu = check_gpu_build(probe, gpus, driver, gpu_remedy=gpu_remedy)
    return [imported, *check_kernels(probe), *gpu, *_defaults(probe), *check_profiler(probe), *check_finished(probe)]


def _defaults(probe: Probe) -> list[Finding]:
    defaults = probe.event("defaults")
    if defaults is None:
        return []
    deterministic = {True: "on", False: "off", None: "unknown"}[defaults["deterministic"]]
    threads = defaults["threads"] or "all cores"
    return [Finding(
        id="tensorflow.defaults", area="tensorflow", title="TensorFlow's defaults", status="ok",
        seen=f"TF32 {'on' if defaults['tf32'] else 'off'}, determinism {deterministic}, oneDNN {defaults['onednn']}, threads {threads}",
        why="Runs set TF32, determinism and threads themselves, the same on both sides; your own programs start from these.",
    )]  # fmt: skip
