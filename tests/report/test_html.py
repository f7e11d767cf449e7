"""A comparison as one HTML file: complete, self-contained, safe to open, and with nothing private in it."""

from __future__ import annotations

import base64
import hashlib
import json
import platform
import socket
from dataclasses import fields, is_dataclass, replace
from typing import Any

import msgspec
import polars as pl
import pytest

from core.model.run import RunError
from core.model.variant import Variant
from core.report import files
from core.report.figures import comparison_figures
from core.report.html import blocks_to_embed, comparison_html
from core.report.markdown import comparison_markdown
from core.report.material import gather
from core.store.comparisons import ComparisonStore
from core.store.files import StoreError, append_event, write_json
from core.store.privacy import Redactor
from tests.pages import samples
from tests.pages.test_kernels import device_step, profiled
from tests.report.documents import Document

MOST_BYTES = 5 * 10**6
USER, HOST = "janeroe", "wendybox"
PRIVATE = f"{USER} at {HOST} in /home/{USER}/nets or C:\\Users\\{USER}"


def document(store: ComparisonStore, id: str) -> Document:
    return Document(comparison_html(store.load(id)))


def test_the_verdict_comes_first_then_its_evidence(store: ComparisonStore, finished: str):
    found = document(store, finished)
    assert found.headings[0] == "TensorFlow graph (tf.function) is faster than PyTorch eager on this machine"
    sections = ["Which is faster, by how much, how sure?", "Is it the same model?", "The runs", "On what it ran", "Do it again", "Raw rows"]
    assert [heading for heading in found.headings if heading in sections] == sections
    for words in ("1.50x, 95 % interval", "Example CPU", "noise floor", "all 6 gates are passed", "packages: numpy", "Both sides in numbers"):
        assert words in found.text
    assert "python -m core compare mnist_cnn" in found.text


def test_every_chart_has_its_spec_its_words_and_its_table(store: ComparisonStore):
    spec = profiled(store)
    found = document(store, spec.id)
    names = [one.name for one in comparison_figures(gather(store.load(spec.id), Redactor()))]
    assert sorted(place["data-chart"] for place in found.charts) == sorted(f"chart-{name}" for name in names)
    for place in found.charts:
        chart = found.data[place["data-chart"]]
        assert chart["width"] == "container"
        assert chart["description"] == place["aria-label"]
        assert any(chart["datasets"].values())
        assert "params" not in chart
    assert found.text.count("The numbers behind it") == len(names)


