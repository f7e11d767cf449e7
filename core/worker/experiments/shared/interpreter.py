"""Asking the interpreter of `.tflite` files, which TensorFlow and LiteRT both ship."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray


def interpreter_calls(interpreter: Callable[..., Any], settings: dict[str, Any], inputs: NDArray[np.generic]) -> Callable[[int], Any]:
    """What answers sample number i of `inputs`, shape (samples, ...); `settings` has `path` and `threads`."""
    loaded = interpreter(model_path=settings["path"], num_threads=settings["threads"])
    loaded.allocate_tensors()
    (given,), (wanted,) = loaded.get_input_details(), loaded.get_output_details()

    def call(i: int) -> Any:
        loaded.set_tensor(given["index"], inputs[i : i + 1])
        loaded.invoke()
        return loaded.get_tensor(wanted["index"])

    return call
