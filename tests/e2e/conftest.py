"""Fixtures of the browser tests: a fresh server, one Chromium, and visitors who may not leave this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.e2e.browser import MISSING, Scheme, Visit, chromium_path, launch, settled, visit
from tests.e2e.server import APP, Server, serve

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """The app, freshly started with an empty home: a first request to a deep link meets a server nobody has visited."""
    with serve(APP, tmp_path) as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = chromium_path()
    if path is None:
        pytest.skip(MISSING)
    with sync_playwright() as playwright:
        chromium = launch(playwright, path)
        yield chromium
        chromium.close()


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Callable[..., Visit]]:
    """Makes visitors: `visitor(scheme="dark", width=..., height=...)`.

    Afterwards no visitor may have asked for anything outside this machine, nor met an uncaught error in the page.
    """
    visits: list[Visit] = []
    with ExitStack() as stack:

        def come(*, scheme: Scheme = "light", width: int = 1400, height: int = 900) -> Visit:
            visits.append(stack.enter_context(visit(browser, scheme=scheme, width=width, height=height)))
            return visits[-1]

        yield come
    assert [address for one in visits for address in one.left] == []
    assert [error for one in visits for error in one.errors] == []


@pytest.fixture
def open_page(server: Server, visitor: Callable[..., Visit]) -> Callable[..., Page]:
    """Opens a page of the app by its path and waits until it has settled: `open_page("/run", scheme="dark")`."""

    def open_at(path: str = "/", *, scheme: Scheme = "light", width: int = 1400, height: int = 900) -> Page:
        page = visitor(scheme=scheme, width=width, height=height).page
        page.goto(server.url + path)
        return settled(page)

    return open_at
