"""What can go wrong in a comparison, with real processes: each ends in a clear result, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.bench.referee import Referee
from core.bench.start import make_spec
from core.model.comparison import PRESETS, ComparisonResult
from core.model.variant import parse_variant
from core.store.comparisons import ComparisonStore
from tests.conftest import PROJECT, worker_processes

pytestmark = pytest.mark.slow

FakePython = Callable[[str, str], str]
SHORT = replace(PRESETS["quick"], silence_limit_s=20.0, run_limit_s=60.0)


def referee(a: str = "pytorch", b: str = "pytorch", **options: Any) -> tuple[ComparisonResult, ComparisonStore]:
    """Run one comparison here; its workers are real processes."""
    preset = options.pop("limits", SHORT)
    spec = replace(make_spec("mnist_cnn", parse_variant(a, threads=1), parse_variant(b, threads=1), **options), preset=preset)
    store = ComparisonStore()
    store.create(spec)
    return Referee(store, spec, lambda event: None, lambda: False).run(), store


def assert_failed(result: ComparisonResult, store: ComparisonStore, kind: str, *words: str) -> None:
    """Failed with a kind and words, stored so, and no process left."""
    assert result.error is not None
    assert (result.state, result.verdict, result.error.kind) == ("failed", "not_comparable", kind), result.error
    for word in words:
        assert word in result.sentence
    assert result.error.message in result.reasons
    assert store.load(result.id).result == result
    assert worker_processes(store.root) == []
    assert not (store.folder(result.id) / "reserve").exists()


@pytest.mark.parametrize(("framework", "package", "label"), [("pytorch", "torch", "PyTorch"), ("tensorflow", "tensorflow", "TensorFlow")])
def test_framework_that_is_not_installed_is_named_with_the_command_that_installs_it(
    home: Path, fake_python: FakePython, framework: str, package: str, label: str
):
    python = fake_python("python-without", f"sys.modules[{package!r}] = None")
    result, store = referee(a=f"{framework}:python={python}")
    assert_failed(result, store, "framework_missing", f"{label} is not installed", "pip install")


def test_framework_that_cannot_be_imported_says_why(home: Path, fake_python: FakePython):
    body = """
class Broken:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            raise ImportError("libcudart.so.13: cannot open shared object file")
sys.meta_path.insert(0, Broken())
"""
    result, store = referee(b=f"pytorch:python={fake_python('python-broken', body)}")
    assert_failed(result, store, "framework_broken", "side B", "libcudart.so.13")
    assert result.error is not None
    assert any("libcudart" in line for line in result.error.log_tail)


def test_interpreter_that_does_not_exist(home: Path):
    result, store = referee(a="pytorch:python=/nowhere/python")
    assert_failed(result, store, "interpreter", "/nowhere/python", "No such file")


@pytest.mark.parametrize(("program", "kind"), [("true", "protocol"), ("false", "crashed")])
def test_interpreter_that_is_another_program(home: Path, program: str, kind: str):
    result, store = referee(a=f"pytorch:python={shutil.which(program)}")
    assert_failed(result, store, kind)


def test_garbage_on_the_output_harms_nothing(home: Path, fake_python: FakePython):
    python = fake_python("python-loud", "os.write(1, os.urandom(200_000)); print('{\"event\": \"finished\"}', flush=True)")
    spec_path = f"pytorch:python={python},network=article"
    result, _ = referee(b=spec_path)
    # The run itself went through: what ends the comparison is the parity that the article's network fails.
    assert result.state == "finished"
    assert result.parity[0].detail == "A has 225,034 parameters, B has 1,199,882"


def test_garbage_among_the_events_is_a_named_failure(home: Path, fake_python: FakePython):
    body = "open(os.path.join(sys.argv[1], 'events.jsonl'), 'ab').write(b'\\x00\\xff not json\\n')"
    result, store = referee(b=f"pytorch:python={fake_python('python-garbage', body)}")
    assert_failed(result, store, "protocol", "side B", "no event")


def test_event_with_wrong_fields_is_a_named_failure(home: Path, fake_python: FakePython):
    body = "open(os.path.join(sys.argv[1], 'events.jsonl'), 'ab').write(b'{\"event\": \"phase\", \"name\": \"import\"}\\n')"
    result, store = referee(b=f"pytorch:python={fake_python('python-wrong', body)}")
    assert_failed(result, store, "protocol", "cannot be read")


def test_run_that_hangs_is_ended(home: Path, fake_python: FakePython):
    python = fake_python("python-hanging", "import time; time.sleep(3600)")
    result, store = referee(b=f"pytorch:python={python}", limits=replace(SHORT, silence_limit_s=12.0))
    assert_failed(result, store, "hung", "side B", "said nothing for 12 s")


def test_run_beyond_its_time_limit_is_ended(home: Path):
    result, store = referee(limits=replace(SHORT, run_limit_s=0.5))
    assert_failed(result, store, "time_limit", "limit of 0 s")


def test_out_of_memory_is_named_with_its_cure(home: Path, fake_python: FakePython):
    body = """
