"""What a bundle is, and reading one that may come from anybody: nothing in it is believed before it was checked.

```
bundle.json                               versions, comparisons, and of every other file path, size and SHA-256
comparisons/<id>/spec.json  result.json   and the other files of a comparison that `ENTRY` knows
```

The zip's own words (sizes, names, number of entries) are checked first, because reading on already costs what they say; then the
table of contents against them; then every byte while it is unpacked, against the table of contents.
"""

from __future__ import annotations

import hashlib
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from core.model.comparison import ComparisonResult, ComparisonSpec
from core.model.run import SCHEMA_VERSION, RunResult, RunSpec
from core.store.bundle_values import SHAPES, shape_problem, table_problem, text_problem, value_problem
from core.store.comparisons import ID, ComparisonStore
from core.store.files import StoreError

BUNDLE_SCHEMA = 1
CONTENTS = "bundle.json"
FOLDER = "comparisons"
#: The files of a comparison that travel: no logs, no locks, no weights.
ENTRY = re.compile(
    r"(?:(?:spec|result|parity|environment)\.json|(?:events|samples)\.jsonl"
    r"|runs/\d{2,4}-[ab]/(?:(?:spec|result)\.json|steps\.parquet"
    r"|profile/(?:\w[\w.-]{0,200}\.pt\.trace\.json(?:\.gz)?|plugins/profile/\w[\w.-]{0,60}/\w[\w.-]{0,200}\.xplane\.pb(?:\.gz)?)))",
    re.ASCII,
)
_NEEDED: dict[str, Any] = {"spec.json": ComparisonSpec, "result.json": ComparisonResult}
_OF_A_RUN: dict[str, Any] = {"spec.json": RunSpec, "result.json": RunResult}
_SHOWN_LETTERS = 80
_CHUNK_BYTES = 2**20
#: The record that ends a zip without a comment, and the mark of the one before it where sizes need more than 32 bits.
_END = struct.Struct("<4s4H2LH")
_END_MARK, _LARGE_MARK, _LARGE_BYTES = b"PK\5\6", b"PK\6\7", 20
_ENCRYPTED = 0x0001 | 0x0040
#: What the zip module raises for a file that is not as it should be.
_DAMAGES = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, struct.error)
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class BundleError(StoreError):
    """A bundle that is not taken in: what of it is wrong."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much of a bundle is read before it is refused."""

    unpacked_bytes: int = 4 * 2**30
    entries: int = 20_000
    directory_bytes: int = 8 * 2**20
    """Of the zip's own list of its entries."""
    json_bytes: int = 16 * 2**20
    """Of an entry that is read as a whole, whose values may take forty times as much memory: more than hours of a comparison leave."""
    ratio: int = 200
    """How many times its packed size an entry may have: more than JSON and profiles reach, less than a bomb needs."""
    ratio_from_bytes: int = 2**20
    """Smaller entries may have any ratio."""


LIMITS = Limits()


@dataclass(frozen=True, kw_only=True)
class BundleFile:
    """One file of a bundle."""

    path: str
    """Inside the bundle."""
    size_bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Contents:
    """The table of contents, `bundle.json`."""

    schema: int = BUNDLE_SCHEMA
    program: str
    """Version of the program that made it."""
    made: str
    """ISO 8601, UTC."""
    comparisons: tuple[str, ...]
    files: tuple[BundleFile, ...]


@dataclass(frozen=True, kw_only=True)
class OpenBundle:
    """A bundle whose names and sizes are as its table of contents says."""

    name: str
    """What errors call it."""
    archive: zipfile.ZipFile
    entries: Mapping[str, zipfile.ZipInfo]
    contents: Contents

    def files(self, id: str) -> dict[str, BundleFile]:
        """The files of one comparison, by their path in its folder."""
        above = f"{FOLDER}/{id}/"
        return {file.path.removeprefix(above): file for file in self.contents.files if file.path.startswith(above)}


def open_bundle(file: BinaryIO, name: str, limits: Limits = LIMITS) -> OpenBundle:
    """Check everything that can be told without unpacking; raises BundleError."""
    size_bytes = _check_end(file, name, limits)
    try:
        archive = zipfile.ZipFile(file)
    except _DAMAGES as error:
        raise BundleError(f"{_shown(name)} is a damaged zip file ({error}); copy or export it again.") from error
    entries = _entries(archive, name, size_bytes, limits)
    contents = _contents(archive, entries, name, limits)
    _compare(entries, contents, name)
    return OpenBundle(name=name, archive=archive, entries=entries, contents=contents)


