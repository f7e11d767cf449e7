"""Finding a workload by its name, without importing a framework."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path
from types import ModuleType

from core.model.errors import ShowdownError
from core.workloads.spec import WorkloadSpec

NAMES = ("mnist_cnn",)


class WorkloadError(ShowdownError):
    """A workload that does not exist."""


def workload_spec(name: str) -> WorkloadSpec:
    """The spec of a workload.

    Raises WorkloadError for a name that is not in `NAMES`.
    """
    spec = workload_module(name, "spec").SPEC
    assert isinstance(spec, WorkloadSpec)
    return spec


def workload_module(name: str, part: str) -> ModuleType:
    """`core.workloads.<name>.<part>`; `part` is `spec`, `weights` or a framework, which this imports."""
    if name not in NAMES:
        raise WorkloadError(f"There is no workload '{name}'; choose {' or '.join(NAMES)}.")
    return import_module(f"core.workloads.{name}.{part}")


def source_path(name: str, framework: str) -> Path:
    """The file that is trained on one side."""
    return Path(__file__).parent / name / f"{framework}.py"


def function_sources(name: str, framework: str) -> dict[str, str]:
    """Source text of every top-level function and class of one side, by name, in file order; nothing is imported."""
    text = source_path(name, framework).read_text(encoding="utf-8")
    return {
        node.name: ast.get_source_segment(text, node) or ""
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }
