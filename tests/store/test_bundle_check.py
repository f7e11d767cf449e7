"""What is no bundle, was tampered with or would do harm is refused in one sentence, and nothing is left of it."""

from __future__ import annotations

import gzip
import json
import stat
import tracemalloc
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest

from core.store.bundle import unpack
from core.store.bundle_check import LIMITS, Limits
from core.store.comparisons import ComparisonStore
from core.store.files import StoreError
from tests.store.bundles import Files, content, edit, make, packed, refuse, zipped

OTHER_ID = "20200101-000000-abcdef"


@pytest.fixture
def store(tmp_path: Path) -> ComparisonStore:
    return ComparisonStore(tmp_path / "here")


@pytest.fixture
def other(tmp_path: Path) -> ComparisonStore:
    """Of another machine: empty."""
    return ComparisonStore(tmp_path / "there")


@pytest.mark.parametrize("data", [b"", b"hello", b"PK\x05\x06", gzip.compress(b"hello" * 100), b"\0" * 1000])
def test_what_is_no_zip_is_refused(other: ComparisonStore, data: bytes):
    refuse(data, other, "'it.zip' is not a bundle")


def test_a_file_that_is_not_there_is_one_sentence(other: ComparisonStore, tmp_path: Path):
    with pytest.raises(StoreError, match="cannot be opened"):
        unpack(tmp_path / "none.zip", other)


def test_a_zip_of_something_else_is_refused(other: ComparisonStore):
    refuse(zipped({"notes.txt": b"hello"}, listed=False), other, "The entry 'notes.txt' of 'it.zip' is no file of a comparison")
    refuse(zipped({}, listed=False), other, "it has no entry 'bundle.json'")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("../evil.sh", "leads out of the bundle"),
        ("comparisons/ID/../../spec.json", "leads out of the bundle"),
        ("/etc/passwd", "has an absolute path"),
        ("C:evil.json", "has an absolute path"),
        ("comparisons\\ID\\spec.json", "has a backslash"),
        ("comparisons/ID/evil.sh", "is no file of a comparison"),
        ("comparisons/ID/referee.lock", "is no file of a comparison"),
        ("comparisons/ID/runs/", "is no file of a comparison"),
        ("comparisons/ID/origin.json", "is no file of a comparison"),
        ("comparisons/../spec.json", "leads out of the bundle"),
        ("comparisons/evil/spec.json", "is no file of a comparison"),
        ("comparisons/٢٠٢٦1128-000000-abcdef/spec.json", "is no file of a comparison"),
        ("comparisons/ID/runs/00-a/profile/plugins/profile/..x/a.xplane.pb", "is no file of a comparison"),
        ("comparisons/ID/runs/00-a/profile/.hidden.pt.trace.json", "is no file of a comparison"),
    ],
)
def test_a_name_that_is_not_ours_is_refused(store: ComparisonStore, other: ComparisonStore, path: str, words: str):
    spec = make(store)
    files = content(packed(store, spec))
    refuse(zipped({**files, path.replace("ID", spec.id): b"{}"}), other, words)
    assert not (other.root.parent / "evil.sh").exists()


def test_a_name_with_a_nul_is_refused(store: ComparisonStore, other: ComparisonStore):
    spec = make(store)
    data = zipped({**content(packed(store, spec)), f"comparisons/{spec.id}/spec.json@x": b"{}"})
    refuse(data.replace(b"spec.json@x", b"spec.json\0x"), other, "has a NUL in its name")


def test_the_same_name_twice_is_refused_whatever_its_case(store: ComparisonStore, other: ComparisonStore):
    spec = make(store)
    files = content(packed(store, spec))
    profile = f"comparisons/{spec.id}/runs/12-a/profile/"
    refuse(zipped({**files, f"{profile}One.pt.trace.json": b"{}", f"{profile}one.pt.trace.json": b"{}"}), other, "is there twice")
    data = zipped({**files, f"{profile}one.pt.trace.json": b"{}", f"{profile}two.pt.trace.json": b"{}"})
    refuse(data.replace(b"two.pt.trace.json", b"one.pt.trace.json"), other, "is there twice")


def test_links_and_locked_entries_are_refused(store: ComparisonStore, other: ComparisonStore):
    files = content(packed(store, make(store)))

    def link(info: zipfile.ZipInfo) -> None:
        info.external_attr = (stat.S_IFLNK | 0o777) << 16 if info.filename.endswith("/spec.json") else 0

    refuse(zipped(files, change=link), other, "is a link, a folder or another special file")
    data = bytearray(zipped(files))
    directory = data.find(b"PK\1\2")
    data[directory + 8] |= 1
    refuse(bytes(data), other, "is encrypted")

    def squeeze(info: zipfile.ZipInfo) -> None:
        info.compress_type = zipfile.ZIP_LZMA

    refuse(zipped(files, change=squeeze), other, "is packed in a way that bundles are not")


