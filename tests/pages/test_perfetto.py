"""What the page offers of Perfetto, without a browser; tests/e2e/test_perfetto.py sees the handshake itself."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from core.report.chrome_trace import chrome_trace
from core.traces.read import read_source
from core.traces.schema import Trace
from core.traces.sources import Source
from pages._parts import perfetto
from pages._parts.opened import Opened
from tests.pages.apps import SECONDS, downloads, words
from tests.traces import synthetic
from tests.traces.synthetic import event

SINCE_1970 = 1_700_000_000_000_000_000


def recording(start_us: float, *, step: int | None = 3, base_ns: int = SINCE_1970) -> Trace:
    """An operator, and 10 us after it a step of 100 us."""
    marks = [] if step is None else [event(f"ProfilerStep#{step}", "user_annotation", start_us + 10, 100)]
    data = synthetic.kineto([event("aten::zeros", "cpu_op", start_us, 5), *marks], baseTimeNanoseconds=base_ns)
    return read_source(Source(name="example", data=data))


def opened(*traces: Trace) -> list[Opened]:
    """Recordings of a page; the digest tells them apart as that of a file would."""
    return [
        Opened(side=side, label=f"{side.upper()} · one", short=side.upper(), digest=f"{side}{trace.facts.origin_ns}", trace=trace)
        for side, trace in zip("ab", traces, strict=False)
    ]


def app(*traces: Trace) -> AppTest:
    def script(shown):
        from pages._parts.perfetto import show_perfetto

        show_perfetto(shown)

    at = AppTest.from_function(script, default_timeout=SECONDS, kwargs={"shown": opened(*traces)}).run()
    assert not at.exception, at.exception
    return at


def handed(at: AppTest) -> list[bytes]:
    """What is ready to be handed over: title and file."""
    return [element.proto.bytes for element in at.get("bidi_component")]


def test_nothing_is_ready_before_consent_but_the_download():
    at = app(recording(0))
    assert downloads(at) == ["Chrome trace"]
    assert handed(at) == []
    assert "a page from the internet" in at.checkbox(key="perfetto_agreed").label
    at.checkbox(key="perfetto_agreed").check().run()
    assert handed(at) == [b"A-one\n" + chrome_trace([("A · one", recording(0))])]
    at.checkbox(key="perfetto_agreed").uncheck().run()
    assert handed(at) == []


def test_two_recordings_begin_a_common_step_together_unless_asked_otherwise():
    traces = recording(0), recording(7, base_ns=SINCE_1970 + 10**9)
    labelled = list(zip(("A · one", "B · one"), traces, strict=True))
    at = app(*traces)
    at.checkbox(key="perfetto_agreed").check().run()
    assert handed(at) == [b"A-one-and-B-one\n" + chrome_trace(labelled, together_ns=[trace.facts.steps[0].start_ns for trace in traces])]
    assert at.selectbox(key="align").options == ["3", "as it happened"]
    at.selectbox(key="align").select_index(1).run()
    assert handed(at) == [b"A-one-and-B-one\n" + chrome_trace(labelled)]


def test_without_a_common_clock_it_says_so():
    at = app(recording(0), recording(7, step=None, base_ns=0))
    assert len(at.selectbox) == 0
    assert "Both recordings begin at 0" in words(at)


def test_what_is_too_large_for_the_page_is_downloaded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(perfetto, "MOST_BYTES", 100)
    at = app(recording(0))
    at.checkbox(key="perfetto_agreed").check().run()
    assert handed(at) == []
    assert "more than the 100 B that a page can hand over" in words(at)
    assert downloads(at) == ["Chrome trace"]
