"""Build what the hosted demo shows, `demo/recorded`, from a store: `python demo/record.py --from HOME [--claims] [--sweep ID] ID...`.

Comparisons travel as a bundle does, so without the names of the machine and its people; claims and sweeps are cleaned in the same way.
Their profiles are decoded here, so that the demo writes nothing, and the smallest of each framework becomes a recording of the library.
The folder is built beside and takes the place of the old one at the end.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

DEMO = Path(__file__).resolve().parent
if str(DEMO.parent) not in sys.path:
    sys.path.insert(0, str(DEMO.parent))

from core.claims.catalogue import CLAIMS  # noqa: E402
from core.model.claim import ClaimResult  # noqa: E402
from core.model.errors import ShowdownError  # noqa: E402
from core.model.sweep import SweepSpec  # noqa: E402
from core.store.bundle import pack, unpack  # noqa: E402
from core.store.claims import ClaimStore  # noqa: E402
from core.store.comparisons import ORIGIN, ComparisonStore, StoredComparison  # noqa: E402
from core.store.files import StoreError, read_events, write_whole  # noqa: E402
from core.store.privacy import Redactor  # noqa: E402
from core.store.sweeps import StoredSweep, SweepStore  # noqa: E402
from core.traces.cache import open_trace  # noqa: E402
from core.traces.library import SUFFIXES, TraceLibrary  # noqa: E402
from core.traces.read import find_profile  # noqa: E402

RECORDED = DEMO / "recorded"
#: A copy of the project must stay small, and the demo's machine reads all of it.
MOST_BYTES = 25 * 10**6
#: Remembers places of files on the machine that it was written on.
_KNOWN = "known.json"
_CELLS = "cells.jsonl"


def record(source: Path, ids: Sequence[str], *, to: Path, claims: bool = False, sweeps: Sequence[str] = (), redactor: Redactor) -> list[str]:
    """Fill an empty folder; gives notes about what was asked for and is not there.

    Raises ShowdownError where a comparison or a sweep that was named cannot be taken along.
    """
    notes: list[str] = []
    results = _claim_results(source) if claims else []
    chosen = [_sweep(source, id) for id in sweeps]
    behind = [id for result in results for id in result.comparisons] + [cell.comparison for one in chosen for cell in one.cells.values()]
    comparisons = list(_comparisons(source, ids, behind, notes))
    for one in comparisons:
        unpack(pack([one], redactor), ComparisonStore(to), redactor=redactor)
        (ComparisonStore(to).folder(one.id) / ORIGIN).unlink()  # on the demo's pages nothing was imported
    _decode(to)
    for result in results:
        ClaimStore(to).save(_clean(result, ClaimResult, redactor))
    for sweep in chosen:
        _copy_sweep(sweep, SweepStore(to), redactor)
    return notes


def _comparisons(source: Path, named: Sequence[str], behind: Iterable[str], notes: list[str]) -> Iterable[StoredComparison]:
    """Those that were named, which must be there, then those that claims and sweeps rest on, as far as they are."""
    store = ComparisonStore(source)
    for id in dict.fromkeys(named):
        one = store.load(id)
        if one.state != "finished":
            raise StoreError(f"Comparison {id} is {one.state}; only a finished one is worth showing.")
        yield one
    for id in dict.fromkeys(id for id in behind if id and id not in named):
        if not store.folder(id).is_dir():
            notes.append(f"Comparison {id}, which a claim or a sweep rests on, is not there any more.")
        elif (one := store.load(id)).result is not None:
            yield one


def _decode(to: Path) -> None:
    """The traces of all profiles as the pages read them, and the smallest of each framework for the library."""
    library = TraceLibrary(to / "traces")
    smallest: dict[str, tuple[Path, str]] = {}
    store = ComparisonStore(to)
    for one in store.all():
        assert one.spec is not None
        assert one.result is not None
        for run in one.result.runs:
            if run.role != "profile" or run.error is not None:
                continue
            path = find_profile(one.run_folder(run.index, run.side) / "profile")
            open_trace(path, library.root)
            framework = one.spec.variant(run.side).framework
            if framework not in smallest or path.stat().st_size < smallest[framework][0].stat().st_size:
                smallest[framework] = (path, one.spec.workload_name)
    for framework, (path, workload) in smallest.items():
        suffix = next(suffix for suffix in SUFFIXES if path.name.endswith(suffix))
        library.upload(f"{workload}-{framework}{suffix}", path.read_bytes())
    (library.root / _KNOWN).unlink(missing_ok=True)


def _claim_results(source: Path) -> list[ClaimResult]:
    stored = (ClaimStore(source).load(claim.id) for claim in CLAIMS)
    return [one.result for one in stored if one.result is not None]


def _sweep(source: Path, id: str) -> StoredSweep:
    one = SweepStore(source).load(id)
    if one.spec is None or one.active:
        raise StoreError(f"Sweep {id} cannot be shown: {one.problem or f'it is {one.state}'}.")
    return one


def _copy_sweep(one: StoredSweep, to: SweepStore, redactor: Redactor) -> None:
    folder = to.create(_clean(one.spec, SweepSpec, redactor))
    events = redactor.value(read_events(one.folder / _CELLS)[0])
    write_whole(folder / _CELLS, b"".join(msgspec.json.encode(event) + b"\n" for event in events))


def _clean(value: Any, kind: type[Any], redactor: Redactor) -> Any:
    return msgspec.convert(redactor.value(msgspec.to_builtins(value)), kind)


def _folder_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _sizes(folder: Path) -> str:
    """A line for each part, the largest comparisons by name."""
    parts = {part.name: _folder_bytes(part) for part in folder.iterdir()}
    each = sorted(((_folder_bytes(one), one.name) for one in (folder / "comparisons").glob("*")), reverse=True)
    lines = [f"{size / 1e6:8.2f} MB  {name}" for name, size in sorted(parts.items())]
    lines += [f"{size / 1e6:8.2f} MB    {name}" for size, name in each[:10]]
    return "\n".join([*lines, f"{sum(parts.values()) / 1e6:8.2f} MB  in all, of {MOST_BYTES / 1e6:.0f}"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0 built, 2 one sentence about what cannot be."""
    parser = argparse.ArgumentParser(description="Build demo/recorded from a store.")
    parser.add_argument("ids", nargs="+", metavar="ID", help="comparisons; 'python -m core list' shows them")
    parser.add_argument("--from", dest="source", type=Path, required=True, metavar="HOME", help="the store, as SHOWDOWN_HOME names it")
    parser.add_argument("--claims", action="store_true", help="with the results of the article's claims, and the comparisons they rest on")
    parser.add_argument("--sweep", action="append", default=[], metavar="ID", help="with a sweep and its comparisons; may be given again")
    given = parser.parse_args(arguments)
    new, old = RECORDED.with_name(".recorded.new"), RECORDED.with_name(".recorded.old")
    for left in (new, old):
        shutil.rmtree(left, ignore_errors=True)
    try:
        notes = record(given.source, given.ids, to=new, claims=given.claims, sweeps=given.sweep, redactor=Redactor.here())
        print("\n".join([*notes, _sizes(new)]))
        if _folder_bytes(new) > MOST_BYTES:
            raise StoreError(f"That is more than the {MOST_BYTES / 1e6:.0f} MB that the demo may have; name fewer, or leave out --claims.")
        if RECORDED.exists():
            RECORDED.rename(old)
        new.rename(RECORDED)
        shutil.rmtree(old, ignore_errors=True)
    except ShowdownError as error:
        print(error, file=sys.stderr)
        return 2
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
