"""In the hosted demo every write of every store fails as on a read-only file system, and nothing can be started."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from core.bench.start import make_spec, start_detached
from core.bench.sweep import plan_sweep, start_sweep_detached
from core.claims.running import start_detached as start_claims
from core.machine.child import run_child
from core.model.hosted import HOSTED_VARIABLE, KEEPS_NOTHING, HostedError
from core.model.sweep import SweepPair
from core.store.bundle import unpack
from core.store.claims import ClaimStore
from core.store.comparisons import ComparisonStore, claim
from core.store.files import StoreError, append_event, write_json, write_whole
from core.store.home import home as store_home
from core.store.home import traces_folder
from core.store.locks import hold
from core.store.sweeps import SweepJournal, SweepStore
from core.traces.cache import Sources, load, open_trace
from core.traces.library import TraceLibrary
from core.traces.read import find_profile
from tests.demo.shown import Shown, contents, write_store
from tests.pages import samples
from tests.pages.test_kernels import DATA, device_step


@pytest.fixture
def shown(home: Path, spacious: None, monkeypatch: pytest.MonkeyPatch) -> Shown:
    """From here on this process is the demo."""
    written = write_store()
    monkeypatch.setenv(HOSTED_VARIABLE, "1")
    return written


def spec():
    return make_spec("mlp", samples.TENSORFLOW, samples.PYTORCH)


def sweep():
    return plan_sweep([("mlp", {})], [SweepPair(a=samples.TENSORFLOW, b=samples.PYTORCH)])


WRITES: dict[str, Callable[[Shown], object]] = {
    "a file": lambda shown: write_whole(store_home() / "file", b"1"),
    "a value": lambda shown: write_json(ComparisonStore().folder(shown.comparison) / "result.json", {}),
    "an event": lambda shown: append_event(ComparisonStore().folder(shown.comparison) / "events.jsonl", "state"),
    "a lock": lambda shown: hold(SweepStore().folder(shown.sweep) / "runner.lock"),
    "a comparison": lambda shown: ComparisonStore().create(spec()),
    "a comparison's referee": lambda shown: claim(ComparisonStore().folder(shown.comparison)),
    "a comparison deleted": lambda shown: ComparisonStore().delete(shown.comparison),
    "a claim begun": lambda shown: ClaimStore().begin("widens"),
    "a claim's result": lambda shown: ClaimStore().save(shown.claim),
    "a claim's failure": lambda shown: ClaimStore().save_failure("widens", "why"),
    "a run of claims": lambda shown: ClaimStore().begin_run(),
    "a run of claims that says something": lambda shown: ClaimStore().say("words"),
    "a run of claims that starts": lambda shown: ClaimStore().mark_started(),
    "a sweep": lambda shown: SweepStore().create(sweep()),
    "a sweep that starts": lambda shown: SweepStore().mark_started(shown.sweep),
    "a sweep's journal": lambda shown: SweepJournal(SweepStore().folder(shown.sweep)),
    "a recording": lambda shown: TraceLibrary(traces_folder()).upload("new.pt.trace.json", device_step(5)),
    "a recording opened": lambda shown: TraceLibrary(traces_folder()).open_file(DATA / "pytorch_eager.pt.trace.json.gz"),
    "a recording deleted": lambda shown: TraceLibrary(traces_folder()).delete(shown.trace),
}

STARTS: dict[str, Callable[[Shown], object]] = {
    "a comparison": lambda shown: start_detached(ComparisonStore(), spec()),
    "claims": lambda shown: start_claims(ClaimStore(), ["--all-here"]),
    "a sweep": lambda shown: start_sweep_detached(SweepStore(), shown.sweep),
    "an interpreter": lambda shown: run_child([sys.executable, "-c", ""], limit_s=1.0),
    "a bundle": lambda shown: unpack(b"", ComparisonStore()),
}


@pytest.mark.parametrize("what", WRITES)
def test_a_write_fails_and_changes_nothing(shown: Shown, home: Path, what: str):
    before = contents(home)
    with pytest.raises((OSError, StoreError)) as refused:
        WRITES[what](shown)
    if isinstance(refused.value, OSError):
        assert refused.value.errno == errno.EROFS
    assert KEEPS_NOTHING in str(refused.value)
    assert contents(home) == before


@pytest.mark.parametrize("what", STARTS)
def test_a_start_is_refused_before_anything(shown: Shown, home: Path, monkeypatch: pytest.MonkeyPatch, what: str):
    monkeypatch.setattr("subprocess.Popen", lambda *given, **named: pytest.fail("a process was started"))
    before = contents(home)
    with pytest.raises(HostedError):
        STARTS[what](shown)
    assert contents(home) == before


@pytest.mark.parametrize("change", ["mkdir", "rmdir", "unlink", "touch", "write_bytes", "write_text", "rename", "replace", "chmod", "symlink_to"])
def test_no_path_below_the_home_can_be_changed_however_it_was_made(shown: Shown, tmp_path: Path, change: str):
    given = {"write_bytes": (b"1",), "write_text": ("1",), "rename": (tmp_path / "x",), "replace": (tmp_path / "x",), "chmod": (0o600,),
             "symlink_to": (tmp_path,)}.get(change, ())  # fmt: skip
    folder = ComparisonStore().folder(shown.comparison)
    found = next(path for path in folder.rglob("*") if path.name == "spec.json")
    for path in (found, found.parent / "new", found.with_name("other"), found.resolve(), folder.joinpath("runs")):
        with pytest.raises(OSError, match=KEEPS_NOTHING):
            getattr(path, change)(*given)


def test_what_is_there_is_read_as_ever(shown: Shown):
    one = ComparisonStore().load(shown.comparison)
    assert one.state == "finished"
    assert one.result is not None
    assert SweepStore().load(shown.sweep).state == "finished"
    assert ClaimStore().load("widens").result == shown.claim
    assert TraceLibrary(traces_folder()).trace(shown.trace).facts.framework == "pytorch"


def test_a_trace_without_its_decoded_form_is_read_all_the_same(shown: Shown, home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(HOSTED_VARIABLE)
    folder = TraceLibrary(traces_folder()).root / shown.trace
    for name in ("facts.json", "events.parquet", "memory.parquet"):
        (folder / name).unlink()
    monkeypatch.setenv(HOSTED_VARIABLE, "1")
    before = contents(home)
    assert len(TraceLibrary(traces_folder()).trace(shown.trace).events) == 16
    profile = find_profile(ComparisonStore().load(shown.comparison).run_folder(23, "b") / "profile")
    digest = Sources(traces_folder()).digest(profile)
    assert load(traces_folder() / digest) is not None
    assert len(open_trace(profile, traces_folder()).events)
    assert contents(home) == before


def test_elsewhere_the_same_store_is_written(home: Path, monkeypatch: pytest.MonkeyPatch):
    shown = write_store()
    ClaimStore().save(replace(shown.claim, reason="Another one."))
    assert ClaimStore().load("widens").result != shown.claim
