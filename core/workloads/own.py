"""A workload of one's own: importing its files, checking what they give, and saying in one sentence what is wrong."""

from __future__ import annotations

import hashlib
import importlib.machinery
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from core.workloads.layouts import Array, Tensor
from core.workloads.own_places import OWN_PACKAGE, first_line, own_place
from core.workloads.spec import Samples, WorkloadError, WorkloadSpec

_PROGRAM = ("data", "batch", "model", "loss", "optimizer", "train_step", "evaluate_batch")
#: What each file must define.
FUNCTIONS = {"spec": ("samples",), "weights": ("weight_map", "initial"), "tensorflow": _PROGRAM, "pytorch": _PROGRAM}


def import_part(folder: Path, part: str) -> ModuleType:
    """One file of the folder, as a module; raises WorkloadError where it cannot be imported or lacks a function."""
    package = _package(folder)
    file = folder / f"{part}.py"
    try:
        module = import_module(f"{package}.{part}")
    except SyntaxError as error:
        raise WorkloadError(f"{own_place(error) or file} is not valid Python: {error.msg}.") from error
    except ModuleNotFoundError as error:
        raise WorkloadError(
            f"{own_place(error) or file} imports {error.name}, which is not there for {sys.executable}; install it or take the import out."
        ) from error
    except Exception as error:
        raise WorkloadError(f"{own_place(error) or file} fails when it is imported: {type(error).__name__}: {first_line(error)}.") from error
    missing = [name for name in FUNCTIONS[part] if not callable(getattr(module, name, None))]
    if missing:
        raise WorkloadError(f"{file} has no function {' and no '.join(missing)}; 'python -m core new-workload NAME' writes one to learn from.")
    return module


def _package(folder: Path) -> str:
    """A package whose modules are the folder's files, so that they import each other as `from .spec import ...`.

    A folder that was edited is another package: a page that runs for hours shows what the files say now.
    """
    edited = "".join(f"{file.name} {file.stat().st_mtime_ns}" for file in sorted(folder.glob("*.py")))
    name = f"{OWN_PACKAGE}{hashlib.sha256(f'{folder} {edited}'.encode()).hexdigest()[:12]}"
    if name not in sys.modules:
        package = ModuleType(name)
        package.__path__ = [str(folder)]
        package.__spec__ = importlib.machinery.ModuleSpec(name, None, is_package=True)
        sys.modules[name] = package
    return name


def call(file: Path, function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function of that file gives; raises WorkloadError with the place and the exception where it raises one."""
    try:
        return function(*arguments)
    except WorkloadError:
        raise
    except Exception as error:
        where = own_place(error) or f"{file}, in {function.__name__}"
        raise WorkloadError(f"{where}: {type(error).__name__}: {first_line(error)}.") from error


def check_samples(file: Path, given: Any, spec: WorkloadSpec) -> tuple[Samples, Samples]:
    """Training and test samples as everything else relies on them; raises WorkloadError for the first thing that is not so."""

    def refuse(what: str) -> WorkloadError:
        return WorkloadError(f"samples() of {file} gives {what}.")

    if not (isinstance(given, tuple) and len(given) == 2 and all(isinstance(one, Samples) for one in given)):
        raise refuse(f"{type(given).__name__}; give two Samples, (training, test), and an empty test set where there is none")
    for name, one, count in (("training", given[0], spec.train_samples), ("test", given[1], spec.test_samples)):
        if not isinstance(one.inputs, np.ndarray) or not isinstance(one.labels, np.ndarray):
            kinds = f"{type(one.inputs).__name__} and {type(one.labels).__name__}"
            raise refuse(f"{kinds} as inputs and labels of the {name} samples; both must be NumPy arrays")
        if one.inputs.dtype not in (np.float32, np.int64):
            raise refuse(f"{name} inputs of type {one.inputs.dtype}; use float32, or int64 for tokens")
        if one.labels.dtype != np.int64:
            raise refuse(f"{name} labels of type {one.labels.dtype}; use int64")
        if len(one.inputs) != len(one.labels) or len(one.labels) != count:
            raise refuse(f"{len(one.inputs):,} {name} inputs and {len(one.labels):,} labels, where SPEC says {count:,}; make the three equal")
    return given


def check_map(file: Path, given: Any) -> tuple[Tensor, ...]:
    """The rows of a weight map; raises WorkloadError where they are none, or name a tensor twice."""
    if not (isinstance(given, tuple) and given and all(isinstance(row, Tensor) for row in given)):
        raise WorkloadError(f"weight_map() of {file} must give a tuple of Tensor rows.")
    for names in ([row.name for row in given], [(row.torch, row.part) for row in given]):
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise WorkloadError(f"weight_map() of {file} names {twice} twice; each tensor, or part of one, has one row.")
    for row in given:
        if {other.part for other in given if other.torch == row.torch} != set(range(row.parts)):
            raise WorkloadError(f"weight_map() of {file} does not have all {row.parts} parts of {row.torch}; give each its row.")
    return given


def check_initial(file: Path, given: Any, weight_map: tuple[Tensor, ...]) -> dict[str, Array]:
    """Initial weights, one array for each row of the map; raises WorkloadError naming the first tensor that does not fit."""
    if not isinstance(given, dict):
        raise WorkloadError(f"initial() of {file} gives {type(given).__name__}; give a dictionary of arrays by canonical name.")
    for row in weight_map:
        array = given.get(row.name)
        if array is None:
            raise WorkloadError(f"initial() of {file} gives no {row.name}, which the weight map lists.")
        if not isinstance(array, np.ndarray) or array.dtype != np.float32 or array.shape != row.shape:
            kind = f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
            raise WorkloadError(f"initial() of {file} gives {kind} for {row.name}, where the weight map says float32 {row.shape}.")
    unknown = sorted(given.keys() - {row.name for row in weight_map})
    if unknown:
        raise WorkloadError(f"initial() of {file} gives {unknown[0]}, which the weight map does not list; add its row.")
    return given
