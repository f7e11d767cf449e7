"""Profiles of comparisons as one folder that TensorBoard opens, with xprof for TensorFlow's and torch-tb-profiler for PyTorch's.

```
<target>/README.txt
         <workload> A TensorFlow graph (tf.function)/plugins/profile/<time>/<host>.xplane.pb
         <workload> B PyTorch eager/<host>_<process>.<time>.pt.trace.json.gz
```

Folders are real and files are links, because xprof writes what it has computed beside the file that it read: a linked folder would
fill the comparison's own.
"""

from __future__ import annotations

import re
import secrets
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core.model.comparison import SIDES
from core.model.errors import ShowdownError
from core.store.comparisons import StoredComparison
from core.traces.read import find_profile
from core.traces.schema import TraceError

#: By this file a folder is known as one that was made here, and may be made anew.
NOTE = "README.txt"
_NOTE_TEXT = """\
Links to profiles of Framework Showdown, laid out for TensorBoard with the plugins xprof and torch-tb-profiler:

    tensorboard --logdir . --host 127.0.0.1

This folder is made anew by 'python -m core tensorboard'; nothing in it is the only copy of anything.
"""
_UNUSUAL = re.compile(r"[^\w .,()+=-]")
_NAME_LENGTH = 120


class TensorBoardError(ShowdownError):
    """Profiles that cannot be laid out."""


@dataclass(frozen=True, kw_only=True)
class Profiled:
    """The profile of one side of a comparison."""

    name: str
    """Of its folder, and so what TensorBoard calls it."""
    comparison: str
    """Id."""
    side: str
    file: Path
    place: Path
    """Of the file, below its folder: what the plugin of its framework looks for."""


def profiled(comparisons: Sequence[StoredComparison]) -> tuple[tuple[Profiled, ...], tuple[str, ...]]:
    """The profiles of these comparisons, and for each side without one why, in one sentence.

    Names that two of them would share have the comparison's id behind them.
    """
    found: list[Profiled] = []
    problems: list[str] = []
    for one in comparisons:
        for side in SIDES:
            try:
                found.append(_profile(one, side))
            except TraceError as error:
                problems.append(f"{one.id}, side {side.upper()}: {error}")
    times = Counter(one.name for one in found)
    unique = (one if times[one.name] == 1 else replace(one, name=f"{one.name} {one.comparison}") for one in found)
    return tuple(unique), tuple(problems)


def lay_out(profiles: Sequence[Profiled], target: Path) -> None:
    """Make `target`, a folder of links (copies where there can be none) to these profiles; one that was made here is replaced.

    Raises TensorBoardError where there is no profile, where `target` is something else, or where it cannot be written.
    """
    if not profiles:
        raise TensorBoardError("There is no profile to lay out; run a comparison without --no-profile, it profiles both sides at its end.")
    target = target.resolve()
    if target.exists() and not _is_ours(target):
        raise TensorBoardError(f"{target} is there and was not made by this command; give a folder that does not exist yet.")
    making = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        for one in profiles:
            _link(one.file, making / one.name / one.place)
        (making / NOTE).write_text(_NOTE_TEXT, encoding="utf-8")
        if target.exists():
            shutil.rmtree(target)
        making.rename(target)
    except OSError as error:
        raise TensorBoardError(f"The profiles cannot be laid out in {target} ({error.strerror}); give another folder with --to.") from error
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _profile(one: StoredComparison, side: str) -> Profiled:
    """Raises TraceError where this side has none."""
    if one.spec is None or one.result is None:
        raise TraceError(one.problem or f"the comparison is {one.state}.")
    run = next((run for run in one.result.runs if run.role == "profile" and run.side == side), None)
    if run is None:
        raise TraceError("it was not profiled.")
    folder = one.run_folder(run.index, side) / "profile"
    file = find_profile(folder)
    name = _UNUSUAL.sub("_", f"{one.spec.workload_name} {side.upper()} {one.spec.variant(side).label}")[:_NAME_LENGTH].strip(" .")
    return Profiled(name=name, comparison=one.id, side=side, file=file.resolve(), place=file.relative_to(folder))


def _link(file: Path, place: Path) -> None:
    """A link, or where the file system has none, a copy."""
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        place.symlink_to(file)
    except OSError:
        shutil.copyfile(file, place)


def _is_ours(target: Path) -> bool:
    """Was it made here, or is it an empty folder?"""
    note = target / NOTE
    if note.is_file():
        return note.read_text(encoding="utf-8", errors="replace") == _NOTE_TEXT
    return target.is_dir() and next(target.iterdir(), None) is None
