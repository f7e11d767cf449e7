"""What the Memory page shows, whichever way it was recorded: one device's memory over time, and what was live at any row of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from core.analysis import snapshot as snapshots
from core.analysis.memory import increase_by, keeps_total, live_after, live_by, memory_devices, operator_names, over_time
from core.analysis.operators import name_layers
from core.analysis.timeline_index import Window
from core.charts.memory_over_time import Mark
from core.traces.library import Entry
from core.traces.schema import HOST
from core.traces.snapshot_schema import Snapshot
from core.traces.stack_frames import stack_text
from pages._parts.kept import kept
from pages._parts.opened import Opened, library
from pages._parts.visitor import SNAPSHOT_COST

#: Frames of a snapshot's blocks that were there before it, where the block itself says whose it is.
_EARLIER = "{} (before the recording)"
#: Of more steps, the numbers alone are written.
_MOST_WORDS = 12


@dataclass(frozen=True, kw_only=True)
class Held(ABC):
    """One device of one recording."""

    side: str
    label: str
    short: str
    digest: str
    device: str
    series: pl.DataFrame
    """A row per allocation or release: `time_ns`, `core.analysis.memory.MEASURES`, `step`; the first is what stood there before."""
    whole: Window
    marks: tuple[Mark, ...]
    lower_bound: str = ""
    """Why what is counted is less than what was allocated; empty where it is all."""

    @abstractmethod
    def groups(self) -> tuple[str, ...]:
        """What `live` can tell apart."""

    @abstractmethod
    def live(self, place: int, by: str) -> pl.DataFrame:
        """What was live right after a row of the series, as `core.analysis.memory.live_by`."""

    @abstractmethod
    def blocks(self, place: int, by: str, names: Sequence[str]) -> pl.DataFrame:
        """What these rows of `live` consist of, largest first; all of it where none is named."""


@dataclass(frozen=True, kw_only=True)
class ProfiledHeld(Held):
    """From a profiler's recording."""

    memory: pl.DataFrame
    events: pl.DataFrame
    steps: int

    def groups(self) -> tuple[str, ...]:
        return ("operator", "layer", "phase")

    def live(self, place: int, by: str) -> pl.DataFrame:
        return live_by(live_after(self.series, place), self.events, by)

    def blocks(self, place: int, by: str, names: Sequence[str]) -> pl.DataFrame:
        held = operator_names(live_after(self.series, place), self.events)
        key = pl.when(pl.col("allocated_ns").is_null()).then(pl.lit("")).otherwise(pl.col(by).fill_null(f"no {by} known"))
        return held.filter(key.is_in(list(names)) if names else pl.col("allocated_ns").is_not_null()).select(
            "bytes", (pl.col("allocated_ns") / 1e6).alias("allocated_ms"), "operator", "layer", "phase", "step"
        )

    def increase(self, by: str) -> pl.DataFrame:
        """Who takes and gives memory, per step where steps are marked."""
        return increase_by(self.memory, self.events, self.device, by, self.steps)


@dataclass(frozen=True, kw_only=True)
class SnapshotHeld(Held):
    """From a snapshot of PyTorch's allocator."""

    snapshot: Snapshot

    def groups(self) -> tuple[str, ...]:
        return ("frame",)

    def live(self, place: int, by: str) -> pl.DataFrame:
        held = snapshots.live_at(self.snapshot, self.device, int(self.series["time_ns"][place]))
        return held.select(
            _frame_name(), "origin", pl.col("size_bytes").alias("bytes"), pl.col("blocks").alias("count"), "share"
        ).with_columns(pl.col("origin").cast(pl.String))

    def blocks(self, place: int, by: str, names: Sequence[str]) -> pl.DataFrame:
        held = snapshots.live_at(self.snapshot, self.device, int(self.series["time_ns"][place]), by="stack")
        named = held.select("stack", _frame_name(), pl.col("size_bytes").alias("bytes"), pl.col("blocks").alias("count"), "share")
        return named.filter(pl.col("name").is_in(list(names))) if names else named

    def stack(self, number: int) -> str:
        """One stack in full, innermost frame first."""
        return stack_text(self.snapshot.stacks, self.snapshot.frames, number)


