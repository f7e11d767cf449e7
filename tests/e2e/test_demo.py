"""The hosted demo as a hosting service has it: a fresh environment with its own requirements alone, the entry started from the project's
folder, real visitors, and somebody who tries what no page offers.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from playwright.sync_api import Page, expect
from streamlit.proto.BackMsg_pb2 import (
    BackendOperationRequest,
    BackMsg,
    DismissSkillsNudgeRequestPayload,
    InstallSkillsRequestPayload,
)

from bench.big_kineto import make_big_kineto
from pages._parts.places import PLACES
from tests.demo.shown import Shown, contents, write_store
from tests.e2e import server as servers
from tests.e2e.browser import Scheme, Visit, screenshot, settled
from tests.e2e.intruder import Intruder, form, widget
from tests.pages.test_kernels import DATA

#: The first test also installs.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

ROOT = Path(__file__).resolve().parents[2]
LIMIT_BYTES = 690 * 10**6
INSTALLED_WITHIN_S = 900.0
FORBIDDEN = ("Start", "Stop", "Go on", "Test it", "Test it again", "Check again", "Delete", "Open", "Run your first comparison")


@dataclass(frozen=True, kw_only=True)
class Project:
    """A copy of what is deployed, with a recorded store, and the environment that runs it."""

    root: Path
    recorded: Path
    shown: Shown
    environment: Path


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("demo")
    root = folder / "project"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHOWDOWN_HOME", str(folder / "home"))
        shown = write_store()
    for part in ("core", "pages", "demo", ".streamlit"):
        shutil.copytree(ROOT / part, root / part, ignore=shutil.ignore_patterns("__pycache__", "recorded"))
    shutil.copy(ROOT / "pyproject.toml", root)
    shutil.copytree(folder / "home", root / "demo" / "recorded")
    return Project(root=root, recorded=root / "demo" / "recorded", shown=shown, environment=_install(folder / "environment", root))


def _install(environment: Path, root: Path) -> Path:
    began = time.monotonic()
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    pip = [str(environment / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
    command = [*pip, "install", "--quiet", "-r", "demo/requirements.txt"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=INSTALLED_WITHIN_S, check=False)
    if done.returncode != 0:
        pytest.skip(f"pip cannot install demo/requirements.txt here: {done.stderr.strip().splitlines()[-1:]}")
    print(f"\nthe demo's requirements were installed in {time.monotonic() - began:.0f} s")
    return environment


@dataclass(frozen=True, kw_only=True)
class Demo:
    """A running demo."""

    url: str
    process: psutil.Process
    home: Path
    """The home folder of whoever runs it."""
    log: Path


@contextmanager
def started(project: Project, folder: Path, *, script: str = "demo/streamlit_app.py", cwd: Path | None = None) -> Iterator[Demo]:
    """As a service starts it: the script by its path from the project's folder, in an environment that knows nothing of it."""
    home, temporary, log = (folder / name for name in ("user", "tmp", "server.log"))
    for one in (home, temporary):
        one.mkdir(parents=True, exist_ok=True)
    port = servers.free_port()
    command = [str(project.environment / "bin" / "streamlit"), "run", script, f"--server.port={port}", f"--server.address={servers.HOST}"]
    variables = {"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(temporary), "PYTHONUNBUFFERED": "1"}
    began = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=cwd or project.root, env=variables, stdout=output, stderr=subprocess.STDOUT)
    demo = Demo(url=f"http://{servers.HOST}:{port}", process=psutil.Process(process.pid), home=home, log=log)
    try:
        servers._wait_until_healthy(servers.Server(url=demo.url, home=home, pid=process.pid, log=log), process)
        print(f"\nthe demo was healthy after {time.monotonic() - began:.1f} s")
        yield demo
    finally:
        process.terminate()
        try:
            process.wait(servers.ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture
def demo(project: Project, tmp_path: Path) -> Iterator[Demo]:
    with started(project, tmp_path) as running:
        yield running


def path_of(page: str, shown: Shown) -> str:
    query = {"sweeps": f"?sweep={shown.sweep}", "choose": "", "claims": "", "models": "", "setup": ""}.get(page, f"?comparison={shown.comparison}")
    return f"/{'' if page == 'overview' else page}{query}"


def visit_page(page: Page, demo: Demo, path: str) -> Page:
    page.goto(demo.url + path)
    return settled(page)


# -- every page ------------------------------------------------------------------------------------------------------


def test_every_page_shows_what_was_recorded_and_changes_nothing(project: Project, demo: Demo, visitor: Callable[..., Visit]):
    before = contents(project.root)
    looks: Sequence[tuple[Scheme, int]] = [("light", 1400), ("dark", 1400), ("light", 390)] if os.environ.get("SHOWDOWN_SCREENSHOTS") else [
        ("light", 1400)]  # fmt: skip
    began = time.monotonic()
    for scheme, width in looks:
        page = visitor(scheme=scheme, width=width).page
        for name in PLACES:
            visit_page(page, demo, path_of(name, project.shown))
            if began:
                print(f"the first page was there after {time.monotonic() - began:.1f} s")
                began = 0.0
            expect(page.get_by_text("This demo runs nothing and keeps nothing.")).to_be_visible()
            expect(page.get_by_text("Something went wrong")).to_have_count(0)
            expect(page.locator('[data-testid="stException"]')).to_have_count(0)
            texts = page.locator('[data-testid^="stBaseButton"]').all_inner_texts()
            labels = {text.split("\n")[-1].strip() for text in texts}  # what stands before it is an icon
            assert not labels & set(FORBIDDEN), name
            screenshot(page, f"demo-{name}-{scheme}-{width}")
    assert contents(project.root) == before
    assert demo.process.children() == []


def test_it_starts_from_any_folder(project: Project, tmp_path: Path, visitor: Callable[..., Visit]):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with started(project, tmp_path, script=str(project.root / "demo" / "streamlit_app.py"), cwd=elsewhere) as demo:
        page = visit_page(visitor().page, demo, path_of("compare", project.shown))
        expect(page.get_by_text("Recorded on Example CPU")).to_be_visible()
    assert list(elsewhere.iterdir()) == []


# -- visitors --------------------------------------------------------------------------------------------------------


def upload(page: Page, path: Path, *, within_s: float = 60.0) -> str:
    """Bring a recording; its digest. The page then offers to open it."""
    page.locator('[data-testid="stFileUploaderDropzoneInput"]').first.set_input_files(str(path))
    expect(page.get_by_text("It is in the library")).to_be_visible(timeout=within_s * 1000)
    settled(page)
    found = re.search(r"trace=([0-9a-f]{64})", page.url)
    assert found is not None
    return found[1]


def test_an_upload_is_explored_by_its_visitor_and_seen_by_no_other(project: Project, demo: Demo, visitor: Callable[..., Visit], tmp_path: Path):
    mine = tmp_path / "mine.pt.trace.json.gz"
    shutil.copy(DATA / "pytorch_eager.pt.trace.json.gz", mine)
    one, other = visitor().page, visitor().page
    digest = upload(visit_page(one, demo, "/library"), mine)
    for name, heading in (("kernels", "Kernels"), ("timeline", "Timeline"), ("memory", "Memory")):
        settled(one).get_by_role("link", name=heading, exact=True).last.click()
        expect(one.get_by_role("heading", name=heading, exact=True)).to_be_visible()
        settled(one)
        assert f"trace={digest}" in one.url, name
        expect(one.locator('[data-testid="stVegaLiteChart"]').first).to_be_visible()
    visit_page(other, demo, f"/kernels?trace={digest}")
    expect(other.get_by_text("This trace is not here")).to_be_visible()
    visit_page(other, demo, "/library")
    expect(other.get_by_text("mine.pt.trace.json.gz")).to_have_count(0)
    assert [path for path in project.recorded.rglob("*") if "mine" in path.name] == []


def test_it_lives_in_its_memory_with_a_trace_of_50_mb_open(project: Project, demo: Demo, visitor: Callable[..., Visit], tmp_path: Path):
    big = big_trace(tmp_path)
    page = visit_page(visitor().page, demo, "/library")
    print(f"\nbefore: {resident_mb(demo)}")
    digest = upload(page, big, within_s=180.0)
    print(f"after reading {big.stat().st_size / 1e6:.1f} MB: {resident_mb(demo)}")
    for name in ("kernels", "explain", "timeline", "memory"):
        settled(page).get_by_role("link", name=PLACES[name].title, exact=True).last.click()
        expect(page.get_by_role("heading", name=PLACES[name].title, exact=True)).to_be_visible()
        settled(page, timeout_ms=120_000)
        assert f"trace={digest}" in page.url, name
        print(f"{name}: {resident_mb(demo)}")
    # Another visitor takes something along meanwhile.
    other = visit_page(visitor().page, demo, f"{path_of('compare', project.shown)}&view=Share")
    for label in ("HTML report", "Bundle"):
        with other.expect_download(timeout=60_000) as given:
            other.get_by_role("button", name=label).click()
        assert given.value.path().stat().st_size > 1000
        print(f"{label}: {resident_mb(demo)}")
    assert demo.process.memory_info().rss < LIMIT_BYTES
    assert peak_bytes(demo) < LIMIT_BYTES
    assert demo.process.children() == []


def big_trace(folder: Path) -> Path:
    """A real recording, repeated until it is just below what the demo takes."""
    source, path = DATA / "pytorch_eager.pt.trace.json.gz", folder / "big.pt.trace.json"
    sizes = []
    for copies in (1, 2):
        make_big_kineto(source, copies, path)
        sizes.append(path.stat().st_size)
    each = sizes[1] - sizes[0]
    copies = 1 + (50 * 10**6 - sizes[0]) // each
    while make_big_kineto(source, copies, path) and path.stat().st_size >= 50 * 10**6:  # numbers grow with each copy
        copies -= 1
    assert path.stat().st_size > 44 * 10**6
    return path


def peak_bytes(demo: Demo) -> int:
    """The most that it ever held, where the system says so (Linux)."""
    status = Path(f"/proc/{demo.process.pid}/status")
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text(encoding="ascii")) if status.exists() else None
    return int(found[1]) * 1024 if found else int(demo.process.memory_info().rss)