def unpack_files(bundle: OpenBundle, to: Path) -> None:
    """Write every file below an empty folder; raises BundleError at the first that is not as the table of contents says, and OSError."""
    for expected in bundle.contents.files:
        path = to / expected.path
        path.parent.mkdir(parents=True, exist_ok=True)
        digest, given = hashlib.sha256(), 0
        with path.open("wb") as target:
            for chunk in _chunks(bundle.archive, bundle.entries[expected.path], bundle.name):
                given += len(chunk)
                if given > expected.size_bytes:
                    break
                digest.update(chunk)
                target.write(chunk)
        if given != expected.size_bytes or digest.hexdigest() != expected.sha256:
            raise _refused(bundle.name, expected.path, "was changed or damaged on the way: its digest is not that of the table of contents")


def check_comparison(bundle: OpenBundle, id: str, store: ComparisonStore, limits: Limits = LIMITS) -> None:
    """Is what was unpacked into a store a comparison that ended, by what this program reads? Raises BundleError."""
    for relative in bundle.files(id):
        entry, path = f"{FOLDER}/{id}/{relative}", store.folder(id) / relative
        if problem := _problem(bundle, id, relative, entry, path, limits):
            raise _refused(bundle.name, entry, problem)
    one = store.load(id)
    if one.result is None:
        raise BundleError(f"Comparison {id} in {_shown(bundle.name)} cannot be used: {one.problem or 'it has not ended.'}")


def _problem(bundle: OpenBundle, id: str, relative: str, entry: str, path: Path, limits: Limits) -> str:
    """Why an unpacked file is not as its name says; profiles are left to their readers, who trust nobody."""
    name = path.name
    if name == "steps.parquet":
        return table_problem(path)
    kind = (_OF_A_RUN if relative.startswith("runs/") else _NEEDED).get(name)
    if kind is None and relative not in SHAPES:
        return ""
    data = _read_whole(bundle, entry, path, limits)
    if kind is None:
        lines = data.splitlines() if name.endswith(".jsonl") else [data]
        values = (_decode(line, dict[str, Any], SCHEMA_VERSION, bundle.name, entry) for line in lines)
        return next((problem for value in values if (problem := text_problem(value) or shape_problem(name, value))), "")
    value = _decode(data, kind, SCHEMA_VERSION, bundle.name, entry)
    if isinstance(value, ComparisonSpec | ComparisonResult) and value.id != id:
        return f"belongs to comparison {_shown(value.id)}"
    return text_problem(_decode(data, dict[str, Any], SCHEMA_VERSION, bundle.name, entry)) or value_problem(value)


def _check_end(file: BinaryIO, name: str, limits: Limits) -> int:
    """Size of the file. The last record of a zip says how much its list of entries takes, which is read as a whole."""
    size_bytes = file.seek(0, 2)
    file.seek(max(0, size_bytes - _END.size - _LARGE_BYTES))
    tail = file.read()
    before, end = tail[: -_END.size], tail[-_END.size :]
    if len(end) < _END.size or not end.startswith(_END_MARK):
        raise BundleError(f"{_shown(name)} is not a bundle; give the .zip file that 'python -m core bundle' or the Library page made.")
    *_, entries, directory_bytes, _offset, comment_bytes = _END.unpack(end)
    if comment_bytes or before.startswith(_LARGE_MARK) or entries > limits.entries or directory_bytes > limits.directory_bytes:
        raise BundleError(f"{_shown(name)} lists more than the {limits.entries:,} entries that a bundle may have, so it was not opened.")
    return size_bytes


def _entries(archive: zipfile.ZipFile, name: str, size_bytes: int, limits: Limits) -> dict[str, zipfile.ZipInfo]:
    entries: dict[str, zipfile.ZipInfo] = {}
    seen: set[str] = set()
    for info in archive.infolist():
        path = info.orig_filename  # `filename` ends at a NUL
        problem = _name_problem(path) or _entry_problem(info, limits) or ("is there twice" if path.lower() in seen else "")
        if problem:
            raise _refused(name, path, problem)
        seen.add(path.lower())
        entries[path] = info
    if len(entries) > limits.entries or sum(info.compress_size for info in entries.values()) > size_bytes:
        raise BundleError(f"{_shown(name)} lists more than it holds, so nothing was taken in.")
    if sum(info.file_size for info in entries.values()) > limits.unpacked_bytes:
        raise BundleError(f"{_shown(name)} would unpack to more than {limits.unpacked_bytes / 2**30:.1f} GiB, so nothing was taken in.")
    return entries


