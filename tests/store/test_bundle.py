"""Bundles: what travels comes back as it was, without names."""

from __future__ import annotations

import gzip
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import pytest

from core.model.hosted import HostedError
from core.model.run import RunError
from core.store.bundle import Imported, pack, unpack, write_bundle
from core.store.bundle_check import BundleError
from core.store.comparisons import ComparisonStore
from core.store.files import StoreError, write_json
from core.store.privacy import Redactor
from core.traces.read import find_profile, read_trace
from core.workloads.registry import workload_spec
from core.workloads.spec import WorkloadError
from tests.pages import samples
from tests.store.bundles import ALICE, MADE, content, make, packed


@pytest.fixture
def store(tmp_path: Path) -> ComparisonStore:
    return ComparisonStore(tmp_path / "here")


@pytest.fixture
def other(tmp_path: Path) -> ComparisonStore:
    """Of another machine: empty."""
    return ComparisonStore(tmp_path / "there")


def test_an_empty_store_shows_the_same_numbers(store: ComparisonStore, other: ComparisonStore):
    spec = make(store)
    assert unpack(packed(store, spec), other, redactor=ALICE) == [Imported(id=spec.id, already_here=False)]
    mine, theirs = store.load(spec.id), other.load(spec.id)
    assert theirs.result == mine.result
    assert (theirs.spec, theirs.state) == (spec, "finished")
    for run in ("00-a", "11-b"):
        assert (theirs.folder / "runs" / run / "steps.parquet").read_bytes() == (mine.folder / "runs" / run / "steps.parquet").read_bytes()
    for index, side in ((12, "a"), (13, "b")):
        profiles = [read_trace(find_profile(one.run_folder(index, side) / "profile")) for one in (mine, theirs)]
        assert profiles[0].facts.coverage == profiles[1].facts.coverage
    assert len((theirs.folder / "samples.jsonl").read_text().splitlines()) == 10


def test_it_holds_what_pages_read_and_nothing_else(store: ComparisonStore):
    spec = make(store)
    names = [name.removeprefix(f"comparisons/{spec.id}/") for name in content(packed(store, spec))]
    assert names[-1] == "bundle.json"
    assert {"spec.json", "result.json", "parity.json", "environment.json", "events.jsonl", "samples.jsonl", "runs/00-a/spec.json",
            "runs/00-a/result.json", "runs/00-a/steps.parquet", "runs/12-a/profile/host_7.1764.pt.trace.json.gz",
            "runs/13-b/profile/plugins/profile/2026_11_28_01_02_03/host.xplane.pb"} <= set(names)  # fmt: skip
    assert [name for name in names if name.endswith((".txt", ".log", ".lock", ".npz"))] == []


def test_nothing_private_is_in_it(store: ComparisonStore):
    files = content(packed(store, make(store)))
    seen = [gzip.decompress(data) if name.endswith(".gz") else data for name, data in files.items()]
    for word in (b"alice", b"build-box"):
        assert [name for name, data in zip(files, seen, strict=True) if word in data or word.decode() in name] == []
    assert any(b'"where": "~ on host"' in data or b'"where":"~ on host"' in data for data in seen)


def test_the_same_comparison_gives_the_same_bytes_in_memory_and_on_disk(store: ComparisonStore, tmp_path: Path):
    spec = make(store)
    data = packed(store, spec)
    assert packed(store, spec) == data
    path = tmp_path / "it.showdown.zip"
    contents = write_bundle(path, [store.load(spec.id)] * 2, ALICE, MADE)
    assert path.read_bytes() == data
    assert {entry.name for entry in tmp_path.iterdir()} == {"here", path.name}
    assert (contents.comparisons, contents.made) == ((spec.id,), "2026-11-28T00:00:00+00:00")


def test_several_comparisons_travel_together(store: ComparisonStore, other: ComparisonStore, tmp_path: Path):
    specs = [make(store), make(store)]
    path = tmp_path / "both.zip"
    write_bundle(path, [store.load(spec.id) for spec in specs], ALICE)
    assert sorted(one.id for one in unpack(path, other)) == sorted(spec.id for spec in specs)
    assert len(other.ids()) == 2


def test_where_it_came_from_stays_beside_it(store: ComparisonStore, other: ComparisonStore):
    spec = make(store)
    data = packed(store, spec)
    unpack(data, other, name="from-bob.zip")
    origin = other.load(spec.id).origin
    assert origin is not None
    assert (origin.name, origin.bundle) == ("from-bob.zip", sha256(data).hexdigest())
    assert datetime.fromisoformat(origin.imported).tzinfo is not None
    assert store.load(spec.id).origin is None


def test_what_is_here_already_stays_as_it_is(store: ComparisonStore, other: ComparisonStore):
    spec = make(store)
    data = packed(store, spec)
    here = [Imported(id=spec.id, already_here=True)]
    assert unpack(data, store, redactor=ALICE) == here
    assert store.load(spec.id).origin is None
    unpack(data, other, name="first.zip", redactor=ALICE)
    assert unpack(data, other, name="second.zip", redactor=ALICE) == here
    origin = other.load(spec.id).origin
    assert origin is not None
    assert origin.name == "first.zip"


