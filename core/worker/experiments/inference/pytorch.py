"""Networks that PyTorch runs: as a program, or loaded from its formats."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from core.worker.experiments.inference.calls import measure
from core.worker.experiments.shared.inputs import read_reference
from core.worker.experiments.shared.optional import need
from core.worker.experiments.shared.pytorch import ready

_EXECUTIONS: dict[str, Callable[[Any], Any]] = {"eager": lambda model: model, "compile": torch.compile}


def run(settings: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    with torch.inference_mode():
        return (_program if settings["format"] in _EXECUTIONS else _file)(settings) | {"version": torch.__version__}


def _program(settings: dict[str, Any]) -> dict[str, Any]:
    model, inputs = ready(settings)
    found = _measure(lambda: _EXECUTIONS[settings["format"]](model), inputs, model(inputs).cpu().numpy(), settings)
    return found | {"load_ms": None}


def _file(settings: dict[str, Any]) -> dict[str, Any]:
    given, reference = read_reference(Path(settings["reference"]))
    inputs = torch.from_numpy(given).to("cuda:0" if settings["device"] == "gpu" else "cpu")
    load = _LOADERS[settings["format"]](settings["path"])
    return _measure(load, inputs, reference, settings)


def _measure(load: Callable[[], Any], inputs: Any, reference: Any, settings: dict[str, Any]) -> dict[str, Any]:
    ones = [inputs[i : i + 1] for i in range(len(reference))]

    def prepare() -> Callable[[int], Any]:
        model = load()
        return lambda i: model(ones[i]).cpu().numpy()

    return measure(prepare, reference, settings["calls"])


def _torch_mobile(path: str) -> Callable[[], Any]:
    from torch.jit.mobile import _load_for_lite_interpreter

    return lambda: _load_for_lite_interpreter(path)


def _executorch(path: str) -> Callable[[], Any]:
    need("executorch")
    from executorch.extension.pybindings import portable_lib
    from executorch.runtime import Runtime

    # Its own pool of threads, whose number no variable sets; called unsafe because the pool must not be at work.
    portable_lib._unsafe_reset_threadpool(torch.get_num_threads())

    def load() -> Any:
        method = Runtime.get().load_program(path).load_method("forward")
        return lambda one: method.execute([one])[0]

    return load


#: What imports a runtime and gives what loads a file with it, so that loading is timed without the import.
_LOADERS: dict[str, Callable[[str], Callable[[], Any]]] = {
    "torch_export": lambda path: lambda: torch.export.load(path).module(),
    "torchscript": lambda path: lambda: torch.jit.load(path),
    "torch_mobile": _torch_mobile,
    "executorch": _executorch,
    "executorch_int8": _executorch,
}
