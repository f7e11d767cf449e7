"""The segments of a memory snapshot and the blocks that they are cut into."""

from __future__ import annotations

from typing import Any

import polars as pl

from core.traces.building import nullable
from core.traces.snapshot_entries import (
    MAX_ADDRESS,
    MAX_BLOCK_BYTES,
    MAX_DEVICES,
    MAX_NUMBER,
    Entries,
    device_label,
    is_whole,
    whole,
)
from core.traces.snapshot_schema import BLOCK_SCHEMA, SEGMENT_SCHEMA

_STATES = {
    "active_allocated": "allocated",
    "active_pending_free": "awaiting free",
    "active_awaiting_free": "awaiting free",
    "inactive": "inactive",
}


def read_segments(found: Any, read: Entries) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Segments in `SEGMENT_SCHEMA` and their blocks in `BLOCK_SCHEMA`."""
    entries = read.dictionaries(found, "segment", read.parts_skipped)
    usable = [
        entry
        for entry in entries
        if is_whole(entry.get("device"), MAX_DEVICES - 1)
        and is_whole(entry.get("address"), MAX_ADDRESS)
        and is_whole(entry.get("total_size"), MAX_BLOCK_BYTES)
    ]
    if len(usable) < len(entries):
        read.parts_skipped["a segment without device, address and size"] += len(entries) - len(usable)
    blocks = _blocks(usable, read)
    stated = {
        "allocated_bytes": ("allocated_size", "size_bytes", pl.col("state") == "allocated"),
        "active_bytes": ("active_size", "size_bytes", pl.col("state") != "inactive"),
        "requested_bytes": ("requested_size", "requested_bytes", pl.col("state") != "inactive"),
    }
    segments = pl.DataFrame(
        {
            "device": [device_label(entry["device"]) for entry in usable],
            "address": [entry["address"] for entry in usable],
            "stream": whole(usable, "stream", MAX_NUMBER),
            "total_bytes": [entry["total_size"] for entry in usable],
            **{name: _stated(usable, key, blocks.filter(chosen), column) for name, (key, column, chosen) in stated.items()},
            "segment_type": [kind if (kind := entry.get("segment_type")) in ("large", "small") else None for entry in usable],
            "is_expandable": [entry.get("is_expandable") is True for entry in usable],
            "pool": [_pool(entry.get("segment_pool_id")) for entry in usable],
        },
        schema=SEGMENT_SCHEMA,
    )
    return segments, blocks


def _blocks(segments: list[dict[str, Any]], read: Entries) -> pl.DataFrame:
    rows: list[tuple[Any, ...]] = []
    stacks: list[Any] = []
    for number, segment in enumerate(segments):
        device, address = device_label(segment["device"]), segment["address"]
        for block in read.dictionaries(segment.get("blocks"), "block", read.parts_skipped):
            size, state = block.get("size"), block.get("state")
            if not is_whole(size, MAX_BLOCK_BYTES) or type(state) is not str or state not in _STATES:
                read.parts_skipped["a block without size and state"] += 1
                continue
            if is_whole(block.get("address"), MAX_ADDRESS):
                address = block["address"]
            asked, frames = _request(block)
            requested = asked if is_whole(asked, MAX_BLOCK_BYTES) else size
            rows.append((number, device, address, size, requested, _STATES[state]))
            stacks.append(frames)
            # Blocks fill their segment: before PyTorch 2.1 that is where their addresses are to be had.
            address = min(address + size, MAX_ADDRESS)
    schema = {name: dtype for name, dtype in BLOCK_SCHEMA.items() if name != "stack"}
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(nullable("stack", read.stacks.numbers(stacks), pl.UInt32))


def _stated(segments: list[dict[str, Any]], key: str, blocks: pl.DataFrame, column: str) -> list[int]:
    """What segments say of themselves, and where they do not, the sum over their blocks."""
    summed = dict(blocks.group_by("segment").agg(pl.col(column).sum()).iter_rows())
    return [summed.get(row, 0) if value is None else value for row, value in enumerate(whole(segments, key, MAX_BLOCK_BYTES))]


def _pool(number: Any) -> str | None:
    if not isinstance(number, tuple | list) or len(number) != 2 or not all(type(part) is int for part in number):
        return None
    return "default" if tuple(number) == (0, 0) else f"private {number[0]}, {number[1]}"


def _request(block: dict[str, Any]) -> tuple[Any, Any]:
    """(requested size, stack) of a block; before PyTorch 2.1 the newest entry of its history has them."""
    history = block.get("history")
    if "frames" in block or not isinstance(history, list) or not history or type(history[0]) is not dict:
        return block.get("requested_size"), block.get("frames")
    return history[0].get("real_size"), history[0].get("frames")