def _frame_name() -> pl.Expr:
    earlier = (pl.col("origin") == "before") & (pl.col("frame") != snapshots.BEFORE)
    return pl.when(earlier).then(pl.format(_EARLIER, pl.col("frame"))).otherwise(pl.col("frame")).alias("name")


def devices_of(opened: Sequence[Opened]) -> list[str]:
    """Devices that any of the recordings has memory of."""
    return _in_order([label for one in opened for label in memory_devices(one.trace.memory)])


def devices_in(chosen: Sequence[Snapshot]) -> list[str]:
    return _in_order([device.label for one in chosen for device in one.facts.devices])


def _in_order(labels: Sequence[str]) -> list[str]:
    return sorted(set(labels), key=lambda label: (label == HOST, len(label), label))


def counterpart(device: str, labels: Sequence[str]) -> str | None:
    """The device that a recording has for the one asked for: the same, else the first accelerator for an accelerator; ranks have one each."""
    if device in labels:
        return device
    return next((label for label in labels if label != HOST), None) if device != HOST else None


def profiled(one: Opened, device: str) -> ProfiledHeld | None:
    """A recording's memory of a device, or of its counterpart; None where it has none."""
    own = counterpart(device, memory_devices(one.trace.memory))
    if own is None:
        return None
    memory, events, steps = one.trace.memory, one.trace.events, one.trace.facts.steps
    if one.declared:
        memory = name_layers(memory.with_columns(pl.col("layer").cast(pl.String)), one.declared)
    series = over_time(memory, own)
    end_ns = max(_end_ns(events), int(series["time_ns"][-1]), 1)
    return ProfiledHeld(
        side=one.side, label=one.label, short=one.short, digest=one.digest, device=own, series=series,
        whole=Window(start_ns=min(0, int(series["time_ns"][0])), end_ns=end_ns),
        marks=tuple(Mark(ms=step.start_ns / 1e6, label=f"step {step.number}" if len(steps) <= _MOST_WORDS else str(step.number)) for step in steps),
        lower_bound=_lower_bound(one, own), memory=memory, events=events, steps=len(steps),
    )  # fmt: skip


def _lower_bound(one: Opened, device: str) -> str:
    if not keeps_total(one.trace.memory, device):
        return "This profiler kept no total: counted from what it saw allocated and released, so what was there before and stayed is not in it."
    if device == HOST and one.trace.facts.framework == "pytorch":
        return "PyTorch counts the host's memory from when the profiler began: what was there before is not in it."
    return ""


def _end_ns(events: pl.DataFrame) -> int:
    return int(events.select((pl.col("start_ns") + pl.col("duration_ns")).max()).item() or 0)


def snapped(entry: Entry, side: str, short: str, snapshot: Snapshot, device: str) -> SnapshotHeld | None:
    """A snapshot's memory of a device, or of its counterpart; None where it has none."""
    own = counterpart(device, [one.label for one in snapshot.facts.devices])
    if own is None:
        return None
    facts = snapshot.facts
    spans = snapshot.annotations.filter((pl.col("device") == own) & pl.col("start_ns").is_not_null())
    failures = snapshot.events.filter((pl.col("device") == own) & (pl.col("action") == "oom"))
    marks = [Mark(ms=start / 1e6, label=name[:24]) for name, start in spans.select("name", "start_ns").iter_rows()]
    marks += [Mark(ms=time / 1e6, label="out of memory", bad=True) for time in failures["time_ns"]]
    return SnapshotHeld(
        side=side, label=f"{side.upper()} · {entry.name}", short=short, digest=entry.digest, device=own, snapshot=snapshot,
        series=_snapshot_series(entry.digest, own, snapshot),
        whole=Window(start_ns=facts.start_ns, end_ns=max(facts.end_ns, facts.start_ns + 1)), marks=tuple(marks),
    )  # fmt: skip


@kept(max_entries=8)
def _snapshot_series(digest: str, device: str, _snapshot: Snapshot) -> pl.DataFrame:
    return snapshots.allocated_over_time(_snapshot, device).with_columns(pl.lit(None, pl.Int32).alias("step"))


def _kept_bytes(digest: str) -> int:
    return SNAPSHOT_COST * library().size_bytes(digest)


@kept(max_entries=4, show_spinner="Reading the snapshot", cost=_kept_bytes)
def read_kept(digest: str) -> Snapshot:
    """The snapshot of the library. Raises TraceError."""
    return library().snapshot(digest)