def resident_mb(demo: Demo) -> str:
    return f"{demo.process.memory_info().rss / 1e6:.0f} MB, at most {peak_bytes(demo) / 1e6:.0f} MB"


# -- what no page offers ---------------------------------------------------------------------------------------------


PATHS = (
    "/_stcore/upload_file/nobody/file", "/_stcore/upload_file/../../demo/recorded/x", "/_stcore/upload_file/%2e%2e%2f%2e%2e/demo",
    "/_stcore/upload_file/nobody/..%2f..%2f..%2fdemo%2frecorded%2fx", "/_stcore/upload_file//etc/passwd", "/demo/recorded/comparisons",
    "/_stcore/agent/interact", "/_stcore/agent/mcp", "/_stcore/script-health-check", "/_stcore/metrics", "/_stcore/stream", "/component/x/../../x",
    "/media/../demo/recorded/claims", "/app/static/../demo/requirements.txt", "/_stcore/bidi-components/..%2f..%2fx", "/run", "/",
)  # fmt: skip


def test_over_http_nothing_is_changed_nor_started(project: Project, demo: Demo):
    intruder = Intruder(demo.url)
    before = contents(project.root)
    for path in PATHS:
        for method in ("PUT", "POST", "DELETE", "PATCH"):
            status, _ = intruder.ask(method, path, b"x" * 64, Content_Type="application/json")
            assert not 200 <= status < 300, (method, path)
        _, answer = intruder.ask("GET", path)
        assert b"Example CPU" not in answer
        assert b"streamlit==" not in answer
    assert intruder.ask("GET", "/_stcore/health")[0] == 200
    assert contents(project.root) == before
    assert demo.process.children() == []


