"""A report opened from disk, as whoever receives it does: no server, no network, every chart drawn, no error."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import Page, expect

from core.report import page
from core.report.html import comparison_html
from core.report.trace_report import trace_html
from core.store.comparisons import ComparisonStore
from core.traces.read import read_trace
from tests.e2e.browser import Visit
from tests.pages.test_kernels import profiled

RECORDING = Path(__file__).resolve().parents[1] / "traces" / "data" / "h100" / "mnist_cnn.pt.trace.json.gz"
DRAWN = "() => [...document.querySelectorAll('[data-chart]')].every(place => place.querySelector('svg.marks, canvas') !== null)"
WIDEST = "() => Math.max(0, ...[...document.querySelectorAll('[data-chart] svg')].map(svg => svg.getBoundingClientRect().right)) - innerWidth"


@pytest.fixture(params=["comparison", "trace"])
def report(request: pytest.FixtureRequest, home: Path, tmp_path: Path) -> Path:
    """A file of each kind, written by what writes it."""
    file = tmp_path / f"{request.param}.html"
    if request.param == "trace":
        file.write_bytes(trace_html(RECORDING.name, read_trace(RECORDING)))
    else:
        store = ComparisonStore()
        file.write_bytes(comparison_html(store.load(profiled(store).id)))
    return file


def opened(visitor: Callable[..., Visit], file: Path, **looks: object) -> tuple[Page, list[str]]:
    """The page, its charts drawn, and the errors that it wrote to the browser's console."""
    guest = visitor(**looks)
    said: list[str] = []
    guest.page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    guest.page.context.set_offline(True)
    guest.page.goto(file.as_uri())
    guest.page.wait_for_function(DRAWN, timeout=60_000)
    if folder := os.environ.get("SHOWDOWN_SCREENSHOTS"):
        name = "-".join(["report", file.stem, *map(str, looks.values())])
        guest.page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
    return guest.page, said


@pytest.mark.parametrize("looks", [{"scheme": "light"}, {"scheme": "dark"}, {"scheme": "light", "width": 390}])
def test_it_draws_every_chart_without_a_network_and_without_an_error(report: Path, visitor: Callable[..., Visit], looks: dict[str, object]):
    page, said = opened(visitor, report, **looks)
    assert page.locator("[data-chart]").count() >= 8
    assert said == []
    expect(page.get_by_text("could not be drawn")).to_have_count(0)
    assert page.evaluate(WIDEST) <= 0
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


def test_its_text_follows_the_readers_preference(report: Path, visitor: Callable[..., Visit]):
    colours = {}
    for scheme in ("light", "dark"):
        page, _ = opened(visitor, report, scheme=scheme)
        label = page.locator("[data-chart] svg .role-axis-label text").first
        colours[scheme] = label.evaluate("text => getComputedStyle(text).fill")
    assert colours == {"light": "rgb(31, 38, 40)", "dark": "rgb(230, 236, 236)"}


def test_a_tooltip_says_the_number_under_the_pointer(report: Path, visitor: Callable[..., Visit]):
    page, said = opened(visitor, report)
    bars = page.locator('[data-chart="chart-costs-operator"] path[aria-roledescription="bar"]')
    longest = max(bars.all(), key=lambda bar: (bar.bounding_box() or {"width": 0})["width"])  # an operator of one side alone has a bar without length
    longest.hover(force=True)
    expect(page.locator("#vg-tooltip-element.visible")).to_contain_text("operator")
    assert said == []


def test_no_program_for_tables_takes_a_text_of_the_rows_for_a_formula(visitor: Callable[..., Visit], tmp_path: Path):
    rows = page.Rows(name="rows", label="as CSV", table=pl.DataFrame({"name": ['=HYPERLINK("x")', "@a", "aten::mm"], "ms": [-1.5, 2.0, 3.0]}))
    file = tmp_path / "rows.html"
    file.write_bytes(page.document("Rows", [page.downloads([rows])]))
    seen, _ = opened(visitor, file)
    with seen.expect_download() as waited:
        seen.get_by_role("button", name="as CSV").click()
    waited.value.save_as(tmp_path / "rows.csv")
    assert (tmp_path / "rows.csv").read_text(encoding="utf-8") == 'name,ms\n"\'=HYPERLINK(""x"")",-1.5\n\'@a,2\naten::mm,3\n'


def test_the_rows_in_it_are_handed_out_as_a_file(report: Path, visitor: Callable[..., Visit], tmp_path: Path):
    page, said = opened(visitor, report)
    with page.expect_download() as waited:
        page.get_by_role("button", name="as CSV").first.click()
    saved = tmp_path / "rows.csv"
    waited.value.save_as(saved)
    lines = saved.read_text(encoding="utf-8").splitlines()
    assert len(lines) > 2
    assert "," in lines[0]
    assert said == []
