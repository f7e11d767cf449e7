"""What PyTorch is and can do for the interpreter that runs this; one step of `python -m core doctor`.

Started as `python -m core.worker.probe_pytorch EVENTS_FILE`. Each thing learned is an event, written at once, so that a crash or
a hang later on leaves what was known. The GPU part was run on one machine with an H100.
"""

from __future__ import annotations

import platform
import sys
import sysconfig
import traceback
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from core.worker.events import EventWriter

SIZE = 256


def main(path: Path) -> int:
    events = EventWriter(path)
    headers = Path(sysconfig.get_path("include"))
    events.write("interpreter", python=sys.executable, python_version=platform.python_version(),
                 headers=str(headers) if (headers / "Python.h").exists() else None)  # fmt: skip
    try:
        with events.phase("import"):
            import torch

            import_module("numpy")  # a worker needs it, and torch does not bring it
    except Exception as error:
        traceback.print_exc()
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        events.write("import_failed", missing_module=missing, error=f"{type(error).__name__}: {error}")
        return 1
    events.write("build", version=torch.__version__, cuda=torch.version.cuda, rocm=torch.version.hip,
                 cudnn=torch.backends.cudnn.version() if torch.backends.cudnn.is_available() else None,
                 architectures=_architectures(torch), triton=find_spec("triton") is not None)  # fmt: skip
    with events.phase("looking for devices"):
        gpus = [torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count())]
    events.write("devices", gpus=[{"name": gpu.name, "capability": [gpu.major, gpu.minor]} for gpu in gpus])
    events.write("defaults", threads=torch.get_num_threads(), tf32_matmul=torch.backends.cuda.matmul.allow_tf32,
                 tf32_convolution=torch.backends.cudnn.allow_tf32, deterministic=torch.are_deterministic_algorithms_enabled(),
                 autotune=torch.backends.cudnn.benchmark, onednn=torch.backends.mkldnn.is_available())  # fmt: skip
    for device in ["cpu", *(f"cuda:{i}" for i in range(len(gpus)))]:
        with events.phase(f"kernel on {device}"):
            events.write("kernel", device=device, **_kernel(torch, device))
    with events.phase("profiler"):
        events.write("profiler", **_profiler(torch, gpus=bool(gpus)))
    events.write("finished")
    return 0


def _architectures(torch: Any) -> list[str]:
    """What the CUDA kernels were compiled for; `get_arch_list` says nothing where no GPU is visible, the build flags do."""
    return [str(name) for name in torch.cuda.get_arch_list()] or str(torch._C._cuda_getArchFlags() or "").split()


def _kernel(torch: Any, device: str) -> dict[str, Any]:
    """Relative L2 error of a matrix product against numpy in double precision, or why there is none."""
    import numpy as np

    generator = np.random.default_rng(0)
    a, b = (generator.standard_normal((SIZE, SIZE), dtype=np.float32) for _ in range(2))
    torch.backends.cuda.matmul.allow_tf32 = False
    try:
        seen = (torch.from_numpy(a).to(device) @ torch.from_numpy(b).to(device)).cpu().numpy()
    except Exception as error:
        traceback.print_exc()
        return {"failed": f"{type(error).__name__}: {error}"}
    exact = a.astype(np.float64) @ b.astype(np.float64)
    return {"error": float(np.linalg.norm(seen - exact) / np.linalg.norm(exact))}


def _profiler(torch: Any, *, gpus: bool) -> dict[str, Any]:
    """What a profile of one matrix product holds."""
    activities = [torch.profiler.ProfilerActivity.CPU] + [torch.profiler.ProfilerActivity.CUDA] * gpus
    a = torch.ones(SIZE, SIZE, device="cuda:0" if gpus else "cpu")
    try:
        with torch.profiler.profile(activities=activities) as profile:
            (a @ a).sum().item()
        recorded = list(profile.events())
    except Exception as error:
        traceback.print_exc()
        return {"failed": f"{type(error).__name__}: {error}"}
    on_device = sum(event.device_type == torch.profiler.DeviceType.CUDA for event in recorded)
    return {"operators": sum(event.name.startswith("aten::") for event in recorded), "kernels": on_device if gpus else None}


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m core.worker.probe_pytorch EVENTS_FILE")
    sys.exit(main(Path(sys.argv[1])))
