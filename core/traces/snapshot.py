"""CUDA memory snapshots, `torch.cuda.memory._dump_snapshot`: what the caching allocator holds, and what it did until then.

A snapshot is a pickle of lists and dictionaries: the *segments* that the allocator holds of each device, cut into *blocks*, and for
each device a *trace* of what it did (the last `max_entries` actions, a ring buffer), each with the stack that led there. Snapshots
of PyTorch 1.12 to today are read: a bare list of segments without any trace, blocks with a `history` instead of frames or without
an address, traces without times.

The recording counts microseconds, often several events in one. Events of a device here are at least 1 ns apart, in their order, so
that a time names one moment: the k-th event of a microsecond is k ns into it.
"""

from __future__ import annotations

from typing import Any

import polars as pl

from core.traces import safe_pickle
from core.traces.block_lives import Gaps, block_lives
from core.traces.schema import Coverage, TraceError
from core.traces.snapshot_entries import Entries
from core.traces.snapshot_events import read_annotations, read_events
from core.traces.snapshot_schema import Snapshot, SnapshotDevice, SnapshotFacts, reserved_delta
from core.traces.snapshot_segments import read_segments
from core.traces.sources import Limits, Source, whole

_GZIP = b"\x1f\x8b"
_PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
#: How pickles of dictionaries and lists begin in protocols 0 and 1, which have no byte that says so.
_OLD_PICKLES = (b"(dp", b"(lp", b"}q\x00", b"]q\x00")
_MAX_SETTINGS = 100
_MAX_CHARACTERS = 300


def is_snapshot(head: bytes) -> bool:
    """Whether a file whose first bytes, decompressed, are these is a pickle, which among recordings only snapshots are."""
    return head.startswith(_PICKLES + _OLD_PICKLES)


def read_snapshot(data: bytes, source: str) -> Snapshot:
    """Read a snapshot, plain or gzip; `source` is what to call it in a message.

    Raises TraceError, in one sentence, for what is no snapshot, damaged, cut off, too large, or would run code.
    """
    if data.startswith(_GZIP):
        data = whole(Source(name=source, data=data), limits=Limits(text_bytes=safe_pickle.MAX_BYTES))
    found = safe_pickle.load(data, source)
    if isinstance(found, list):
        found = {"segments": found}
    if not isinstance(found, dict) or not isinstance(found.get("segments"), list):
        raise TraceError(f"{source} is a pickle but no memory snapshot; give the file that `torch.cuda.memory._dump_snapshot` wrote.")

    read = Entries(source)
    segments, blocks = read_segments(found["segments"], read)
    recording = read_events(found.get("device_traces", []), read)
    events = recording.events
    annotations = read_annotations(found.get("external_annotations", []), recording.origin_us, read)
    settings = _settings(found.get("allocator_settings", {}), read)
    lives, gaps = block_lives(events, blocks)
    devices = _devices(segments, events, gaps)
    return Snapshot(
        segments=segments,
        blocks=blocks,
        events=events,
        lives=lives,
        stacks=read.stacks.stacks_frame(),
        frames=read.stacks.frames_frame(),
        annotations=annotations,
        facts=SnapshotFacts(
            source=source,
            devices=devices,
            origin_ns=recording.origin_us * 1000,
            start_ns=0,
            end_ns=int(events["time_ns"].to_numpy().max(initial=-1)) + 1,
            settings=settings,
            coverage=Coverage(
                events_found=recording.events_found, events_read=len(events), events_skipped=dict(+read.events_skipped)
            ),
            parts_skipped=dict(read.parts_skipped + read.stacks.skipped),
            notes=(*recording.notes, *(note for device in devices for note in _gap_notes(device))),
        ),
    )


def _devices(segments: pl.DataFrame, events: pl.DataFrame, gaps: dict[str, Gaps]) -> tuple[SnapshotDevice, ...]:
    held = dict(segments.group_by("device").agg(pl.col("total_bytes").sum()).iter_rows())
    grown = dict(events.group_by("device").agg(reserved_delta().sum()).iter_rows())
    count = dict(events.group_by("device").len().iter_rows())
    return tuple(
        SnapshotDevice(
            label=label,
            events=count.get(label, 0),
            reserved_before_bytes=held.get(label, 0) - grown.get(label, 0),
            gaps=gaps.get(label, Gaps()),
        )
        for label in sorted({*held, *grown}, key=lambda label: int(label.removeprefix("gpu:")))
    )


def _gap_notes(device: SnapshotDevice) -> list[str]:
    said = {
        "blocks allocated again without a release in the recording, which is taken to be then": device.gaps.releases_missing,
        "blocks released, or in use at the end, without an allocation since their last release": device.gaps.allocations_missing,
        "blocks allocated, never released, and not in the snapshot (the recording was stopped before)": device.gaps.outlived,
    }
    return [f"{device.label}: {what}: {count:,}." for what, count in said.items() if count]


def _settings(found: Any, read: Entries) -> dict[str, str]:
    if type(found) is not dict:
        read.parts_skipped["allocator settings that are no dictionary"] += 1
        return {}
    if len(found) > _MAX_SETTINGS:
        read.parts_skipped[f"an allocator setting beyond the {_MAX_SETTINGS}th"] += len(found) - _MAX_SETTINGS
    return {key[:_MAX_CHARACTERS]: _setting(value) for key, value in list(found.items())[:_MAX_SETTINGS]}


def _setting(value: Any) -> str:
    if type(value) is dict:
        parts = [f"{key[:_MAX_CHARACTERS]}: {_plain_setting(part)}" for key, part in list(value.items())[:_MAX_SETTINGS]]
        return ", ".join(parts)[:_MAX_CHARACTERS]
    return _plain_setting(value)


def _plain_setting(value: Any) -> str:
    """A number or a text; what nests deeper is not looked into."""
    return str(value)[:_MAX_CHARACTERS] if value is None or isinstance(value, str | int | float) else "…"
