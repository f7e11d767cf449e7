"""Finding a workload by its name or its folder, without importing a framework."""

from __future__ import annotations

import ast
import os
from importlib import import_module
from pathlib import Path
from types import ModuleType

from core.model.hosted import is_hosted
from core.workloads import own
from core.workloads.layouts import Array, Tensor
from core.workloads.spec import Flops, Samples, Sizes, WorkloadError, WorkloadSpec

#: The workloads that ship with the project, small ones first.
NAMES = ("mnist_cnn", "mlp", "resnet18", "resnet50", "mobilenet_v2", "vit_tiny", "lstm", "transformer_encoder", "gpt")
#: Folders of workloads, or of several of them, separated as in PATH.
FOLDERS_VARIABLE = "SHOWDOWN_WORKLOADS"
#: What a new workload starts from; the folder is no workload that can be chosen.
TEMPLATE = "template"
PARTS = ("spec", "weights", "tensorflow", "pytorch")

_BUILT_IN = Path(__file__).parent


def own_workloads() -> dict[str, Path]:
    """Folder by name of every workload that `SHOWDOWN_WORKLOADS` names; those that lack a file are left out."""
    if is_hosted():  # the demo never runs code that is not its own
        return {}
    named = [Path(entry).expanduser() for entry in os.environ.get(FOLDERS_VARIABLE, "").split(os.pathsep) if entry]
    folders = [folder for entry in named for folder in ([entry] if _is_workload(entry) else sorted(entry.glob("*/"))) if _is_workload(folder)]
    return {folder.name: folder.resolve() for folder in folders}


def workload_names() -> tuple[str, ...]:
    """Everything that can be chosen here: the built-in names, then the folders of one's own workloads as text."""
    return (*NAMES, *(str(folder) for folder in own_workloads().values()))


def resolve(text: str) -> str:
    """The identifier of a workload that a person named: a built-in name, or the absolute path of a folder.

    Raises WorkloadError where there is none.
    """
    if text in NAMES:
        return text
    known = own_workloads()
    if text in known:
        return str(known[text])
    folder = Path(text).expanduser()
    if folder.is_dir() and not is_hosted():
        missing = [f"{part}.py" for part in PARTS if not (folder / f"{part}.py").is_file()]
        if missing:
            raise WorkloadError(f"The folder {text} is no workload: {', '.join(missing)} missing; 'python -m core new-workload NAME' writes a start.")
        return str(folder.resolve())
    raise WorkloadError(f"There is no workload '{text}'; choose {' or '.join((*NAMES, *known))}, or name the folder of your own.")


def workload_name(identifier: str) -> str:
    """What a person calls it: the name itself, or of one's own workload the name of its folder."""
    return Path(identifier).name


def is_own(identifier: str) -> bool:
    return identifier not in NAMES


def workload_spec(identifier: str) -> WorkloadSpec:
    """The spec of a workload; raises WorkloadError where it cannot be read."""
    spec = getattr(workload_module(identifier, "spec"), "SPEC", None)
    if not isinstance(spec, WorkloadSpec):
        raise WorkloadError(f"{source_path(identifier, 'spec')} has no SPEC that is a WorkloadSpec; see an existing workload's.")
    return spec


def weight_map(identifier: str, sizes: Sizes) -> tuple[Tensor, ...]:
    """Which tensor is which, row by row; raises WorkloadError where the rows cannot be meant."""
    file = source_path(identifier, "weights")
    return own.check_map(file, own.call(file, workload_module(identifier, "weights").weight_map, sizes))


def initial(identifier: str, sizes: Sizes, seed: int) -> dict[str, Array]:
    """Canonical initial weights, one for each row of the weight map; raises WorkloadError naming the tensor that does not fit."""
    file = source_path(identifier, "weights")
    given = own.call(file, workload_module(identifier, "weights").initial, sizes, seed)
    return own.check_initial(file, given, weight_map(identifier, sizes))


def samples(identifier: str, sizes: Sizes) -> tuple[Samples, Samples]:
    """Training and test samples, as many as the spec says; the test set of made-up data is empty.

    Raises WorkloadError where the arrays are of another kind than the frameworks can take.
    """
    file = source_path(identifier, "spec")
    return own.check_samples(file, own.call(file, workload_module(identifier, "spec").samples, sizes), workload_spec(identifier))


def flops(identifier: str, sizes: Sizes) -> Flops | None:
    """Of one sample; None where one's own workload does not count them."""
    count = getattr(workload_module(identifier, "spec"), "flops", None)
    return None if count is None else own.call(source_path(identifier, "spec"), count, sizes)


def workload_module(identifier: str, part: str) -> ModuleType:
    """One of `PARTS` of a workload; a framework's part imports that framework.

    Raises WorkloadError for an identifier that is no workload, and for a file of one's own that cannot be imported.
    """
    if identifier in NAMES:
        return import_module(f"core.workloads.{identifier}.{part}")
    folder = Path(identifier)
    if is_hosted():
        raise WorkloadError("Workloads of one's own are not run here: this is a hosted demo.")
    if not folder.is_absolute() or not _is_workload(folder):
        raise WorkloadError(f"There is no workload '{identifier}'; choose {' or '.join(NAMES)}, or name the folder of your own.")
    return own.import_part(folder, part)


def _is_workload(folder: Path) -> bool:
    return all((folder / f"{part}.py").is_file() for part in PARTS)


def source_path(identifier: str, part: str) -> Path:
    """The file of one of `PARTS`."""
    folder = _BUILT_IN / identifier if identifier in (*NAMES, TEMPLATE) else Path(identifier)
    return folder / f"{part}.py"


def function_sources(identifier: str, framework: str) -> dict[str, str]:
    """Source text of every top-level function and class of one side, by name, in file order; nothing is imported.

    What a side takes from the code that several workloads share comes first, so that nothing that is trained stays unseen.
    """
    text = source_path(identifier, framework).read_text(encoding="utf-8")
    taken = {alias.asname or alias.name: alias.name for node in ast.parse(text).body
             if isinstance(node, ast.ImportFrom) and node.module == f"core.workloads.shared.{framework}" for alias in node.names}  # fmt: skip
    if not taken:
        return _definitions(text)
    common = _definitions((_BUILT_IN / "shared" / f"{framework}.py").read_text(encoding="utf-8"))
    found = {name: common[original] for name, original in taken.items()}
    # And what these call in turn.
    waiting = list(found.values())
    while waiting:
        used = {node.id for node in ast.walk(ast.parse(waiting.pop())) if isinstance(node, ast.Name)}
        for name in (used & common.keys()) - found.keys() - set(taken.values()):
            found[name] = common[name]
            waiting.append(common[name])
    return {**found, **_definitions(text)}


def _definitions(text: str) -> dict[str, str]:
    return {
        node.name: ast.get_source_segment(text, node) or ""
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }
