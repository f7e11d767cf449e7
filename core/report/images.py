"""A chart outside of the app: as a Vega-Lite spec that carries its data, as SVG and as PNG."""

from __future__ import annotations

from typing import Any

import altair as alt
import msgspec
import polars as pl

#: The Vega-Lite of the charts, which whatever draws them follows: `v6.4`.
VEGALITE_VERSION = ".".join(alt.SCHEMA_VERSION.split(".")[:2])
#: Pixels of a picture, before `PNG_SCALE`; its height is the chart's own.
WIDTH = 760
PNG_SCALE = 2.0

#: The app's two themes (.streamlit/config.toml).
TEXT = {"light": "#1f2628", "dark": "#e6ecec"}
BACKGROUND = {"light": "#ffffff", "dark": "#14191a"}
_FONT = "Helvetica, Arial, sans-serif"


def spec_of(chart: Any, *, text: str, background: str, width: int | str) -> dict[str, Any]:
    """The chart as Vega-Lite with all its data, in these colours; `width` in pixels, or `container` for that of its place."""
    spec: dict[str, Any] = _with_values(chart).to_dict()
    return {**spec, "width": width, "config": _config(text, background)}


def svg(chart: Any, *, theme: str = "light") -> str:
    """The chart drawn as lines and letters, on the background of the `light` or the `dark` theme."""
    import vl_convert  # a browser's engine, of which the app's start should not have to wait

    return vl_convert.vegalite_to_svg(_drawn(chart, theme), vl_version=VEGALITE_VERSION)


def png(chart: Any, *, theme: str = "light") -> bytes:
    """The chart drawn as pixels, `PNG_SCALE` times as many as its width and height say."""
    import vl_convert

    return vl_convert.vegalite_to_png(_drawn(chart, theme), vl_version=VEGALITE_VERSION, scale=PNG_SCALE)


def _drawn(chart: Any, theme: str) -> str:
    # Text and not a dictionary: what is no number becomes null, as JSON has no word for it.
    return msgspec.json.encode(spec_of(chart, text=TEXT[theme], background=BACKGROUND[theme], width=WIDTH)).decode()


def _with_values(chart: Any) -> Any:
    """The chart with plain rows in the place of frames.

    Altair's own way goes through a setting that all threads share, and the app draws charts in one while another makes a download.
    """
    copy = chart.copy(deep=False)
    if isinstance(copy.data, pl.DataFrame):
        copy.data = {"values": copy.data.to_dicts()}
    if isinstance(copy, alt.LayerChart):
        copy.layer = [_with_values(layer) for layer in copy.layer]
    return copy


def _config(text: str, background: str) -> dict[str, Any]:
    """Colours, font and lines for charts whose marks have colours of their own."""
    labels = {"labelColor": text, "titleColor": text, "labelFont": _FONT, "titleFont": _FONT, "labelFontSize": 12, "titleFontSize": 12,
              "titleFontWeight": "normal"}  # fmt: skip
    lines = {"gridColor": text, "gridOpacity": 0.14, "domainColor": text, "domainOpacity": 0.4, "tickColor": text, "tickOpacity": 0.4}
    return {
        "background": background,
        "font": _FONT,
        "view": {"stroke": None},
        "axis": {**labels, **lines},
        "legend": labels,
        "title": {"color": text},
        "text": {"color": text},
        "rule": {"color": text},
    }
