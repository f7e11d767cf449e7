"""Colours: readable on both backgrounds, fixed for each meaning, and never alone."""

import tomllib
from itertools import chain

import pytest

from core.bench.start import make_spec
from core.charts.colours import FRAMEWORK_COLOURS
from core.charts.palette import (
    OP_CLASS_COLOURS,
    PART_COLOURS,
    PHASE_COLOURS,
    SHAPES,
    Sides,
    op_class_scale,
    phase_scale,
    sides_of,
    verdict_colour,
)
from core.model.variant import Variant
from tests.pages.apps import ROOT

TENSORFLOW, PYTORCH = Variant(framework="tensorflow", execution="graph"), Variant(framework="pytorch", execution="eager")


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def sides(a: Variant, b: Variant) -> Sides:
    return sides_of(make_spec("mnist_cnn", a, b))


def backgrounds() -> list[str]:
    theme = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"]
    return [theme["light"]["backgroundColor"], theme["dark"]["backgroundColor"]]


ALL_COLOURS = chain.from_iterable(table.values() for table in (FRAMEWORK_COLOURS, PHASE_COLOURS, OP_CLASS_COLOURS, PART_COLOURS))


@pytest.mark.parametrize("colour", sorted(set(ALL_COLOURS)))
def test_every_colour_has_three_to_one_on_both_backgrounds(colour: str):
    assert min(contrast(colour, background) for background in backgrounds()) >= 3.0


def test_the_framework_decides_the_colour_whichever_side_it_is_on():
    forward, backward = sides(TENSORFLOW, PYTORCH), sides(PYTORCH, TENSORFLOW)
    assert forward.colour_a == backward.colour_b == FRAMEWORK_COLOURS["tensorflow"]
    assert forward.colour_b == backward.colour_a == FRAMEWORK_COLOURS["pytorch"]


@pytest.mark.parametrize("variant", [TENSORFLOW, PYTORCH])
def test_two_sides_of_one_framework_differ_in_name_colour_and_shape(variant: Variant):
    both = sides(variant, variant)
    assert both.a != both.b
    assert both.short_a != both.short_b
    assert both.colour_a != both.colour_b
    assert SHAPES["a"] != SHAPES["b"]


def test_the_verdict_has_the_colour_of_the_faster_side():
    both = sides(TENSORFLOW, PYTORCH)
    assert verdict_colour(both, "b") == both.colour_b
    assert verdict_colour(both, None) not in (both.colour_a, both.colour_b)


def test_classes_keep_order_and_colour_whatever_is_shown_and_unknown_ones_come_last():
    scale = op_class_scale(["pooling", "something new", "attention"]).to_dict()
    assert scale["domain"] == ["attention", "pooling", "something new"]
    assert scale["range"] == [OP_CLASS_COLOURS["attention"], OP_CLASS_COLOURS["pooling"], OP_CLASS_COLOURS["other"]]
    assert op_class_scale().to_dict()["domain"][-1] == "other"


def test_no_two_classes_look_the_same():
    assert len(set(OP_CLASS_COLOURS.values())) == len(OP_CLASS_COLOURS)
    assert phase_scale(["training", "import"]).to_dict()["domain"] == ["import", "training"]
