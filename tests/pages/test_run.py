"""The Run page: the form, what it starts, and the live view in every state."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import core.bench.start
from core.model.comparison import PRESETS, ComparisonSpec
from core.store.comparisons import ComparisonStore
from core.store.files import write_json
from core.workloads.registry import workload_spec
from pages._parts.run_sides import OPTION_LABELS
from tests.pages import samples
from tests.pages.apps import open_page, words


@pytest.fixture
def started(home: Path, monkeypatch: pytest.MonkeyPatch) -> list[ComparisonSpec]:
    """Comparisons that the page would have started; no process is."""
    specs: list[ComparisonSpec] = []

    def fake(store: ComparisonStore, spec: ComparisonSpec) -> None:
        store.create(spec)
        specs.append(spec)

    monkeypatch.setattr(core.bench.start, "start_detached", fake)
    return specs


def test_an_empty_store_shows_the_form_with_what_it_costs(home: Path):
    at = open_page("run")
    assert "What will run?" in [element.value for element in at.subheader]
    assert at.selectbox(key="a").value == "tensorflow:graph"
    assert at.selectbox(key="b").value == "pytorch:eager"
    assert PRESETS["quick"].summary in words(at)


def test_the_estimate_becomes_what_the_last_one_took(home: Path):
    store = ComparisonStore()
    spec = samples.new(store)
    write_json(store.folder(spec.id) / "result.json", replace(samples.finish(store, spec), duration_s=195.0))
    assert "The last one of this kind took 3 min 15 s here." in words(open_page("run"))
    assert "At least about 7 minutes" in words(open_page("run", preset="Rigorous"))


def test_a_gpu_is_offered_only_where_one_is_visible(home: Path, monkeypatch: pytest.MonkeyPatch):
    assert open_page("run").selectbox(key="a_device").options == ["CPU"]
    monkeypatch.setattr("pages._parts.run_sides.gpu_visible", lambda: True)
    assert open_page("run").selectbox(key="a_device").value == "gpu"


def test_start_makes_the_comparison_that_the_form_describes_and_shows_it(started: list[ComparisonSpec]):
    at = open_page("run")
    at.selectbox(key="a").set_value("tensorflow:xla")
    at.number_input(key="batch_size").set_value(128)
    at.number_input(key="threshold").set_value(10.0)
    at.number_input(key="b_threads").set_value(1)
    at.button(key="start").click().run()
    (spec,) = started
    assert (spec.a.framework, spec.a.execution, spec.b.framework, spec.b.threads) == ("tensorflow", "xla", "pytorch", 1)
    assert (spec.batch_size, spec.threshold, spec.preset.name, spec.workload) == (128, 0.1, "quick", "mnist_cnn")
    assert at.query_params["comparison"] == spec.id
    assert "TensorFlow XLA (jit_compile) against PyTorch eager" in words(at)


def test_the_network_as_printed_is_announced_as_what_it_is(started: list[ComparisonSpec]):
    at = open_page("run", b_network=OPTION_LABELS["network"]["article"])
    assert "ends at the parity proof" in at.info[0].value
    at.button(key="start").click().run()
    assert (started[0].a.network, started[0].b.network) == ("spec", "article")


def test_a_wish_that_cannot_be_meant_is_one_sentence(started: list[ComparisonSpec]):
    at = open_page("run")
    at.number_input(key="learning_rate").set_value(0.0).run()
    assert at.button(key="start").disabled
    assert "learning rate of 0" in at.error[0].value
    assert not started


def test_a_missing_framework_is_told_before_anything_starts(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("pages._parts.run_form.find_spec", lambda name: None if name == "torch" else object())
    at = open_page("run")
    assert "pip install -r requirements.txt" in at.code[0].value
    assert at.button(key="start").disabled


def test_an_interpreter_of_its_own_is_not_looked_into(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("pages._parts.run_form.find_spec", lambda name: None)
    monkeypatch.setenv("SHOWDOWN_PYTHON_PYTORCH", "/somewhere/python")
    monkeypatch.setenv("SHOWDOWN_PYTHON_TENSORFLOW", "/elsewhere/python")
    assert not open_page("run").button(key="start").disabled


def test_like_fills_the_form_in_as_a_stored_comparison_was_made(home: Path):
    spec = samples.new(ComparisonStore(), preset="standard", batch_size=256, seed=7, threshold=0.02)
    samples.finish(ComparisonStore(), spec)
    at = open_page("run", like=spec.id)
    assert at.number_input(key="batch_size").value == 256
    assert at.number_input(key="seed").value == 7
    assert at.number_input(key="threshold").value == pytest.approx(2.0)
    assert "10 pairs of runs that measure 5 s each" in words(at)


def test_an_interpreter_per_side_is_brought_along_but_never_by_an_address(started: list[ComparisonSpec]):
    own = samples.PYTORCH
    spec = samples.new(ComparisonStore(), a=replace(own, python=sys.executable), b=own)
    samples.finish(ComparisonStore(), spec)
    at = open_page("run", like=spec.id)
    assert "Both sides are the same" not in words(at)
    at.button(key="start").click().run()
    assert (started[0].a, started[0].b) == (spec.a, spec.b)
    at.text_input(key="a_python").set_value("").run()
    assert "Both sides are the same" in words(at)
    at.text_input(key="b_python").set_value("/other/*venv*/python").run()
    assert "The interpreter /other/*venv*/python is not on this machine" in words(at)
    assert at.button(key="start").disabled
    assert open_page("run", b_python="/other/python").text_input(key="b_python").value == ""


def test_like_says_what_is_not_possible_here(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("pages._parts.run_sides.os.cpu_count", lambda: 2)
    many = replace(samples.TENSORFLOW, threads=64, device="gpu")
    spec = samples.new(ComparisonStore(), a=many)
    write_json(ComparisonStore().folder(spec.id) / "spec.json", replace(spec, preset=replace(spec.preset, name="lost")))
    at = open_page("run", like=spec.id)
    (changed,) = [info.value.replace("\\", "") for info in at.info if "Changed" in info.value]
    assert changed == ("Changed to fit this machine: the preset is quick instead of lost; the number of threads of side A is 2 instead of 64; "
                       "the device of side A is cpu instead of gpu.")  # fmt: skip
    assert (at.number_input(key="a_threads").value, at.selectbox(key="a_device").value) == (2, "cpu")
    same = samples.new(ComparisonStore(), threshold=0.002)
    assert not [info for info in open_page("run", like=same.id).info if "Changed" in info.value]


def test_like_of_a_lost_comparison_says_so(home: Path):
    spec = samples.new(ComparisonStore())
    samples.spoil(ComparisonStore(), spec)
    assert open_page("run", like=spec.id).warning[0].proto.title == "The form is not filled in"
    assert "no comparison" in open_page("run", like="20200101-000000-abcdef").warning[0].value


def test_a_length_of_its_own_replaces_the_presets(started: list[ComparisonSpec]):
    at = open_page("run", length="steps")
    at.number_input(key="steps").set_value(300).run()
    # 6 short runs of 6 s; 18 timed ones of 6 s and 1.2 times 300 steps of 0.04 s: 403 s.
    assert "6 pairs of runs of 300 steps each. At least about 7 minutes" in words(at)
    at.button(key="start").click().run()
    assert (started[0].preset.name, started[0].preset.steps, started[0].preset.epochs) == ("quick", 300, None)
    at = open_page("run", like=started[0].id)
    assert (at.segmented_control(key="length").value, at.number_input(key="steps").value) == ("steps", 300)
    at.segmented_control(key="length").set_value("epochs").run()
    at.number_input(key="epochs").set_value(2)
    at.button(key="start").click().run()
    assert (started[1].preset.epochs, started[1].preset.steps) == (2, None)


def test_an_address_without_a_comparison_behind_it_still_shows_the_form(home: Path):
    at = open_page("run", comparison="../../etc")
    assert "not the id of a comparison" in at.error[0].value.replace("\\", "")
    assert at.button(key="start")


def variants(at: AppTest) -> list[str]:
    """What the captions under both sides say."""
    return [caption.value.replace("\\", "")[5:] for caption in at.caption if caption.value[:5] in ("A is ", "B is ")]


def test_a_workload_brings_its_sizes_its_batch_and_what_they_come_to(started: list[ComparisonSpec]):
    at = open_page("run")
    at.selectbox(key="workload").set_value("resnet50").run()
    assert (at.number_input(key="size_image_size").value, at.number_input(key="batch_size").value) == (224, 64)
    shown = words(at)
    assert "A training step is 1.56 TFLOP. No GPU is visible here, and a CPU takes a second and more for that" in shown
    assert "The data is made up" in shown
    at.button(key="sizes_small").click().run()
    assert (at.number_input(key="size_image_size").value, at.number_input(key="batch_size").value) == (64, workload_spec("resnet50").small_batch_size)
    assert at.query_params["size_image_size"] == "64"
    assert "No GPU" not in words(at)
    at.button(key="start").click().run()
    assert started[0].sizes == {"image_size": 64, "width": 16}
    at.selectbox(key="workload").set_value("mnist_cnn").run()
    assert at.number_input(key="batch_size").value == 64


def test_an_address_opens_a_workload_at_its_sizes(home: Path):
    at = open_page("run", workload="gpt", size_layers="2", a_precision="bf16", task="inference")
    assert (at.selectbox(key="workload").value, at.number_input(key="size_layers").value) == ("gpt", 2)
    assert variants(at) == ["TensorFlow graph (tf.function), bf16", "PyTorch eager"]
    assert not [field for field in at.selectbox if field.key == "a_input"]


def test_a_size_that_cannot_be_is_one_sentence(home: Path):
    at = open_page("run", workload="vit_tiny", size_image_size="33")
    assert "image_size=33 is not possible" in at.error[0].value.replace("\\", "")
    assert at.button(key="start").disabled


@pytest.mark.parametrize(
    ("question", "labels", "fields"),
    [
        ("Eager or compiled?", ["PyTorch eager", "PyTorch torch.compile"], {"task": "train", "measure": "step"}),
        ("What does a sync per step cost?", ["PyTorch eager", "PyTorch eager, loss read each step"], {}),
        ("fit or own loop?", ["TensorFlow Keras fit", "TensorFlow graph (tf.function)"], {}),
        ("Inference latency?", ["TensorFlow graph (tf.function)", "PyTorch eager"], {"task": "inference", "batch_size": 1}),
    ],
)
def test_a_common_comparison_fills_the_form_in(started: list[ComparisonSpec], question: str, labels: list[str], fields: dict[str, object]):
    at = open_page("run", a_precision="bf16")
    next(button for button in at.button if button.label == question).click().run()
    assert variants(at) == labels
    at.button(key="start").click().run()
    assert {name: getattr(started[0], name) for name in fields} == fields


def test_loader_workers_are_compared_over_short_epochs(started: list[ComparisonSpec], monkeypatch: pytest.MonkeyPatch):
    for place in ("pages._parts.run_starts", "pages._parts.run_sides", "core.bench.start"):
        monkeypatch.setattr(f"{place}.usable_cpus", lambda: {0, 1, 2, 3})
    at = open_page("run")
    next(button for button in at.button if button.label == "0 or 2 loader workers?").click().run()
    assert (at.query_params["b_workers"], at.query_params["measure"]) == ("2", "whole epochs")
    at.button(key="start").click().run()
    spec = started[0]
    assert (spec.measure, spec.train_samples) == ("epoch", 6_000)
    assert [(side.input, side.workers) for side in (spec.a, spec.b)] == [("loader", 0), ("loader", 2)]


def test_what_contradicts_itself_is_said_and_cannot_be_started(home: Path):
    at = open_page("run", b_input="PNG, decoded in the loader", task="inference")
    assert not at.error
    at = open_page("run", a_validation="true")
    assert "only whole epochs show it" in at.error[0].value
    assert at.button(key="start").disabled
    at.segmented_control(key="measure").set_value("epoch").run()
    assert not at.error


def test_only_what_a_framework_and_a_workload_have_is_offered(home: Path):
    at = open_page("run", workload="resnet50", a="TensorFlow, Keras fit")
    keys = {field.key for field in (*at.selectbox, *at.number_input)}
    assert "b_layout" in keys
    assert not {"a_layout", "a_sync"} & keys
    assert at.selectbox(key="a_network").options == ["the workload's", "the library's own model"]
    assert "tf32" not in at.selectbox(key="a_precision").options
    assert not any("CUDA graph" in option for option in at.selectbox(key="b").options)


def test_two_models_are_announced_and_may_be_allowed(started: list[ComparisonSpec]):
    at = open_page("run", b_optimizer="native: the framework's own")
    assert "With a native optimizer, the proof will fail: it ends there, without a ratio" in words(at)
    at.toggle(key="require_parity").set_value(False).run()
    assert "both are timed all the same" in words(at)
    at.button(key="start").click().run()
    assert not started[0].require_parity


def test_like_brings_everything_along(started: list[ComparisonSpec]):
    store = ComparisonStore()
    a = replace(samples.PYTORCH, precision="bf16", layout="channels_last", checkpointing="on", sync=10)
    b = replace(samples.PYTORCH, input="loader", workers=1, prefetch=4, metrics="on", validation="on", initial="native", optimizer="native")
    spec = samples.new(store, workload="resnet18", a=a, b=b, sizes={"image_size": 16}, measure="epoch", train_samples=512, batch_size=8,
                       require_parity=False)  # fmt: skip
    at = open_page("run", like=spec.id)
    at.button(key="start").click().run()
    again = started[0]
    assert replace(again, id=spec.id, created=spec.created) == spec


def test_how_long_it_takes_is_said_only_as_far_as_it_is_known(home: Path):
    assert "has not been timed here, so how much longer is not known" in words(open_page("run", workload="lstm"))
    store = ComparisonStore()
    samples.finish(store, samples.new(store, workload="lstm", sizes={"length": 12}))
    assert "a step took 30.0 ms when this was last compared here" in words(open_page("run", workload="lstm", size_length="12", preset="Standard"))


def test_the_command_line_says_the_same(home: Path):
    command = open_page("run", workload="mlp", size_width="64", task="inference").code[-1].value
    assert command.startswith("python -m core compare mlp")
    assert "--size width=64" in command
    assert "--task inference" in command


def test_a_workload_of_ones_own_is_offered_and_a_broken_one_is_one_sentence(
    started: list[ComparisonSpec], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = samples.own_workload(tmp_path / "mine")
    monkeypatch.setenv("SHOWDOWN_WORKLOADS", str(folder))
    at = open_page("run", workload="mine (your own)")
    assert "My own net." in words(at)
    at.button(key="start").click().run()
    assert (started[0].workload, started[0].workload_name) == (str(folder), "mine")
    broken = samples.own_workload(tmp_path / "broken")
    (broken / "spec.py").write_text("import math\n\nSPEC = math.nothing\n")
    monkeypatch.setenv("SHOWDOWN_WORKLOADS", str(broken))
    at = open_page("run", workload="broken (your own)")
    (problem,) = [error.value.replace("\\", "") for error in at.error]
    assert f"{broken}/spec.py" in problem
    assert "module 'math' has no attribute 'nothing'" in problem
    assert at.button(key="start").disabled


def test_what_was_compared_with_a_folder_that_is_gone_is_still_shown(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = samples.own_workload(tmp_path / "gone")
    store = ComparisonStore()
    spec = samples.new(store, workload=str(folder))
    samples.finish(store, spec)
    shutil.rmtree(folder)
    for page in ("overview", "compare", "run", "models", "library"):
        open_page(page, comparison=spec.id)
    assert "gone, width 512" in words(open_page("compare", comparison=spec.id))
    changed = words(open_page("run", like=spec.id))
    assert f"the workload is mnist_cnn instead of {folder}" in changed
