"""`.tflite` files in LiteRT's interpreter, without TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.worker.experiments.inference.calls import measure
from core.worker.experiments.shared.inputs import read_reference
from core.worker.experiments.shared.interpreter import interpreter_calls
from core.worker.experiments.shared.optional import need


def run(settings: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    versions = need("ai_edge_litert")
    from ai_edge_litert.interpreter import Interpreter

    inputs, reference = read_reference(Path(settings["reference"]))
    found = measure(lambda: interpreter_calls(Interpreter, settings, inputs), reference, settings["calls"])
    return found | {"version": versions["ai-edge-litert"]}
