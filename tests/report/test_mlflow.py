"""A comparison in MLflow, read back through MLflow's own client from a real store: every number is the result's own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from core.analysis.comparison import block_times
from core.model.comparison import ComparisonResult, ComparisonSpec
from core.model.run import RunResult
from core.model.variant import Variant
from core.report.files import blocks
from core.report.mlflow_client import MlflowError, connect
from core.report.mlflow_log import EXPERIMENT, Logged, log_comparison
from core.report.mlflow_runs import PARAM_LENGTH, as_texts
from core.store.comparisons import ComparisonStore, StoredComparison
from core.store.files import append_event, write_json
from tests.conftest import PROJECT
from tests.pages import samples

# Not imported here: MLflow decides when it is imported whether it sends statistics home.
pytestmark = pytest.mark.skipif(
    any(find_spec(name) is None for name in ("mlflow", "sqlalchemy", "alembic")),
    reason="MLflow is not installed: requirements-mlflow.txt",
)

BEGAN = "2026-11-24T01:00:00.250+00:00"
ENDED = "2026-11-24T01:03:00.500+00:00"


@dataclass(frozen=True, kw_only=True)
class Example:
    """A comparison, and where it was logged."""

    one: StoredComparison
    spec: ComparisonSpec
    result: ComparisonResult
    uri: str
    client: Any
    logged: Logged

    @property
    def parent(self) -> Any:
        return self.client.get_run(self.logged.run_id)

    def child(self, run: RunResult) -> Any:
        return self.client.get_run(self.logged.child_run_ids[run.index])

    def series(self, run_id: str, name: str) -> list[tuple[int, float]]:
        """Step and value, in order of steps."""
        return sorted((one.step, one.value) for one in self.client.get_metric_history(run_id, name))


def stored(root: Path, python: str = "") -> StoredComparison:
    """A finished comparison with what the referee writes beside its result."""
    store = ComparisonStore(root)
    spec = samples.new(store, b=Variant(framework="pytorch", execution="eager", python=python))
    folder = store.folder(spec.id)
    append_event(folder / "events.jsonl", "state", time=BEGAN, state="running")
    result = samples.finish(store, spec)
    for run in result.runs:
        for event, second in (("run_begin", 10 + 5 * run.index), ("run_end", 14 + 5 * run.index)):
            moment = f"2026-11-24T01:{second // 60:02d}:{second % 60:02d}.000+00:00"
            append_event(folder / "events.jsonl", event, time=moment, index=run.index, role=run.role, side=run.side, pair=run.pair)
        asked = {"index": run.index, "role": run.role, "folder": "/somewhere", "variant": {"framework": spec.variant(run.side).framework}}
        write_json(store.load(spec.id).run_folder(run.index, run.side) / "spec.json", asked)
    append_event(folder / "events.jsonl", "state", time=ENDED, state="finished", verdict=result.verdict)
    write_json(folder / "parity.json", {"schema": 1, "seed": 1, "stages": result.parity, "layers": {}})
    return store.load(spec.id)


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    """Logged once: making MLflow's database takes longer than everything else here."""
    root = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SHOWDOWN_HOME", str(root))
        one = stored(root)
        assert one.spec is not None
        assert one.result is not None
        uri = f"sqlite:///{tmp_path_factory.mktemp('mlflow') / 'mlflow.db'}"
        logged = log_comparison(one, uri)
        yield Example(one=one, spec=one.spec, result=one.result, uri=uri, client=connect(uri), logged=logged)


def numbers(value: Any, prefix: str) -> dict[str, float]:
    return {
        f"{prefix}{field.name}": number
        for field in fields(value)
        if isinstance(number := getattr(value, field.name), int | float) and not isinstance(number, bool) and field.name != "schema"
    }


def milliseconds(moment: str) -> int:
    return round(datetime.fromisoformat(moment).timestamp() * 1000)


def test_the_comparison_is_one_run_with_its_own_times_and_name(example: Example):
    info = example.parent.info
    assert info.run_name == "mnist_cnn: TensorFlow graph (tf.function) / PyTorch eager"
    assert (info.status, info.start_time, info.end_time) == ("FINISHED", milliseconds(BEGAN), milliseconds(ENDED))
    assert example.client.get_experiment(info.experiment_id).name == EXPERIMENT


def test_every_number_of_the_result_is_there_as_it_is(example: Example):
    result, found = example.result, example.parent.data.metrics
    assert found["ratio"] == result.ratio == pytest.approx(1.5)
    assert (found["interval_95.low"], found["interval_95.high"]) == result.interval_95
    assert (found["interval_90.low"], found["interval_90.high"]) == result.interval_90
    expected = numbers(result, "")
    for side in "ab":
        expected |= numbers(result.sides[side], f"{side}.")
    assert expected["b.step_ms"] == 30.0
    assert len(expected) > 30
    assert {name: found.get(name) for name in expected} == expected
    assert found["parity.gradients.error"] == next(stage.error for stage in result.parity if stage.stage == "gradients")


