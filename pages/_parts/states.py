"""What a page shows where there is no finished result: each state says what happened and what to do next."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from core.analysis.comparison import headline
from core.analysis.live import live_progress, pair_ratios
from core.model.comparison import ComparisonResult
from core.model.run import RunError
from core.store.comparisons import StoredComparison
from core.store.files import tail
from pages._parts import formats
from pages._parts.places import link

STATES = {
    "queued": ("queued", ":material/hourglass_empty:", "gray"),
    "running": ("running", ":material/sync:", "blue"),
    "finished": ("finished", ":material/check:", "green"),
    "failed": ("failed", ":material/error:", "red"),
    "cancelled": ("cancelled", ":material/cancel:", "gray"),
    "interrupted": ("interrupted", ":material/power_off:", "orange"),
    "unreadable": ("unreadable", ":material/broken_image:", "red"),
}
VERDICTS = {
    "faster": (":material/bolt:", "green"),
    "no_practical_difference": (":material/drag_handle:", "green"),
    "measurable_under_threshold": (":material/compress:", "blue"),
    "cannot_tell": (":material/help:", "orange"),
    "not_comparable": (":material/block:", "orange"),
}


def state_badge(state: str) -> None:
    """A state as icon, word and colour."""
    label, icon, colour = STATES[state]
    st.badge(label, icon=icon, color=colour)  # type: ignore[arg-type]


def show_state(one: StoredComparison) -> bool:
    """Where the comparison has no finished result: say why and what next. True: there is a finished result to show."""
    match one.state:
        case "finished":
            return True
        case "queued" | "running":
            _show_active(one)
        case "unreadable":
            st.error(formats.plain(one.problem), title="This comparison cannot be read", icon=":material/broken_image:")
            link("library", "Open the library to delete it")
        case "cancelled":
            st.info(_progress_words(one), title="You cancelled this comparison", icon=":material/cancel:")
            _run_again(one)
        case "interrupted":
            st.warning(
                f"Its process ended without a result: the machine was switched off, or the process was killed. {_progress_words(one)}",
                title="This comparison was interrupted", icon=":material/power_off:",
            )  # fmt: skip
            _show_log("Last lines of the referee's log", tail(one.folder / "referee.log"))
            _run_again(one)
        case "failed":
            assert one.result is not None
            show_error(one.result.error, headline(one.result)[1])
            _run_again(one)
    return False


def show_error(error: RunError | None, sentence: str) -> None:
    """Why a run gave no result, with its exit code and the last lines of its log."""
    kind = f" ({formats.plain(error.kind.replace('_', ' '))})" if error else ""
    st.error(formats.plain(sentence), title=f"The comparison failed{kind}", icon=":material/error:")
    if error is not None and error.exit_code is not None:
        signal = f": ended by signal {-error.exit_code}" if error.exit_code < 0 else ""
        st.markdown(f"Exit code **{error.exit_code}**{signal}")
    _show_log("Last lines of the run's log", error.log_tail if error else ())


def show_reasons(result: ComparisonResult) -> None:
    """Amber: what makes the sides not comparable; otherwise, folded in one box, what to keep in mind."""
    if not result.reasons:
        return
    lines = "\n".join(f"- {formats.plain(reason)}" for reason in result.reasons)
    if result.verdict == "not_comparable":
        st.warning(lines, title="Why these sides are not comparable", icon=":material/block:")
    else:
        st.info(lines, title="Keep in mind", icon=":material/info:")


def _show_active(one: StoredComparison) -> None:
    assert one.spec is not None
    progress = live_progress(one.events(), one.spec.preset, profile=one.spec.profile, now=datetime.now(UTC))
    if one.state == "queued":
        behind = f" behind {formats.plain(progress.behind)}" if progress.behind else ""
        words = f"It waits{behind}: one comparison at a time uses this machine, so that none disturbs another."
    else:
        now = min(progress.runs_done + 1, progress.runs_planned)
        words = f"Run {now} of {progress.runs_planned}, about {formats.seconds(progress.remaining_s)} left."
    st.info(words, title=f"This comparison is {one.state}", icon=STATES[one.state][1])
    if one.state == "running":
        st.progress(progress.fraction)
    link("run", "Watch it live", comparison=one.id)


def _progress_words(one: StoredComparison) -> str:
    events = one.events()
    runs = sum(event["event"] == "run_end" for event in events)
    pairs = pair_ratios(events)
    if runs == 0:
        return "It had not finished any run."
    words = f"It had finished {runs} {'run' if runs == 1 else 'runs'} and {len(pairs)} {'pair' if len(pairs) == 1 else 'pairs'}"
    return f"{words}; too few for a verdict."


def _run_again(one: StoredComparison) -> None:
    link("run", "Run it again", icon=":material/replay:", **({"like": one.id} if one.spec else {}))


def _show_log(title: str, lines: tuple[str, ...]) -> None:
    if lines:
        st.caption(title)
        st.code("\n".join(lines), language=None, height=min(320, 40 + 24 * len(lines)))
