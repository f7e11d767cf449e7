"""A lock that lives as long as its process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from core.store.locks import hold, is_held
from tests.conftest import PROJECT


def test_it_is_held_until_it_is_closed(tmp_path: Path):
    path = tmp_path / "lock"
    assert not is_held(path)
    file = hold(path)
    assert file is not None
    assert is_held(path)
    assert hold(path) is None
    file.close()
    assert not is_held(path)


def test_it_ends_with_its_process_however_that_ends(tmp_path: Path):
    path = tmp_path / "lock"
    code = (
        "import os, signal, sys; from pathlib import Path; from core.store.locks import hold\n"
        "file = hold(Path(sys.argv[1])); print(file is not None, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], cwd=PROJECT, capture_output=True, text=True)
    assert done.stdout == "True\n"
    assert not is_held(path)
