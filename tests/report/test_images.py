"""Charts as pictures and as specs that carry their data."""

from __future__ import annotations

import math
import struct
import tomllib

import altair as alt
import polars as pl
import pytest

from core.charts.conventions import sized
from core.report import images
from tests.conftest import PROJECT

FRAME = pl.DataFrame({"kernel": ["volta <b>", "ampere"], "ms": [1.5, 2.5]})


def chart(frame: pl.DataFrame = FRAME) -> alt.LayerChart:
    bars = alt.Chart(frame).mark_bar().encode(x=alt.X("ms:Q", title="time (ms)"), y="kernel:N")
    return sized(alt.layer(bars, alt.Chart(pl.DataFrame({"ms": [2.0]})).mark_rule().encode(x="ms:Q")), 120)


def test_an_svg_has_the_words_of_its_chart_and_the_colours_of_its_theme():
    light, dark = images.svg(chart()), images.svg(chart(), theme="dark")
    assert light.startswith("<svg")
    assert "time (ms)" in light
    assert "volta &lt;b&gt;" in light
    for theme, picture in (("light", light), ("dark", dark)):
        assert images.BACKGROUND[theme] in picture
        assert images.TEXT[theme] in picture


def test_a_png_has_two_pixels_for_each_of_its_width():
    picture = images.png(chart())
    assert picture.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", picture[16:24])
    assert width == images.WIDTH * images.PNG_SCALE
    assert height >= 120 * images.PNG_SCALE


def test_a_value_that_is_no_number_is_left_out_of_the_picture():
    frame = pl.DataFrame({"kernel": ["a", "b"], "ms": [1.0, math.nan]})
    assert images.svg(chart(frame)).startswith("<svg")


def test_a_spec_carries_its_data_whatever_altair_is_set_to():
    """Another thread of the app may have set it to give data to a browser apart from the chart."""
    alt.data_transformers.register("elsewhere", lambda data: {"name": "elsewhere"})
    with alt.data_transformers.enable("elsewhere"):
        spec = images.spec_of(chart(), text="black", background="white", width=300)
    assert sorted(map(len, spec["datasets"].values())) == [1, 2]
    assert FRAME.to_dicts() in list(spec["datasets"].values())
    names = {layer["data"]["name"] for layer in spec["layer"]}
    assert names == set(spec["datasets"])


def test_more_rows_than_altair_allows_are_no_error():
    frame = pl.DataFrame({"kernel": [str(number) for number in range(6_000)], "ms": [1.0] * 6_000})
    spec = images.spec_of(chart(frame), text="black", background="white", width=300)
    assert max(map(len, spec["datasets"].values())) == 6_000


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_colours_are_those_of_the_app(theme: str):
    settings = tomllib.loads((PROJECT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"][theme]
    assert (images.TEXT[theme], images.BACKGROUND[theme]) == (settings["textColor"], settings["backgroundColor"])