def test_it_fetches_nothing_and_runs_nothing_but_its_own_two_scripts(store: ComparisonStore, finished: str):
    found = document(store, finished)
    assert found.addresses == []
    assert len(found.scripts) == 2
    known = [f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" for script in found.scripts]
    assert found.policy["script-src"].split() == known
    assert found.policy["default-src"] == "'none'"
    assert "connect-src" not in found.policy
    assert "\r" not in "".join(found.scripts)


def test_it_is_small_enough_to_be_sent(store: ComparisonStore):
    assert len(comparison_html(store.load(profiled(store).id))) < MOST_BYTES


def test_the_raw_rows_of_every_run_and_block_are_in_it(store: ComparisonStore, finished: str):
    found = document(store, finished)
    one = store.load(finished)
    assert one.result is not None
    blocks = pl.DataFrame(found.data[f"rows-{finished}-blocks"])
    assert blocks["wall_ns"].to_list() == files.blocks(one, one.result.runs)["wall_ns"].to_list()
    assert len(blocks) == 252
    runs = found.data[f"rows-{finished}-runs"]
    assert runs["step_ms"][:2] == [20.0, 30.0]
    assert [(button["data-rows"], button["data-file"]) for button in found.buttons] == [
        (f"rows-{finished}-{what}", f"{finished}-{what}.csv") for what in ("runs", "blocks")
    ]


def test_words_that_look_like_markup_are_words(store: ComparisonStore):
    hostile = "</script><script>alert(1)</script><!-- <img src=x onerror=alert(1)> \" ' &amp;"
    spec = samples.new(store)
    result = samples.finish(store, spec, reasons=(hostile,))
    parity = tuple(replace(stage, tensor=hostile, detail=hostile) for stage in result.parity)
    write_json(store.folder(spec.id) / "result.json", replace(result, parity=parity))
    data = comparison_html(store.load(spec.id))
    found = Document(data)
    assert len(found.scripts) == 2
    assert hostile in found.text
    assert found.addresses == []
    assert b"<!--" not in data
    assert hostile in json.dumps(found.data["chart-parity"], ensure_ascii=False).replace('\\"', '"')


def test_a_number_that_is_none_is_null_and_not_an_error(store: ComparisonStore, finished: str):
    one = store.load(finished)
    table = pl.read_parquet(one.run_folder(0, "a") / "steps.parquet")
    table.with_columns(pl.lit(float("nan")).alias("loss")).write_parquet(one.run_folder(0, "a") / "steps.parquet")
    found = document(store, finished)
    assert found.data[f"rows-{finished}-blocks"]["loss"][0] is None


def test_a_failed_comparison_says_what_went_wrong(store: ComparisonStore):
    spec = samples.new(store)
    samples.fail(store, spec)
    found = document(store, spec.id)
    for words in ("What went wrong", "needed more memory than there is", "Exit code -9", "Killed <b>hard</b>"):
        assert words in found.text
    assert found.charts == []


def test_what_training_costs_is_in_it_where_the_price_is_known(store: ComparisonStore, finished: str):
    assert "chart-cost" not in document(store, finished).data
    assert "chart-cost" in Document(comparison_html(store.load(finished), price_per_hour=2.5)).data


#: What is read back as one of our own words, so no text of anybody's can stand in it.
_CLOSED = {"id", "created", "state", "verdict", "faster_side", "role", "side", "order", "stage", "task", "name", "peak_memory_kind"}


def tainted(value: Any, field: str = "") -> Any:
    """A value of the model with something private in every text that anybody's words could get into."""
    if isinstance(value, Variant):
        return replace(value, python=f"/home/{USER}/venv/bin/python")
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{one.name: tainted(getattr(value, one.name), one.name) for one in fields(value)})
    if isinstance(value, dict):
        return {key: tainted(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(tainted(item) for item in value)
    return f"{value} {PRIVATE}" if isinstance(value, str) and field not in _CLOSED else value


@pytest.fixture
def private(store: ComparisonStore, monkeypatch: pytest.MonkeyPatch) -> str:
    """A comparison of somebody's own workload, with names and folders wherever a text can stand, profiles included."""
    monkeypatch.setenv("USER", USER)
    monkeypatch.setenv("HOME", f"/home/{USER}")
    monkeypatch.setattr(socket, "gethostname", lambda: HOST)
    monkeypatch.setattr(platform, "node", lambda: f"{HOST}.lan")
    spec = profiled(store)
    one = store.load(spec.id)
    assert one.result is not None
    assert one.spec is not None
    step = device_step().replace(b"aten::relu", f"relu of {USER} /home/{USER}/nets/relu.py".encode())
    for index, side in ((22, "a"), (23, "b")):
        profile = one.run_folder(index, side) / "profile"
        for path in [path for path in profile.rglob("*") if path.is_file()]:
            path.unlink()
        (profile / f"{HOST}.pt.trace.json").write_bytes(step)
    error = RunError(kind="crashed", message=f"It crashed: {PRIVATE}", exit_code=1, log_tail=(f"Traceback of {PRIVATE}",))
    failed = replace(samples.run(spec, 30, "a", 0, 20.0, "noise"), ok=False, error=error)
    result = tainted(replace(one.result, reasons=("Mind this.",), runs=(*one.result.runs, failed)))
    workload = f"/home/{USER}/nets/mine"
    environment = msgspec.json.decode((one.folder / "environment.json").read_bytes())
    environment["a"]["variables"] = {"TF_DATA": PRIVATE}
    write_json(one.folder / "environment.json", tainted(environment))
    write_json(one.folder / "spec.json", replace(tainted(one.spec), workload=workload, measure="step"))
    write_json(one.folder / "result.json", replace(result, workload=workload))
    append_event(one.folder / "events.jsonl", "note", time=spec.created, text=PRIVATE)
    return spec.id


def test_nothing_private_is_in_any_report(store: ComparisonStore, private: str):
    one = store.load(private)
    assert one.state == "finished", one.problem
    figures = comparison_figures(gather(one, Redactor.here()))
    assert "costs-kernel" in [figure.name for figure in figures]
    written = {
        "html": comparison_html(one).decode(),
        "markdown": comparison_markdown(one),
        "tables": "".join(figure.table.write_csv() + figure.says + figure.note for figure in figures),
        "charts": "".join(json.dumps(figure.chart.to_dict()) for figure in figures),
    }
    for name, text in written.items():
        assert USER not in text.lower(), name
        assert HOST not in text.lower(), name
        assert "Mind this." in text or name not in ("html", "markdown")


def test_of_very_many_blocks_each_run_gives_its_first():
    blocks = pl.DataFrame({"run": [0] * 5 + [1] * 3, "wall_ns": range(8)})
    assert blocks_to_embed(blocks, most=8).equals(blocks)
    assert blocks_to_embed(blocks, most=4)["wall_ns"].to_list() == [0, 1, 5, 6]


def test_a_damaged_file_is_named(store: ComparisonStore, finished: str):
    path = store.load(finished).run_folder(3, "b") / "steps.parquet"
    path.write_bytes(b"PAR1")
    with pytest.raises(StoreError, match=r"steps\.parquet of run 3"):
        comparison_html(store.load(finished))
