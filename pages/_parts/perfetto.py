"""The recordings of a page in Perfetto: as a file, or handed over inside the browser once a person agreed to open a page of the internet.

The handshake is Perfetto's own (https://perfetto.dev/docs/visualization/deep-linking-to-perfetto-ui): open its page, send PING until
it answers PONG, then post the file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import streamlit as st

from core.analysis.timeline import aligned_steps
from core.report.chrome_trace import chrome_trace, clock
from pages._parts import formats
from pages._parts.kept import kept
from pages._parts.opened import Opened

#: Largest file that goes through the page to the browser; a bigger one is downloaded and opened in Perfetto by hand.
MOST_BYTES = 50 * 2**20
_AS_IT_HAPPENED = "as it happened"
_AGREE = "Open ui.perfetto.dev, a page from the internet, in a new tab and hand this trace over to it inside my browser"

# The browser lets a page open a tab only in the moment of a click, so the file is here before. Data is one line, the title, then the file.
_SCRIPT = """
const PERFETTO = "https://ui.perfetto.dev";
const PING_MS = 100;
const GIVE_UP_MS = 60000;

export default function ({ parentElement, data }) {
  const button = parentElement.querySelector("button");
  const status = parentElement.querySelector("[role=status]");
  const end = data.indexOf(10);
  const title = new TextDecoder().decode(data.subarray(0, end));
  let stop = () => {};

  button.onclick = () => {
    stop();
    const tab = window.open(PERFETTO);
    if (tab === null) {
      status.textContent = "The browser blocked the new tab; allow pop-ups for this page and click again.";
      return;
    }
    status.textContent = "Waiting for Perfetto …";
    const listen = (event) => {
      if (event.source !== tab || event.origin !== PERFETTO || event.data !== "PONG") return;
      stop();
      const buffer = data.slice(end + 1).buffer;
      tab.postMessage({ perfetto: { buffer, title, fileName: title + ".json.gz" } }, PERFETTO);
      status.textContent = "Perfetto has the trace.";
    };
    const ping = setInterval(() => tab.postMessage("PING", PERFETTO), PING_MS);
    const giveUp = setTimeout(() => {
      stop();
      status.textContent = "ui.perfetto.dev does not answer; is this machine online? The download opens there too, at any time.";
    }, GIVE_UP_MS);
    stop = () => {
      clearInterval(ping);
      clearTimeout(giveUp);
      window.removeEventListener("message", listen);
    };
    window.addEventListener("message", listen);
  };
  return () => stop();
}
"""
_BUTTON = """<button type="button">Open in Perfetto</button> <span role="status"></span>"""
_STYLE = """
button {
  font: inherit; font-size: 0.875rem; color: var(--st-text-color); background: var(--st-background-color); cursor: pointer;
  border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius); padding: 0.4rem 0.75rem;
}
button:hover, button:focus-visible { color: var(--st-primary-color); border-color: var(--st-primary-color); }
"""
_handover = st.components.v2.component("perfetto_handover", html=_BUTTON, css=_STYLE, js=_SCRIPT)


def show_perfetto(opened: Sequence[Opened]) -> None:
    """One or two recordings as a Chrome trace: its download and, after consent, the way into Perfetto."""
    st.subheader("In Perfetto", anchor=False)
    st.caption("Every slice with its operator, layer and shapes, with arrows from launch to kernel, steps and memory, for "
               "[ui.perfetto.dev](https://ui.perfetto.dev) or chrome://tracing.")  # fmt: skip
    together_ns = _together(opened)
    name = _file_name(opened)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button("Chrome trace", lambda: _file(opened, together_ns), file_name=f"{name}.json.gz", mime="application/gzip",
                           icon=":material/download:", key="chrome_trace", on_click="ignore")  # fmt: skip
        # Not in the address: a link must not agree for whoever opens it.
        agreed = st.checkbox(_AGREE, key="perfetto_agreed")
    if not agreed:
        return
    with st.spinner("Writing the trace"):
        file = _file(opened, together_ns)
    if len(file) > MOST_BYTES:
        st.info(f"This trace is {formats.size(len(file))}, more than the {formats.size(MOST_BYTES)} that a page can hand over. "
                "Download it, and choose “Open trace file” on ui.perfetto.dev.", icon=":material/weight:")  # fmt: skip
        return
    _handover(key="perfetto_handover", data=f"{name}\n".encode() + file)


def _together(opened: Sequence[Opened]) -> tuple[int, ...] | None:
    """Of each recording the moment that is put at the same time; None: they lie as they happened. One recording is not asked about."""
    if len(opened) < 2:
        return None
    steps = aligned_steps(opened[0].trace.facts.steps, opened[1].trace.facts.steps) if all(one.trace.facts.steps for one in opened) else {}
    _, since_1970 = clock([one.trace for one in opened])
    choices = [*steps, *([_AS_IT_HAPPENED] if since_1970 is not None else [])]
    if not choices:
        st.caption("Both recordings begin at 0: they share no step, and not both know the time of day.")
        return None
    chosen = st.selectbox("Put both on one clock at step", choices, key="align", bind="query-params", width=300,
                          help="Both are shifted so that this step begins together.")  # fmt: skip
    step = steps.get(chosen)
    return None if step is None or step.b is None else (step.a.start_ns, step.b.start_ns)


def _file(opened: Sequence[Opened], together_ns: tuple[int, ...] | None) -> bytes:
    return _written(tuple((one.label, one.digest) for one in opened), together_ns, opened)


@kept(max_entries=2, show_spinner=False)
def _written(which: tuple[tuple[str, str], ...], together_ns: tuple[int, ...] | None, _opened: Sequence[Opened]) -> bytes:
    return chrome_trace([(one.label, one.trace) for one in _opened], together_ns=together_ns)


def _file_name(opened: Sequence[Opened]) -> str:
    return "-and-".join(re.sub(r"[^\w.-]+", "-", one.label).strip("-")[:60] for one in opened)