def test_bombs_are_refused_before_they_are_unpacked(store: ComparisonStore, other: ComparisonStore):
    spec = make(store)
    files = content(packed(store, spec))
    bomb = {**files, f"comparisons/{spec.id}/samples.jsonl": b"0" * 2**21}
    refuse(zipped(bomb), other, "would unpack to more than 200 times its size")
    refuse(zipped(files), other, "would unpack to more than 0.0 GiB", Limits(unpacked_bytes=10_000))
    refuse(zipped(files), other, "lists more than the 3 entries", Limits(entries=3))
    refuse(zipped(files), other, "lists more than the", Limits(directory_bytes=100))
    refuse(zipped(files), other, "is larger than any that a comparison has", Limits(json_bytes=100))


def test_a_size_that_lies_is_found_out(store: ComparisonStore, other: ComparisonStore):
    spec = make(store)
    path = f"comparisons/{spec.id}/samples.jsonl"
    files = {**content(packed(store, spec)), path: b"0" * 2**21}
    listed = json.loads(files["bundle.json"])
    for entry in listed["files"]:
        if entry["path"] == path:
            entry.update(size_bytes=10, sha256=sha256(b"0" * 10).hexdigest())
    data = bytearray(zipped({**files, "bundle.json": json.dumps(listed).encode()}, listed=False))
    record = data.rfind(path.encode()) - 46
    data[record + 24 : record + 28] = (10).to_bytes(4, "little")
    refuse(bytes(data), other, "samples.jsonl' of 'it.zip' is damaged")


def test_a_comment_or_the_form_for_large_files_is_refused(store: ComparisonStore, other: ComparisonStore):
    data = packed(store, make(store))
    refuse(data + b"more", other, "is not a bundle")
    refuse(data[:-22] + b"PK\6\7" + bytes(16) + data[-22:], other, "lists more than")
    refuse(data[: len(data) // 2] + data[-22:], other, "it.zip")


CHANGES: dict[str, tuple[str, bool, Callable[[Files, str], object]]] = {
    "another word": ("its digest is not that", False, lambda files, top: files.update({f"{top}parity.json": b"[" + files[f"{top}parity.json"][1:]})),
    "more": ("its size is not that", False, lambda files, top: files.update({f"{top}parity.json": files[f"{top}parity.json"] + b" "})),
    "one less": ("parity.json' of 'it.zip' is missing, but", False, lambda files, top: files.pop(f"{top}parity.json")),
    "one more": ("is missing from the table of contents", False, lambda files, top: files.update({f"{top}runs/40-a/steps.parquet": b""})),
    "no result": ("only comparisons that have ended", True, lambda files, top: files.pop(f"{top}result.json")),
    "no json": ("result.json' of 'it.zip' cannot be read", True, lambda files, top: files.update({f"{top}result.json": b"{"})),
    "deep json": ("cannot be read", True, lambda files, top: files.update({f"{top}parity.json": b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"})),
    "no spec": ("spec.json' of 'it.zip' cannot be read", True, lambda files, top: files.update({f"{top}spec.json": b"{}"})),
    "no run": ("runs/00-a/result.json' of 'it.zip' cannot be read", True, lambda files, top: files.update({f"{top}runs/00-a/result.json": b"[]"})),
    "another id": (f"belongs to comparison '{OTHER_ID}'", True, lambda files, top: edit(files, f"{top}result.json", id=OTHER_ID)),
    "a verdict of nobody": ("cannot be used", True, lambda files, top: edit(files, f"{top}result.json", verdict="splendid")),
    "a newer spec": ("made by a newer version (schema 99, this one reads 1)", True, lambda files, top: edit(files, f"{top}spec.json", schema=99)),
    "a newer bundle": ("made by a newer version (schema 99, this one reads 1)", True, lambda files, top: edit(files, "bundle.json", schema=99)),
    "other comparisons": ("names other comparisons", True, lambda files, top: edit(files, "bundle.json", comparisons=[])),
    "code to run": ("names a folder as its workload", True, lambda files, top: edit(files, f"{top}spec.json", workload="/tmp/evil")),
    "no machine": ("describes no machine", True, lambda files, top: edit(files, f"{top}environment.json", machine=[1])),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_what_was_changed_is_refused_with_the_entry(store: ComparisonStore, other: ComparisonStore, name: str):
    words, listed, change = CHANGES[name]
    spec = make(store)
    files = content(packed(store, spec))
    change(files, f"comparisons/{spec.id}/")
    refuse(zipped(files, listed=listed), other, words)


def test_one_bad_comparison_keeps_the_others_out_too(store: ComparisonStore, other: ComparisonStore):
    specs = [make(store), make(store)]
    files = content(packed(store, *specs))
    edit(files, f"comparisons/{max(spec.id for spec in specs)}/result.json", verdict="splendid")
    refuse(zipped(files), other, "cannot be used")


def test_what_is_read_as_a_whole_takes_less_than_a_gigabyte_however_it_is_written():
    text = b'{"a":[' + b"[]," * 100_000 + b"0]}"
    tracemalloc.start()
    value = msgspec.json.decode(text)
    held_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(value["a"]) == 100_001
    assert held_bytes / len(text) * LIMITS.json_bytes < 2**30
