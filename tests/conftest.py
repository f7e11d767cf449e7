"""What every test shares: a home of its own, and a machine lock of its own."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from core.store.comparisons import ComparisonStore
from tests.pages import samples

# How long an example takes says nothing about the code: other tests run beside it.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

PROJECT = Path(__file__).resolve().parents[1]


def pytest_make_parametrize_id(val: object) -> str | None:
    """Bytes are named by their number: a packed file holds the time of its making, and tests that run side by side need one name for it."""
    return f"{len(val)} bytes" if isinstance(val, bytes) else None


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty store, and a temporary folder that holds this test's machine lock."""
    home = tmp_path / "home"
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("SHOWDOWN_HOME", str(home))
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return home


@pytest.fixture
def store(home: Path) -> ComparisonStore:
    return ComparisonStore()


@pytest.fixture
def finished(store: ComparisonStore) -> str:
    """The id of a comparison in which A takes 20 ms and B 1.48 to 1.52 times as long."""
    spec = samples.new(store)
    samples.finish(store, spec)
    return spec.id


@pytest.fixture
def spacious(monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory that the hosted demo may take is meant for its own process, not for one that has run a thousand tests."""
    monkeypatch.setattr("pages._parts.room.LIMIT_BYTES", 10**13)


@pytest.fixture
def fake_python(tmp_path: Path) -> Callable[[str, str], str]:
    """Make an interpreter that runs some code first and then what it was asked to run, like the real one."""

    def make(name: str, before: str) -> str:
        script = tmp_path / name
        body = (
            f"#!{sys.executable}\n"
            "import runpy, sys, os\n"
            f"sys.path.insert(0, {str(PROJECT)!r})\n"
            "sys.argv = sys.argv[sys.argv.index('core.worker'):]\n"
            f"{before}\n"
            "runpy.run_module('core.worker', run_name='__main__')\n"
        )
        script.write_text(body, encoding="utf-8")
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        return str(script)

    return make


def worker_processes(folder: Path) -> list[int]:
    """Ids of living processes that were started for runs under a folder."""
    found = []
    for entry in Path("/proc").iterdir() if Path("/proc").is_dir() else ():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                command = (entry / "cmdline").read_bytes()
                alive = (entry / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
            except OSError:
                continue
            if alive and str(folder).encode() in command:
                found.append(int(entry.name))
    return found
