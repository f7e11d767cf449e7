"""Bundles: comparisons with their profiles as one file, without the names of whose machine they were made on.

What a bundle is, and what is checked of one before anything of it is kept, says `core.store.bundle_check`.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import secrets
import shutil
import tempfile
import tomllib
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from core.model.hosted import HostedError, is_hosted
from core.store.bundle_check import (
    CONTENTS,
    ENTRY,
    FOLDER,
    LIMITS,
    BundleError,
    BundleFile,
    Contents,
    Limits,
    check_comparison,
    open_bundle,
    unpack_files,
)
from core.store.bundle_values import placeless, printable
from core.store.comparisons import ORIGIN, ComparisonStore, Origin, StoredComparison
from core.store.files import StoreError, write_json
from core.store.privacy import Redactor

SUFFIX = ".showdown.zip"
#: As early as a zip can say: when a file was packed is no part of what it is.
_TIME = (1980, 1, 1, 0, 0, 0)
_LEVEL = 6
#: Packed already.
_STORED = (".gz", ".parquet")
#: Of a profile, unpacked: it is cleaned in memory, and what was imported may be a bomb.
_MOST_PROFILE_BYTES = 2**30


@dataclass(frozen=True, kw_only=True)
class Imported:
    """One comparison of a bundle that was taken in."""

    id: str
    already_here: bool
    """True: the same content lay here before, and nothing was changed."""


def pack(comparisons: Sequence[StoredComparison], redactor: Redactor, made: datetime | None = None) -> bytes:
    """The bundle of these comparisons; raises StoreError for one that has not ended.

    The same comparisons, cleaned of the same names and `made` at the same time (now), give the same bytes.
    """
    file = io.BytesIO()
    _write(file, comparisons, redactor, made)
    return file.getvalue()


def write_bundle(path: Path, comparisons: Sequence[StoredComparison], redactor: Redactor, made: datetime | None = None) -> Contents:
    """As `pack`, into a file, with one file of a comparison in memory at a time; a failure leaves the old file and no temporary one."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with temporary.open("wb") as file:
            contents = _write(file, comparisons, redactor, made)
        temporary.replace(path)
    except OSError as error:
        raise StoreError(f"The bundle {path} cannot be written ({error.strerror}); choose another place, or free some space.") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
    return contents


def unpack(
    bundle: Path | bytes, store: ComparisonStore, *, name: str = "", redactor: Redactor | None = None, limits: Limits = LIMITS
) -> list[Imported]:
    """Take the comparisons of a bundle in; of one that is refused nothing is left.

    `name` is what a bundle given as bytes is called. `redactor` knows the names that a bundle made here was cleaned of; this
    machine's if not given. Raises BundleError with the entry that is wrong, StoreError where there is no room, HostedError.
    """
    if is_hosted():
        raise HostedError("Bundles are not taken in here: this is a hosted demo, and what visitors bring is not kept.")
    redactor = redactor or Redactor.here()
    name = name or (bundle.name if isinstance(bundle, Path) else f"bundle{SUFFIX}")
    try:
        with _opened(bundle) as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            opened = open_bundle(file, name, limits)
            store.root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".import-", dir=store.root) as temporary:
                unpack_files(opened, Path(temporary))
                arriving = ComparisonStore(Path(temporary))
                imported = []
                for id in opened.contents.comparisons:
                    check_comparison(opened, id, arriving, limits)
                    imported.append(Imported(id=id, already_here=_is_here(store, id, opened.files(id), redactor)))
                origin = Origin(imported=datetime.now(UTC).isoformat(timespec="seconds"), bundle=digest, name=name[:120])
                _move_in([one.id for one in imported if not one.already_here], arriving, store, origin)
    except OSError as error:
        raise StoreError(f"The bundle {name} cannot be unpacked into {store.root} ({error.strerror}); free some space.") from error
    return imported


def _write(file: BinaryIO, comparisons: Sequence[StoredComparison], redactor: Redactor, made: datetime | None) -> Contents:
    chosen = {one.id: one for one in comparisons}
    if not chosen:
        raise StoreError("A bundle needs a comparison; 'python -m core list' shows those there are.")
    files: list[BundleFile] = []
    total_bytes = 0
    with zipfile.ZipFile(file, "w") as archive:
        for id in sorted(chosen):
            one = chosen[id]
            if one.result is None:
                raise StoreError(one.problem or f"Comparison {id} is {one.state}; only one that has ended can be bundled.")
            for relative, path in _travelling(one.folder, redactor).items():
                data = _cleaned(path, relative, redactor)
                files.append(BundleFile(path=f"{FOLDER}/{id}/{relative}", size_bytes=len(data), sha256=hashlib.sha256(data).hexdigest()))
                total_bytes += len(data)
                if len(files) >= LIMITS.entries or total_bytes > LIMITS.unpacked_bytes:
                    raise StoreError(f"{len(chosen)} comparisons are more than one bundle can hold; make several.")
                _put(archive, files[-1].path, data)
        now = (made or datetime.now(UTC)).isoformat(timespec="seconds")
        contents = Contents(program=program_version(), made=now, comparisons=tuple(sorted(chosen)), files=tuple(files))
        _put(archive, CONTENTS, _json(contents))
    return contents


