"""What the app costs before anything is clicked: start to first usable page, bytes of the first load, frameworks in memory."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from rich.console import Console

from bench.ratios import Ratio, in_turns
from tests.e2e.browser import MISSING, chromium_path, launch, settled, visit
from tests.e2e.server import APP, serve

PAIRS = 6
GOAL = 1.25
HELLO = Path(__file__).parent / "hello.py"
FRAMEWORK_LIBRARIES = ("libtensorflow", "libtorch")


@dataclass(frozen=True, kw_only=True)
class Load:
    """One fresh server and its first visitor."""

    seconds: float
    """`streamlit run` to the settled page."""
    received_bytes: int
    """Over the network and the websocket, compressed as sent."""
    frameworks: tuple[str, ...] | None
    """Framework libraries in the server's memory; None where the system does not show them."""


def report(console: Console) -> Iterator[tuple[str, Ratio, float | None]]:
    """Ratios of the app over a bare hello world."""
    path = chromium_path()
    if path is None:
        console.print(f"Pages are left out: {MISSING}.")
        return
    console.print(f"[dim]Pages: {2 * PAIRS} servers, the app and a bare hello world in turns[/dim]")
    with sync_playwright() as playwright:
        browser = launch(playwright, path)
        load(browser, HELLO)  # files into the system's cache
        load(browser, APP)
        ours, hellos = in_turns(lambda: load(browser, APP), lambda: load(browser, HELLO), PAIRS)
        browser.close()
    for name, loads in (("hello world", hellos), ("the app", ours)):
        seconds = sorted(one.seconds for one in loads)
        console.print(f"[dim]  {name}: {seconds[len(seconds) // 2]:.2f} s, {loads[-1].received_bytes / 1e6:.2f} MB[/dim]")
    found = {name for one in ours for name in one.frameworks or ()}
    known = ours[-1].frameworks is not None
    console.print(
        f"Framework libraries in the app process: {', '.join(sorted(found)) or ('none' if known else 'cannot be seen on this system')}"
    )
    yield "First page: start to settled", Ratio.of([o.seconds for o in ours], [h.seconds for h in hellos]), GOAL
    yield "First page: bytes", Ratio.of([o.received_bytes for o in ours], [h.received_bytes for h in hellos]), None


def load(browser: Browser, script: Path) -> Load:
    with tempfile.TemporaryDirectory(prefix="showdown-bench-") as temporary, visit(browser) as guest:
        received = 0

        def count(length: float) -> None:
            nonlocal received
            received += int(length)

        session = guest.page.context.new_cdp_session(guest.page)
        session.send("Network.enable")
        session.on("Network.loadingFinished", lambda event: count(event["encodedDataLength"]))
        session.on("Network.webSocketFrameReceived", lambda event: count(frame_bytes(event["response"])))
        began = time.perf_counter()
        with serve(script, Path(temporary)) as server:
            guest.page.goto(server.url)
            settled(guest.page)
            seconds = time.perf_counter() - began
            return Load(seconds=seconds, received_bytes=received, frameworks=framework_libraries(server.pid))


def frame_bytes(frame: dict[str, str | int]) -> int:
    """Binary frames (opcode 2) come in base64."""
    length = len(str(frame["payloadData"]))
    return length * 3 // 4 if frame["opcode"] == 2 else length


def framework_libraries(pid: int) -> tuple[str, ...] | None:
    maps = Path(f"/proc/{pid}/maps")
    if not maps.exists():
        return None
    text = maps.read_text()
    return tuple(name for name in FRAMEWORK_LIBRARIES if name in text)
