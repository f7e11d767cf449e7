"""A pickle from anyone is read without running anything, and ends in a value or in one sentence."""

from __future__ import annotations

import builtins
import os
import pickle
import pickletools
import random
import re
import struct
import subprocess
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.traces import safe_pickle
from core.traces.schema import TraceError

OWN = Path(__file__).parent / "data" / "h100" / "train_steps.memory_snapshot.pickle"
PLAIN: Any = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**100), 2**100) | st.floats(allow_nan=False) | st.text() | st.binary().map(str),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)


def load(data: bytes) -> Any:
    return safe_pickle.load(data, "made.pickle")


@given(PLAIN, st.integers(0, 5))
def test_plain_values_come_back_as_they_were_in_every_protocol(value: Any, protocol: int):
    data = pickle.dumps(value, protocol)
    assert load(data) == value
    assert load(pickletools.optimize(data)) == value


@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_bytes_are_plain_values_too(protocol: int):
    value = [b"", b"short", bytes(300)]
    assert load(pickle.dumps(value, protocol)) == value


def test_what_is_shared_stays_one_object_and_a_value_may_hold_itself():
    shared = {"name": "forward"}
    first, second = load(pickle.dumps([shared, shared]))
    assert first is second
    own: list[Any] = []
    own.append(own)
    found = load(pickle.dumps(own))
    assert found[0] is found


def test_half_a_surrogate_pair_becomes_a_question_mark():
    assert load(pickle.dumps(["a\ud800b"], 4)) == ["a?b"]
    assert load(pickle.dumps(["a\ud800b"], 0)) == ["a?b"]


