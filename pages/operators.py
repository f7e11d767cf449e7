"""Operators: what costs most, and how do the two sides pair up?"""

from __future__ import annotations

import polars as pl
import streamlit as st

from core.analysis.operators import REMAINDER, mirror
from core.charts.operators import mirrored_bars
from core.charts.picking import pickable
from core.store.comparisons import StoredComparison
from pages._parts import formats
from pages._parts.charts import chart_with_table
from pages._parts.empty import show_empty
from pages._parts.operator_rows import matching, picked_rows, show_rows
from pages._parts.places import link
from pages._parts.profiles import Profile, declared_layers, profiles_of, table
from pages._parts.states import show_state
from pages._parts.step_account import show_account
from pages._parts.stored import choose_comparison, sides, store

GROUPS = {"class": ("kind of operation", "op_class"), "operator": ("operator", "name"), "layer": ("layer", "layer")}
#: Where the rows are the classes already, colour is free to tell the sides apart.
_COLOUR = {"class": "side", "operator": "op_class", "layer": "side"}
MEASURES = {"self": "self time", "total": "total time"}


def main() -> None:
    st.title("Operators", anchor=False)
    one = choose_comparison(store().all())
    if one is None:
        show_empty()
    elif show_state(one):
        found, problems = profiles_of(one)
        _problems(one, problems)
        if found:
            _page(one, found)


def _problems(one: StoredComparison, problems: dict[str, str]) -> None:
    assert one.spec is not None
    assert one.result is not None
    if len(problems) == 2 and not any(run.role == "profile" for run in one.result.runs):
        why = (
            "It was started without profiling."
            if not one.spec.profile
            else "It ended before the profiled runs, for the reasons on its own page."
        )
        st.info(f"{why} Run it again with profiling to see which operators take the time.", title="This comparison has no profile",
                icon=":material/query_stats:")  # fmt: skip
        link("run", "Set it up again", like=one.id)
        link("compare", "Open this comparison", comparison=one.id)
        return
    for side, problem in problems.items():
        st.warning(
            formats.plain(problem),
            title=f"No profile of side {side.upper()}, {one.spec.variant(side).label}",
            icon=":material/broken_image:",
        )


def _page(one: StoredComparison, found: dict[str, Profile]) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        group = st.segmented_control("Group by", list(GROUPS), default="class", required=True, format_func=lambda name: GROUPS[name][0],
                                     key="group", bind="query-params")  # fmt: skip
        measure = st.segmented_control("Measure", list(MEASURES), default="self", required=True, format_func=MEASURES.__getitem__,
                                       key="measure", bind="query-params",
                                       help="Self: without the operators nested inside. Total: with them: some time counts twice.")  # fmt: skip
        search = st.text_input(
            "Search", type="search", key="search", bind="query-params", placeholder="conv, relu, adam …", width=260
        )
    declared = declared_layers(one)
    tables = {side: matching(table(profile, group, declared.get(side)), search) for side, profile in found.items()}
    if all(frame.is_empty() for frame in tables.values()):
        st.info("Nothing has this in its name; try a shorter word.", icon=":material/search_off:")
        return
    mirrored = _mirrored(tables, group, measure)
    names = sides(one)
    event = chart_with_table(
        pickable(mirrored_bars(mirrored, names, title=GROUPS[group][0], measure=MEASURES[measure], colour=_COLOUR[group]), "picked", "key"), mirrored,
        alt=f"Mirrored bars, {MEASURES[measure]} in ms per step by {GROUPS[group][0]}: {names.a} to the left, {names.b} to the right. "
            f"Largest: {mirrored['key'][0]}, {formats.ms(mirrored['a_ms'][0])} and {formats.ms(mirrored['b_ms'][0])}.",
        download_name=f"{one.id}-{group}-{measure}", key=f"operator_bars_{group}", on_select="rerun",
    )  # fmt: skip
    picked = [point["key"] for point in event["selection"].get("picked", [])] if event else []
    rows = "operator" if group != "layer" else "inside" if picked else "layer"
    detail = {side: matching(table(profile, rows, declared.get(side)), search) for side, profile in found.items()}
    show_rows(one.id, picked_rows(detail, GROUPS[group][1], picked, mirrored["key"].to_list()), picked, names)
    show_account(one, found, names)


def _mirrored(tables: dict[str, pl.DataFrame], group: str, measure: str) -> pl.DataFrame:
    """Both sides in one frame; a side without a profile has no rows."""
    some = next(iter(tables.values()))
    chosen = [tables.get(side, some.clear()).with_columns(pl.col(f"{measure}_ns").alias("self_ns")) for side in "ab"]
    both = mirror(*chosen, by=GROUPS[group][1])
    return both.filter((pl.col("a_ms") > 0) | (pl.col("b_ms") > 0) | pl.col("key").str.starts_with(REMAINDER))


main()
