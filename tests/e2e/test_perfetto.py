"""The handshake with Perfetto, against a page of the same address that does what its documentation says."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route

from tests.e2e.browser import Visit, screenshot, settled
from tests.e2e.server import ROOT, Server, serve

PERFETTO = "https://ui.perfetto.dev"
#: What a person sees, with one recording of a kernel launched on a GPU; its file is 1 MiB at most here.
SCRIPT = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from core.traces.read import read_source
from core.traces.sources import Source
from pages._parts.opened import Opened
from pages._parts.perfetto import show_perfetto
from tests.traces import synthetic
trace = read_source(Source(name="launches", data=synthetic.kineto(synthetic.launches())))
show_perfetto([Opened(side="a", label="A · launches <1>", short="A", digest="0" * 64, trace=trace)])
"""
#: Deaf at first, as the real page is while it loads.
FAKE = """<!doctype html><title>fake</title><script>
let pings = 0;
addEventListener("message", (event) => {
  if (event.source !== window.opener) return;
  if (event.data === "PING") { if (++pings > 2) event.source.postMessage("PONG", event.origin); return; }
  window.posted = event.data.perfetto;
});
</script>"""
READ_BUFFER = """() => {
  const bytes = new Uint8Array(window.posted.buffer);
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}"""


@pytest.fixture
def page_of_its_own(tmp_path: Path) -> Iterator[Server]:
    script = tmp_path / "perfetto_page.py"
    script.write_text(SCRIPT, encoding="utf-8")
    with serve(script, tmp_path) as running:
        yield running


@pytest.fixture
def visited(page_of_its_own: Server, visitor: Callable[..., Visit]) -> tuple[Page, list[str]]:
    """The page, settled, and the addresses of Perfetto that were asked for."""
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(content_type="text/html", body=FAKE)

    page = visitor().page
    page.context.route(f"{PERFETTO}/**", answer)
    page.goto(page_of_its_own.url)
    return settled(page), asked


def test_perfetto_gets_the_file_that_can_be_downloaded(visited: tuple[Page, list[str]]):
    page, asked = visited
    with page.expect_download() as download:
        page.get_by_text("Chrome trace", exact=True).click()
    file = Path(download.value.path()).read_bytes()
    page.get_by_text("Open ui.perfetto.dev, a page from the internet").click()
    button = page.get_by_role("button", name="Open in Perfetto")
    button.wait_for()
    settled(page)
    screenshot(page, "perfetto")
    assert asked == []  # agreeing alone asks for nothing
    with page.expect_popup() as popup:
        button.click()
    popup.value.wait_for_function("() => window.posted !== undefined")
    assert base64.b64decode(popup.value.evaluate(READ_BUFFER)) == file
    assert popup.value.evaluate("() => [posted.title, posted.fileName]") == ["A-launches-1", "A-launches-1.json.gz"]
    page.get_by_text("Perfetto has the trace.").wait_for()
    assert asked == [f"{PERFETTO}/"]


def test_without_consent_there_is_no_way_to_perfetto(visited: tuple[Page, list[str]]):
    page, asked = visited
    assert page.get_by_role("button", name="Open in Perfetto").count() == 0
    page.get_by_text("Open ui.perfetto.dev, a page from the internet").click()
    page.get_by_role("button", name="Open in Perfetto").wait_for()
    page.get_by_text("Open ui.perfetto.dev, a page from the internet").click()
    page.get_by_role("button", name="Open in Perfetto").wait_for(state="detached")
    assert asked == []


def test_a_blocked_tab_is_said(visited: tuple[Page, list[str]]):
    page, _ = visited
    page.get_by_text("Open ui.perfetto.dev, a page from the internet").click()
    page.evaluate("() => { window.open = () => null; }")
    page.get_by_role("button", name="Open in Perfetto").click()
    page.get_by_text("The browser blocked the new tab").wait_for()
