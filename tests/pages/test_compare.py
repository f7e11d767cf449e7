"""Compare: every section of a finished comparison, and what is left of one that did not finish."""

import json
from dataclasses import replace

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from core.model.comparison import AccuracyComparison
from core.store.comparisons import ComparisonStore
from core.store.files import write_json
from tests.pages import samples
from tests.pages.apps import charts, downloads, links, open_page, words


def test_the_first_section_is_the_ratio_of_every_pair(finished: str):
    app = open_page("compare")
    assert [tab.label for tab in app.tabs] == ["Ratio", "Steps", "Learning", "Process", "Cost", "Parity", "Machine", "Data", "Share"]
    assert charts(app) == ["Ratio B over A of 6 pairs, median 1.500; noise floor 1.0 %"]
    numbers = app.dataframe[-1].value
    step = numbers[numbers["figure"] == "step"].iloc[0]
    assert (step["a"], step["b"], round(step["ratio"], 2)) == (20.0, 30.0, 1.5)
    assert "Noise floor" in words(app)


def test_one_clock_can_be_chosen_and_stays_in_the_address(finished: str):
    app = open_page("compare", clock="CPU time")
    assert set(app.dataframe[0].value["clock"]) == {"CPU time"}
    assert app.query_params["clock"] == "CPU time"


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        ("Steps", ["Distribution of block times of 12 runs, in milliseconds per step"]),
        ("Learning", ["Loss of every run against training step", "Test accuracy of every pair: median 94.00 % for A and 94.00 % for B"]),
        ("Process", ["Seconds of each phase of a run: A 6.00 s in all; B 6.00 s in all", "Peak memory: 300 MiB and 300 MiB"]),
        ("Machine", ["Busy cores over time: the run itself, other processes, and what the hypervisor took"]),
    ],
)
def test_an_address_opens_a_section(finished: str, view: str, expected: list[str]):
    assert charts(open_page("compare", view=view)) == expected


def test_loss_can_be_drawn_against_seconds(finished: str):
    assert charts(open_page("compare", view="Learning", axis="seconds"))[0] == "Loss of every run against seconds of training"


def test_cost_follows_the_price_in_the_address(finished: str):
    app = open_page("compare", view="Cost", price="2.5")
    # 20 and 30 ms a step of 64 samples: 100 million samples are 8.68 and 13.02 hours.
    assert charts(app) == ["Price of 100 million training samples: 21.70 and 32.55"]
    assert "B costs 1.50 times what A costs" in words(app)


def test_the_profiler_says_what_it_costs(finished: str):
    assert "A · TensorFlow graph (tf.function) 1.10x" in words(open_page("compare", view="Process"))


def test_the_proof_lists_every_gate_beside_what_is_allowed(finished: str):
    app = open_page("compare", view="Parity")
    assert app.success[0].proto.title == "The same model on both sides"
    gates = app.dataframe[0].value
    assert list(gates["stage"])[:2] == ["parameter count", "forward pass"]
    assert list(gates["error"])[:2] == ["0", "4.0e-07"]
    assert set(gates["passed"]) == {"✓ passed"}


def test_the_machine_section_lists_what_differs(finished: str):
    app = open_page("compare", view="Machine")
    different = app.dataframe[1].value
    assert different.values.tolist() == [["tf32", "False", "True"], ["packages: numpy", "2.4.6", "2.4.5"]]
    assert ["memory total", "8.00 GiB"] in app.dataframe[2].value.values.tolist()


def test_the_load_is_drawn_under_a_line_for_all_usable_cores(finished: str):
    chart = json.loads(open_page("compare", view="Machine").get("vega_lite_chart")[0].proto.spec)
    assert [layer["mark"]["type"] for layer in chart["layer"]].count("rule") == 1


@pytest.mark.parametrize(
    ("settled", "sentence"),
    [
        ([True, True], "All 2 runs reached a steady state."),
        ([True, False, True], "1 of 3 runs did not reach a steady state."),
        ([True, None, True], "All 2 runs that could be told reached a steady state. The other 1 had too few blocks to tell."),
        ([False, None], "1 of 1 runs that could be told did not reach a steady state. The other 1 had too few blocks to tell."),
        ([None, None], "No run had enough blocks to tell whether it reached a steady state."),
    ],
)
def test_only_runs_that_could_be_told_are_called_steady(settled: list[bool | None], sentence: str):
    from core.report.words import steadiness

    assert steadiness(settled) == sentence


def test_the_data_section_repeats_the_comparison_and_gives_every_block(finished: str, store: ComparisonStore):
    app = open_page("compare", view="Data")
    command = app.code[0].value
    assert command.startswith("python -m core compare mnist_cnn")
    assert "--a tensorflow:execution=graph,device=cpu,threads=1 " in command
    assert "252 timed blocks of 12 runs" in words(app)
    assert downloads(app) == ["Runs as CSV", "Blocks as CSV", "Blocks as Parquet"]


@pytest.mark.parametrize(("equivalent", "title"), [(True, "Both reach the same accuracy"), (False, "Equal accuracy is not shown")])
def test_accuracy_after_whole_epochs_is_judged(store: ComparisonStore, equivalent: bool, title: str):
    spec = samples.new(store)
    result = samples.finish(store, spec)
    accuracy = AccuracyComparison(mean_difference=0.0012, interval_90=(-0.0005, 0.0029), margin=0.003, equivalent=equivalent, seeds=6)
    fields = {name: getattr(result, name) for name in result.__dataclass_fields__}
    write_json(store.folder(spec.id) / "result.json", type(result)(**{**fields, "accuracy": accuracy}))
    text = words(open_page("compare", view="Learning"))
    assert title in text
    assert "+0.12 points over 6 seeds, 90 % interval -0.05 to +0.29; within 0.3 points counts as equal" in text


