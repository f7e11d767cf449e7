"""The demo's guard, in processes of their own: an audit hook cannot be taken off again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

_CHILD = """
import json, os, pathlib, shutil, subprocess, sys, tempfile
sys.path.insert(0, {root!r})
from demo import guard
guard.install(store=pathlib.Path({store!r}))
T, O, S = (pathlib.Path(one) for one in ({temporary!r}, {outside!r}, {store!r}))
found = dict()
for name, code in json.loads({codes!r}).items():
    try:
        exec(code)
    except OSError as error:
        found[name] = error.errno
    else:
        found[name] = 0
print(json.dumps(found))
"""

EPERM, EROFS = 1, 30

STARTS = {
    "run": "subprocess.run(['true'])",
    "shell": "subprocess.run('true', shell=True)",
    "system": "os.system('true')",
    "popen": "os.popen('true')",
    "fork": "os.fork()",
    "forkpty": "os.forkpty()",
    "exec": "os.execv(sys.executable, [sys.executable, '-c', ''])",
    "spawn": "os.spawnv(os.P_WAIT, sys.executable, [sys.executable, '-c', ''])",
    "posix_spawn": "os.posix_spawn(sys.executable, [sys.executable, '-c', ''], {})",
    "pty": "import pty; pty.spawn(['true'])",
    "multiprocessing, spawned": "import multiprocessing; multiprocessing.get_context('spawn').Process(target=print).start()",
    "multiprocessing, served": "import multiprocessing; multiprocessing.get_context('forkserver').Process(target=print).start()",
    "a helper of multiprocessing": "from multiprocessing import resource_tracker; resource_tracker.ensure_running()",
    "below all of them": "from multiprocessing.util import spawnv_passfds; spawnv_passfds(b'/bin/true', [b'true'], [])",
    "multiprocessing, forked": "import multiprocessing; multiprocessing.get_context('fork').Process(target=print).start()",
}
WRITES = {
    "open": "open(O / 'new', 'w')",
    "append": "open(O / 'file', 'ab')",
    "update": "open(O / 'file', 'r+b')",
    "exclusive": "open(O / 'new', 'x')",
    "os.open": "os.open(O / 'new', os.O_CREAT | os.O_WRONLY)",
    "truncating": "os.open(O / 'file', os.O_RDONLY | os.O_TRUNC)",
    "bytes": "open(os.fsencode(O / 'new'), 'wb')",
    "relative": "open('new', 'w')",
    "dots": "open(T / '..' / 'outside' / 'new', 'w')",
    "write_text": "(O / 'new').write_text('1')",
    "touch": "(O / 'new').touch()",
    "remove": "os.remove(O / 'file')",
    "unlink": "(O / 'file').unlink()",
    "rename": "os.rename(O / 'file', O / 'new')",
    "move in": "os.replace(T / 'mine', O / 'new')",
    "move out": "os.replace(O / 'file', T / 'new')",
    "mkdir": "os.mkdir(O / 'new')",
    "rmdir": "os.rmdir(O / 'empty')",
    "link": "os.link(O / 'file', T / 'linked')",
    "symlink": "os.symlink(T / 'mine', O / 'new')",
    "truncate": "os.truncate(O / 'file', 0)",
    "chmod": "os.chmod(O / 'file', 0o600)",
    "utime": "os.utime(O / 'file')",
    "rmtree": "shutil.rmtree(O)",
    "through a link": "os.symlink(O, T / 'way'); open(T / 'way' / 'file', 'w')",
    "through a link to a file": "os.symlink(O / 'file', T / 'to-file'); open(T / 'to-file', 'w')",
    "by the number of a folder": "os.remove('file', dir_fd=os.open(O, os.O_RDONLY))",
    "in the store": "open(S / 'new', 'w')",
    "out of the store": "os.remove(S / 'file')",
    "back out of a link": "os.symlink(O / 'empty', T / 'deep'); open(T / 'deep' / '..' / 'new', 'w')",
    "the rights of an open file": "os.chmod(os.open(O / 'file', os.O_RDONLY), 0o600)",
    "the time of an open file": "os.utime(os.open(S / 'file', os.O_RDONLY))",
    "a database": "import sqlite3; sqlite3.connect(O / 'new')",
    "a socket": "import socket; socket.socket(socket.AF_UNIX).bind(str(S / 'new'))",
    "through a link into the store": "os.symlink(S, T / 'into'); open(T / 'into' / 'file', 'w')",
}
ALLOWED = {
    "a file of its own": "open(T / 'new', 'w').write('1'); (T / 'new').unlink()",
    "a temporary folder": "with tempfile.TemporaryDirectory() as folder: open(folder + '/deep', 'w').close()",
    "a temporary file": "tempfile.NamedTemporaryFile().close(); tempfile.TemporaryFile().close()",
    "an upload": "file = tempfile.SpooledTemporaryFile(max_size=1); file.write(b'12'); file.close()",
    "moved within": "os.replace(T / 'mine', T / 'yours'); os.replace(T / 'yours', T / 'mine')",
    "reading anywhere": "open(O / 'file').read(); os.listdir(S); open(S / 'file', 'rb').read(); os.open(O, os.O_RDONLY)",
    "nowhere": "open(os.devnull, 'w').close()",
    "an import": "import sqlite3, email.message",
    "a database in memory": "import sqlite3; sqlite3.connect(':memory:').close()",
    "a socket of the network": "import socket; socket.create_server(('127.0.0.1', 0)).close()",
    "an open file of its own": "file = tempfile.TemporaryFile(); os.chmod(file.fileno(), 0o600); os.truncate(file.fileno(), 1); file.close()",
}


def attempt(tmp_path: Path, codes: dict[str, str]) -> dict[str, int]:
    """What came of each piece of code under the guard: 0, or the number of its OSError."""
    folders = {name: tmp_path / place for name, place in (("temporary", "tmp"), ("outside", "outside"), ("store", "tmp/store"))}
    for folder in folders.values():
        folder.mkdir(exist_ok=True)
        (folder / "file").write_text("kept", encoding="utf-8")
    (folders["outside"] / "empty").mkdir(exist_ok=True)
    (folders["temporary"] / "mine").write_text("1", encoding="utf-8")
    program = _CHILD.format(root=str(ROOT), codes=json.dumps(codes), **{name: str(folder) for name, folder in folders.items()})
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folders["outside"], env={**os.environ, "TMPDIR": str(folders["temporary"])},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, int] = json.loads(done.stdout)
    assert {name: sorted(path.name for path in folder.iterdir()) for name, folder in folders.items() if name != "temporary"} == {
        "outside": ["empty", "file"], "store": ["file"],
    }  # fmt: skip
    assert {(folders[name] / "file").read_text(encoding="utf-8") for name in ("outside", "store")} == {"kept"}
    return found


@pytest.mark.skipif(os.name != "posix", reason="the ways to start a process are those of POSIX")
def test_no_process_is_started_whichever_way(tmp_path: Path):
    assert attempt(tmp_path, STARTS) == dict.fromkeys(STARTS, EPERM)


def test_nothing_is_written_outside_of_the_temporary_folder_nor_in_the_store(tmp_path: Path):
    assert attempt(tmp_path, WRITES) == dict.fromkeys(WRITES, EROFS)


def test_what_a_server_needs_goes_on(tmp_path: Path):
    assert attempt(tmp_path, ALLOWED) == dict.fromkeys(ALLOWED, 0)