def test_ratios_of_the_pairs_are_a_series(example: Example):
    pairs = [(pair.index + 1, pair.ratio) for pair in example.result.pairs]
    assert example.series(example.logged.run_id, "pair.ratio") == pairs
    assert [ratio for _, ratio in example.series(example.logged.run_id, "noise.ratio")] == list(example.result.noise_ratios)


def test_what_was_asked_are_params_and_what_came_out_are_tags(example: Example):
    params, tags = example.parent.data.params, example.parent.data.tags
    assert (params["workload"], params["a.framework"], params["b.execution"]) == ("mnist_cnn", "tensorflow", "eager")
    assert (params["batch_size"], params["preset.name"], params["profile"]) == (str(example.spec.batch_size), "quick", "true")
    assert "train_samples" not in params  # None: all of them
    assert (tags["verdict"], tags["faster_side"], tags["sentence"]) == ("faster", "a", example.result.sentence)
    assert (tags["machine.cpu_model"], tags["a.framework"], tags["parity.ten_steps"]) == ("Example CPU", "tensorflow", "passed")
    assert tags["showdown.comparison"] == example.one.id
    assert tags["program_version"]
    assert "Do it again" in tags["mlflow.note.content"]


def test_each_run_hangs_below_it_with_its_numbers(example: Example):
    below = example.client.search_runs([example.logged.experiment_id], f"tags.`mlflow.parentRunId` = '{example.logged.run_id}'")
    assert {run.info.run_id for run in below} == set(example.logged.child_run_ids)
    assert len(below) == len(example.result.runs) == 12
    run = example.result.runs[3]
    child = example.child(run)
    assert child.info.run_name == "03 pair B: PyTorch eager"
    assert child.info.start_time == milliseconds("2026-11-24T01:00:25+00:00")
    assert child.info.end_time == milliseconds("2026-11-24T01:00:29+00:00")
    own = {name: number for name, number in numbers(run, "").items() if name not in ("index", "pair", "seed", "test_accuracy")}
    assert own["step_ms"] == pytest.approx(30.4)
    assert {name: child.data.metrics.get(name) for name in own} == own
    assert (child.data.metrics["phase.import.wall_s"], child.data.metrics["load.own_cores"]) == (2.0, 0.98)
    assert child.data.params["variant.framework"] == "pytorch"
    assert "folder" not in child.data.params


def test_its_blocks_and_evaluations_are_series_over_training_steps(example: Example):
    run = example.result.runs[0]
    run_id = example.logged.child_run_ids[0]
    times = block_times(blocks(example.one, [run]))
    assert example.series(run_id, "steady.step_ms") == list(zip(times["step"], times["step_ms"], strict=True))
    assert len(times) == 20
    assert [step for step, _ in example.series(run_id, "first_step.step_ms")] == [1]
    assert len(example.series(run_id, "loss")) == 21
    assert example.series(run_id, "test_accuracy") == [(one.step, one.accuracy) for one in run.evaluations]
    first = min(example.client.get_metric_history(run_id, "steady.step_ms"), key=lambda one: one.step)
    assert first.timestamp == milliseconds("2026-11-24T01:00:10+00:00") + 3100  # the block says 3.1 s after the process began


def test_tables_and_report_lie_beside_them(example: Example, tmp_path: Path):
    folder = Path(example.client.download_artifacts(example.logged.run_id, "", str(tmp_path / "files")))
    names = {"steps.parquet", "steps.csv", "spec.json", "result.json", "parity.json", "report.html"}
    assert {path.name for path in folder.iterdir()} == names
    table = pl.read_parquet(folder / "steps.parquet")
    assert table.equals(blocks(example.one, example.result.runs))
    assert pl.read_csv(folder / "steps.csv")["wall_ns"].to_list() == table["wall_ns"].to_list()
    assert json.loads((folder / "result.json").read_text())["ratio"] == example.result.ratio
    assert (folder / "report.html").read_bytes().lstrip().lower().startswith(b"<!doctype html")


def test_the_same_comparison_is_logged_once_unless_asked_again(example: Example):
    with pytest.raises(MlflowError, match=f"is run {example.logged.run_id} of the experiment .* already; '--again' logs it anew"):
        log_comparison(example.one, example.uri)
    assert log_comparison(example.one, example.uri, experiment="Elsewhere").run_id != example.logged.run_id
    told: list[tuple[int, int]] = []
    again = log_comparison(example.one, example.uri, experiment="Elsewhere", again=True, progress=lambda *done: told.append(done))
    assert again.run_id not in (example.logged.run_id, *example.logged.child_run_ids)
    assert told[-1] == (14, 14)


