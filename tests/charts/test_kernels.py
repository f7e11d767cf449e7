"""The bars of the Kernels page: both sides on one axis, nothing cut, units said, names short enough and told apart."""

from __future__ import annotations

import polars as pl
import pytest

from core.charts.kernel_names import LONGEST, axis_labels, short_name
from core.charts.kernels import Words, mirrored_bars, single_bars
from core.charts.palette import Sides

SIDES = Sides(
    a="A · TensorFlow graph", short_a="A · TensorFlow", colour_a="#d4691a",
    b="B · PyTorch eager", short_b="B · PyTorch", colour_b="#4a7de0",
)  # fmt: skip
MIRRORED = pl.DataFrame({"key": ["pooling", "random"], "op_class": ["pooling", "random"], "a": [1.0, 0.5], "b": [4.0, 0.0]})
WORDS = Words()


def spec(words: Words = WORDS, **options):
    return mirrored_bars(MIRRORED, SIDES, words, **options).to_dict()


def bars(made):
    name = made["layer"][0]["data"]["name"] if "data" in made["layer"][0] else made["data"]["name"]
    return made["datasets"][name]


def test_a_grows_to_the_left_and_b_to_the_right_of_one_axis():
    made = spec()
    lengths = {(row["key"], row["letter"]): row["signed"] for row in bars(made)}
    assert lengths == {("pooling", "a"): -1.0, ("random", "a"): -0.5, ("pooling", "b"): 4.0, ("random", "b"): 0.0}
    low, high = made["layer"][0]["encoding"]["x"]["scale"]["domain"]
    assert low == -high < -4.0


def test_rows_keep_their_order_and_have_their_units():
    first = spec(Words(row="operator"))["layer"][0]["encoding"]
    assert first["y"]["sort"] == ["pooling", "random"]
    assert first["x"]["title"] == "self time, ms per step"
    assert [shown["title"] for shown in first["tooltip"]][:2] == ["operator", "side"]
    assert spec(Words(measure="launches", unit="per step"))["layer"][0]["encoding"]["x"]["title"] == "launches, per step"


def test_shares_are_of_each_side():
    shares = {(row["key"], row["letter"]): row["share"] for row in bars(spec())}
    assert shares["pooling", "a"] == pytest.approx(2 / 3)
    assert shares["pooling", "b"] == pytest.approx(1.0)


def test_colour_by_class_or_by_side():
    by_class = spec()["layer"][0]["encoding"]["color"]["scale"]
    assert by_class["domain"] == ["pooling", "random"]
    by_side = spec(colour="side")["layer"][0]["encoding"]["color"]["scale"]
    assert by_side == {"domain": ["A · TensorFlow", "B · PyTorch"], "range": ["#d4691a", "#4a7de0"]}


def test_a_legend_only_where_the_rows_do_not_say_it():
    assert spec()["layer"][0]["encoding"]["color"]["legend"] is None
    by_name = mirrored_bars(MIRRORED.with_columns(pl.Series("key", ["aten::mm", "aten::rand"])), SIDES, WORDS).to_dict()
    assert by_name["layer"][0]["encoding"]["color"]["legend"]["orient"] == "bottom"


def test_both_sides_are_named_in_words():
    text = str(spec()["datasets"])
    assert "← A · TensorFlow" in text
    assert "B · PyTorch →" in text


def test_one_recording_alone_grows_to_the_right_and_has_no_other_side():
    made = single_bars(MIRRORED, SIDES, WORDS).to_dict()
    assert {(row["key"], row["value"]) for row in bars(made)} == {("pooling", 1.0), ("random", 0.5)}
    low, high = made["layer"][0]["encoding"]["x"]["scale"]["domain"]
    assert low == 0
    assert high > 1.0
    assert "B · PyTorch" not in str(made["datasets"])


def test_nothing_to_compare_still_draws():
    assert mirrored_bars(MIRRORED.head(0), SIDES, WORDS).to_dict()["layer"]
    assert single_bars(MIRRORED.head(0), SIDES, WORDS).to_dict()["layer"]


AT = "at::native::"
SHORT = {
    f"void {AT}elementwise_kernel<128, 4, {AT}gpu_kernel_impl_nocast<{AT}BinaryFunctor<float, float, float, {AT}binary_internal::"
    "MulFunctor<float> > >(at::TensorIteratorBase&)::{lambda(int)#1}>(int)": "elementwise_kernel · Mul",
    f"void {AT}elementwise_kernel<128, 2, {AT}gpu_kernel_impl<{AT}CUDAFunctor_add<float> >(at::TensorIteratorBase&)>": "elementwise_kernel · add",
    f"void {AT}reduce_kernel<512, 1, {AT}ReduceOp<float, {AT}MeanOps<float, float, float>, unsigned int>>": "reduce_kernel · Mean",
    f"void {AT}(anonymous namespace)::vectorized_kernel<4, {AT}(anonymous namespace)::silu_kernel(int)::{{lambda()#1}}>": "vectorized_kernel · silu",
    "Cijk_Alik_Bljk_B_BS_BH_Bias_HA_S_SAV_UserArgs_MT256x128x64_MI16x16x1_SN_LDSB1": "Cijk_Alik_Bljk_B MT256x128x64 MI16x16x1",
    "volta_sgemm_128x32_nt": "volta_sgemm_128x32_nt",
    "aten::addmm": "aten::addmm",
}  # fmt: skip


@pytest.mark.parametrize("name", SHORT)
def test_a_short_name_keeps_the_telling_part(name: str):
    assert short_name(name) == SHORT[name]


def test_a_long_name_is_cut_whatever_it_is_made_of():
    for name in ("x" * 300, "f<" + "int, " * 100 + ">", "<" * 100_000, "void ", ""):
        assert len(short_name(name)) <= LONGEST


def test_names_that_are_alike_when_short_are_told_apart():
    names = [
        f"implicit_convolve_sgemm<float, float, 1024, 6, 7, 3, 3, 5, {end}, false>(int, int, int, float const*)" for end in (1, 2)
    ]
    assert axis_labels([*names, "other"]) == [
        "implicit_convolve_sgemm<float, float, 1024,… (1)",
        "implicit_convolve_sgemm<float, float, 1024,… (2)",
        "other",
    ]
