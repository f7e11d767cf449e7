"""How a ratio moves while one difference after another is taken away, until both sides do the same."""

from __future__ import annotations

import altair as alt
import polars as pl

from core.charts.conventions import legend, sized
from core.charts.palette import NEUTRAL
from core.charts.ratio_axis import RATIO_TITLE, ratio_scale, ratio_ticks

LAST = "all equal"
_WHOLE, _UP, _DOWN = "the ratio itself", "▲ A gains", "▼ B gains"
#: Neither direction is the good one, and neither belongs to a framework.
_COLOURS = {_WHOLE: NEUTRAL, _UP: "#8468cc", _DOWN: "#1a9a80"}
_ROW_HEIGHT = 36
#: Beside a bar: its ratio, and for a step by how much it moved.
_TEXT = (
    "!isValid(datum.ratio) ? 'not found out' : format(datum.ratio, '.2f')"
    f" + (datum.moves === '{_WHOLE}' ? '' : '  ' + slice(datum.moves, 0, 1) + ' ×' + format(datum.ratio / datum.before, '.2f'))"
)


def waterfall(frame: pl.DataFrame) -> alt.LayerChart:
    """A bar per `knob` from the ratio before it to the ratio after it, with the interval of the latter; a bar from 1 first and last.

    `frame` has `knob` (text, each once), `ratio` (time of B over time of A), `low` and `high` (its 95 % interval), in order: the
    first row is how both sides were to begin with, each further one what was made equal next. The last bar, `all equal`, is drawn
    from the last row, where there is more than one, and is not in the frame. What is null was not found out: such a knob has no bar
    and says so, and the next one starts from the last ratio that is known.
    """
    drawn = _steps(frame)
    order = drawn["knob"].to_list()
    known = drawn.filter(pl.col("ratio").is_not_null())
    values = [1.0, *(value for name in ("ratio", "low", "high") for value in known[name].drop_nulls())]
    low, high = min(values) / 1.06, max(values)
    high *= (high / low) ** 0.2  # room for the text beside the longest bar
    scale = ratio_scale(low, high)
    axis = alt.Axis(values=[tick for tick in ratio_ticks(max(high, 1 / low)) if low <= tick <= high], format=".2~f")
    x = alt.X("ratio:Q", scale=scale, title=RATIO_TITLE, axis=axis)
    y = alt.Y("knob:N", sort=order, scale=alt.Scale(domain=order), title=None, axis=alt.Axis(labelLimit=320, ticks=False, domain=False))
    base = alt.Chart(known).encode(
        y=y,
        tooltip=[alt.Tooltip("knob:N", title="made equal"), alt.Tooltip("ratio:Q", format=".3f"), alt.Tooltip("before:Q", format=".3f"),
                 alt.Tooltip("low:Q", title="95 % interval from", format=".3f"), alt.Tooltip("high:Q", title="to", format=".3f")],
    )  # fmt: skip
    present = [name for name in _COLOURS if name in known["moves"].to_list()]
    bars = base.mark_bar(height={"band": 0.6}, opacity=0.75).encode(
        x=x, x2="before:Q",
        color=alt.Color("moves:N", scale=alt.Scale(domain=present, range=[_COLOURS[name] for name in present]), legend=legend(columns=3)),
    )  # fmt: skip
    one = alt.Chart(pl.DataFrame({"ratio": [1.0]})).mark_rule(stroke=NEUTRAL, strokeWidth=1.5).encode(x=x)
    joints = alt.Chart(known.drop_nulls("next")).mark_rule(stroke=NEUTRAL, strokeDash=[2, 3]).encode(x=x, y=y, y2="next:N")
    measured = base.transform_filter("isValid(datum.low) && isValid(datum.high)")
    spread = measured.mark_rule(strokeWidth=2, color=NEUTRAL).encode(x=alt.X("low:Q", scale=scale, title=RATIO_TITLE), x2="high:Q")
    caps = [
        measured.mark_tick(thickness=2, size=12, color=NEUTRAL).encode(x=alt.X(f"{end}:Q", scale=scale, title=RATIO_TITLE)) for end in ("low", "high")
    ]
    texts = (
        alt.Chart(drawn)
        .transform_calculate(text=_TEXT)
        .mark_text(align="left", dx=8, fontSize=12, color=NEUTRAL)
        .encode(y=y, x=alt.X("reach:Q", scale=scale, title=RATIO_TITLE), text="text:N")
    )
    return sized(alt.layer(joints, bars, one, spread, *caps, texts), _ROW_HEIGHT * len(order))


def _steps(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows and the last bar, each with `before`, what it `moves`, the `next` knob, and how far to the right it reaches."""
    rows = frame.select("knob", "ratio", "low", "high")
    last = rows.slice(max(len(rows) - 1, 1)).with_columns(pl.lit(LAST).alias("knob"))
    place = pl.int_range(pl.len())
    whole = (place == 0) | (place == len(frame))
    return (
        pl.concat([rows, last])
        .with_columns(pl.when(whole).then(1.0).otherwise(pl.col("ratio").forward_fill().shift(1).fill_null(1.0)).alias("before"))
        .with_columns(
            pl.when(whole).then(pl.lit(_WHOLE)).when(pl.col("ratio") >= pl.col("before")).then(pl.lit(_UP)).otherwise(pl.lit(_DOWN)).alias("moves"),
            pl.when(pl.col("ratio").is_not_null()).then(pl.col("knob")).backward_fill().shift(-1).alias("next"),
            pl.max_horizontal("ratio", "before", "high").alias("reach"),
        )
    )
