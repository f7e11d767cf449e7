"""Links in a real browser: what is picked or brushed on one server is shown by its address on another that nobody has visited."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote_plus

import pytest
from playwright.sync_api import Page, expect

from core.store.home import traces_folder
from core.traces.library import TraceLibrary
from tests.e2e.browser import Visit, screenshot, settled
from tests.e2e.server import APP, serve
from tests.pages.test_kernels import device_step

CHART = '[data-testid="stVegaLiteChart"]'
BARS = 'path[aria-roledescription="bar"]'
SLICES = 'path[aria-roledescription="rect mark"]'
KERNEL = "ampere_sgemm_128x64_tn"


@pytest.fixture
def digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A recording in the library of the servers that are started in this folder."""
    monkeypatch.setenv("SHOWDOWN_HOME", str(tmp_path / "home"))
    return TraceLibrary(traces_folder()).upload("step.pt.trace.json", device_step()).digest


def strengths(page: Page, marks: str) -> list[str]:
    """Opacity of each mark."""
    found: list[str] = page.locator(marks).evaluate_all("marks => marks.map(mark => getComputedStyle(mark).opacity)")
    return found


def downloaded(page: Page, name: str) -> bytes:
    """A table as CSV."""
    with page.expect_download() as download:
        page.locator(f".st-key-csv_{name} button").click()
    return Path(download.value.path()).read_bytes()


def test_a_bar_is_picked_by_its_address_and_can_be_let_go(tmp_path: Path, visitor: Callable[..., Visit], digest: str):
    with serve(APP, tmp_path) as server:
        page = visitor().page
        page.goto(f"{server.url}/kernels?trace={digest}")
        settled(page).locator(BARS).first.click()
        expect(page.get_by_text("Only what was picked in the chart")).to_be_visible()
        settled(page)
        assert f"picked={KERNEL}" in page.url
        address, bars, rows = page.url.removeprefix(server.url), strengths(page, BARS), downloaded(page, "kernels")
        assert (bars.count("1"), len(bars)) == (1, 4)
        assert rows.count(b"\n") == 2
    with serve(APP, tmp_path) as server:
        page = visitor().page
        page.goto(server.url + address)
        expect(page.get_by_text("Only what was picked in the chart")).to_be_visible(timeout=30_000)
        settled(page)
        screenshot(page, "kernels-picked")
        assert (strengths(page, BARS), downloaded(page, "kernels")) == (bars, rows)
        # To the right of the shortest bar, where there is no mark.
        chart, shortest = page.locator(CHART).first.bounding_box(), page.locator(BARS).last.bounding_box()
        assert chart is not None
        assert shortest is not None
        page.mouse.click(chart["x"] + chart["width"] - 25, shortest["y"] + shortest["height"] / 2)
        expect(page.get_by_text("click on a bar to see only its rows")).to_be_visible()
        settled(page)
        assert "picked" not in page.url
        assert strengths(page, BARS) == ["1"] * 4
        page.go_back()
        expect(page.get_by_text("Only what was picked in the chart")).to_be_visible()
        assert strengths(settled(page), BARS) == bars


def test_a_brushed_window_is_shown_by_its_address(tmp_path: Path, visitor: Callable[..., Visit], digest: str):
    with serve(APP, tmp_path) as server:
        page = visitor().page
        page.goto(f"{server.url}/timeline?trace={digest}")
        minimap = settled(page).locator(CHART).first.bounding_box()
        assert minimap is not None
        middle = minimap["y"] + minimap["height"] / 2
        page.mouse.move(minimap["x"] + 0.4 * minimap["width"], middle)
        page.mouse.down()
        page.mouse.move(minimap["x"] + 0.7 * minimap["width"], middle, steps=8)
        page.mouse.up()
        page.wait_for_url("**/timeline?*from=*")
        settled(page)
        address, window, lanes = page.url.removeprefix(server.url), numbers(page), downloaded(page, "timeline-lanes")
        assert all(window)
    with serve(APP, tmp_path) as server:
        page = visitor().page
        page.goto(server.url + address)
        settled(page)
        screenshot(page, "timeline-brushed")
        assert (numbers(page), downloaded(page, "timeline-lanes")) == (window, lanes)
        assert page.url == server.url + address


def numbers(page: Page) -> tuple[str, str]:
    """The window's start and length, as they stand in their fields."""
    return page.get_by_label("From (ms)").input_value(), page.get_by_label("Length (ms)").input_value()


def test_a_slice_is_picked_by_its_address(tmp_path: Path, visitor: Callable[..., Visit], digest: str):
    row = TraceLibrary(traces_folder()).trace(digest).events["name"].to_list().index(KERNEL)
    slices = f"{CHART} >> nth=1 >> {SLICES}"
    with serve(APP, tmp_path) as server:
        page = visitor().page
        page.goto(f"{server.url}/timeline?trace={digest}&picked={quote_plus(f'a {row}')}")
        expect(page.get_by_text("1 slice picked")).to_be_visible(timeout=30_000)
        picked = strengths(settled(page), slices)
        page.goto(f"{server.url}/timeline?trace={digest}")
        everything = strengths(settled(page), slices)
        assert set(everything) == {"1"}
        assert set(picked) == {"1", "0.35"}
        assert len(picked) == len(everything)
