"""Packages that some experiments use and that may be absent: then a row says so, with what installs them."""

from __future__ import annotations

import sys
from importlib import import_module, metadata

from core.worker.failure import RunFailure

#: Name of the distribution by module; their versions are pinned in requirements-exports.txt.
OPTIONAL = {
    "onnx": "onnx",
    "onnxscript": "onnxscript",
    "onnxruntime": "onnxruntime",
    "tf2onnx": "tf2onnx",
    "ai_edge_litert": "ai-edge-litert",
    "executorch": "executorch",
    "torchao": "torchao",
}


def need(*modules: str) -> dict[str, str]:
    """Version by distribution of these of `OPTIONAL`.

    Raises RunFailure of kind `exporter_missing` that names what is missing and the command that installs it.
    """
    for module in modules:
        try:
            import_module(module)
        except ImportError as error:
            why = "is not installed" if isinstance(error, ModuleNotFoundError) else f"cannot be imported ({error})"
            command = f"{sys.executable} -m pip install -r requirements-exports.txt"
            raise RunFailure("exporter_missing", f"{OPTIONAL[module]} {why}; install it with '{command}'.") from error
    return {OPTIONAL[module]: metadata.version(OPTIONAL[module]) for module in modules}
