"""What TensorFlow is and can do for the interpreter that runs this; one step of `python -m core doctor`.

Started as `python -m core.worker.probe_tensorflow EVENTS_FILE`. Each thing learned is an event, written at once, so that a crash
or a hang later on leaves what was known. The GPU part has not been run on a GPU by us.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

from core.worker.events import EventWriter

SIZE = 256


def main(path: Path) -> int:
    events = EventWriter(path)
    events.write("interpreter", python=sys.executable, python_version=platform.python_version())
    try:
        with events.phase("import"):
            import keras
            import tensorflow as tf
    except Exception as error:
        traceback.print_exc()
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        events.write("import_failed", missing_module=missing, error=f"{type(error).__name__}: {error}")
        return 1
    build = tf.sysconfig.get_build_info()
    events.write("build", version=tf.__version__, keras=keras.__version__, cuda=build.get("cuda_version"),
                 rocm=build.get("is_rocm_build"), cudnn=build.get("cudnn_version"),
                 architectures=list(build.get("cuda_compute_capabilities", [])))  # fmt: skip
    with events.phase("looking for devices"):
        gpus = tf.config.list_physical_devices("GPU")
        for gpu in gpus:
            tf.config.experimental.set_memory_growth(gpu, True)  # a check must not take the whole card
    events.write("devices", gpus=[_device(tf, gpu) for gpu in gpus])
    events.write("defaults", threads=tf.config.threading.get_intra_op_parallelism_threads(),
                 tf32=tf.config.experimental.tensor_float_32_execution_enabled(), deterministic=_deterministic(),
                 onednn=os.environ.get("TF_ENABLE_ONEDNN_OPTS", "default"))  # fmt: skip
    for device in ["CPU:0", *(f"GPU:{i}" for i in range(len(gpus)))]:
        with events.phase(f"kernel on {device}"):
            events.write("kernel", device=device, **_kernel(tf, device))
    with events.phase("profiler"):
        events.write("profiler", **_profiler(tf))
    events.write("finished")
    return 0


def _device(tf: Any, gpu: Any) -> dict[str, Any]:
    details = tf.config.experimental.get_device_details(gpu)
    capability = details.get("compute_capability")
    return {"name": details.get("device_name", gpu.name), "capability": list(capability) if capability else None}


def _deterministic() -> bool | None:
    """TensorFlow can switch determinism but has no public way to ask; None where the private one is gone."""
    try:
        from tensorflow.python.framework.config import is_op_determinism_enabled
    except ImportError:
        return None
    return bool(is_op_determinism_enabled())


def _kernel(tf: Any, device: str) -> dict[str, Any]:
    """Relative L2 error of a matrix product against numpy in double precision, or why there is none."""
    import numpy as np

    generator = np.random.default_rng(0)
    a, b = (generator.standard_normal((SIZE, SIZE), dtype=np.float32) for _ in range(2))
    tf.config.experimental.enable_tensor_float_32_execution(False)
    try:
        with tf.device(device):
            seen = tf.linalg.matmul(a, b).numpy()
    except Exception as error:
        traceback.print_exc()
        return {"failed": f"{type(error).__name__}: {error}"}
    exact = a.astype(np.float64) @ b.astype(np.float64)
    return {"error": float(np.linalg.norm(seen - exact) / np.linalg.norm(exact))}


def _profiler(tf: Any) -> dict[str, Any]:
    """Size of the profile of one matrix product."""
    ones = tf.ones((SIZE, SIZE))
    try:
        with tempfile.TemporaryDirectory() as folder:
            tf.profiler.experimental.start(folder)
            tf.linalg.matmul(ones, ones).numpy()
            tf.profiler.experimental.stop()
            return {"trace_bytes": sum(file.stat().st_size for file in Path(folder).rglob("*.xplane.pb"))}
    except Exception as error:
        traceback.print_exc()
        return {"failed": f"{type(error).__name__}: {error}"}


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m core.worker.probe_tensorflow EVENTS_FILE")
    sys.exit(main(Path(sys.argv[1])))