def test_what_is_broken_off_is_marked_and_does_not_stand_in_the_way(example: Example, monkeypatch: pytest.MonkeyPatch):
    def full(*arguments: Any) -> None:
        raise OSError("no space left; see http://me:secret@server/")

    with monkeypatch.context() as patched:
        patched.setattr(type(example.client), "log_artifacts", full)
        with pytest.raises(MlflowError, match="does not take this comparison: no space left") as caught:
            log_comparison(example.one, example.uri, experiment="Full")
    assert "secret" not in str(caught.value)
    experiment = example.client.get_experiment_by_name("Full").experiment_id
    [parent] = example.client.search_runs([experiment], "tags.`showdown.kind` = 'comparison'")
    assert parent.info.status == "FAILED"
    assert parent.data.tags["showdown.logged"] == "broken off: no space left; see http://server/"
    assert log_comparison(example.one, example.uri, experiment="Full").run_id != parent.info.run_id


def test_a_run_that_failed_says_why(example: Example, home: Path):
    store = ComparisonStore()
    spec = samples.new(store)
    failed = replace(samples.run(spec, 0, "b", 0, 1.0), ok=False, error=samples.fail_error())
    result = replace(samples.fail(store, spec), runs=(failed,))
    write_json(store.folder(spec.id) / "result.json", result)
    logged = log_comparison(store.load(spec.id), example.uri, experiment="Failed")
    parent, child = (example.client.get_run(id) for id in (logged.run_id, *logged.child_run_ids))
    assert (parent.info.status, child.info.status) == ("FAILED", "FAILED")
    assert child.data.tags["error.kind"] == "out_of_memory"
    assert parent.data.tags["error"].startswith("The run needed more memory")


def test_nothing_private_is_logged(example: Example, home: Path, tmp_path: Path):
    one = stored(home, python="/home/somebody/venv/bin/python")
    logged = log_comparison(one, example.uri, experiment="Private")
    for run_id in (logged.run_id, *logged.child_run_ids):
        data = example.client.get_run(run_id).data
        assert "somebody" not in f"{data.params} {data.tags}"
    assert example.client.get_run(logged.run_id).data.params["b.python"] == "~/venv/bin/python"
    folder = Path(example.client.download_artifacts(logged.run_id, "", str(tmp_path / "files")))
    assert all(b"somebody" not in path.read_bytes() for path in folder.iterdir())


def test_names_and_lengths_keep_to_what_servers_take():
    asked = {"sizes": {"image/size of all": 64}, "gpus": [{"name": "A"}], "list": [1, 2], "on": True, "none": None, "long": "x" * 900}
    texts = as_texts(asked, PARAM_LENGTH)
    assert texts["long"].endswith("x…")
    assert len(texts.pop("long")) == PARAM_LENGTH
    assert texts == {"sizes.image_size_of_all": "64", "gpus.0.name": "A", "list": "1, 2", "on": "true"}


def test_without_a_result_there_is_nothing_to_log(home: Path):
    store = ComparisonStore()
    spec = samples.new(store)
    with pytest.raises(MlflowError, match=f"Comparison {spec.id} is queued; wait for its end"):
        log_comparison(store.load(spec.id), "sqlite:///never.db")


def test_where_mlflow_is_not_installed_the_line_that_brings_it_is_said(example: Example, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(MlflowError, match=r"mlflow is not installed; run 'pip install -r requirements-mlflow\.txt'"):
        log_comparison(example.one, example.uri)


def test_a_server_that_is_not_there_is_one_sentence_without_its_password(example: Example, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(MlflowError) as caught:
        log_comparison(example.one, "http://me:secret@127.0.0.1:9")
    assert str(caught.value) == "MLflow at http://127.0.0.1:9 cannot be reached; start its server there, or give another --tracking-uri."


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (".", "is a folder; give a file in it"),
        ("notes.db", "is no SQLite database"),
    ],
)
def test_a_file_that_cannot_be_a_database_is_refused_at_once(example: Example, tmp_path: Path, place: str, words: str):
    (tmp_path / "notes.db").write_text("some notes, no database")
    with pytest.raises(MlflowError, match=words):
        log_comparison(example.one, f"sqlite:///{tmp_path / place}")


def test_an_unknown_kind_of_address_is_refused(example: Example):
    with pytest.raises(MlflowError, match=r"does not take this comparison: .*carrier-pigeon"):
        log_comparison(example.one, "carrier-pigeon://coop")


def test_a_deleted_experiment_is_not_filled(example: Example):
    example.client.delete_experiment(example.client.create_experiment("Deleted"))
    with pytest.raises(MlflowError, match="The experiment 'Deleted' was deleted in MLflow"):
        log_comparison(example.one, example.uri, experiment="Deleted")


def test_mlflow_sends_nothing_home():
    """In a process that does not look like a test: there MLflow sends nothing anyway."""
    code = (
        "from core.report.mlflow_client import connect; connect('http://127.0.0.1:9')\n"
        "from mlflow.telemetry import get_telemetry_client; print(get_telemetry_client())"
    )
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.returncode) == ("None", 0), done.stderr
