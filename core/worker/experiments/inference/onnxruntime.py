"""ONNX files in ONNX Runtime, on the processor, on a GPU, or through TensorRT where its build has that.

The last two were not run on a GPU by us.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.worker.experiments.inference.calls import measure
from core.worker.experiments.shared.inputs import read_reference
from core.worker.experiments.shared.optional import need
from core.worker.failure import RunFailure

_PROVIDERS = {"cpu": "CPUExecutionProvider", "gpu": "CUDAExecutionProvider", "tensorrt": "TensorrtExecutionProvider"}


def run(settings: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """`provider` among the settings: `cpu`, `gpu` or `tensorrt`; without it that of the device."""
    need("onnxruntime")
    import onnxruntime

    wanted = settings.get("provider", settings["device"])
    available = onnxruntime.get_available_providers()
    if _PROVIDERS[wanted] not in available:
        raise RunFailure("device_missing",
                         f"This build of ONNX Runtime has no {_PROVIDERS[wanted]} (it has {', '.join(available)}); on a machine with an NVIDIA "
                         "GPU install onnxruntime-gpu, and for TensorRT its libraries too.")  # fmt: skip
    inputs, reference = read_reference(Path(settings["reference"]))

    def prepare() -> Callable[[int], Any]:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = settings["threads"]
        options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(settings["path"], options, providers=[_PROVIDERS[wanted]])
        if _PROVIDERS[wanted] not in session.get_providers():
            raise RunFailure("device_missing", f"ONNX Runtime could not start its {_PROVIDERS[wanted]}; the log says why.")
        (name,) = (one.name for one in session.get_inputs())
        return lambda i: session.run(None, {name: inputs[i : i + 1]})[0]

    return measure(prepare, reference, settings["calls"]) | {"version": onnxruntime.__version__}