def test_missing_block_files_are_no_error(store: ComparisonStore, finished: str):
    for path in store.folder(finished).glob("runs/*/steps.parquet"):
        path.unlink()
    assert "not stored any more" in words(open_page("compare", view="Steps"))


def test_different_models_have_a_proof_and_no_ratio(store: ComparisonStore):
    spec = samples.new(store)
    samples.fail_parity(store, spec)
    app = open_page("compare")
    assert [tab.label for tab in app.tabs] == ["Parity", "Data", "Share"]
    text = words(app)
    assert "The two sides do not compute the same function: gradients fails in dense1/kernel" in text
    assert "5 of 6 gates are passed; the first that fails: gradients." in text
    assert list(app.dataframe[0].value["passed"]).count("✗ failed") == 1


def test_a_failed_one_shows_message_exit_code_and_log(store: ComparisonStore):
    samples.fail(store, samples.new(store))
    app = open_page("compare")
    text = words(app)
    assert "The comparison failed (out of memory)" in text
    assert "The run needed more memory than there is; use a smaller batch." in text
    assert "Exit code **-9**: ended by signal 9" in text
    assert app.code[0].value == "allocating 12 GiB\nKilled <b>hard</b>"


def test_an_interrupted_one_shows_what_it_got(store: ComparisonStore):
    samples.interrupt(store, samples.new(store))
    app = open_page("compare")
    assert "It had finished 2 runs and 1 pair; too few for a verdict." in words(app)
    assert "The pairs that it had finished: step time of B over that of A." in words(app)
    assert app.dataframe[0].value["ratio"].tolist() == [1.234]


def test_a_cancelled_a_running_and_an_unreadable_one_say_what_they_are(store: ComparisonStore):
    cancelled, running, spoiled = (samples.new(store) for _ in range(3))
    samples.cancel(store, cancelled)
    samples.begin(store, running)
    samples.spoil(store, spoiled)
    assert "You cancelled this comparison" in words(open_page("compare", comparison=cancelled.id))
    assert links(open_page("compare", comparison=running.id))["Watch it live"] == ("run", f"comparison={running.id}")
    assert "spec.json" in words(open_page("compare", comparison=spoiled.id))


def test_words_of_unknown_origin_are_shown_letter_by_letter(store: ComparisonStore):
    samples.finish(store, samples.new(store), reasons=("<script>alert(1)</script> [click](http://example.com) :red[x]",))
    value = open_page("compare").warning[0].value
    assert "\\<script\\>" in value
    assert "\\[click\\]" in value
    assert "\\:red\\[x\\]" in value


def test_blocks_of_all_runs_are_one_table(store: ComparisonStore, finished: str):
    from core.report.files import blocks

    one = store.load(finished)
    assert one.result is not None
    table = blocks(one, one.result.runs)
    assert table.group_by("side").agg(pl.len()).sort("side").rows() == [("a", 126), ("b", 126)]


def both_sides(app: AppTest) -> dict[str, tuple[float, float]]:
    """The figures of A and B by name."""
    table = app.dataframe[-1].value
    return {name: (a, b) for name, a, b in zip(table["figure"], table["a"], table["b"], strict=True)}


def test_inference_is_shown_in_batches_with_its_tail(store: ComparisonStore):
    spec = samples.new(store, workload="mlp", task="inference", batch_size=1)
    samples.finish(store, spec)
    app = open_page("compare")
    assert "Learning" not in [tab.label for tab in app.tabs]
    figures = both_sides(app)
    assert figures["batch, p50"] == (20.0, 30.0)
    assert figures["batch, p99"] == (40.0, 60.0)
    assert "time per batch of B over that of A" in words(app)
    assert "mlp, width 512 · inference · batch of 1" in words(app)
    assert "Batch, p99 60.0 ms" in words(open_page("overview"))


def test_epochs_are_shown_as_epochs(store: ComparisonStore):
    spec = samples.new(store, measure="epoch", train_samples=6_400)
    samples.finish(store, spec)
    app = open_page("compare")
    assert both_sides(app)["epoch"] == (2.0, 3.0)
    assert "time per epoch of B over that of A" in words(app)
    assert "Epoch 3.00 s" in words(open_page("overview"))


def test_two_models_that_were_timed_anyway_are_called_two_models(store: ComparisonStore):
    spec = samples.new(store, b=replace(samples.PYTORCH, optimizer="native"), require_parity=False)
    samples.finish(store, spec, failing="one_step")
    text = words(open_page("compare"))
    assert ":orange-badge[:material/difference: not the same model]" in text
    assert "weights after 1 optimizer step fails in dense1/kernel" in text
    text = words(open_page("compare", view="Parity"))
    assert "The ratio is of two models that are not the same, as was allowed." in text
    assert "The optimizers have other constants." in text


def test_made_up_data_is_called_made_up(store: ComparisonStore, finished: str):
    assert "made-up data" not in words(open_page("compare", comparison=finished))
    spec = samples.new(store, workload="lstm", sizes={"length": 12})
    samples.finish(store, spec)
    assert "made-up data: accuracy means nothing" in words(open_page("compare", comparison=spec.id))
    assert "This workload trains on made-up data" in words(open_page("compare", comparison=spec.id, view="Learning"))
