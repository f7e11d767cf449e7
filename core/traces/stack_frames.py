"""Call stacks as a recording holds them, each frame and each stack once, and which frame of a stack says most to its reader."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from core.traces.building import NO_INDEX, Codes, Table

#: A frame of a stack. `frame` is its label: `forward (model.py:54)` in Python, the function's name without arguments in C++.
FRAME_SCHEMA = pl.Schema({"frame": pl.String(), "name": pl.String(), "file": pl.String(), "line": pl.Int64()})
#: A stack: the label of its innermost useful frame, and the rows of the frames, innermost first.
STACK_SCHEMA = pl.Schema({"frame": pl.String(), "frames": pl.List(pl.UInt32())})

#: More than Python's recursion and the C++ between leave.
_MAX_FRAMES = 10_000
#: Frames of a stack written out, and characters of one of its lines.
_MAX_LINES = 300
_MAX_CHARACTERS = 300
_MAX_LINE_NUMBER = 1 << 31

_PYTHON = re.compile(r"\.py[cx]?$|^<")
#: Python that the reader did not write: installed packages, the standard library, what `torch.compile` wrote.
_LIBRARY = re.compile(
    r"[/\\](site-packages|dist-packages|torchinductor_[^/\\]*)[/\\]|[/\\]lib[/\\]python3[.\d]*[/\\]|^<(frozen|eval_with_key)",
    re.IGNORECASE,
)
_BACKWARD = re.compile(r"autograd::generated::\w+::apply")
#: How every stack begins and ends, whatever asked for the memory.
_MACHINERY = re.compile(
    r"unwind::unwind|CapturedTraceback|gather_with_cpp|CachingAllocator|at::detail::empty|(native|_ops|at)::empty|wrapper_CUDA__empty"
    r"|create_out|set_output|wrap_kernel_functor|intrusive_ptr|TensorImpl|^_?Py[A-Z]|^_*libc_start|^_start$|^__clone|^\?\?$|^$"
)
_ARGUMENTS = re.compile(r"(?<!operator)\((?!anonymous namespace\)).*| \[clone.*", re.DOTALL)


class Stacks:
    """Collects stacks while a recording is read: equal lists get the same number."""

    def __init__(self) -> None:
        self._frames = Table()
        self._stacks = Table()
        # By identity first: pickles keep shared frames shared, and the recording outlives this table.
        self._frame_of_object: dict[int, int] = {}
        self._stack_of_objects: dict[tuple[int, ...], int] = {}
        self.skipped: Counter[str] = Counter()

    def numbers(self, stacks: Sequence[Any]) -> Codes:
        """Number of each stack, as a recording writes it: dictionaries with `name`, `filename` and `line`, innermost first.

        `NO_INDEX` for one that is empty or no list. Frames that are no such dictionaries, or too many, are left out and counted.
        """
        return np.fromiter((self._number(stack) for stack in stacks), np.int64, len(stacks))

    def _number(self, stack: Any) -> int:
        if type(stack) is not list or not stack:
            return NO_INDEX
        if len(stack) > _MAX_FRAMES:
            self.skipped[f"a frame beyond the {_MAX_FRAMES:,}th of its stack"] += len(stack) - _MAX_FRAMES
            stack = stack[:_MAX_FRAMES]
        objects = tuple(map(id, stack))
        number = self._stack_of_objects.get(objects)
        if number is None:
            known = self._frame_of_object
            for frame in stack:
                if id(frame) not in known:
                    known[id(frame)] = self._frame(frame)
            frames = tuple(number for number in map(known.__getitem__, objects) if number != NO_INDEX)
            number = self._stack_of_objects[objects] = self._stacks[frames] if frames else NO_INDEX
        return number

    def _frame(self, frame: Any) -> int:
        name, file, line = (frame.get(key) if type(frame) is dict else None for key in ("name", "filename", "line"))
        if type(name) is not str or type(file) is not str or type(line) is not int or not 0 <= line < _MAX_LINE_NUMBER:
            self.skipped["a frame of a stack without name, file and line"] += 1
            return NO_INDEX
        return self._frames[name, file, line]

    def frames_frame(self) -> pl.DataFrame:
        """Every frame once, in `FRAME_SCHEMA`."""
        rows = [(label(*frame), *frame) for frame in self._frames]
        return pl.DataFrame(rows, schema=FRAME_SCHEMA, orient="row")

    def stacks_frame(self) -> pl.DataFrame:
        """Every stack once, in `STACK_SCHEMA`; the row is the number that `numbers` gave."""
        frames = list(self._frames)
        labels = [label(*frame) for frame in frames]
        worth = [usefulness(name, file) for name, file, _ in frames]
        useful = [labels[min(stack, key=worth.__getitem__)] for stack in self._stacks]
        lists = pl.Series("frames", [list(stack) for stack in self._stacks], dtype=pl.List(pl.UInt32))
        return pl.DataFrame([pl.Series("frame", useful, dtype=pl.String), lists])


def label(name: str, file: str, line: int) -> str:
    """What a person reads of a frame: function, file with its folder, and line; of C++ the function without its arguments."""
    if not _PYTHON.search(file):
        return _ARGUMENTS.sub("", name)[:_MAX_CHARACTERS] or "?"
    place = "/".join(re.split(r"[/\\]", file)[-2:])
    return f"{name} ({place}:{line})"[:_MAX_CHARACTERS]


def usefulness(name: str, file: str) -> int:
    """How much a frame says of whose memory it is; the lowest number says most, and of equal ones the innermost frame counts.

    0: the reader's own Python. 1: the backward of an operator, which has no Python around it. 2: Python of a library.
    3: another operator or function in C++. 4: the machinery that every stack goes through.
    """
    if _PYTHON.search(file):
        return 2 if _LIBRARY.search(file) else 0
    if _BACKWARD.search(name):
        return 1
    return 4 if _MACHINERY.search(name) else 3


def stack_text(stacks: pl.DataFrame, frames: pl.DataFrame, number: int) -> str:
    """A stack written out: one line per frame, innermost first; the lines beyond the 300th are counted instead."""
    rows = stacks["frames"][number]
    lines = [
        f"{name} ({file}:{line})"[:_MAX_CHARACTERS]
        for name, file, line in frames.select("name", "file", "line")[rows[:_MAX_LINES].to_list()].iter_rows()
    ]
    return "\n".join([*lines, *([f"and {len(rows) - _MAX_LINES} more"] if len(rows) > _MAX_LINES else [])])
