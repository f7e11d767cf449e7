"""The setup check: everything that decides whether this machine can compare, and whether its times can be trusted."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from core.machine.gpu import Nvml
from core.machine.probes import cpu, load, system
from core.machine.probes.deep import check_deep
from core.machine.probes.frameworks import probe
from core.machine.probes.gpu import check_gpu
from core.machine.probes.pytorch import check_pytorch
from core.machine.probes.tensorflow import check_tensorflow
from core.model.finding import Finding
from core.model.variant import FRAMEWORK_LABELS, FRAMEWORKS

AREA_LABELS = {"machine": "Machine", "cpu": "CPU", "gpu": "GPU", "tensorflow": "TensorFlow", "pytorch": "PyTorch", "profiler": "Profilers",
               "deep": "Ten profiled steps"}  # fmt: skip

#: Told what is being looked at now, how many checks are done, and how many there are.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, kw_only=True)
class _Check:
    area: str
    label: str
    run: Callable[[], list[Finding]]


def run_checks(deep: bool = False, progress: Progress = lambda label, done, total: None) -> list[Finding]:
    """Look at everything, cheap things first, frameworks one after another: about a quarter of a minute, `deep` half a minute more.

    A check that fails is a finding with the status `unknown`; nothing is raised. Every child process has a time limit.
    """
    findings: list[Finding] = []
    with Nvml() as nvml:
        checks = _plan(nvml, findings, deep=deep)
        for done, check in enumerate(checks):
            progress(check.label, done, len(checks))
            try:
                findings += check.run()
            except Exception as error:
                findings.append(_broken(check, error))
        progress("done", len(checks), len(checks))
    return findings


def _plan(nvml: Nvml, findings: list[Finding], *, deep: bool) -> list[_Check]:
    """`findings`: the list that grows while the plan is carried out; later checks look into it."""
    gpus, driver = nvml.visible_gpus(), nvml.driver_version()

    def deep_check(framework: str) -> list[Finding]:
        if any(finding.id == f"{framework}.import" and finding.status != "ok" for finding in findings):
            label = FRAMEWORK_LABELS[framework]
            return [Finding(id=f"deep.{framework}.run", area="deep", title=f"{label}: train and profile", status="unknown",
                            seen=f"not tried, because {label} does not start", why="A comparison runs such a worker for each side, many times.",
                            remedy=f"Mend {label} first.")]  # fmt: skip
        return check_deep(framework, gpus, nvml)

    plan = [
        _Check(area="machine", label="Python, system, memory and disk", run=lambda: [
            system.check_python(), system.check_os(), system.check_memory(), system.check_swap(), system.check_disk()]),
        _Check(area="cpu", label="cores, clocks and power", run=lambda: [
            cpu.check_threads(), cpu.check_governor(), cpu.check_turbo(), *cpu.check_power_supply()]),
        _Check(area="gpu", label="GPU and driver", run=lambda: check_gpu(nvml)),
        _Check(area="machine", label="what else is running", run=load.check_load),
        _Check(area="tensorflow", label="TensorFlow", run=lambda: check_tensorflow(probe("tensorflow"), gpus, driver)),
        _Check(area="pytorch", label="PyTorch", run=lambda: check_pytorch(probe("pytorch"), gpus, driver)),
    ]  # fmt: skip
    if deep:
        plan += [
            _Check(area="deep", label=f"ten profiled steps of {FRAMEWORK_LABELS[framework]}", run=partial(deep_check, framework))
            for framework in FRAMEWORKS
        ]
    return plan


def _broken(check: _Check, error: Exception) -> Finding:
    where = traceback.extract_tb(error.__traceback__)[-1]
    return Finding(
        id=f"{check.area}.check", area=check.area, title=f"Check of {check.label}", status="unknown",
        seen=f"the check itself failed: {type(error).__name__}: {error} ({where.filename.rsplit('/', 1)[-1]}, line {where.lineno})",
        why="What this check looks at is not known.", remedy="Report this line together with your system and versions.",
        harms_timing=check.area in ("machine", "cpu"),
    )  # fmt: skip


def trustworthy(findings: Sequence[Finding]) -> bool:
    """Can times from this machine be trusted now? No where any finding harms them, and no where nothing was looked at."""
    return bool(findings) and not any(finding.harms_timing for finding in findings)


def by_area(findings: Sequence[Finding]) -> dict[str, list[Finding]]:
    """Findings in the order of the areas, empty areas left out."""
    groups = {area: [finding for finding in findings if finding.area == area] for area in AREA_LABELS}
    return {area: group for area, group in groups.items() if group}


def as_markdown(findings: Sequence[Finding]) -> str:
    """The findings as one Markdown document, to paste into an issue or a chat."""
    lines = ["# Framework Showdown setup check", "", trust_sentence(findings)]
    for area, group in by_area(findings).items():
        lines += ["", f"## {AREA_LABELS[area]}", "", "| status | check | seen | remedy |", "|---|---|---|---|"]
        lines += [f"| {finding.status} | {_cell(finding.title)} | {_cell(finding.seen)} | {_cell(finding.remedy)} |" for finding in group]
    return "\n".join(lines) + "\n"


def trust_sentence(findings: Sequence[Finding]) -> str:
    """The outcome in one sentence."""
    if trustworthy(findings):
        return "Times measured on this machine now can be trusted."
    reasons = ", ".join(finding.title for finding in findings if finding.harms_timing) or "nothing was checked"
    return f"Times measured on this machine now cannot be trusted: {reasons}."


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
