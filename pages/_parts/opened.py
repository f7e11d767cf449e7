"""Which recordings a page shows: the two sides of a comparison, or one or two traces of the library; kept in the address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from core.charts.palette import Sides, sides_of, two_colours
from core.model.hosted import is_hosted
from core.report.files import declared_layers
from core.store.comparisons import StoredComparison
from core.store.home import traces_folder
from core.traces.library import Entry, TraceLibrary
from core.traces.schema import Trace, TraceError
from pages._parts import formats
from pages._parts.empty import show_empty
from pages._parts.kept import kept
from pages._parts.places import link
from pages._parts.profiles import profiles_of
from pages._parts.states import show_state
from pages._parts.stored import comparison_labels, store
from pages._parts.visitor import visitor

COMPARISON, TRACE, AGAINST = "comparison", "trace", "against"
_WIDGET, _REMEMBERED = "opened_picker", "remembered_opened"


@dataclass(frozen=True, kw_only=True)
class Opened:
    """One recording on a page."""

    side: str
    """`a`, or `b` for the second."""
    label: str
    short: str
    """For axes: letter and framework or file."""
    digest: str
    trace: Trace
    declared: tuple[tuple[str, str], ...] = ()
    """Names and kinds of the model's layers, where the program said so."""
    profiler_slowdown: float | None = None
    """Times as long as without the profiler that a step took, where that was measured."""
    timed_step_ms: float | None = None
    """Median step of the timed runs, which carry no profiler."""


@dataclass(frozen=True, kw_only=True)
class _Choice:
    kind: str
    id: str
    label: str


def library() -> TraceLibrary:
    """The folder of this machine's traces; in the hosted demo what was recorded for everybody, and what this visitor brought."""
    return visitor().library() if is_hosted() else TraceLibrary(traces_folder())


def choose_opened() -> list[Opened]:
    """Draw the picker and give what it shows: one recording, or two; stops the page where there is none."""
    comparisons, entries = _recordings()
    if (bare := _without_profile(comparisons, entries)) is not None:
        _show_without_profile(bare, others=bool(comparisons or entries))
        st.stop()
    choices = [_Choice(kind=COMPARISON, id=id, label=label) for id, label in comparison_labels(comparisons).items()]
    traces = formats.distinct({entry.digest: f"{entry.name} · {formats.size(entry.size_bytes)}" for entry in entries})
    choices += [_Choice(kind=TRACE, id=digest, label=label) for digest, label in traces.items()]
    if not choices:
        show_empty()
        st.caption("Or bring a recording of your own:")
        link("library", "Open a trace in the Library")
        st.stop()
    with st.container(horizontal=True):
        chosen = _choose(choices)
        second = _second([entry for entry in entries if entry.digest != chosen.id]) if chosen.kind == TRACE else None
    if chosen.kind == COMPARISON:
        return _sides(next(one for one in comparisons if one.id == chosen.id))
    first = _read(next(entry for entry in entries if entry.digest == chosen.id), "a")
    return [first] if second is None else [first, _read(second, "b")]


def any_recording() -> bool:
    """Whether there is anything that `choose_opened` could show."""
    return any(_recordings())


def _recordings() -> tuple[list[StoredComparison], list[Entry]]:
    """Finished comparisons with profiled runs, and the library's traces."""
    comparisons = [
        one
        for one in store().all()
        if one.state == "finished" and one.result and any(run.role == "profile" for run in one.result.runs)
    ]
    return comparisons, [entry for entry in library().all() if entry.kind == "trace"]


def _without_profile(comparisons: Sequence[StoredComparison], entries: Sequence[Entry]) -> StoredComparison | None:
    """The comparison that is asked for, or the newest where there is nothing else, if it has no profile to show."""
    asked = st.query_params.get(COMPARISON) if TRACE not in st.query_params else None
    known = {one.id for one in comparisons}
    if asked is not None:
        return next((one for one in store().all() if one.id == asked and one.id not in known), None)
    return next(iter(store().all()), None) if not comparisons and not entries else None


def _show_without_profile(one: StoredComparison, *, others: bool) -> None:
    """Where the comparison stands, or why it was not profiled; and a way on."""
    if show_state(one):
        assert one.spec is not None
        why = (
            "It ended before the profiled runs, for the reasons on its own page."
            if one.spec.profile
            else "It was started without profiling."
        )
        st.info(
            f"{why} Run it again with profiling to see what takes the time.",
            title="This comparison has no profile",
            icon=":material/query_stats:",
        )
        link("run", "Set it up again", like=one.id)
        link("compare", "Open this comparison", comparison=one.id)
    if others and st.button("Show the newest recording", icon=":material/undo:"):
        del st.query_params[COMPARISON]
        st.rerun()
    if not others:
        st.caption("Or bring a recording of your own:")
        link("library", "Open a trace in the Library")