def _name_problem(path: str) -> str:
    """Why no file of a bundle is called so; empty where one may be."""
    if "\0" in path:
        return "has a NUL in its name"
    if "\\" in path:
        return "has a backslash in its name"
    if path.startswith("/") or re.match(r"[A-Za-z]:", path):
        return "has an absolute path"
    if ".." in path.split("/"):
        return "leads out of the bundle"
    top, _, rest = path.partition("/")
    id, _, relative = rest.partition("/")
    # Digits of other scripts are digits too: an id of them would look like another one.
    known = path == CONTENTS or (path.isascii() and top == FOLDER and ID.fullmatch(id) and ENTRY.fullmatch(relative))
    return "" if known else "is no file of a comparison"


def _entry_problem(info: zipfile.ZipInfo, limits: Limits) -> str:
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
        return "is a link, a folder or another special file"
    if info.flag_bits & _ENCRYPTED:
        return "is encrypted"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "is packed in a way that bundles are not"
    if info.file_size > limits.ratio_from_bytes and info.file_size > limits.ratio * info.compress_size:
        return f"would unpack to more than {limits.ratio} times its size"
    return ""


def _contents(archive: zipfile.ZipFile, entries: Mapping[str, zipfile.ZipInfo], name: str, limits: Limits) -> Contents:
    info = entries.get(CONTENTS)
    if info is None:
        raise BundleError(f"{_shown(name)} is not a bundle: it has no entry '{CONTENTS}'.")
    if info.file_size > limits.directory_bytes:
        raise _refused(name, CONTENTS, "is too large")
    # No more than `file_size` bytes come out of an entry, whatever is packed in it.
    return _decode(b"".join(_chunks(archive, info, name)), Contents, BUNDLE_SCHEMA, name, CONTENTS)


def _compare(entries: Mapping[str, zipfile.ZipInfo], contents: Contents, name: str) -> None:
    """The table of contents and the zip say the same of every entry."""
    listed = {file.path: file for file in contents.files}
    for path in sorted((entries.keys() - {CONTENTS}) ^ listed.keys()):
        raise _refused(name, path, "is missing from the table of contents" if path in entries else "is missing, but its table of contents has it")
    if len(listed) != len(contents.files):
        raise _refused(name, CONTENTS, "names a file twice")
    for path, file in listed.items():
        if file.size_bytes != entries[path].file_size:
            raise _refused(name, path, "was changed or damaged on the way: its size is not that of the table of contents")
    ids = {path.split("/")[1] for path in listed}
    if not ids or sorted(ids) != sorted(contents.comparisons):
        raise _refused(name, CONTENTS, "names other comparisons than there are")
    for path in (f"{FOLDER}/{id}/{needed}" for id in sorted(ids) for needed in _NEEDED):
        if path not in listed:
            raise _refused(name, path, "is missing, and only comparisons that have ended can be used")


def _chunks(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> Iterator[bytes]:
    """The bytes of an entry; never more at once than a chunk, however well they are packed."""
    try:
        with archive.open(info) as source:
            while chunk := source.read(_CHUNK_BYTES):
                yield chunk
    except _DAMAGES as error:
        raise _refused(name, info.orig_filename, f"is damaged ({error})") from error


def _read_whole(bundle: OpenBundle, entry: str, path: Path, limits: Limits) -> bytes:
    if path.stat().st_size > limits.json_bytes:
        raise _refused(bundle.name, entry, "is larger than any that a comparison has")
    return path.read_bytes()


def _decode(data: bytes, kind: Any, schema: int, name: str, entry: str) -> Any:
    try:
        found = msgspec.json.decode(data, type=dict[str, Any]).get("schema")
        if isinstance(found, int) and found > schema:
            raise BundleError(f"The entry {_shown(entry)} of {_shown(name)} was made by a newer version (schema {found}, this one reads {schema}); "
                              "update this program.")  # fmt: skip
        return msgspec.json.decode(data, type=kind)
    except _UNREADABLE as error:
        raise _refused(name, entry, f"cannot be read ({error})") from error


def _refused(name: str, entry: str, problem: str) -> BundleError:
    return BundleError(f"The entry {_shown(entry)} of {_shown(name)} {problem}, so nothing was taken in.")


def _shown(text: str) -> str:
    """A name of unknown origin in an error: short, and without control characters."""
    short = text if len(text) <= _SHOWN_LETTERS else f"{text[:_SHOWN_LETTERS]}…"
    return f"'{short}'" if short.isprintable() else f"'{short.encode('unicode_escape').decode()}'"
