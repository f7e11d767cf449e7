"""The least that any reader of a Kineto trace has to do in Python: msgspec decodes the fields that tables need."""

from __future__ import annotations

import msgspec


class Args(msgspec.Struct, gc=False):
    external_id: int | str | None = msgspec.field(name="External id", default=None)
    correlation: int | None = None
    stream: int | str | None = None
    device: int | str | None = None


class Event(msgspec.Struct, gc=False):
    ph: str = ""
    name: str = ""
    cat: str | None = None
    ts: float | None = None
    dur: float | None = None
    pid: int | str | None = None
    tid: int | str | None = None
    args: Args | None = None


class Recording(msgspec.Struct):
    events: list[Event] = msgspec.field(name="traceEvents", default_factory=list)


DECODER = msgspec.json.Decoder(Recording, strict=False)