def _choose(choices: Sequence[_Choice]) -> _Choice:
    by_key = {f"{choice.kind}={choice.id}": choice for choice in choices}
    asked = next((f"{kind}={st.query_params[kind]}" for kind in (TRACE, COMPARISON) if kind in st.query_params), None)
    if asked is not None and asked not in by_key:
        kind = asked.partition("=")[0]
        st.error(f"There is no {kind} of this name with a profile here; it was deleted, or it was made on another machine.",
                 title=f"This {kind} is not here", icon=":material/link_off:")  # fmt: skip
        if st.button("Show the newest one", icon=":material/undo:"):
            _ask(choices[0])
            st.rerun()
        st.stop()
    remembered = st.session_state.get(_REMEMBERED)
    st.session_state[_WIDGET] = asked or (remembered if remembered in by_key else next(iter(by_key)))
    key: str = st.selectbox(
        "Recording", list(by_key), format_func=lambda key: by_key[key].label, key=_WIDGET,
        on_change=lambda: _ask(by_key[st.session_state[_WIDGET]]),
    )  # fmt: skip
    if asked != key:
        _ask(by_key[key])
    st.session_state[_REMEMBERED] = key
    return by_key[key]


def _ask(choice: _Choice) -> None:
    for kind in (TRACE, COMPARISON, AGAINST):
        st.query_params.pop(kind, None)
    st.query_params[choice.kind] = choice.id


def _second(entries: Sequence[Entry]) -> Entry | None:
    """The recording to compare with, if one is wanted."""
    if not entries:
        return None
    by_digest = {entry.digest: entry for entry in entries}
    asked = st.query_params.get(AGAINST)
    if asked is not None and asked not in by_digest:
        del st.query_params[AGAINST]
    options, labels = ["", *by_digest], formats.distinct({digest: entry.name for digest, entry in by_digest.items()})
    st.session_state["opened_against"] = asked if asked in by_digest else ""
    chosen: str = st.selectbox(
        "Compare with", options, format_func=lambda digest: labels[digest] if digest else "nothing: this one alone", key="opened_against",
        on_change=lambda: _against(st.session_state["opened_against"]),
    )  # fmt: skip
    return by_digest.get(chosen)


def _against(digest: str) -> None:
    if digest:
        st.query_params[AGAINST] = digest
    else:
        st.query_params.pop(AGAINST, None)


def _sides(one: StoredComparison) -> list[Opened]:
    found, problems = profiles_of(one)
    assert one.spec is not None
    for side, problem in problems.items():
        st.warning(
            formats.plain(problem),
            title=f"No profile of side {side.upper()}, {one.spec.variant(side).label}",
            icon=":material/broken_image:",
        )
    if not found:
        st.stop()
    assert one.result is not None
    names, layers, summaries = sides_of(one.spec), declared_layers(one), one.result.sides
    return [
        Opened(
            side=side, label=names.name(side), short=names.short_a if side == "a" else names.short_b, digest=profile.digest,
            trace=profile.trace, declared=tuple(layers.get(side) or ()),
            profiler_slowdown=summaries[side].profiler_slowdown if side in summaries else None,
            timed_step_ms=summaries[side].step_ms if side in summaries else None,
        )
        for side, profile in found.items()
    ]  # fmt: skip


def _read(entry: Entry, side: str) -> Opened:
    try:
        trace = _trace(entry.digest)
    except TraceError as error:
        st.error(formats.plain(str(error)), title="This trace cannot be read", icon=":material/broken_image:")
        link("library", "To the Library")
        st.stop()
    letter = side.upper()
    short = formats.framework(trace.facts.framework) if trace.facts.framework else entry.name[:24]
    return Opened(side=side, label=f"{letter} · {entry.name}", short=f"{letter} · {short}", digest=entry.digest, trace=trace)


def kept_bytes(digest: str) -> int:
    """Memory that reading a recording of the library takes, about: its columns are packed by half and more on disk."""
    return 3 * library().size_bytes(digest)


@kept(max_entries=4, show_spinner="Reading the trace", cost=kept_bytes)
def _trace(digest: str) -> Trace:
    return library().trace(digest)


def opened_sides(opened: Sequence[Opened]) -> Sides:
    """Names and colours of what a page shows; of one recording, side B is the same again."""
    a, b = opened[0], opened[-1]
    colour_a, colour_b = two_colours(*((one.trace.facts.framework or "pytorch") for one in (a, b)))
    return Sides(a=a.label, b=b.label, short_a=a.short, short_b=b.short, colour_a=colour_a, colour_b=colour_b)


def show_notes(opened: Sequence[Opened]) -> None:
    """What a reader has to know before believing anything, for each recording that has something to say."""
    for one in opened:
        for note in one.trace.facts.notes:
            st.warning(formats.plain(note), title=formats.plain(one.label), icon=":material/content_cut:")
