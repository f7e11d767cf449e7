"""Memory snapshots made by hand, in the allocator's own words."""

from __future__ import annotations

import pickle
from typing import Any

from core.traces.snapshot import read_snapshot
from core.traces.snapshot_schema import Snapshot

ORIGIN_US = 1_700_000_000_000_000


def frame(name: str, line: int, file: str = "/home/someone/project/model.py") -> dict[str, Any]:
    return {"name": name, "filename": file, "line": line}


def action(what: str, address: int, size: int, time_us: int, *frames: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"action": what, "addr": address, "size": size, "stream": 0, "time_us": ORIGIN_US + time_us, "frames": list(frames), **more}


def released(address: int, size: int, time_us: int) -> list[dict[str, Any]]:
    return [action("free_requested", address, size, time_us), action("free_completed", address, size, time_us)]


def block(address: int, size: int, state: str = "active_allocated", *frames: dict[str, Any], requested: int | None = None) -> dict[str, Any]:
    asked = size if requested is None else requested
    return {"address": address, "size": size, "requested_size": asked, "state": state, "frames": list(frames)}


def segment(address: int, *blocks: dict[str, Any], device: int = 0, **more: Any) -> dict[str, Any]:
    used = [entry for entry in blocks if entry["state"] == "active_allocated"]
    waiting = [entry for entry in blocks if entry["state"] == "active_pending_free"]
    return {
        "device": device,
        "address": address,
        "total_size": sum(entry["size"] for entry in blocks),
        "allocated_size": sum(entry["size"] for entry in used),
        "active_size": sum(entry["size"] for entry in used + waiting),
        "requested_size": sum(entry["requested_size"] for entry in used + waiting),
        "stream": 0,
        "segment_type": "large",
        "segment_pool_id": (0, 0),
        "is_expandable": False,
        "frames": [],
        "blocks": list(blocks),
        **more,
    }


def pickled(segments: Any, *traces: Any, protocol: int = 4, **more: Any) -> bytes:
    return pickle.dumps({"segments": segments, "device_traces": list(traces), **more}, protocol)


def read(segments: Any, *traces: Any, **more: Any) -> Snapshot:
    return read_snapshot(pickled(segments, *traces, **more), "made.pickle")
