"""Is the framework's profiler ready? Seen by profiling one matrix product in the probe's process."""

from __future__ import annotations

from core.machine.probes.frameworks import Probe
from core.model.finding import Finding

_CUPTI_REMEDY = (
    "Allow profiling for everybody: 'echo options nvidia NVreg_RestrictProfilingToAdminUsers=0 | sudo tee "
    "/etc/modprobe.d/nvidia-profiling.conf', then restart; in a container, add '--cap-add=SYS_ADMIN'."
)


def check_profiler(probe: Probe) -> list[Finding]:
    """One finding; none where the probe did not come so far for a reason that another finding tells."""

    def finding(status: str, seen: str, remedy: str = "") -> list[Finding]:
        return [Finding(id=f"profiler.{probe.framework}", area="profiler", title=f"{probe.label}'s profiler", status=status, seen=seen,
                        why="Operators, kernels and memory over time come from it; timed runs do not use it.", remedy=remedy)]  # fmt: skip

    result = probe.event("profiler")
    if result is None:
        if probe.stopped_in != "profiler":
            return []
        hung = probe.exit_code is None
        seen = f"no answer within {probe.limit_s:.0f} s" if hung else "the process crashed while profiling"
        return finding("unknown" if hung else "problem", seen, probe.install("--force-reinstall -r requirements.txt"))
    if "failed" in result:
        return finding("problem", f"cannot profile: {result['failed']}", probe.install("--force-reinstall -r requirements.txt"))
    if "trace_bytes" in result:
        good = result["trace_bytes"] > 0
        return finding("ok" if good else "problem", f"starts, stops and writes a trace ({result['trace_bytes']} bytes)",
                       "" if good else probe.install("--force-reinstall -r requirements.txt"))  # fmt: skip
    kernels = "" if result["kernels"] is None else f" and {result['kernels']} device kernels"
    seen = f"recorded {result['operators']} operators{kernels} of one matrix product"
    if result["operators"] == 0:
        return finding("problem", seen, probe.install("--force-reinstall -r requirements.txt"))
    return finding("problem", seen, _CUPTI_REMEDY) if result["kernels"] == 0 else finding("ok", seen)
