"""The Run page while something runs, and when it has ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.store.comparisons import ComparisonStore
from core.store.files import StoreError, append_event
from tests.pages import samples
from tests.pages.apps import links, open_page, words


def test_a_running_comparison_shows_stage_pairs_curves_and_current_run(home: Path):
    store = ComparisonStore()
    spec = samples.new(store)
    folder = samples.begin(store, spec)
    append_event(folder / "events.jsonl", "run_begin", time=spec.created, index=2, role="pair", side="b", pair=1, steps=81)
    for index, side in ((1, "b"), (2, "b"), (0, "a")):
        run = folder / "runs" / f"{index:02d}-{side}"
        run.mkdir(parents=True)
        append_event(run / "events.jsonl", "phase_begin", name="steady")
        for step in range(5):
            append_event(run / "events.jsonl", "block", phase="steady" if step else "first_step", step=1 + 4 * step, steps=4 if step else 1,
                         wall_ns=80_000_000, cpu_ns=80_000_000, input_ns=1, train_ns=1, since_start_s=1.0, loss=2.0)  # fmt: skip
        (run / "log.txt").write_text("a <line> of *the* log\n")
    (folder / "samples.jsonl").write_text('{"time_s": 100.0, "own_cores": 0.9, "other_cores": 0.1, "steal_cores": 0.0}\n')
    at = open_page("run")
    shown = words(at)
    assert "TensorFlow graph (tf.function) against PyTorch eager" in shown
    assert [(metric.label, metric.value) for metric in at.metric[:2]] == [("Pairs done", "1 of 6"), ("Runs done", "2 of 24")]
    assert "side B, PyTorch eager: timing, step 17 of 81" in shown
    assert "run 0 (A) and run 2 (B)" in shown
    assert "a <line> of *the* log" in [code.value for code in at.code]
    assert len(at.get("vega_lite_chart")) + len(at.get("arrow_vega_lite_chart")) == 4


def test_stop_asks_the_referee_to_stop(home: Path):
    store = ComparisonStore()
    spec = samples.new(store)
    folder = samples.begin(store, spec)
    open_page("run").button(key=f"stop_{spec.id}").click().run()
    assert (folder / "cancel").exists()


@pytest.mark.parametrize("key", ["stop_{}", "stop_other_{}"])
def test_a_stop_that_fails_says_why(home: Path, monkeypatch: pytest.MonkeyPatch, key: str):
    def refuse(self: ComparisonStore, id: str) -> None:
        raise StoreError("Comparison x cannot be told to stop (Permission denied).")

    monkeypatch.setattr(ComparisonStore, "request_cancel", refuse)
    store = ComparisonStore()
    first, second = samples.new(store), samples.new(store)
    for spec in (first, second):
        samples.begin(store, spec)
    at = open_page("run", comparison=first.id if key == "stop_{}" else second.id)
    at.button(key=key.format(first.id)).click().run()
    assert not at.exception
    assert at.error[0].proto.title == "It was not stopped"
    assert "cannot be told to stop (Permission denied)" in words(at)


def test_a_second_comparison_says_whom_it_waits_for(home: Path):
    store = ComparisonStore()
    first, second = samples.new(store), samples.new(store)
    samples.begin(store, first)
    folder = samples.begin(store, second)
    (folder / "events.jsonl").unlink()
    append_event(folder / "events.jsonl", "state", time=second.created, state="queued")
    append_event(folder / "events.jsonl", "waiting", time=second.created, behind=first.id)
    assert f"It waits behind {first.id}." in words(open_page("run", comparison=second.id))
    at = open_page("run", comparison=first.id)
    assert f"waiting behind {first.id}" in words(at)
    assert at.button(key=f"stop_other_{second.id}")


def test_who_holds_the_machine_is_shown_letter_by_letter(home: Path):
    store = ComparisonStore()
    first, second = samples.new(store), samples.new(store)
    folder = samples.begin(store, first)
    (folder / "events.jsonl").unlink()
    append_event(folder / "events.jsonl", "waiting", time=first.created, behind="[x](http://example.com)")
    assert "\\[x\\]" in open_page("run", comparison=first.id).info[0].value
    assert any("\\[x\\]" in caption.value for caption in open_page("run", comparison=second.id).caption)
    assert "\\[x\\]" in open_page("compare", comparison=first.id).info[0].value


def test_the_end_is_the_verdict(home: Path):
    store = ComparisonStore()
    spec = samples.new(store)
    result = samples.finish(store, spec)
    at = open_page("run", comparison=spec.id)
    assert at.success[0].value.replace("\\", "") == result.sentence
    assert links(at)["See how sure that is"][1] == f"comparison={spec.id}"


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("fail", "Killed <b>hard</b>"),
        ("cancel", "had not finished any run"),
        ("interrupt", "ended without a result"),
        ("spoil", "damaged"),
    ],
)
def test_other_ends_say_what_happened(home: Path, state: str, expected: str):
    store = ComparisonStore()
    spec = samples.new(store)
    getattr(samples, state)(store, spec)
    assert expected in words(open_page("run", comparison=spec.id)).replace("\\", "")
