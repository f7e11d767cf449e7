"""The app as a person starts it: a real `streamlit run` of its own home, temporary folder and port, and its clean end."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
APP = ROOT / "streamlit_app.py"
HOST = "127.0.0.1"
HEALTHY_WITHIN_S = 60.0
ENDS_WITHIN_S = 5.0


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running server."""

    url: str
    """Without a slash at its end."""
    home: Path
    """What `SHOWDOWN_HOME` is for it and for everything it starts."""
    pid: int
    log: Path


@contextmanager
def serve(script: Path, folder: Path) -> Iterator[Server]:
    """Run `script` with `folder` holding its home, its temporary files (and so its machine lock) and its log.

    At the end everything that was started with this home ends too: a comparison is detached and would outlive the server.
    Raises RuntimeError with the log where the server does not become healthy.
    """
    home, temporary, log = folder / "home", folder / "tmp", folder / "server.log"
    home.mkdir(exist_ok=True)
    temporary.mkdir(exist_ok=True)
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(script), f"--server.port={port}", f"--server.address={HOST}",
               "--server.headless=true", "--server.fileWatcherType=none", "--browser.gatherUsageStats=false"]  # fmt: skip
    environment = {**os.environ, "SHOWDOWN_HOME": str(home), "TMPDIR": str(temporary), "PYTHONUNBUFFERED": "1"}
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
    server = Server(url=f"http://{HOST}:{port}", home=home, pid=process.pid, log=log)
    try:
        _wait_until_healthy(server, process)
        yield server
    finally:
        _end(process, home)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return int(listener.getsockname()[1])


def _wait_until_healthy(server: Server, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + HEALTHY_WITHIN_S
    while process.poll() is None and time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"{server.url}/_stcore/health", timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.02)
    ended = f"ended with {process.returncode}" if process.poll() is not None else f"was not healthy within {HEALTHY_WITHIN_S:.0f} s"
    raise RuntimeError(f"The server {ended}:\n{server.log.read_text(errors='replace')}")


def _end(process: subprocess.Popen[bytes], home: Path) -> None:
    """Ask first, so that the app's own shutdown runs, then insist."""
    process.terminate()
    try:
        process.wait(ENDS_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    left = _started_with(home)
    for one in left:
        one.terminate()
    _, left = psutil.wait_procs(left, ENDS_WITHIN_S)
    for one in left:
        one.kill()
    psutil.wait_procs(left, ENDS_WITHIN_S)


def _started_with(home: Path) -> list[psutil.Process]:
    """Every process whose environment says this home; the folder is the test's own, so nobody else's process is meant."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("SHOWDOWN_HOME") == str(home):
                found.append(process)
        except psutil.Error:
            continue
    return found
