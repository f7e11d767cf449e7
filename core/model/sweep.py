"""A sweep: the same question asked over a grid of workloads, pairs of variants and batch sizes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from core.model.comparison import Preset
from core.model.errors import ShowdownError
from core.model.run import SCHEMA_VERSION
from core.model.variant import FRAMEWORKS, Variant, parse_variant

#: A slash between two variants; those of an interpreter's path are followed by something else.
_BETWEEN = re.compile(rf"/(?=(?:{'|'.join(FRAMEWORKS)})(?::|$))")


class SweepError(ShowdownError):
    """A sweep that cannot be meant."""


@dataclass(frozen=True, kw_only=True)
class SweepWorkload:
    """One row of the grid."""

    workload: str
    """A built-in workload's name, or the folder of one's own."""
    label: str
    """Its name, with the sizes that are not its defaults."""
    sizes: dict[str, int]
    """Complete: a value for each size that the workload has."""
    batch_sizes: tuple[int, ...]
    """In samples."""
    flops_per_sample: int | None
    """Floating-point operations of one training step, for one sample; None where one's own workload does not count them."""


@dataclass(frozen=True, kw_only=True)
class SweepPair:
    """Two variants that are compared in every row."""

    a: Variant
    b: Variant

    @property
    def label(self) -> str:
        return f"{self.a.label} / {self.b.label}"


@dataclass(frozen=True, kw_only=True)
class SweepCell:
    """One comparison of the grid; its `index` is its place in `SweepSpec.cells`."""

    index: int
    workload: SweepWorkload
    pair: SweepPair
    batch_size: int

    @property
    def label(self) -> str:
        return f"{self.workload.label}, batch {self.batch_size}: {self.pair.label}"

    @property
    def flops_per_step(self) -> int | None:
        per_sample = self.workload.flops_per_sample
        return None if per_sample is None else per_sample * self.batch_size


@dataclass(frozen=True, kw_only=True)
class SweepSpec:
    """The whole grid; written once as `spec.json`, never changed."""

    schema: int = SCHEMA_VERSION
    id: str
    created: str
    """ISO 8601, UTC."""
    workloads: tuple[SweepWorkload, ...]
    pairs: tuple[SweepPair, ...]
    preset: Preset
    """With at least as many pairs as a verdict *faster* needs among so many comparisons."""
    threshold: float = 0.05
    """Smallest relative difference that matters to the user."""
    seed: int = 1

    @property
    def cells(self) -> tuple[SweepCell, ...]:
        """Workload by workload, so that what belongs together is measured together."""
        grid = [(row, batch_size, pair) for row in self.workloads for batch_size in row.batch_sizes for pair in self.pairs]
        return tuple(
            SweepCell(index=index, workload=row, pair=pair, batch_size=batch_size) for index, (row, batch_size, pair) in enumerate(grid)
        )


def parse_pair(text: str, *, threads: int, device: str = "cpu") -> SweepPair:
    """Read `VARIANT/VARIANT`, each as `core.model.variant.parse_variant` reads it.

    Raises SweepError where there are not two, and VariantError for one that cannot be read.
    """
    parts = _BETWEEN.split(text.strip())
    if len(parts) != 2:
        raise SweepError(f"'{text}' is no pair; write two variants with a slash between them, such as tensorflow/pytorch:execution=compile.")
    a, b = (parse_variant(part, threads=threads, device=device) for part in parts)
    return SweepPair(a=a, b=b)


def parse_workloads(text: str) -> list[tuple[str, dict[str, int]]]:
    """Read `NAME[:size=value,...],...` as names with the sizes given: a part without a name belongs to the name before it.

    Raises SweepError naming the part that could not be read.
    """
    found: list[tuple[str, dict[str, int]]] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, colon, size = part.partition(":")
        if colon or "=" not in part:
            found.append((name, {}))
        else:
            size = part
        if not size:
            continue
        key, equals, value = size.partition("=")
        if not found or not equals or not value.isdecimal():
            raise SweepError(f"'{part}' in '{text}' is no workload; write NAME or NAME:size=number, with commas between them.")
        found[-1][1][key] = int(value)
    if not found:
        raise SweepError("A sweep needs a workload; name one or more, with commas between them.")
    return found


def parse_batch_sizes(text: str) -> tuple[int, ...]:
    """Read whole numbers with commas between them, in rising order; empty text: none.

    Raises SweepError for anything else.
    """
    parts: Sequence[str] = [part.strip() for part in text.split(",") if part.strip()]
    if any(not part.isdecimal() or int(part) < 1 for part in parts):
        raise SweepError(f"'{text}' are no batch sizes; write whole numbers with commas between them, such as 16,64.")
    return tuple(sorted({int(part) for part in parts}))