def _put(archive: zipfile.ZipFile, path: str, data: bytes) -> None:
    info = zipfile.ZipInfo(path, date_time=_TIME)
    info.create_system = 3  # Unix, whatever this is: it is a part of the bytes
    info.external_attr = 0o100644 << 16
    method = zipfile.ZIP_STORED if path.endswith(_STORED) else zipfile.ZIP_DEFLATED
    archive.writestr(info, data, compress_type=method, compresslevel=_LEVEL)


def _travelling(folder: Path, redactor: Redactor) -> dict[str, Path]:
    """The files of a comparison that go into its bundle, by their path there: profilers call theirs after the host."""
    found = {}
    for path in sorted(folder.rglob("*")):
        above = path.relative_to(folder).parent
        name = redactor.text(path.name) if "profile" in above.parts else path.name
        relative = (above / name).as_posix()
        if ENTRY.fullmatch(relative) and path.is_file():
            found[relative] = path
    return found


def _cleaned(path: Path, relative: str, redactor: Redactor) -> bytes:
    """A file as it goes into a bundle. Tables of blocks hold numbers alone."""
    data = path.read_bytes()
    if relative.endswith(".parquet"):
        return data
    try:
        if "/profile/" in relative:
            if not relative.endswith(".gz"):
                return redactor.data(data)
            return gzip.compress(redactor.data(_unpacked(data, path)), _LEVEL, mtime=0)
        if relative.endswith(".jsonl"):
            return b"".join(msgspec.json.encode(printable(redactor.value(value))) + b"\n" for value in _lines(data))
        return _json(placeless(printable(redactor.value(msgspec.json.decode(data)))))
    except (gzip.BadGzipFile, EOFError, zlib.error, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StoreError(f"{path} is damaged ({error}), so it cannot be cleaned of names; delete that file, or run the comparison again.") from error


def _unpacked(data: bytes, path: Path) -> bytes:
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
        unpacked = file.read(_MOST_PROFILE_BYTES + 1)
    if len(unpacked) > _MOST_PROFILE_BYTES:
        raise StoreError(f"{path} unpacks to more than {_MOST_PROFILE_BYTES / 2**30:.0f} GiB, so it cannot be cleaned of names; delete that file.")
    return unpacked


def _lines(data: bytes) -> Iterator[Any]:
    """Whole lines of JSON; one that was cut off when its process ended says nothing."""
    for line in data.splitlines():
        with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
            yield msgspec.json.decode(line)


def _json(value: Any) -> bytes:
    """As `write_json` writes it."""
    return msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n"


def program_version() -> str:
    """This program's; `unknown` where the file that says it was not copied along."""
    try:
        project = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    except OSError:
        return "unknown"
    return str(project["project"]["version"])


@contextlib.contextmanager
def _opened(bundle: Path | bytes) -> Iterator[io.BytesIO | io.BufferedReader]:
    if isinstance(bundle, bytes):
        yield io.BytesIO(bundle)
        return
    try:
        file = bundle.open("rb")
    except OSError as error:
        raise StoreError(f"The bundle {bundle} cannot be opened ({error.strerror}); check its name.") from error
    with file:
        yield file


def _is_here(store: ComparisonStore, id: str, files: Mapping[str, BundleFile], redactor: Redactor) -> bool:
    """Does the same comparison lie here, as it was imported or as it was made? Raises BundleError where another of its id does."""
    folder = store.folder(id)
    if not folder.exists():
        return False
    mine = _travelling(folder, redactor)
    if mine.keys() != files.keys() or not all(_is_same(path, files[relative].sha256, relative, redactor) for relative, path in mine.items()):
        raise BundleError(f"Comparison {id} is here already, with other content, so nothing was taken in; delete the one that is here first.")
    return True


def _is_same(path: Path, sha256: str, relative: str, redactor: Redactor) -> bool:
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() == sha256:
            return True
    return hashlib.sha256(_cleaned(path, relative, redactor)).hexdigest() == sha256


def _move_in(ids: Sequence[str], arriving: ComparisonStore, store: ComparisonStore, origin: Origin) -> None:
    """All or none."""
    moved: list[Path] = []
    try:
        for id in ids:
            write_json(arriving.folder(id) / ORIGIN, origin)
            arriving.folder(id).rename(store.folder(id))
            moved.append(store.folder(id))
    except OSError:
        for folder in moved:
            shutil.rmtree(folder, ignore_errors=True)
        raise