class Calls:
    """Its pickle asks whoever loads it to call a function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "value",
    [
        Calls(os.system, "touch hacked"),
        Calls(builtins.eval, "open('hacked', 'w')"),
        Calls(subprocess.run, ["touch", "hacked"]),
        OrderedDict(a=1),
        {"segments": [Calls(os.getcwd)]},
        os.getcwd,
        int,
        {1.5j},
        Path("x"),
    ],
    ids=["system", "eval", "run", "ordered", "nested", "function", "type", "set", "path"],
)
def test_what_names_or_calls_anything_is_refused_and_not_run(value: Any, protocol: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TraceError, match=r"^made\.pickle (is no memory snapshot: it asks to run code|is damaged or no memory snapshot: byte \d+)"):
        load(pickle.dumps(value, protocol))
    assert list(tmp_path.iterdir()) == []


CODE = {
    "GLOBAL": b"cos\nsystem\n.",
    "STACK_GLOBAL": b"\x80\x04\x8c\x02os\x8c\x06system\x93.",
    "INST": b"(S'touch hacked'\nios\nsystem\n.",
    "OBJ": b"(N)o.",
    "REDUCE": b"N)R.",
    "BUILD": b"}}b.",
    "NEWOBJ": b"\x80\x02N)\x81.",
    "NEWOBJ_EX": b"\x80\x04N)}\x92.",
    "EXT1": b"\x80\x02\x82\x01.",
    "EXT2": b"\x80\x02\x83\x01\x00.",
    "EXT4": b"\x80\x02\x84\x01\x00\x00\x00.",
    "PERSID": b"Pos.system\n.",
    "BINPERSID": b"Nq\x00Q.",
}


@pytest.mark.parametrize("name", CODE)
def test_every_opcode_that_could_run_code_is_refused_by_name(name: str):
    with pytest.raises(TraceError, match=rf"it asks to run code \({name}\)"):
        load(CODE[name])


def test_no_opcode_is_both_known_and_able_to_run_code():
    # Whatever Python's own unpickler knows and this one does not has to be refused, so that a new protocol cannot slip in.
    names = {opcode.code.encode("latin-1")[0]: opcode.name for opcode in pickletools.opcodes}
    plain = (
        "MARK STOP POP POP_MARK DUP FLOAT INT BININT BININT1 LONG BININT2 NONE STRING BINSTRING SHORT_BINSTRING UNICODE BINUNICODE APPEND "
        "DICT EMPTY_DICT APPENDS GET BINGET LONG_BINGET LIST EMPTY_LIST PUT BINPUT LONG_BINPUT SETITEM TUPLE EMPTY_TUPLE SETITEMS "
        "BINFLOAT PROTO TUPLE1 TUPLE2 TUPLE3 NEWTRUE NEWFALSE LONG1 LONG4 BINBYTES SHORT_BINBYTES SHORT_BINUNICODE BINUNICODE8 "
        "BINBYTES8 MEMOIZE FRAME"
    )
    allowed = set(plain.split())
    for code in range(256):
        if names.get(code) in allowed:
            continue
        with pytest.raises(TraceError, match=r"asks to run code|begins no plain value"):
            load(b"]" + bytes([code]) + b"\n" * 20 + b".")


@pytest.mark.parametrize("length", [1, 10, 100, 1000, 50_000, -1])
def test_a_pickle_cut_off_anywhere_says_so(length: int):
    with pytest.raises(TraceError, match=r"^made\.pickle is damaged or cut off: .+; record or copy it again\.$"):
        load(OWN.read_bytes()[:length])


BOMBS = {
    "memo place": b"\x80\x02]r\xff\xff\xff\xff.",
    "text longer than the file": b"\x80\x04\x8d" + struct.pack("<Q", 2**62) + b"abc.",
    "bytes longer than the file": b"\x80\x04\x8e" + struct.pack("<Q", 2**40) + b"abc.",
    "integer of two gigabytes": b"\x80\x02\x8b" + struct.pack("<i", 2**31 - 1) + b"\x01.",
    "integer of negative length": b"\x80\x02\x8b" + struct.pack("<i", -1) + b"\x01.",
    "number of a million digits": b"L" + b"9" * 1_000_000 + b"L\n.",
    "memo place of a million digits": b"]p" + b"9" * 1_000_000 + b"\n.",
    "marks": b"(" * 1_000_000 + b".",
    "hash of a deep tuple": b")" + b"\x85" * 1_000_000 + b"q\x00}h\x00Ns.",
    "hash of a wide tuple": b")" + b"q\x00h\x00\x86" * 100_000 + b"q\x01}h\x01Ns.",
    "stack underflow": b"\x86.",
    "append to nothing": b"Na.",
    "append to text": b"\x8c\x01aNa.",
    "items of a list": b"]\x8c\x01aNs.",
    "items without a value": b"}(\x8c\x01au.",
    "items at the bottom": b"Ns.",
    "mark that was popped": b"((00.e.",
    "protocol of the future": b"\x80\x09N.",
    "number that is none": b"Ixyz\n.",
    "float that is none": b"Fxyz\n.",
    "text that is none": b"\x8c\x02\xff\xfe.",
    "escape that is none": b"V\\u12\n.",
    "line without an end": b"I12",
    "get of nothing": b"h\x05.",
    "negative get": b"g-1\n.",
    "nothing": b"",
    "no value": b".",
}


@pytest.mark.parametrize("name", BOMBS)
def test_what_would_take_memory_time_or_the_stack_is_refused(name: str):
    with pytest.raises(TraceError, match=r"^made\.pickle [^\n]+\.$"):
        load(BOMBS[name])


def test_values_that_take_up_too_much_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(safe_pickle, "MEMORY_BYTES", 1 << 30)
    data = pickle.dumps([{} for _ in range(1000)])
    assert len(load(data)) == 1000
    monkeypatch.setattr(safe_pickle, "MEMORY_BYTES", 50_000)
    with pytest.raises(TraceError, match="its values take up more than"):
        load(data)


@pytest.mark.parametrize(
    "unit", [b"}", b"]", b")\x85", b"J\x01\x02\x03\x04", b"\x8c\x03abc", b"(", b"(l", b"(d", b"N\x94", b"]2", b"\x85", b"C\x04abcd", b"I7\n", b"V\n"]
)
def test_every_way_of_growing_is_counted(unit: bytes, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(safe_pickle, "MEMORY_BYTES", 100_000)
    monkeypatch.setattr(safe_pickle, "MAX_DEPTH", 10**9)
    with pytest.raises(TraceError, match="its values take up more than"):
        load(b"\x80\x04]" + unit * 10_000 + b".")


def test_a_file_larger_than_the_limit_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(safe_pickle, "MAX_BYTES", 10 << 20)
    with pytest.raises(TraceError, match="larger than 10 MiB"):
        load(bytes((10 << 20) + 1))


def test_a_value_nested_a_million_deep_is_read_and_freed():
    found = load(b"]" * 1_000_000 + b"a" * 999_999 + b".")
    assert len(found) == 1
    del found


def mutated(data: bytes, random_numbers: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(random_numbers.choice([1, 1, 2, 5, 50])):
        place = random_numbers.randrange(len(changed))
        what = random_numbers.randrange(4)
        if what == 0:
            changed[place] = random_numbers.randrange(256)
        elif what == 1:
            del changed[place : place + random_numbers.randrange(1, 200)]
        elif what == 2:
            changed[place:place] = changed[place - 100 : place + random_numbers.randrange(1, 100)]
        else:
            changed[place] ^= 1 << random_numbers.randrange(8)
    return bytes(changed)


def test_a_damaged_pickle_reads_or_ends_in_one_sentence(monkeypatch: pytest.MonkeyPatch):
    def forbidden(*_: Any) -> Any:
        raise AssertionError("something was imported")

    whole = load(OWN.read_bytes())
    data = pickle.dumps({"segments": whole["segments"][:3], "device_traces": [whole["device_traces"][0][:20]]}, 4)
    random_numbers = random.Random(3)
    monkeypatch.setattr(builtins, "__import__", forbidden)
    refused = []
    for _ in range(3000):
        try:
            load(mutated(data, random_numbers))
        except TraceError as error:
            refused.append(str(error))
    assert 500 < len(refused) < 3000
    assert all(re.fullmatch(r"made\.pickle is [^\n]+\.", message) for message in refused)
