"""Exporting a workload's network in the formats of both frameworks, and asking each file in fresh processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.bench.experiment import ExperimentFailed, run_experiment
from core.workloads.spec import Sizes

#: Outputs of the same 32-bit arithmetic may differ by so much of the largest output, or by so much where that is below one.
ALLOWED_DIFFERENCE = 1e-5
CALLS = 300
_LIMIT_S = 900.0


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """What asks a network: a module of the experiment `inference`, and what a person calls it."""

    module: str
    label: str
    provider: str = ""
    """Of ONNX Runtime; empty: that of the device."""


TENSORFLOW = Runtime(module="tensorflow", label="TensorFlow")
TF_LITE = Runtime(module="tensorflow", label="tf.lite")
LITERT = Runtime(module="litert", label="LiteRT")
PYTORCH = Runtime(module="pytorch", label="PyTorch")
EXECUTORCH = Runtime(module="pytorch", label="ExecuTorch")
ONNX_RUNTIME = Runtime(module="onnxruntime", label="ONNX Runtime")
TENSORRT = Runtime(module="onnxruntime", label="TensorRT in ONNX Runtime", provider="tensorrt")


@dataclass(frozen=True, kw_only=True)
class Format:
    """One way in which a framework writes a network down, or runs it as a program."""

    name: str
    """Key of the worker's `FORMATS`."""
    label: str
    framework: str
    runtimes: tuple[Runtime, ...]
    exact: bool = True
    """The same 32-bit arithmetic: its outputs are held to `ALLOWED_DIFFERENCE`. Otherwise the difference is reported only."""
    cpu_only: bool = False
    file: bool = True


FORMATS = (
    Format(name="saved_model", label="SavedModel", framework="tensorflow", runtimes=(TENSORFLOW,)),
    Format(name="onnx", label="ONNX", framework="tensorflow", runtimes=(ONNX_RUNTIME,)),
    Format(name="tflite", label="LiteRT fp32", framework="tensorflow", runtimes=(TF_LITE, LITERT), cpu_only=True),
    Format(name="tflite_int8", label="LiteRT int8 dynamic", framework="tensorflow", runtimes=(TF_LITE, LITERT), exact=False, cpu_only=True),
    Format(name="torch_export", label="torch.export", framework="pytorch", runtimes=(PYTORCH,)),
    Format(name="torchscript", label="TorchScript", framework="pytorch", runtimes=(PYTORCH,)),
    Format(name="onnx", label="ONNX", framework="pytorch", runtimes=(ONNX_RUNTIME,)),
    Format(name="torch_mobile", label="PyTorch Mobile", framework="pytorch", runtimes=(PYTORCH,), cpu_only=True),
    Format(name="executorch", label="ExecuTorch fp32", framework="pytorch", runtimes=(EXECUTORCH,), cpu_only=True),
    Format(name="executorch_int8", label="ExecuTorch int8 dynamic", framework="pytorch", runtimes=(EXECUTORCH,), exact=False, cpu_only=True),
)
PROGRAMS = (
    Format(name="eager", label="eager", framework="tensorflow", runtimes=(TENSORFLOW,), file=False),
    Format(name="graph", label="graph (tf.function)", framework="tensorflow", runtimes=(TENSORFLOW,), file=False),
    Format(name="xla", label="XLA (jit_compile)", framework="tensorflow", runtimes=(TENSORFLOW,), file=False),
    Format(name="eager", label="eager", framework="pytorch", runtimes=(PYTORCH,), file=False),
    Format(name="compile", label="torch.compile", framework="pytorch", runtimes=(PYTORCH,), file=False),
)


def find_format(framework: str, name: str) -> Format:
    """One of `FORMATS` or `PROGRAMS`."""
    return next(one for one in (*FORMATS, *PROGRAMS) if (one.framework, one.name) == (framework, name))