import resource, torch
size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + 2_000_000_000, resource.RLIM_INFINITY))
"""
    result, store = referee(a=f"pytorch:python={fake_python('python-small', body)}", batch_size=60_000)
    assert_failed(result, store, "out_of_memory", "Out of memory on the CPU", "smaller batch")


def test_loss_that_becomes_nan_is_not_a_result(home: Path):
    result, store = referee(learning_rate=1e30)
    assert_failed(result, store, "nan_loss", "lower the learning rate")


@pytest.mark.parametrize("bytes_free", [3_000_000, 6_000_000])
def test_disk_that_fills_up(home: Path, bytes_free: int):
    """A real small file system, so that writing fails wherever it happens to."""
    home.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={bytes_free}", "showdown-test", str(home)], capture_output=True).returncode:
        pytest.skip("mounting a small file system needs root: run as root to test a full disk")
    try:
        result, store = referee()
        assert_failed(result, store, "disk_full", "disk is full")
        assert store.load(result.id).state == "failed"
    finally:
        subprocess.run(["umount", str(home)], check=True)


# -- a referee process of its own -----------------------------------------------------------------------------------


@pytest.fixture
def command(home: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start `python -m core compare`; whatever is left is killed at the end."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        line = [sys.executable, "-m", "core", "compare", "mnist_cnn", "--a", "pytorch", "--b", "pytorch", "--json", *arguments]
        process = subprocess.Popen(line, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def wait_for(found: Callable[[], Any], seconds: float = 60.0) -> Any:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if value := found():
            return value
        time.sleep(0.1)
    raise AssertionError("did not happen in time")


def running_worker(store: ComparisonStore) -> tuple[str, int] | None:
    """Id of the comparison, and process id of a worker that has reported its import."""
    for one in store.all():
        for index in range(3):
            for side in "ab":
                events = one.run_events(index, side)
                if any(e["event"] == "phase" for e in events) and not any(e["event"] in ("finished", "failed") for e in events):
                    return one.id, events[0]["pid"]
    return None


def test_worker_that_is_killed_is_a_failed_comparison_with_the_signal(home: Path, command: Callable[..., subprocess.Popen[bytes]]):
    process = command()
    _, pid = wait_for(lambda: running_worker(ComparisonStore()))
    os.kill(pid, signal.SIGKILL)
    output, _ = process.communicate(timeout=60)
    shown = json.loads(output)
    assert process.returncode == 1
    assert (shown["state"], shown["verdict"], shown["error"]["kind"]) == ("failed", "not_comparable", "killed")
    assert "SIGKILL" in shown["sentence"]
    assert shown["error"]["exit_code"] == -9


@pytest.mark.parametrize("way", ["signal", "file"])
def test_cancelling_ends_everything_within_seconds(home: Path, command: Callable[..., subprocess.Popen[bytes]], way: str):
    process, store = command(), ComparisonStore()
    id, _ = wait_for(lambda: running_worker(store))
    if way == "signal":
        process.send_signal(signal.SIGTERM)
    else:
        store.request_cancel(id)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert json.loads(output)["state"] == "cancelled"
    assert store.load(id).state == "cancelled"
    assert worker_processes(store.root) == []


def test_referee_that_is_killed_leaves_an_interrupted_comparison_and_no_worker(home: Path, command: Callable[..., subprocess.Popen[bytes]]):
    process, store = command(), ComparisonStore()
    id, _ = wait_for(lambda: running_worker(store))
    assert store.load(id).state == "running"
    process.kill()
    process.wait()
    assert store.load(id).state == "interrupted"
    wait_for(lambda: not worker_processes(store.root), 15)
    store.delete(id)
    assert store.ids() == []


def test_two_at_once_run_one_after_the_other(home: Path, command: Callable[..., subprocess.Popen[bytes]]):
    store = ComparisonStore()
    command()
    first, _ = wait_for(lambda: running_worker(store))
    command()

    def waiting() -> Any:
        return next((one for one in store.all() if any(e["event"] == "waiting" and e["behind"] == first for e in one.events())), None)

    second = wait_for(waiting)
    assert second.id != first
    assert store.load(second.id).state == "queued"
    store.request_cancel(first)
    wait_for(lambda: store.load(second.id).state == "running", 30)
    store.request_cancel(second.id)
    wait_for(lambda: store.load(second.id).state == "cancelled", 30)


def test_comparison_outlives_the_process_that_started_it(home: Path):
    """As the app does it: start detached, then be gone."""
    code = (
        "from core.bench.start import make_spec, start_detached\n"
        "from core.model.variant import parse_variant\n"
        "from core.store.comparisons import ComparisonStore\n"
        "spec = make_spec('mnist_cnn', parse_variant('pytorch', threads=1), parse_variant('pytorch', threads=1))\n"
        "start_detached(ComparisonStore(), spec); import os; os.kill(os.getpid(), 9)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT).returncode == -9
    store = ComparisonStore()
    id, _ = wait_for(lambda: running_worker(store))
    assert store.load(id).state == "running"
    store.request_cancel(id)
    wait_for(lambda: store.load(id).state == "cancelled", 30)


def test_compiling_without_a_compiler_is_named_with_its_cure(home: Path, fake_python: FakePython):
    body = "os.environ.update(PATH='/nowhere', CXX='/nowhere/g++', TORCHINDUCTOR_CACHE_DIR=os.path.join(sys.argv[1], 'cache'))"
    result, store = referee(b=f"pytorch:execution=compile,python={fake_python('python-bare', body)}")
    assert_failed(result, store, "compile_failed", "side B", "apt-get install g++")
