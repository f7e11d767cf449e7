"""What the tests of every workload need: the parity stage of a real comparison, and answers from an interpreter of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from core.bench.referee import Referee
from core.bench.start import make_spec
from core.machine.interpreter import PROJECT
from core.model.comparison import ComparisonResult
from core.model.variant import parse_variant
from core.store.comparisons import ComparisonStore
from core.store.files import read_json
from core.workloads.registry import workload_spec
from core.workloads.spec import Sizes

#: Shape and trainable parameters of every layer at the default sizes, as each framework builds it; in PyTorch on no device at all.
_BUILT = {
    "tensorflow": """
import json, math
from core.workloads.registry import workload_module, workload_spec
for name in {names}:
    model = workload_module(name, "tensorflow").model(workload_spec(name).complete({{}}))
    own = {{variable.path.removeprefix(model.name + "/"): math.prod(variable.shape) for variable in model.trainable_variables}}
    print("answer", json.dumps([name, {{
        layer.name: [list(layer.output.shape[1:]),
                     sum(count for path, count in own.items() if path.startswith((layer.name + "/", layer.name + "_")))]
        for layer in model.layers}}]))
""",
    "pytorch": """
import json, torch
from core.workloads.registry import samples, workload_module, workload_spec
for name in {names}:
    spec = workload_spec(name)
    sizes = spec.complete({{}})
    workload, (train, _) = workload_module(name, "pytorch"), samples(name, sizes)
    inputs, _ = workload.data(train.inputs[:1], train.labels[:1], "meta")
    with torch.device("meta"):
        model = workload.model(sizes).eval()
    layers = {{}}
    def note(path):
        def hook(module, _, output):
            learned = sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)
            layers[path.replace(".", "_")] = [list(output.shape[1:]), learned]
        return hook
    for path, module in model.named_modules():
        module.register_forward_hook(note(path))
    model(inputs)
    print("answer", json.dumps([name, layers]))
""",
}


def prove(workload: str, a: str, b: str, *, seed: int = 1, sizes: Sizes | None = None) -> tuple[ComparisonResult, dict[str, Any]]:
    """The parity stage of a comparison, stopped where the timing would begin: the result, and by side the layers that were built.

    At the workload's small sizes and batch; `sizes` replaces some of them.
    """
    known, store = workload_spec(workload), ComparisonStore()
    sides = (parse_variant(side, threads=1) for side in (a, b))
    spec = make_spec(workload, *sides, sizes={**known.small_sizes, **(sizes or {})}, batch_size=known.small_batch_size, seed=seed)
    folder = store.create(spec)
    proven: list[bool] = []
    result = Referee(store, spec, lambda event: proven.append(True) if event["event"] == "parity" else None, lambda: bool(proven)).run()
    return result, read_json(folder / "parity.json", dict)["layers"]


def failed(result: ComparisonResult) -> dict[str, tuple[float | None, float]]:
    """Error and gate of every stage that did not pass."""
    return {stage.stage: (stage.error, stage.allowed) for stage in result.parity if not stage.passed}


def built_layers(framework: str, names: tuple[str, ...]) -> dict[str, dict[str, list[Any]]]:
    """By workload and name of the layer: shape without the batch, and trainable parameters, at the default sizes."""
    return dict(answers(_BUILT[framework].format(names=names)))


def answers(script: str) -> list[Any]:
    """What a script prints as `answer JSON`, in an interpreter of its own; its output if it fails."""
    run = subprocess.run([sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-3_000:]
    return [json.loads(line.removeprefix("answer ")) for line in run.stdout.splitlines() if line.startswith("answer ")]
