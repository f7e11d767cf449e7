"""Scalars for TensorBoard and for MLflow from both frameworks, read back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.bench.experiment import ExperimentFailed
from core.claims.experiment import Context
from core.claims.experiments.processes import Processes
from core.claims.judging import CANNOT_TELL, DOES_NOT_HOLD, HOLDS
from core.model.claim import ClaimResult
from core.model.variant import FRAMEWORK_LABELS, FRAMEWORKS

VALUES = [1.0 / (1 + step) for step in range(20)]
#: TensorBoard keeps scalars in single precision.
TOLERANCE = 1e-6


@dataclass(frozen=True, kw_only=True)
class Written:
    """One writer's try."""

    writer: str
    statements: int | None = None
    """How many writing took."""
    read: dict[str, Any] | None = None
    """`steps` and `values` that were read back."""
    failed: str = ""
    missing: tuple[str, ...] = ()
    """What is not installed, so that it was not tried."""

    @property
    def good(self) -> bool:
        if self.failed or self.read is None or self.read["steps"] != list(range(len(VALUES))):
            return False
        return all(abs(seen - written) <= TOLERANCE for seen, written in zip(self.read["values"], VALUES, strict=True))

    def row(self) -> dict[str, Any]:
        read = self.read["values"] if self.read else []
        return {"writer": self.writer, "statements": self.statements, "values_written": len(VALUES), "values_read_back": len(read),
                "all_right": self.good, "failed": self.failed}  # fmt: skip


def tracking(context: Context) -> ClaimResult:
    """Claim `tracking`."""
    processes = Processes(context, limit_s=180)

    def write(writer: str, framework: str, number: int, **settings: bool) -> Written:
        context.say(f"{writer}: writing and reading back {len(VALUES)} values")
        folder = str((context.folder / f"scalars-{number}").resolve())
        try:
            statements = processes.run("scalars", framework, {"folder": folder, "values": VALUES, **settings})["statements"]
            return Written(writer=writer, statements=statements, read=processes.run("scalars", "tensorboard", {"folder": folder}))
        except ExperimentFailed as error:
            return Written(writer=writer, failed=error.message)

    found = {
        "tensorflow": write("tf.summary", "tensorflow", 1),
        "pytorch": write("SummaryWriter, TensorFlow kept out of the process", "pytorch", 2, without_tensorflow=True),
        "pytorch_beside": write("SummaryWriter as it comes, beside an installed TensorFlow", "pytorch", 3, without_tensorflow=False),
    }

    def track(framework: str) -> Written:
        writer = f"MLflow beside {FRAMEWORK_LABELS[framework]}"
        context.say(f"{writer}: writing and reading back {len(VALUES)} values")
        try:
            read = processes.run("tracked", framework, {"folder": str((context.folder / f"mlflow-{framework}").resolve()), "values": VALUES})
        except ExperimentFailed as error:
            return Written(writer=writer, failed=error.message)
        return Written(writer=writer, missing=tuple(read["missing"])) if "missing" in read else Written(writer=writer, read=read)

    return judge_tracking(found, [track(framework) for framework in FRAMEWORKS])


def judge_tracking(found: dict[str, Written], mlflow: Sequence[Written]) -> ClaimResult:
    """`tf.summary` has no advantage where PyTorch's writer takes as many statements, and its values come back as well. Where MLflow
    loses a framework's values, the claim does not hold whatever else.

    `mlflow`: what came of it beside each framework.
    """
    tensorflow, pytorch, beside = found["tensorflow"], found["pytorch"], found["pytorch_beside"]
    rows = tuple(one.row() for one in (*found.values(), *mlflow) if not one.missing)
    logged, lost = _of_mlflow(mlflow)
    imported = "SummaryWriter as it comes fails where TensorFlow is installed beside it, because TensorBoard imports it"
    crash = f" {imported}: {beside.failed}" if beside.failed else ""
    if not tensorflow.good or not pytorch.good:
        bad = "; ".join(f"{one.writer}: {one.failed or 'what was read back differs'}" for one in (tensorflow, pytorch) if not one.good)
        return ClaimResult(id="tracking", verdict=CANNOT_TELL, reason=f"{bad}.{crash} {logged}.", rows=rows)
    assert tensorflow.statements is not None
    assert pytorch.statements is not None
    counts = f"Writing a scalar per step takes {tensorflow.statements} statements with tf.summary and {pytorch.statements} with SummaryWriter"
    reason = f"{counts}; TensorBoard's reader finds all {len(VALUES)} values of both.{crash} {logged}."
    if lost:
        verdict = DOES_NOT_HOLD
    elif tensorflow.statements == 0:
        verdict = HOLDS
    else:
        verdict = DOES_NOT_HOLD if pytorch.statements <= tensorflow.statements else CANNOT_TELL
    return ClaimResult(id="tracking", verdict=verdict, reason=reason, rows=rows)


def _of_mlflow(tries: Sequence[Written]) -> tuple[str, bool]:
    """What came of MLflow, and whether values were lost."""
    missing = sorted({name for one in tries for name in one.missing})
    if missing:
        return f"MLflow was not tried, because it is not installed here ({', '.join(missing)}; 'pip install -r requirements-mlflow.txt')", False
    bad = [f"{one.writer}: {one.failed or 'what was read back differs'}" for one in tries if not one.good]
    if bad:
        return f"MLflow does not keep them: {'; '.join(bad)}", True
    return f"MLflow gives all {len(VALUES)} values back beside {' and '.join(FRAMEWORK_LABELS[name] for name in FRAMEWORKS)}", False
