"""The JSON of Kineto, as far as it is read: one struct per object, every value of any simple type that some version wrote."""

from __future__ import annotations

import re
from operator import attrgetter
from typing import Annotated

import msgspec
import numpy as np

from core.traces.building import NO_INDEX

Scalar = bool | int | float | str | None
Text = bytes | memoryview
EMPTY = msgspec.Raw(b"")


class Args(msgspec.Struct, gc=False):
    external_id: Scalar = msgspec.field(name="External id", default=NO_INDEX)
    old_external_id: Scalar = msgspec.field(name="external id", default=NO_INDEX)
    correlation: Scalar = NO_INDEX
    sequence: Scalar = msgspec.field(name="Sequence number", default=NO_INDEX)
    forward_thread: Scalar = msgspec.field(name="Fwd thread id", default=NO_INDEX)
    device: Scalar = None
    stream: Scalar = None
    bytes: Scalar = NO_INDEX
    input_dims: msgspec.Raw = msgspec.field(name="Input Dims", default=EMPTY)
    grid: msgspec.Raw = EMPTY
    block: msgspec.Raw = EMPTY
    blocks_per_sm: Scalar = msgspec.field(name="blocks per SM", default=np.nan)
    occupancy: Scalar = msgspec.field(name="est. achieved occupancy %", default=np.nan)
    message_elements: Scalar = msgspec.field(name="In msg nelems", default=None)
    dtype: Scalar = None
    # Of a `[memory]` instant.
    device_type: Scalar = msgspec.field(name="Device Type", default=None)
    device_id: Scalar = msgspec.field(name="Device Id", default=None)
    address: Scalar = msgspec.field(name="Addr", default=0)
    delta: Scalar = msgspec.field(name="Bytes", default=0)
    allocated: Scalar = msgspec.field(name="Total Allocated", default=NO_INDEX)
    reserved: Scalar = msgspec.field(name="Total Reserved", default=NO_INDEX)


NO_ARGS = Args()
EXTERNAL, OLD_EXTERNAL, CORRELATION = attrgetter("external_id"), attrgetter("old_external_id"), attrgetter("correlation")
SEQUENCE, FORWARD_THREAD, INPUT_DIMS = attrgetter("sequence"), attrgetter("forward_thread"), attrgetter("input_dims")
DEVICE, STREAM, BYTES, GRID, BLOCK = (attrgetter(name) for name in ("device", "stream", "bytes", "grid", "block"))
BLOCKS_PER_SM, OCCUPANCY = attrgetter("blocks_per_sm"), attrgetter("occupancy")
DEVICE_TYPE, DEVICE_ID, ADDRESS, DELTA = (attrgetter(name) for name in ("device_type", "device_id", "address", "delta"))
ALLOCATED, RESERVED = attrgetter("allocated"), attrgetter("reserved")


class Event(msgspec.Struct, gc=False):
    ph: str = ""
    ts: float | None = None
    dur: float | None = None
    name: str = ""
    cat: str | None = None
    pid: Scalar = None
    tid: Scalar = None
    args: Args | None = None


PH, TS, DUR, NAME, CAT, PID, TID, ARGS = (attrgetter(name) for name in ("ph", "ts", "dur", "name", "cat", "pid", "tid", "args"))


class Times(msgspec.Struct, gc=False):
    """The same event's times alone, digit by digit."""

    ts: msgspec.Raw = EMPTY
    dur: msgspec.Raw = EMPTY


_Count = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]
_Bytes = Annotated[int, msgspec.Meta(ge=0, lt=2**62)]
_SinceEpoch = Annotated[int, msgspec.Meta(ge=0, lt=2**62)]


class Gpu(msgspec.Struct, rename="camel"):
    id: int = 0
    name: str = ""
    total_global_mem: _Bytes | None = None
    num_sms: _Count | None = None
    max_threads_per_multiprocessor: _Count | None = None
    compute_major: _Count | None = None
    compute_minor: _Count | None = None


class Distributed(msgspec.Struct):
    rank: _Count | None = None
    world_size: _Count | None = None


class About(msgspec.Struct):
    """What the recording says of itself beside the events; each part is read on its own, so that one of the wrong type is None."""

    base_ns: _SinceEpoch = 0
    schema: int | None = None
    gpus: list[Gpu] = []
    distributed: Distributed | None = None
    cuda_runtime_version: Scalar = None
    cuda_driver_version: Scalar = None
    hip_runtime_version: Scalar = None
    hip_driver_version: Scalar = None


_ABOUT_NAMES = {
    "base_ns": "baseTimeNanoseconds",
    "schema": "schemaVersion",
    "gpus": "deviceProperties",
    "distributed": "distributedInfo",
}
EVENTS_DECODER = msgspec.json.Decoder(list[Event], strict=False)
EVENT_DECODER = msgspec.json.Decoder(Event, strict=False)
RAW_DECODER = msgspec.json.Decoder(list[msgspec.Raw])
TIMES_DECODER = msgspec.json.Decoder(list[Times])
OBJECT_DECODER = msgspec.json.Decoder(dict[str, msgspec.Raw])


#: More than a piece of a recording; what is larger was made to cost time.
_MOST_MENDED_BYTES = 20 * 2**20
#: A text, open at the end or not, or what C++ and Python write for a number that is none.
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[-+]?\b(?:nan|inf(?:inity)?|N/A)\b', re.IGNORECASE | re.DOTALL)
#: In a text: an escape of JSON, a backslash that is none, a control character.
_ODDITY = re.compile(rb'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})|\\|[\x00-\x1f]')


def mended(text: Text) -> bytes:
    """The text as JSON where only such stands in the way as profilers are known to have written.

    torch 1.8 wrote `"memory bandwidth (GB/s)": inf`, `N/A` and the backslashes of Windows paths; names hold control characters and bytes
    that are not UTF-8; a recording written anew by Python has `NaN`. What is no number becomes null, a character that cannot be a space or
    a replacement character.
    """
    valid = bytes(text).decode("utf-8", "replace").encode()
    if len(valid) > _MOST_MENDED_BYTES:
        return valid
    return _TOKEN.sub(lambda token: _ODDITY.sub(_escaped, token[0]) if token[0][:1] == b'"' else b"null", valid)


def _escaped(oddity: re.Match[bytes]) -> bytes:
    if len(oddity[0]) > 1:
        return oddity[0]
    return rb"\\" if oddity[0] == b"\\" else b" "


def may_be_mended(text: Text, error: Exception) -> bool:
    """Whether what is wrong may be one of those: not that the text ends too early or too late."""
    if isinstance(error, UnicodeDecodeError):
        return True
    return len(text) <= _MOST_MENDED_BYTES and not any(words in str(error) for words in ("truncated", "trailing characters"))


def read_object(text: Text) -> dict[str, msgspec.Raw]:
    """The fields of an object, not decoded yet. Raises msgspec.DecodeError."""
    try:
        return OBJECT_DECODER.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        if not may_be_mended(text, error):
            raise
        return OBJECT_DECODER.decode(mended(text))


def read_about(fields: dict[str, msgspec.Raw]) -> About:
    about = About()
    for part in msgspec.structs.fields(About):
        raw = fields.get(_ABOUT_NAMES.get(part.name, part.name))
        if raw is None:
            continue
        try:
            setattr(about, part.name, msgspec.json.decode(raw, type=part.type, strict=False))
        except (msgspec.DecodeError, UnicodeDecodeError):
            pass  # of the wrong type: the recording does not say
    return about
