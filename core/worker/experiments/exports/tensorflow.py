"""TensorFlow's export formats."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow as tf

from core.worker.experiments.shared.inputs import size_bytes, write_reference
from core.worker.experiments.shared.optional import need
from core.worker.experiments.shared.tensorflow import ready


def saved_model(model: Any, inputs: Any, path: Path) -> Path:
    model.export(path / "saved_model", verbose=False)
    return path / "saved_model"


def onnx(model: Any, inputs: Any, path: Path) -> Path:
    need("onnx", "tf2onnx")
    model.export(path / "model.onnx", format="onnx", verbose=False)
    return path / "model.onnx"


def tflite(model: Any, inputs: Any, path: Path) -> Path:
    return _convert(model, inputs, path / "model.tflite", [])


def tflite_int8(model: Any, inputs: Any, path: Path) -> Path:
    """Weights in 8 bits, activations quantised as they come: no calibration data is needed."""
    return _convert(model, inputs, path / "model.tflite", [tf.lite.Optimize.DEFAULT])


def _convert(model: Any, inputs: Any, path: Path, optimizations: list[Any]) -> Path:
    """For batches of one, through a SavedModel: a concrete function of a Keras model would lose its weights, silently."""
    with tempfile.TemporaryDirectory() as folder:
        model.export(folder, input_signature=[tf.TensorSpec((1, *inputs.shape[1:]), inputs.dtype)], verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.optimizations = optimizations
        path.write_bytes(converter.convert())
    return path


FORMATS: dict[str, Callable[[Any, Any, Path], Path]] = {
    "saved_model": saved_model,
    "onnx": onnx,
    "tflite": tflite,
    "tflite_int8": tflite_int8,
}


def run(settings: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    folder = Path(settings["folder"])
    model, inputs = ready(settings)
    write_reference(folder / "reference.npz", inputs.numpy(), model(inputs, training=False).numpy())
    began = time.perf_counter()
    path = FORMATS[settings["format"]](model, inputs, folder)
    return {"path": str(path), "size_bytes": size_bytes(path), "export_s": time.perf_counter() - began, "note": ""}