def test_an_upload_outside_of_the_pages_stays_in_memory_within_limits(project: Project, demo: Demo):
    intruder = Intruder(demo.url)
    before = contents(project.root)
    intruder.ask("GET", "/_stcore/health")
    with intruder.session() as (_, id):
        for name in ("../../../demo/recorded/evil.json", "/etc/evil", "..\\evil", "evil.json"):
            body, kind = form(name, b"{}")
            sent = {"Content_Type": kind, "X_Xsrftoken": intruder.token, "Cookie": f"_streamlit_xsrf={intruder.token}"}
            assert intruder.ask("PUT", f"/_stcore/upload_file/{id}/file", body, **sent)[0] == 204
            assert intruder.ask("PUT", f"/_stcore/upload_file/{id}/file", body, Content_Type=kind)[0] == 403  # without the token
        body, kind = form("large.json", b" " * (61 * 2**20))
        assert intruder.ask("PUT", f"/_stcore/upload_file/{id}/file", body, **{**sent, "Content_Type": kind})[0] in (0, 413, 503)
    assert contents(project.root) == before
    assert [path for path in demo.home.rglob("*") if path.is_file()] == []


def test_messages_that_no_page_sends_change_and_start_nothing(project: Project, demo: Demo):
    intruder = Intruder(demo.url)
    before = contents(project.root)
    wishes: list[dict[str, Any]] = [{"install_skills": InstallSkillsRequestPayload()}, {"dismiss_skills_nudge": DismissSkillsNudgeRequestPayload()}]
    with intruder.session() as (socket, id):
        for place in PLACES:
            keys = ("start", "run_all", "run_all_again", "test_amp", "start_sweep", "resume_sweep", "delete", "delete_for_good", "recheck",
                    "first_comparison", "delete_recordings_for_good")  # fmt: skip
            states = [widget(key, trigger_value=True) for key in keys]
            states += [widget(key, string_value="/bin/sh") for key in ("a_python", "b_python", "library_path")]
            intruder.press(socket, "" if place == "overview" else place, states)
        for name in ("load_git_info", "clear_cache", "set_run_on_save", "debug_shutdown_runtime", "app_heartbeat"):
            message: dict[str, Any] = {name: True}
            socket.send(BackMsg(**message).SerializeToString())
        for number, wish in enumerate(wishes):
            request = BackendOperationRequest(request_id=str(number), session_id=id, **wish)
            socket.send(BackMsg(backend_operation_request=request).SerializeToString())
        intruder.press(socket, "run", [])
        assert demo.process.children() == []
    assert intruder.ask("GET", "/_stcore/health")[0] == 200
    assert contents(project.root) == before
    assert [path for path in demo.home.rglob("*") if path.is_file()] == []