def test_another_content_of_an_id_that_is_here_is_refused(store: ComparisonStore):
    spec = make(store)
    data = packed(store, spec)
    result = store.load(spec.id).result
    assert result is not None
    write_json(store.folder(spec.id) / "result.json", replace(result, sentence="Another one."))
    with pytest.raises(BundleError, match=f"Comparison {spec.id} is here already, with other content"):
        unpack(data, store, redactor=ALICE)
    assert store.load(spec.id).result == replace(result, sentence="Another one.")
    assert store.ids() == [spec.id]


def test_only_what_has_ended_can_be_bundled(store: ComparisonStore, tmp_path: Path):
    spec = samples.new(store)
    with pytest.raises(StoreError, match=f"Comparison {spec.id} is queued; only one that has ended can be bundled"):
        write_bundle(tmp_path / "it.zip", [store.load(spec.id)], ALICE)
    assert [entry.name for entry in tmp_path.iterdir() if "zip" in entry.name] == []


def test_a_damaged_profile_is_not_bundled_half(store: ComparisonStore):
    spec = make(store)
    path = find_profile(store.load(spec.id).run_folder(12, "a") / "profile")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(StoreError, match="is damaged"):
        packed(store, spec)


@pytest.mark.parametrize("user", ["gpu", "faster", "seed", "max"])
def test_a_user_called_like_one_of_our_words_can_share_too(store: ComparisonStore, other: ComparisonStore, user: str):
    spec = make(store)
    redactor = Redactor(users=(user,), homes=(f"/home/{user}",))
    unpack(pack([store.load(spec.id)], redactor), other)
    assert other.load(spec.id).result == store.load(spec.id).result


def test_a_workload_of_ones_own_keeps_its_name_and_is_not_looked_for(store: ComparisonStore, other: ComparisonStore, tmp_path: Path):
    spec = samples.new(store, workload=str(samples.own_workload(tmp_path / "mine")))
    samples.finish(store, spec)
    unpack(pack([store.load(spec.id)], ALICE), other)
    found = other.load(spec.id).spec
    assert found is not None
    assert (found.workload, found.workload_name) == ("own/mine", "mine")
    with pytest.raises(WorkloadError):
        workload_spec(found.workload)


def test_an_interpreter_of_this_machine_keeps_its_name_and_is_not_run_elsewhere(store: ComparisonStore, other: ComparisonStore):
    spec = samples.new(store, a=replace(samples.TENSORFLOW, python="/opt/old/bin/python3.10"))
    samples.finish(store, spec)
    unpack(pack([store.load(spec.id)], ALICE), other)
    found = other.load(spec.id)
    assert found.spec is not None
    assert found.result is not None
    assert (found.spec.a.python, found.spec.b.python) == ("own/python3.10", "")
    assert found.result.sides["a"].variant.python == "own/python3.10"


def test_what_a_run_printed_in_colours_travels_without_them(store: ComparisonStore, other: ComparisonStore):
    spec = make(store)
    result = store.load(spec.id).result
    assert result is not None
    error = RunError(kind="crashed", message="It ended.", log_tail=("\x1b[31mError\x1b[0m: no\ttime\x08",))
    write_json(store.folder(spec.id) / "result.json", replace(result, error=error))
    data = packed(store, spec)
    unpack(data, other)
    found = other.load(spec.id).result
    assert found is not None
    assert found.error == replace(error, log_tail=("Error: no\ttime",))
    assert unpack(data, store, redactor=ALICE) == [Imported(id=spec.id, already_here=True)]


def test_a_profile_that_unpacks_to_too_much_is_not_held_in_memory(store: ComparisonStore, monkeypatch: pytest.MonkeyPatch):
    spec = make(store)
    monkeypatch.setattr("core.store.bundle._MOST_PROFILE_BYTES", 10_000)
    path = find_profile(store.load(spec.id).run_folder(12, "a") / "profile")
    path.write_bytes(gzip.compress(b" " * 10_001))
    with pytest.raises(StoreError, match="unpacks to more than"):
        packed(store, spec)


def test_the_hosted_demo_takes_nothing_in(store: ComparisonStore, other: ComparisonStore, monkeypatch: pytest.MonkeyPatch):
    data = packed(store, make(store))
    monkeypatch.setenv("SHOWDOWN_HOSTED", "1")
    with pytest.raises(HostedError):
        unpack(data, other)
    assert not other.root.exists()


def test_a_disk_that_fills_up_leaves_nothing(store: ComparisonStore, other: ComparisonStore, monkeypatch: pytest.MonkeyPatch):
    data = packed(store, make(store), make(store))
    rename = Path.rename

    def full(self: Path, target: Path) -> Path:
        if Path(target).parent == other.root and any(other.root.glob("2*")):
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(StoreError, match="No space left on device"):
        unpack(data, other)
    assert list(other.root.iterdir()) == []


def test_what_was_imported_can_be_deleted_and_taken_in_again(store: ComparisonStore, other: ComparisonStore):
    spec = make(store)
    data = packed(store, spec)
    unpack(data, other)
    other.delete(spec.id)
    assert other.ids() == []
    assert unpack(data, other) == [Imported(id=spec.id, already_here=False)]
