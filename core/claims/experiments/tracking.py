"""Scalars for TensorBoard from both frameworks, read back; and MLflow."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from typing import Any

from core.bench.experiment import ExperimentFailed
from core.claims.experiment import Context
from core.claims.experiments.processes import Processes
from core.claims.judging import CANNOT_TELL, DOES_NOT_HOLD, HOLDS
from core.model.claim import ClaimResult

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
    """`steps` and `values` that TensorBoard's reader found."""
    failed: str = ""

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
    return judge_tracking(found, mlflow=_mlflow())


def _mlflow() -> str:
    try:
        return metadata.version("mlflow")
    except metadata.PackageNotFoundError:
        return ""


def judge_tracking(found: dict[str, Written], *, mlflow: str) -> ClaimResult:
    """`tf.summary` has no advantage where PyTorch's writer takes as many statements, and its values come back as well.

    `mlflow`: its version, empty where it is not installed; logging to it is not tried.
    """
    tensorflow, pytorch, beside = found["tensorflow"], found["pytorch"], found["pytorch_beside"]
    rows = tuple(one.row() for one in found.values())
    installed = f"MLflow {mlflow} is installed here" if mlflow else "MLflow is not installed here ('pip install mlflow')"
    logged = f"{installed}; logging to it was not tried"
    imported = "SummaryWriter as it comes fails where TensorFlow is installed beside it, because TensorBoard imports it"
    crash = f" {imported}: {beside.failed}" if beside.failed else ""
    if not tensorflow.good or not pytorch.good:
        bad = "; ".join(f"{one.writer}: {one.failed or 'what was read back differs'}" for one in (tensorflow, pytorch) if not one.good)
        return ClaimResult(id="tracking", verdict=CANNOT_TELL, reason=f"{bad}.{crash} {logged}.", rows=rows)
    assert tensorflow.statements is not None
    assert pytorch.statements is not None
    counts = f"Writing a scalar per step takes {tensorflow.statements} statements with tf.summary and {pytorch.statements} with SummaryWriter"
    reason = f"{counts}; TensorBoard's reader finds all {len(VALUES)} values of both.{crash} {logged}."
    if tensorflow.statements == 0:
        verdict = HOLDS
    else:
        verdict = DOES_NOT_HOLD if pytorch.statements <= tensorflow.statements else CANNOT_TELL
    return ClaimResult(id="tracking", verdict=verdict, reason=reason, rows=rows)
