"""The harness itself, on a page of its own: what it waits for, what it catches and what it leaves behind."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser

from tests.e2e.browser import Visit, screenshot, settled, visit
from tests.e2e.server import serve

SCRIPT = """
import os, subprocess, sys, time
import streamlit as st

if "child" not in st.session_state:
    st.session_state.child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True).pid
time.sleep(0.5)
st.title("Hello")
st.bar_chart({"steps": [1, 2, 3]})
st.text(f"child {st.session_state.child} home {os.environ['SHOWDOWN_HOME']}")
"""


@pytest.fixture
def hello(tmp_path: Path) -> Path:
    script = tmp_path / "hello.py"
    script.write_text(SCRIPT)
    return script


def test_a_settled_page_has_its_text_and_its_chart(hello: Path, tmp_path: Path, visitor: Callable[..., Visit], monkeypatch) -> None:
    monkeypatch.setenv("SHOWDOWN_SCREENSHOTS", str(tmp_path / "pictures"))
    with serve(hello, tmp_path) as server:
        backgrounds = {}
        for scheme in ("light", "dark"):
            page = visitor(scheme=scheme).page
            page.goto(server.url)
            settled(page)
            assert page.get_by_role("heading", name="Hello").count() == 1
            assert page.locator('[data-testid="stVegaLiteChart"] canvas, [data-testid="stVegaLiteChart"] svg.marks').count() == 1
            assert page.get_by_text(str(server.home)).count() == 1
            backgrounds[scheme] = page.evaluate("() => getComputedStyle(document.querySelector('.stApp')).backgroundColor")
            picture = screenshot(page, f"hello-{scheme}")
            assert picture is not None
            assert picture.read_bytes().startswith(b"\x89PNG")
    assert backgrounds["light"] == "rgb(255, 255, 255)"
    assert backgrounds["dark"] != backgrounds["light"]


def test_whatever_the_server_started_ends_with_it(hello: Path, tmp_path: Path, visitor: Callable[..., Visit]) -> None:
    with serve(hello, tmp_path) as server:
        page = visitor().page
        page.goto(server.url)
        text = settled(page).get_by_text("child ").inner_text()
        child = int(text.split()[1])
        assert psutil.pid_exists(child)
    assert not psutil.pid_exists(server.pid)
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


def test_a_request_that_would_leave_is_refused_and_noted(hello: Path, tmp_path: Path, browser: Browser) -> None:
    with serve(hello, tmp_path) as server, visit(browser) as guest:
        guest.page.goto(server.url)
        settled(guest.page)
        assert guest.left == []
        guest.page.evaluate("() => fetch('http://example.com/pixel').catch(() => null)")
        assert guest.left == ["http://example.com/pixel"]


def test_a_script_that_is_no_app_says_so_with_its_log(tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(RuntimeError, match=r"ended with \d+(.|\n)*nowhere\.py"), serve(tmp_path / "nowhere.py", tmp_path):
        pass
    assert time.monotonic() - began < 30


@pytest.mark.parametrize(("host", "status"), [("127.0.0.1", 101), ("elsewhere.example", 403)])
def test_a_foreign_name_that_points_here_gets_no_session(hello: Path, tmp_path: Path, host: str, status: int) -> None:
    """The settings in .streamlit/config.toml hold: a page elsewhere cannot reach the app by DNS rebinding."""
    with serve(hello, tmp_path) as server:
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=10)
        connection.request("GET", "/_stcore/stream", headers={
            "Host": host, "Connection": "Upgrade", "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        })  # fmt: skip
        assert connection.getresponse().status == status
        connection.close()
