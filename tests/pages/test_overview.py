"""Overview: the verdict of the newest finished comparison, and every state that a comparison can be in."""

from typing import Any

import pytest

from core.store.comparisons import ComparisonStore
from tests.pages import samples
from tests.pages.apps import charts, links, open_page, words


def test_a_finished_comparison_shows_verdict_numbers_and_both_sides(store: ComparisonStore):
    spec = samples.new(store)
    samples.finish(store, spec)
    app = open_page("overview")
    assert app.title[0].value.replace("\\", "") == "TensorFlow graph (tf.function) is faster than PyTorch eager on this machine"
    text = words(app)
    assert "1.50x, 95 % interval 1.48 to 1.52; this machine's noise floor is 1.0%." in text
    assert "mnist_cnn · batch of 64 · 6 pairs · Example CPU · 1 thread" in text
    assert "Step 20.0 ms" in text
    assert "Step 30.0 ms" in text
    assert "Samples per s 3,200" in text
    ratio, steps, phases = charts(app)
    assert ratio == "Ratio of times B over A: 1.500, 95 % interval 1.480 to 1.520"
    assert steps == "Step time of both sides in 6 pairs: median 20.0 ms and 30.0 ms"
    assert phases == "Phases of a run from its start to its end: 6.00 s and 6.00 s in all"
    assert links(app)["Which operations take the time of a step?"] == ("kernels", f"comparison={spec.id}")
    assert links(app)["How sure is this?"] == ("compare", f"comparison={spec.id}")


@pytest.mark.parametrize(
    ("asked", "title", "words"),
    [
        ({"measure": "epoch", "profile": False}, "Epoch time, pair by pair", "Epoch time of both sides in 6 pairs: median 2.00 s and 3.00 s"),
        ({"task": "inference", "profile": False}, "Batch time, pair by pair", "Batch time of both sides in 6 pairs: median 20.0 ms and 30.0 ms"),
    ],
)
def test_pairs_are_drawn_in_the_unit_that_the_ratio_is_of(store: ComparisonStore, asked: dict[str, Any], title: str, words: str):
    samples.finish(store, samples.new(store, **asked))
    app = open_page("overview")
    assert title in [one.value for one in app.subheader]
    assert words in charts(app)


def test_the_newest_finished_one_comes_first_even_where_a_newer_one_failed(store: ComparisonStore):
    finished, failed = samples.new(store), samples.new(store)
    (store.root / failed.id).rename(store.root / "29990101-000000-ffffff")  # certainly the newest
    samples.finish(store, finished)
    app = open_page("overview")
    assert app.query_params["comparison"] == finished.id


def test_reasons_stand_where_the_ratio_would_be(store: ComparisonStore):
    spec = samples.new(store)
    samples.finish(store, spec, reasons=("The machine was crowded in 10 of 18 runs.", "3 of 12 runs never settled."))
    app = open_page("overview")
    assert app.title[0].value == "Not comparable"
    assert app.warning[0].proto.title == "Why these sides are not comparable"
    assert app.warning[0].value.replace("\\", "") == "- The machine was crowded in 10 of 18 runs.\n- 3 of 12 runs never settled."
    assert not any(alt.startswith("Ratio") for alt in charts(app))


def test_a_running_one_leads_to_its_live_view(store: ComparisonStore):
    spec = samples.new(store)
    samples.begin(store, spec)
    app = open_page("overview")
    assert app.info[0].proto.title == "This comparison is running"
    assert "Run 3 of 24" in app.info[0].value
    assert links(app)["Watch it live"] == ("run", f"comparison={spec.id}")


@pytest.mark.parametrize(
    ("make", "title"),
    [
        (samples.fail, "The comparison failed (out of memory)"),
        (samples.cancel, "You cancelled this comparison"),
        (samples.interrupt, "This comparison was interrupted"),
        (samples.spoil, "This comparison cannot be read"),
    ],
)
def test_every_other_end_is_named_and_has_a_next_step(store: ComparisonStore, make, title: str):
    spec = samples.new(store)
    make(store, spec)
    app = open_page("overview")
    assert title in words(app)
    readable = make is not samples.spoil
    assert links(app)["Run it again"] == ("run", f"like={spec.id}") if readable else "Open the library to delete it" in links(app)


def test_an_address_that_names_no_comparison_says_so(store: ComparisonStore):
    spec = samples.new(store)
    samples.finish(store, spec)
    app = open_page("overview", comparison="../../etc")
    assert app.error[0].proto.title == "This comparison is not here"
    assert "'../../etc' is not the id of a comparison" in words(app)
    app.button[0].click().run()
    assert "is faster than" in words(app)


def test_recent_comparisons_link_to_where_they_belong(store: ComparisonStore):
    finished = samples.new(store)
    samples.finish(store, finished)
    running = samples.new(store, b=samples.TENSORFLOW)
    samples.begin(store, running)
    found = links(open_page("overview", comparison=finished.id))
    assert found["TensorFlow graph (tf.function) / PyTorch eager"] == ("compare", f"comparison={finished.id}")
    assert found["TensorFlow graph (tf.function) / TensorFlow graph (tf.function)"] == ("run", f"comparison={running.id}")
