"""A newcomer's path: an empty app, one click, a verdict, and what lies under it; with real workers in a real browser."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from core.model.comparison import ComparisonResult
from core.store.comparisons import ComparisonStore
from tests.e2e.browser import Visit, screenshot, settled
from tests.e2e.server import APP, serve

pytestmark = [pytest.mark.slow, pytest.mark.alone]

#: A quick comparison takes two to three minutes on two idle cores; a busy machine takes longer.
ENDED_WITHIN_S = 900


def wait_for_end(store: ComparisonStore) -> ComparisonResult:
    until = time.monotonic() + ENDED_WITHIN_S
    while time.monotonic() < until:
        ended = [one for one in store.all() if one.ended]
        if ended:
            assert ended[0].result is not None, ended[0]
            return ended[0].result
        time.sleep(1.0)
    raise AssertionError("the comparison did not end in time")


@pytest.mark.timeout(ENDED_WITHIN_S + 300)
def test_from_an_empty_app_to_a_verdict_and_its_profile(visitor: Callable[..., Visit], tmp_path: Path):
    with serve(APP, tmp_path) as server:
        page = visitor().page
        page.goto(server.url)
        screenshot(settled(page), "overview-empty")
        page.get_by_role("button", name="Run your first comparison").click()
        expect(page.get_by_role("heading", name="Run", exact=True)).to_be_visible()
        screenshot(settled(page), "run-form")

        page.get_by_role("button", name="Start").click()
        expect(page.get_by_role("button", name="Stop")).to_be_visible(timeout=30_000)
        result = wait_for_end(ComparisonStore(server.home))
        assert (result.state, result.error) == ("finished", None), result
        assert len(result.pairs) == 6
        assert all(stage.passed for stage in result.parity)

        # The page that watched has noticed by itself.
        expect(page.get_by_text(result.sentence).first).to_be_visible(timeout=30_000)
        screenshot(page, "run-ended")

    # Every link opens the same view on a server that nobody has visited.
    with serve(APP, tmp_path) as server:
        for scheme in ("light", "dark"):
            page = visitor(scheme=scheme).page
            for path in ("/", "/compare", "/kernels", "/models", "/library", "/run", "/setup"):
                page.goto(f"{server.url}{path}?comparison={result.id}")
                settled(page)
                expect(page.get_by_text("Traceback")).to_have_count(0)
                if path in ("/", "/compare"):
                    expect(page.get_by_role("heading").first).to_be_visible()
                if path == "/kernels":
                    expect(page.locator('[data-testid="stVegaLiteChart"]').first).to_be_visible(timeout=60_000)
                screenshot(page, f"{path.strip('/') or 'overview'}-{scheme}")
