"""A recording of one's own: brought by upload, opened in Kernels, one bar clicked, another page by its link; in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.e2e.browser import screenshot, settled
from tests.pages.test_kernels import device_step


def test_from_an_upload_to_the_rows_of_one_bar(open_page: Callable[..., Page], tmp_path: Path):
    paths = []
    for number, slower in ((1, 0.0), (2, 60.0)):
        paths.append(tmp_path / f"run-{number}.pt.trace.json")
        paths[-1].write_bytes(device_step(number, slower=slower))
    page = open_page("/library")
    page.locator('[data-testid="stFileUploaderDropzoneInput"]').first.set_input_files([str(path) for path in paths])
    expect(page.get_by_text("2 are in the library")).to_be_visible(timeout=30_000)
    screenshot(page, "library-recordings")
    settled(page).get_by_role("link", name="Kernels").last.click()
    expect(page.get_by_role("heading", name="Kernels", exact=True)).to_be_visible()
    settled(page)
    assert "against=" in page.url
    screenshot(page, "kernels-pair")
    page.locator('path[aria-roledescription="bar"]').first.click()
    expect(page.get_by_text("Only what was picked in the chart")).to_be_visible()
    settled(page).get_by_role("tab", name="Launches").click()
    expect(page.get_by_text("A captured graph could save").first).to_be_visible()
    assert "view=Launches" in page.url
