"""The article's words about installing: one environment for both frameworks, and what the wheels bring."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from core.claims.experiment import Context
from core.claims.experiments.setup import CHILD_LIMIT_S, ended, go_on, probes_of_both
from core.claims.judging import CANNOT_TELL, DOES_NOT_HOLD, HOLDS
from core.machine.child import ChildEnd, run_child
from core.machine.interpreter import framework_python
from core.machine.probes.frameworks import Probe
from core.model.claim import ClaimResult
from core.store.files import StoreError, read_json

ARTICLE_REQUIREMENTS = {"tensorflow": "tensorflow==2.13.*", "pytorch": "torch==2.2.*"}
#: The newest release of each that the article's requirement allows: named exactly, pip says which package they disagree about.
ARTICLE_PINS = ("tensorflow==2.13.1", "torch==2.2.2")
ARTICLE_PYTHON = "3.9"
_PIP_LIMIT_S = 300.0

#: Both frameworks in one process, and a little work of each.
_TOGETHER = """
import {first}
import {second}
import sys
tensorflow, torch = sys.modules["tensorflow"], sys.modules["torch"]
tensorflow.reduce_sum(tensorflow.ones((2, 2))).numpy()
model = torch.nn.Linear(4, 4)
optimizer = torch.optim.Adam(model.parameters())
model(torch.ones(2, 4)).sum().backward()
optimizer.step()
"""


@dataclass(frozen=True, kw_only=True)
class Resolution:
    """What pip would install for some requirements, or what it said instead."""

    requirements: tuple[str, ...]
    packages: dict[str, str] = field(default_factory=dict)
    """Version by name; empty where pip found no answer."""
    conflict: bool = False
    said: tuple[str, ...] = ()
    """Its last words, warnings left out."""

    @property
    def nvidia(self) -> dict[str, str]:
        return {name: version for name, version in self.packages.items() if name.startswith("nvidia-")}

    def row(self) -> dict[str, Any]:
        outcome = f"{len(self.packages)} packages" if self.packages else "conflict" if self.conflict else "no answer"
        return {"tried": f"pip install {' '.join(self.requirements)}", "outcome": outcome, "said": " ".join(self.said)}


def resolve(folder: Path, *requirements: str) -> Resolution:
    """Ask pip, for the article's Python on Linux, without installing anything."""
    report = folder / f"pip-{'-'.join(requirements).replace('*', 'x')}.json"
    command = [
        sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--no-input", "--disable-pip-version-check",
        "--target", str(folder / "nothing"), "--python-version", ARTICLE_PYTHON, "--only-binary", ":all:", "--report", str(report), *requirements,
    ]  # fmt: skip
    end = run_child(command, limit_s=_PIP_LIMIT_S)
    said = tuple(line.strip() for line in end.log_tail if line.strip() and not line.startswith("WARNING"))
    try:
        installs = read_json(report, dict[str, Any])["install"]
    except (FileNotFoundError, StoreError):
        conflict = any("ResolutionImpossible" in line for line in said)
        reasons = tuple(line for line in said if " depends on " in line) or said[-2:]
        return Resolution(requirements=requirements, conflict=conflict, said=reasons)
    packages = {str(item["metadata"]["name"]).lower(): str(item["metadata"]["version"]) for item in installs}
    return Resolution(requirements=requirements, packages=packages)


def one_environment(context: Context) -> ClaimResult:
    """Claim `setup-one-env`."""
    resolutions = []
    for requirements in ((ARTICLE_REQUIREMENTS["tensorflow"],), (ARTICLE_REQUIREMENTS["pytorch"],), ARTICLE_PINS):
        go_on(context, f"asking pip about {' and '.join(requirements)}")
        resolutions.append(resolve(context.folder, *requirements))
    together = {}
    for first, second in (("tensorflow", "torch"), ("torch", "tensorflow")):
        go_on(context, f"importing {first}, then {second}, in one process")
        code = _TOGETHER.format(first=first, second=second)
        together[f"{first}, then {second}"] = run_child([sys.executable, "-c", code], limit_s=CHILD_LIMIT_S)
    return judge_one_environment(resolutions, together)


