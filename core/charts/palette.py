"""Which colour means what, in every chart: domain and range are fixed here and nowhere else.

Each colour has a contrast of at least 3:1 to the app's light and to its dark background, so that one chart serves both. Colour
never stands alone: sides have a letter, a name and a shape too, classes have their name.
"""

from __future__ import annotations

from dataclasses import dataclass

import altair as alt

from core.charts.colours import FRAMEWORK_COLOURS
from core.model.comparison import ComparisonSpec
from core.model.variant import FRAMEWORK_LABELS

#: Side B where both sides run the same framework: far from that framework's own colour for every kind of colour vision.
_SECOND_COLOURS = {"tensorflow": "#8468cc", "pytorch": "#a07c10"}
SHAPES = {"a": "circle", "b": "diamond"}

#: What is neither good nor bad: rules, ticks, bands.
NEUTRAL = "#7c898e"
GOOD = "#1a9a80"
WARNING = "#a07c10"
BAD = "#d25a53"

#: Phases of a run in the order in which they happen.
PHASE_COLOURS = {
    "import": "#7c898e",
    "data": "#2a93b5",
    "build": "#8468cc",
    "first step": "#d25a53",
    "warm-up": "#b5852a",
    "training": "#1a9a80",
    "evaluation": "#b858a0",
    "other": "#5f6b70",
}

#: Operation classes, the same words for both frameworks (see the trace engine); kin have kindred hues of different lightness.
OP_CLASS_COLOURS = {
    "convolution forward": "#1a9a80",
    "convolution backward": "#127a67",
    "convolution backward data": "#0f7563",
    "convolution backward weights": "#3aa66f",
    "matrix multiply": "#4a7de0",
    "attention": "#6a5cd0",
    "normalisation": "#b858a0",
    "pooling": "#2a93b5",
    "elementwise": "#d4691a",
    "reduction and loss": "#d25a53",
    "embedding and gather": "#a04a96",
    "optimizer": "#a07c10",
    "copy host-device": "#6c9030",
    "copy device-host": "#507018",
    "copy device-device": "#84983a",
    "memset": "#8f8a3a",
    "communication": "#c0456f",
    "data layout": "#b5852a",
    "random": "#a06a4a",
    "graph launch": "#5a86a5",
    "other": "#7c898e",
}

#: What a stretch of time was spent on, where it is divided by that and not by operation; what is unused is grey.
PART_COLOURS = {
    "kernel": "#1a9a80",
    "computing": "#1a9a80",
    "busy": "#1a9a80",
    "memcpy": "#6c9030",
    "memset": "#8f8a3a",
    "communication": "#c0456f",
    "computing and communicating": "#8468cc",
    "communicating alone": "#c0456f",
    "copying alone": "#6c9030",
    "setting memory alone": "#8f8a3a",
    "runtime": "#8468cc",
    "input": "#2a93b5",
    "operator": "#b5852a",
    "host wait": "#d25a53",
    "launch gap": "#d4691a",
    "dependency": "#4a7de0",
    "idle": "#7c898e",
    "neither": "#7c898e",
    "other": "#7c898e",
}


@dataclass(frozen=True, kw_only=True)
class Sides:
    """Names and colours of the two sides of one comparison."""

    a: str
    b: str
    short_a: str
    short_b: str
    """Names for axes: letter and framework."""
    colour_a: str
    colour_b: str

    @property
    def names(self) -> list[str]:
        return [self.a, self.b]

    def name(self, side: str) -> str:
        """`a` or `b` as the charts write it."""
        return self.a if side == "a" else self.b

    def colour(self, side: str) -> str:
        return self.colour_a if side == "a" else self.colour_b

    @property
    def scale(self) -> alt.Scale:
        return alt.Scale(domain=self.names, range=[self.colour_a, self.colour_b])

    @property
    def shapes(self) -> alt.Scale:
        return alt.Scale(domain=self.names, range=[SHAPES["a"], SHAPES["b"]])


def sides_of(spec: ComparisonSpec) -> Sides:
    """Names and colours of a comparison; the framework decides the colour, the letter tells equal frameworks apart."""
    labels = FRAMEWORK_LABELS
    return Sides(
        a=f"A · {spec.a.label}", short_a=f"A · {labels[spec.a.framework]}", colour_a=FRAMEWORK_COLOURS[spec.a.framework],
        b=f"B · {spec.b.label}", short_b=f"B · {labels[spec.b.framework]}",
        colour_b=two_colours(spec.a.framework, spec.b.framework)[1],
    )  # fmt: skip


def verdict_colour(sides: Sides, faster_side: str | None) -> str:
    """The colour of the faster side; a neutral good one where there is none."""
    return sides.colour(faster_side) if faster_side else GOOD


def two_colours(framework_a: str, framework_b: str) -> tuple[str, str]:
    """Colours of side A and side B, told apart where both run the same framework; any but the two known ones is `tensorflow`'s kin."""
    a, b = (name if name in FRAMEWORK_COLOURS else "tensorflow" for name in (framework_a, framework_b))
    return FRAMEWORK_COLOURS[a], (_SECOND_COLOURS if a == b else FRAMEWORK_COLOURS)[b]


def op_class_scale(classes: list[str] | None = None) -> alt.Scale:
    """The scale of all classes, or of those given, in the fixed order; an unknown class takes the colour of `other`."""
    chosen = list(OP_CLASS_COLOURS) if classes is None else [*(name for name in OP_CLASS_COLOURS if name in classes)]
    chosen += [name for name in classes or [] if name not in OP_CLASS_COLOURS]
    return alt.Scale(domain=chosen, range=[OP_CLASS_COLOURS.get(name, OP_CLASS_COLOURS["other"]) for name in chosen])


def phase_scale(phases: list[str] | None = None) -> alt.Scale:
    """The scale of all phases, or of those given, in the order in which they happen."""
    chosen = [name for name in PHASE_COLOURS if phases is None or name in phases]
    return alt.Scale(domain=chosen, range=[PHASE_COLOURS[name] for name in chosen])


def part_scale(parts: list[str]) -> alt.Scale:
    """The scale of some parts of `PART_COLOURS`, in the order given."""
    return alt.Scale(domain=parts, range=[PART_COLOURS[name] for name in parts])