@dataclass(frozen=True, kw_only=True)
class Exported:
    """A network in a file, or a program that needs none."""

    format: Format
    path: str = ""
    reference: str = ""
    """The samples, and the framework's own answers."""
    size_bytes: int | None = None
    export_s: float | None = None
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Exporter:
    """Exports one workload and asks what it exported, each time in a process of its own."""

    workload: str
    sizes: Sizes
    """Complete."""
    folder: Path
    threads: int
    device: str
    say: Callable[[str], None]
    cancelled: Callable[[], bool]
    seed: int = 1
    calls: int = CALLS
    _runs: list[Path] = field(default_factory=list)

    def export(self, format: Format) -> Exported:
        """Write the network with its initial weights; raises ExperimentFailed or Cancelled."""
        if not format.file:
            return Exported(format=format)
        self.say(f"exporting {format.label} from {format.framework}")
        folder = self._folder(f"export-{format.framework}-{format.name}")
        found = self._run("exports", format.framework, format, {**self._model(format), "folder": str(folder.resolve())}, folder)
        return Exported(format=format, path=found["path"], reference=str(folder.resolve() / "reference.npz"),
                        size_bytes=found["size_bytes"], export_s=found["export_s"], note=found["note"])  # fmt: skip

    def ask(self, exported: Exported, runtime: Runtime) -> dict[str, Any]:
        """Load it and ask it sample by sample, as `core.worker.experiments.inference.calls.measure`; raises ExperimentFailed or Cancelled."""
        format = exported.format
        self.say(f"asking {format.label} in {runtime.label}")
        settings: dict[str, Any] = {"format": format.name, "calls": self.calls}
        settings |= {"path": exported.path, "reference": exported.reference} if format.file else self._model(format)
        if runtime.provider:
            settings["provider"] = runtime.provider
        return self._run("inference", runtime.module, format, settings, self._folder(f"ask-{format.framework}-{format.name}-{runtime.module}"))

    def rows(self, formats: Sequence[Format] = FORMATS) -> list[dict[str, Any]]:
        """One row per format and runtime, as `row` gives it; what fails or is not installed is a row with the reason."""
        rows = []
        for format in formats:
            try:
                exported = self.export(format)
            except ExperimentFailed as failure:
                rows += [row(Exported(format=format), runtime, None, failure.message) for runtime in format.runtimes]
                continue
            for runtime in format.runtimes:
                try:
                    rows.append(row(exported, runtime, self.ask(exported, runtime)))
                except ExperimentFailed as failure:
                    rows.append(row(exported, runtime, None, failure.message))
        return rows

    def _model(self, format: Format) -> dict[str, Any]:
        return {"workload": self.workload, "sizes": self.sizes, "seed": self.seed, "format": format.name}

    def _folder(self, name: str) -> Path:
        self._runs.append(self.folder / f"{len(self._runs):02d}-{name}")
        return self._runs[-1]

    def _run(self, experiment: str, module: str, format: Format, settings: dict[str, Any], folder: Path) -> dict[str, Any]:
        return run_experiment(
            experiment, module, settings, folder=folder, threads=self.threads, device="cpu" if format.cpu_only else self.device,
            limit_s=_LIMIT_S, say=self.say, cancelled=self.cancelled,
        )  # fmt: skip


def row(exported: Exported, runtime: Runtime, found: dict[str, Any] | None, why: str = "") -> dict[str, Any]:
    """One line of the table; `found` as `Exporter.ask` gives it, None where it failed because of `why`.

    `same_outputs`: is the largest difference to the framework's own output within `allowed_difference`? None where it is reported only.
    """
    format = exported.format
    found = found or {}
    measured = ("load_ms", "first_call_ms", "latency_p50_ms", "latency_p99_ms", "largest_difference")
    allowed = ALLOWED_DIFFERENCE * max(1.0, found["largest_output"]) if format.exact and found else None
    difference = found.get("largest_difference")
    # Outputs that are no numbers have no difference, and are not the same.
    same = None if allowed is None else difference is not None and difference <= allowed
    return {
        "format": format.label,
        "framework": format.framework,
        "runtime": runtime.label,
        "size_bytes": exported.size_bytes,
        "export_s": exported.export_s,
        **{name: found.get(name) for name in measured},
        "allowed_difference": allowed,
        "same_outputs": same,
        "note": why or exported.note,
    }
