"""The walk over protobuf's bytes gives what protobuf's own decoder gives, event by event and stat by stat."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.traces import xplane_wire
from core.traces.xplane_wire import DamagedError
from tests.traces.shared import SHARED, needs_shared
from tests.traces.xplane_truth import XEvent, XSpace, stat_value

DATA = Path(__file__).parent / "data"
FORMS = {"double_value": 2 << 3 | 1, "uint64_value": 3 << 3, "int64_value": 4 << 3, "str_value": 5 << 3 | 2, "bytes_value": 6 << 3 | 2,
         "ref_value": 7 << 3, None: 0}  # fmt: skip

int64 = st.one_of(st.integers(0, 300), st.integers(-(2**63), 2**63 - 1), st.sampled_from([2**56 - 1, 2**56, 2**63 - 1, -1, -(2**63)]))
uint64 = st.one_of(st.integers(0, 300), st.integers(0, 2**64 - 1), st.just(2**64 - 1))
stats = st.fixed_dictionaries(
    {"metadata_id": int64},
    optional={"value": st.one_of(
        st.tuples(st.just("double_value"), st.floats(allow_nan=False)),
        st.tuples(st.sampled_from(["uint64_value", "ref_value"]), uint64),
        st.tuples(st.just("int64_value"), int64),
        st.tuples(st.sampled_from(["str_value", "bytes_value"]), st.binary(max_size=40)),
    )},
)  # fmt: skip
events = st.fixed_dictionaries(
    {"metadata_id": int64, "duration_ps": int64, "stats": st.lists(stats, max_size=8)},
    optional={"offset_ps": int64, "num_occurrences": int64},
)


def message(fields):
    event = XEvent(metadata_id=fields["metadata_id"], duration_ps=fields["duration_ps"])
    for name in ("offset_ps", "num_occurrences"):
        if name in fields:
            setattr(event, name, fields[name])
    for own in fields["stats"]:
        stat = event.stats.add(metadata_id=own["metadata_id"])
        if "value" in own:
            setattr(stat, *own["value"])
    return event


def as_protobuf_does(messages):
    decoded = [XEvent.FromString(data) for data in messages]
    times = [(event.metadata_id, event.offset_ps, event.duration_ps, event.WhichOneof("data") == "num_occurrences") for event in decoded]
    values = [
        (index, stat.metadata_id, FORMS[stat.WhichOneof("value")], stat_value(stat)) for index, event in enumerate(decoded) for stat in event.stats
    ]
    return times, sorted(values, key=lambda value: value[0])


def as_we_do(messages):
    found = xplane_wire.decode(messages)
    times = list(zip(*(column.tolist() for column in (found.metadata_id, found.offset_ps, found.duration_ps, found.aggregated)), strict=True))
    own = found.stats
    columns = (own.owner, own.metadata_id, own.form, own.value, own.length)
    values = [
        (owner, number, form, value_of(form, raw, own.data[raw : raw + length]))
        for owner, number, form, raw, length in zip(*(column.tolist() for column in columns), strict=True)
    ]
    return times, sorted(values, key=lambda value: value[0])


def value_of(form, raw, text):
    if form in (FORMS["str_value"], FORMS["bytes_value"]):
        return text
    as_dtype = {FORMS["double_value"]: np.float64, FORMS["int64_value"]: np.int64, 0: None}.get(form, np.uint64)
    return None if as_dtype is None else np.array([raw], np.uint64).view(as_dtype)[0]


@given(st.lists(events, max_size=12))
def test_any_events_are_read_as_protobuf_reads_them(made):
    messages = [message(fields).SerializeToString() for fields in made]
    assert as_we_do(messages) == as_protobuf_does(messages)


@settings(max_examples=300)
@given(st.lists(st.binary(max_size=24), min_size=1, max_size=4))
def test_any_bytes_are_read_as_protobuf_reads_them_or_refused(messages):
    try:
        ours = as_we_do(messages)
    except DamagedError:
        return  # stricter than protobuf, which skips groups
    assert repr(ours) == repr(as_protobuf_does(messages))  # not a number is not equal to itself


@pytest.mark.parametrize(
    "path",
    [DATA / "tensorflow_graph.xplane.pb.gz", DATA / "h100" / "jax_conv.xplane.pb.gz",
     pytest.param(SHARED / "conv_mi300x8.xplane.pb", marks=needs_shared)],
    ids=lambda path: path.name,
)  # fmt: skip
def test_every_event_of_a_real_file_is_read_as_protobuf_reads_it(path):
    data = path.read_bytes()
    space = XSpace.FromString(gzip.decompress(data) if path.suffix == ".gz" else data)
    messages = [event.SerializeToString() for plane in space.planes for line in plane.lines for event in line.events]
    assert len(messages) > 1000
    assert as_we_do(messages) == as_protobuf_does(messages)


@pytest.mark.parametrize(
    "data",
    [b"\x08", b"\x08\xff", b"\x08" + b"\xff" * 10, b"\x22\x7f\x08\x01", b"\x22\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"\x0b", b"\x00\x01",
     b"\x22\x02\x08\x80", b"\x11\x00\x00", b"\x22\x00" * 1000],
)  # fmt: skip
def test_what_is_no_event_is_refused(data):
    with pytest.raises(DamagedError):
        xplane_wire.decode([b"\x08\x01", data])


def test_the_last_of_two_values_counts_and_an_unknown_field_is_passed_over():
    unknown = b"\x32\x03abc" + b"\x39" + b"\xff" * 8 + b"\x45" + b"\xff" * 4 + b"\x82\x01\x01x"
    twice = b"\x08\x01\x08\x02" + b"\x28\x05\x10\x07" + unknown + b"\x18\x09"
    found = xplane_wire.decode([twice])
    assert (found.metadata_id.tolist(), found.offset_ps.tolist(), found.duration_ps.tolist()) == ([2], [7], [9])
    assert found.aggregated.tolist() == [False]
    assert as_we_do([twice]) == as_protobuf_does([twice])
