"""PyTorch's export formats."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from core.worker.experiments.shared.inputs import size_bytes, write_reference
from core.worker.experiments.shared.optional import need
from core.worker.experiments.shared.pytorch import ready
from core.worker.failure import RunFailure


def torch_export(model: Any, one: Any, path: Path) -> Path:
    torch.export.save(torch.export.export(model, (one,)), path / "model.pt2")
    return path / "model.pt2"


def torchscript(model: Any, one: Any, path: Path) -> Path:
    torch.jit.trace(model, one).save(str(path / "model.pt"))
    return path / "model.pt"


def torch_mobile(model: Any, one: Any, path: Path) -> Path:
    """The article's way to a phone."""
    from torch.utils.mobile_optimizer import optimize_for_mobile

    try:
        optimised = optimize_for_mobile(torch.jit.trace(model, one))
    except RuntimeError as error:
        if "XNNPACK is not enabled" not in str(error):
            raise
        message = f"PyTorch {torch.__version__} is built without XNNPACK here, so torch.utils.mobile_optimizer refuses to work."
        raise RunFailure("exporter_missing", message) from error
    optimised._save_for_lite_interpreter(str(path / "model.ptl"))
    return path / "model.ptl"


def onnx(model: Any, one: Any, path: Path) -> Path:
    need("onnx", "onnxscript")
    torch.onnx.export(model, (one,), path / "model.onnx", dynamo=True, external_data=False, verbose=False)
    return path / "model.onnx"


def executorch(model: Any, one: Any, path: Path) -> Path:
    """With the operators of XNNPACK, as on a phone's CPU."""
    return _lower(torch.export.export(model, (one,)), path / "model.pte")


def executorch_int8(model: Any, one: Any, path: Path) -> Path:
    """Weights in 8 bits, activations quantised as they come, of the layers for which XNNPACK has that: dense ones."""
    need("executorch")
    from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import XNNPACKQuantizer, get_symmetric_quantization_config
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    quantizer = XNNPACKQuantizer().set_global(get_symmetric_quantization_config(is_per_channel=True, is_dynamic=True))
    prepared = prepare_pt2e(torch.export.export(model, (one,)).module(), quantizer)
    prepared(one)
    return _lower(torch.export.export(convert_pt2e(prepared), (one,)), path / "model.pte")


def _lower(program: Any, path: Path) -> Path:
    need("executorch")
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower

    path.write_bytes(to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()]).to_executorch().buffer)
    return path


FORMATS: dict[str, Callable[[Any, Any, Path], Path]] = {
    "torch_export": torch_export,
    "torchscript": torchscript,
    "onnx": onnx,
    "torch_mobile": torch_mobile,
    "executorch": executorch,
    "executorch_int8": executorch_int8,
}


def run(settings: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    folder = Path(settings["folder"])
    model, inputs = ready(settings)
    with torch.no_grad():
        write_reference(folder / "reference.npz", inputs.cpu().numpy(), model(inputs).cpu().numpy())
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            began = time.perf_counter()
            path = FORMATS[settings["format"]](model, inputs[:1], folder)
            export_s = time.perf_counter() - began
    said = next((str(one.message) for one in caught if "torch.jit" in str(one.message) and "deprecated" in str(one.message)), "")
    return {"path": str(path), "size_bytes": size_bytes(path), "export_s": export_s, "note": said}