def judge_one_environment(resolutions: list[Resolution], together: dict[str, ChildEnd]) -> ClaimResult:
    """Can pip put both in one environment, and can one process hold both? `resolutions`: each alone, then both."""
    both = resolutions[-1]
    names = " and ".join(both.requirements)
    if both.conflict:
        resolved = f"pip cannot install {names} together: {'; '.join(both.said)}"
    elif both.packages:
        resolved = f"pip finds {len(both.packages)} packages that satisfy {names} together"
    else:
        resolved = f"pip gave no answer about {names} ({' '.join(both.said) or 'it said nothing'})"
    crashes = {order: end.exit_code for order, end in together.items() if end.exit_code is not None and end.exit_code < 0}
    failed = {order: end for order, end in together.items() if end.exit_code != 0 and order not in crashes}
    if crashes:
        ways = ", ".join(f"{order}: signal {-code}" for order, code in crashes.items() if code is not None)
        ran = f"the versions installed here crash in one process ({ways})"
    elif failed:
        order, end = next(iter(failed.items()))
        ran = f"the versions installed here could not be tried together ({order}: {end.log_tail[-1] if end.log_tail else 'no answer'})"
    else:
        ran = "the versions installed here train in one process without a crash"
    fine = bool(both.packages) and not crashes and not failed
    rows = [resolution.row() for resolution in resolutions]
    rows += [{"tried": f"one process: {order}", "outcome": ended(end), "said": ""} for order, end in together.items()]
    verdict = DOES_NOT_HOLD if both.conflict or crashes else HOLDS if fine else CANNOT_TELL
    reason = f"For Python {ARTICLE_PYTHON}, {resolved}; {ran}."
    return ClaimResult(id="setup-one-env", verdict=verdict, reason=reason, rows=tuple(rows))


def cudnn(context: Context) -> ClaimResult:
    """Claim `setup-cudnn`."""
    probes = probes_of_both(context)
    resolutions = {}
    for framework, requirement in ARTICLE_REQUIREMENTS.items():
        go_on(context, f"asking pip what {requirement} brings")
        resolutions[framework] = resolve(context.folder, requirement)
    return judge_cudnn(probes, resolutions, _bundled())


def _bundled() -> list[str] | None:
    """CUDA and cuDNN libraries inside the installed TensorFlow package; None where another interpreter has it."""
    if framework_python("tensorflow") != sys.executable:
        return None
    try:
        files = metadata.files("tensorflow") or []
    except metadata.PackageNotFoundError:
        return None
    return [file.name for file in files if file.name.startswith(("libcudnn", "libcudart", "libcublas"))]


def judge_cudnn(probes: dict[str, Probe], resolutions: dict[str, Resolution], bundled: list[str] | None) -> ClaimResult:
    """Only TensorFlow 2.13 itself can be asked what it was built with; of another version, and of pip, it is said beside."""
    rows = []
    for framework, one in probes.items():
        build, asked = one.event("build") or {}, resolutions[framework]
        brings = ", ".join(f"{name} {version}" for name, version in asked.nvidia.items()) or ("none" if asked.packages else "pip gave no answer")
        rows.append({
            "framework": one.label, "version_here": build.get("version"), "built_with_cuda": build.get("cuda"),
            "built_with_cudnn": None if build.get("cudnn") is None else str(build["cudnn"]), "article_requirement": asked.requirements[0],
            "nvidia_packages_it_brings": brings,
        })  # fmt: skip
    build, asked = probes["tensorflow"].event("build") or {}, resolutions["tensorflow"]
    version, cuda, built = build.get("version", "unknown"), build.get("cuda"), build.get("cudnn")
    carried = "" if bundled is None else f" and carries {len(bundled)} CUDA or cuDNN libraries"
    here = f"TensorFlow {version} here was built with CUDA {cuda or 'none'} and cuDNN {built or 'none'}{carried}"
    told = f"pip brings {len(asked.packages)} packages for {asked.requirements[0]}, {len(asked.nvidia) or 'none'} of them NVIDIA's"
    pip = told if asked.packages else f"pip gave no answer about {asked.requirements[0]}"
    torch = resolutions["pytorch"]
    carrier = next((f"{name} {version}" for name, version in torch.nvidia.items() if name.startswith("nvidia-cudnn")), "")
    pip += f", while {torch.requirements[0]} brings {carrier}" if carrier else ""
    if str(version).startswith("2.13."):
        included = bool(bundled) or any(name.startswith("nvidia-cudnn") for name in asked.nvidia)
        right = included and str(built).startswith("8.9") and str(cuda).startswith("11.8")
        return ClaimResult(id="setup-cudnn", verdict=HOLDS if right else DOES_NOT_HOLD, reason=f"{here}; {pip}.", rows=tuple(rows))
    missing = "Only an installed TensorFlow 2.13 can tell what it was built with: name its Python in SHOWDOWN_PYTHON_TENSORFLOW."
    return ClaimResult(id="setup-cudnn", verdict=CANNOT_TELL, reason=f"{pip}; {here}. {missing}", rows=tuple(rows))
