"""The system's Chromium as a visitor of the app."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, Playwright, Route

from tests.e2e.server import HOST

SETTLED_WITHIN_MS = 30_000
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC_PATH = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
MISSING = "no Chromium here; install it with 'apt-get install chromium fonts-dejavu-core'"

Scheme = Literal["light", "dark"]

# A script that has run is not yet a page: charts, tables and code load their own part first, with a skeleton in their place.
_SETTLED = """() => {
    const app = document.querySelector('[data-testid="stApp"]');
    return app !== null
        && app.dataset.testScriptState === "notRunning"
        && app.dataset.testConnectionState === "CONNECTED"
        && document.querySelector('[data-testid="stSkeleton"]') === null
        && [...document.querySelectorAll('[data-testid="stVegaLiteChart"]')]
            .filter(chart => chart.offsetWidth > 0)  // one in a closed tab is not drawn
            .every(chart => chart.querySelector("svg.marks, canvas") !== null);
}"""
_FRAME = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))"


def chromium_path() -> str | None:
    """Where Chromium is; None where there is none."""
    for name in (*NAMES, MAC_PATH):
        if path := shutil.which(name):
            return path
    return None


def launch(playwright: Playwright, path: str) -> Browser:
    return playwright.chromium.launch(
        executable_path=path,
        args=["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
              "--disable-background-networking", "--disable-component-update", "--disable-sync"],
    )  # fmt: skip


@dataclass(kw_only=True)
class Visit:
    """One visitor: a page in a browser context of its own, without cache or cookies of others."""

    page: Page
    left: list[str] = field(default_factory=list)
    """Addresses outside this machine that the page asked for; each was refused."""
    errors: list[str] = field(default_factory=list)
    """Exceptions that no script of the page caught."""


@contextmanager
def visit(browser: Browser, *, scheme: Scheme = "light", width: int = 1400, height: int = 900) -> Iterator[Visit]:
    """A fresh visitor who prefers light or dark; nothing it asks for leaves this machine."""
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": height})
    guest = Visit(page=context.new_page())

    def stay(route: Route) -> None:
        address = urlsplit(route.request.url)
        if address.scheme in ("http", "https", "ws", "wss") and address.hostname != HOST:
            guest.left.append(route.request.url)
            route.abort()
        else:
            route.continue_()

    context.route("**/*", stay)
    guest.page.on("pageerror", lambda error: guest.errors.append(str(error)))
    try:
        yield guest
    finally:
        context.close()


def settled(page: Page, timeout_ms: float = SETTLED_WITHIN_MS) -> Page:
    """Wait until the script has run, the connection stands and every chart is drawn; the same page, to go on with."""
    page.wait_for_function(_SETTLED, timeout=timeout_ms)
    page.evaluate(_FRAME)
    return page


def screenshot(page: Page, name: str) -> Path | None:
    """Save the whole page as `name`.png in the folder that SHOWDOWN_SCREENSHOTS names; None where it names none."""
    folder = os.environ.get("SHOWDOWN_SCREENSHOTS")
    if not folder:
        return None
    assert re.fullmatch(r"[\w.-]+", name), name
    path = Path(folder) / f"{name}.png"
    before = page.viewport_size
    assert before is not None
    # The page scrolls inside its main part, so a tall window shows more than a "full page" picture does.
    height = page.evaluate("() => document.querySelector('[data-testid=\"stMain\"]')?.scrollHeight ?? 0")
    page.set_viewport_size({"width": before["width"], "height": max(before["height"], int(height))})
    settled(page)
    page.screenshot(path=path)
    page.set_viewport_size(before)
    return path
