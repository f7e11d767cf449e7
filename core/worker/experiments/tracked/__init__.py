"""Scalars logged to MLflow from a process that holds a framework, and read back."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

TAG = "loss"


def track(settings: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """`settings`: `folder` for a database, `values` by step.

    `steps` and `values` as MLflow gives them back; `missing` instead: what is not installed here.
    """
    missing = [name for name in ("mlflow", "sqlalchemy", "alembic") if find_spec(name) is None]
    if missing:
        return {"missing": missing}
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    say("logging to MLflow")
    folder = Path(settings["folder"])
    folder.mkdir(parents=True, exist_ok=True)
    client = import_module("mlflow").MlflowClient(tracking_uri=f"sqlite:///{folder / 'mlflow.db'}")
    run = client.create_run(client.create_experiment("scalars", artifact_location=folder.as_uri())).info.run_id
    for step, value in enumerate(settings["values"]):
        client.log_metric(run, TAG, value, step=step)
    found = sorted(client.get_metric_history(run, TAG), key=lambda metric: metric.step)
    return {"steps": [metric.step for metric in found], "values": [metric.value for metric in found]}
