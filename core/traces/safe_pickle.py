"""Read a pickle of plain values from anyone: numbers, text, bytes, lists, tuples and dictionaries; nothing that runs code.

Why this is safe. It is not Python's unpickler with its teeth pulled but an interpreter of its own, which knows only the opcodes
that make plain values. Those that name, call or change an object (GLOBAL, STACK_GLOBAL, INST, OBJ, REDUCE, BUILD, NEWOBJ,
NEWOBJ_EX, EXT1 to EXT4, PERSID, BINPERSID) do not exist here: a file that has one is refused at that byte, with nothing imported or
called. Sets and bytearrays, which no snapshot has, are refused too.

Why it ends. A pickle has no loops, every opcode is at least one byte, and none of these costs more than the bytes and stack entries
it takes up: time is linear in the file. What could still grow is bounded:

- a length beyond the end of the file is refused before anything is made for it; places in the memo have to be in order, so that one
  cannot ask for four billion of them;
- what the values occupy is counted as they are made, against `MEMORY_BYTES`; values that are referred to many times are one value,
  and a reference that waits on the stack takes 8 bytes for at least 2 of the file;
- keys of dictionaries are text, whose hash is salted, kept and not recursive; integers have at most 16 bytes;
- open marks, the nesting that a pickler writes, go `MAX_DEPTH` deep. Nesting without marks (`]]]…aaa`) needs no limit: nothing
  here recurses, Python frees nested containers without recursion, and a reader of the result follows fixed paths instead of
  walking it.
"""

from __future__ import annotations

import struct
from typing import Any

from core.traces.schema import TraceError

#: Bytes of the largest pickle, uncompressed.
MAX_BYTES = 512 << 20
#: What the values may occupy by the estimates below, which are sizes in CPython 3.11 rounded up.
MEMORY_BYTES = 2 << 30
MAX_DEPTH = 200
_MAX_INTEGER_BYTES = 16
#: Longest decimal number of protocol 0: 16 bytes, a sign and an `L`.
_MAX_DIGITS = 41
_DICTIONARY, _ITEM, _LIST, _TEXT, _NUMBER, _REFERENCE, _MARK, _OTHER = 64, 48, 72, 64, 32, 8, 40, 96

PROTO, FRAME, STOP, MARK, MEMOIZE = 0x80, 0x95, 0x2E, 0x28, 0x94
BINGET, LONG_BINGET, BINPUT, LONG_BINPUT = 0x68, 0x6A, 0x71, 0x72
EMPTY_DICT, SETITEM, SETITEMS, EMPTY_LIST, APPEND, APPENDS = 0x7D, 0x73, 0x75, 0x5D, 0x61, 0x65
BININT, BININT1, BININT2, LONG1, LONG4, BINFLOAT = 0x4A, 0x4B, 0x4D, 0x8A, 0x8B, 0x47
NONE, NEWTRUE, NEWFALSE = 0x4E, 0x88, 0x89
SHORT_BINUNICODE, BINUNICODE, BINUNICODE8 = 0x8C, 0x58, 0x8D
SHORT_BINBYTES, BINBYTES, BINBYTES8, SHORT_BINSTRING, BINSTRING = 0x43, 0x42, 0x8E, 0x55, 0x54
EMPTY_TUPLE, TUPLE, TUPLE1, TUPLE2, TUPLE3 = 0x29, 0x74, 0x85, 0x86, 0x87
LIST, DICT, POP, POP_MARK, DUP = 0x6C, 0x64, 0x30, 0x31, 0x32
INT, LONG, FLOAT, STRING, UNICODE, GET, PUT = 0x49, 0x4C, 0x46, 0x53, 0x56, 0x67, 0x70

_RUNS_CODE = {
    0x63: "GLOBAL", 0x93: "STACK_GLOBAL", 0x69: "INST", 0x6F: "OBJ", 0x52: "REDUCE", 0x62: "BUILD", 0x81: "NEWOBJ", 0x92: "NEWOBJ_EX",
    0x82: "EXT1", 0x83: "EXT2", 0x84: "EXT4", 0x50: "PERSID", 0x51: "BINPERSID",
}  # fmt: skip
#: Opcode -> bytes of the length in front of the text or bytes it holds.
_TEXTS = {SHORT_BINUNICODE: 1, BINUNICODE: 4, BINUNICODE8: 8}
_BYTES = {SHORT_BINBYTES: 1, BINBYTES: 4, BINBYTES8: 8, SHORT_BINSTRING: 1, BINSTRING: 4}
_TUPLES = {EMPTY_TUPLE: 0, TUPLE1: 1, TUPLE2: 2, TUPLE3: 3}

_UINT32, _INT32, _FLOAT64 = struct.Struct("<I"), struct.Struct("<i"), struct.Struct(">d")


def load(data: bytes, source: str) -> Any:
    """The value in a pickle of protocol 0 to 5; `source` is what to call the file in a message.

    Made of None, bool, int, float, str, bytes, list, tuple and dict (with str as keys); it may refer to itself.
    Raises TraceError, in one sentence, for a pickle that holds anything else, is damaged or cut off, or is larger than the limits.
    """
    if len(data) > MAX_BYTES:
        raise TraceError(f"{source} is larger than {MAX_BYTES >> 20} MiB; record fewer events (`max_entries`).")
    try:
        return _Machine(data, source).run()
    except (IndexError, struct.error) as error:
        raise TraceError(f"{source} is damaged or cut off: the pickle ends in the middle of a value; record or copy it again.") from error


class _Machine:
    """The stack machine that a pickle is a program for."""

    def __init__(self, data: bytes, source: str) -> None:
        self.data = data
        self.source = source
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: list[Any] = []

    def run(self) -> Any:
        # What nearly every byte of a snapshot is stands here, most frequent first; the rest is in `_seldom`.
        data, stack, marks, memo = self.data, self.stack, self.marks, self.memo
        push, text_at, integer_at = stack.append, self._text, _UINT32.unpack_from
        position, room = 0, MEMORY_BYTES
        while True:
            code = data[position]
            if code == BINGET:
                push(memo[data[position + 1]])
                position += 2
                continue
            if code == LONG_BINGET:
                push(memo[integer_at(data, position + 1)[0]])
                position += 5
                continue
            if code == MEMOIZE:
                memo.append(stack[-1])
                position += 1
                room -= _REFERENCE
            elif code == MARK:
                if len(marks) == MAX_DEPTH:
                    raise self._refusal(f"it nests deeper than {MAX_DEPTH} levels")
                marks.append(len(stack))
                position += 1
                room -= _MARK
            elif code == BININT1:
                push(data[position + 1])
                position += 2
                room -= _REFERENCE
            elif code == LONG1:
                length = data[position + 1]
                position += 2 + length
                push(self._integer(position, length))
                room -= _NUMBER
            elif code == SHORT_BINUNICODE:
                length = data[position + 1]
                position += 2 + length
                push(text_at(position, length))
                room -= _TEXT + length
            elif code == EMPTY_DICT:
                push({})
                position += 1
                room -= _DICTIONARY
            elif code == SETITEMS:
                room -= _ITEM * self._set_items(marks.pop())
                position += 1
            elif code == BININT:
                push(_INT32.unpack_from(data, position + 1)[0])
                position += 5
                room -= _NUMBER
            elif code == EMPTY_LIST:
                push([])
                position += 1
                room -= _LIST
            elif code == APPENDS:
                room -= _REFERENCE * self._append(marks.pop())
                position += 1
            elif code == BININT2:
                push(data[position + 1] | data[position + 2] << 8)
                position += 3
                room -= _NUMBER
            elif code == STOP:
                return stack[-1]
            else:
                height = len(stack)
                after = self._seldom(code, position)
                room -= _OTHER + _ITEM * abs(height - len(stack)) + 4 * (after - position)
                position = after
            if room < 0:
                raise TraceError(
                    f"{self.source} is too large: its values take up more than {MEMORY_BYTES >> 30} GiB; record fewer events (`max_entries`)."
                )

    def _seldom(self, code: int, position: int) -> int:
        """Run one of the other opcodes; where the next one is."""
        stack = self.stack
        position += 1
        if code == SETITEM:
            self._set_items(len(stack) - 2)
        elif code == APPEND:
            self._append(len(stack) - 1)
        elif code in _TEXTS or code in _BYTES:
            width = _TEXTS[code] if code in _TEXTS else _BYTES[code]
            length = int.from_bytes(self._slice(position, width), "little")
            position += width + length
            stack.append(self._text(position, length) if code in _TEXTS else self._slice(position - length, length))
        elif code in (NONE, NEWTRUE, NEWFALSE):
            stack.append({NONE: None, NEWTRUE: True, NEWFALSE: False}[code])
        elif code == BINFLOAT:
            stack.append(_FLOAT64.unpack_from(self.data, position)[0])
            position += 8
        elif code in _TUPLES:
            self._tuple(len(stack) - _TUPLES[code])
        elif code == TUPLE:
            self._tuple(self.marks.pop())
        elif code == BINPUT:
            self._remember(self.data[position])
            position += 1
        elif code == LONG_BINPUT:
            self._remember(_UINT32.unpack_from(self.data, position)[0])
            position += 4
        elif code == PROTO:
            if self.data[position] > 5:
                raise self._refusal(f"it is of protocol {self.data[position]}, newer than 5")
            position += 1
        elif code == FRAME:
            position += 8
        elif code == LONG4:
            length = _INT32.unpack_from(self.data, position)[0]
            position += 4 + length
            stack.append(self._integer(position, length))
        elif code in (LIST, DICT, POP, POP_MARK, DUP):
            self._rearrange(code)
        elif code in (INT, LONG, FLOAT, STRING, UNICODE, GET, PUT):
            position = self._line(code, position)
        elif code in _RUNS_CODE:
            raise self._refusal(f"it asks to run code ({_RUNS_CODE[code]})")
        else:
            where = f"byte {code} at {position - 1}"
            raise TraceError(f"{self.source} is damaged or no memory snapshot: {where} begins no plain value; record or copy it again.")
        return position

    def _rearrange(self, code: int) -> None:
        stack = self.stack
        if code == DUP:
            stack.append(stack[-1])
        elif code == POP and self.marks and self.marks[-1] == len(stack):
            self.marks.pop()
        elif code == POP:
            stack.pop()
        else:
            mark = self.marks.pop()
            values = stack[mark:]
            del stack[mark:]
            if code == LIST:
                stack.append(values)
            elif code == DICT:
                stack.append({})
                stack.extend(values)
                self._set_items(mark + 1)

    def _line(self, code: int, position: int) -> int:
        """Run an opcode of protocol 0, whose argument is the rest of its line."""
        end = self.data.find(b"\n", position)
        if end < 0:
            raise IndexError
        line = self.data[position:end]
        try:
            if code == UNICODE:
                self.stack.append(self._without_surrogates(line, "raw-unicode-escape", end))
            elif code == STRING:
                self.stack.append(line[1:-1])
            elif code == FLOAT:
                self.stack.append(float(line[:_MAX_DIGITS]))
            elif len(line) > _MAX_DIGITS:
                raise ValueError
            elif code == GET:
                self.stack.append(self.memo[int(line)])
            elif code == PUT:
                self._remember(int(line))
            elif code == INT and line in (b"00", b"01"):
                self.stack.append(line == b"01")
            else:
                self.stack.append(int(line.rstrip(b"L")))
        except ValueError as error:
            raise TraceError(f"{self.source} is damaged: the number at byte {position} cannot be read; record or copy it again.") from error
        return end + 1

    def _remember(self, place: int) -> None:
        if place == len(self.memo):
            self.memo.append(self.stack[-1])
        elif 0 <= place < len(self.memo):
            self.memo[place] = self.stack[-1]
        else:
            raise self._refusal(f"it skips places in its memo (to {place})")

    def _set_items(self, start: int) -> int:
        """Move the keys and values from `start` on into the dictionary below; how many."""
        stack = self.stack
        if start < 1:
            raise IndexError
        keys, values = stack[start::2], stack[start + 1 :: 2]
        del stack[start:]
        target = stack[-1]
        if type(target) is not dict or len(keys) != len(values):
            raise self._refusal("it fills a dictionary that is none")
        if not all(type(key) is str for key in keys):
            raise self._refusal("it has a dictionary whose keys are not text")
        target.update(zip(keys, values, strict=True))
        return len(keys)

    def _append(self, start: int) -> int:
        """Move what is from `start` on into the list below; how many."""
        stack = self.stack
        values = stack[start:]
        del stack[start:]
        target = stack[-1]
        if type(target) is not list:
            raise self._refusal("it fills a list that is none")
        target.extend(values)
        return len(values)

    def _tuple(self, start: int) -> None:
        if start < 0:
            raise IndexError
        values = tuple(self.stack[start:])
        del self.stack[start:]
        self.stack.append(values)

    def _slice(self, start: int, length: int) -> bytes:
        if start + length > len(self.data):
            raise IndexError
        return self.data[start : start + length]

    def _text(self, end: int, length: int) -> str:
        raw = self._slice(end - length, length)
        try:
            return raw.decode()
        except UnicodeDecodeError:
            return self._without_surrogates(raw, "utf-8", end)

    def _without_surrogates(self, raw: bytes, encoding: str, end: int) -> str:
        """Text in which a half of a surrogate pair, which Python writes but UTF-8 does not have, has become a question mark."""
        try:
            return raw.decode(encoding, "surrogatepass").encode("utf-8", "replace").decode()
        except UnicodeDecodeError as error:
            raise TraceError(f"{self.source} is damaged: the text that ends at byte {end} cannot be read; record or copy it again.") from error

    def _integer(self, end: int, length: int) -> int:
        if not 0 <= length <= _MAX_INTEGER_BYTES:
            raise self._refusal(f"it has an integer of {length} bytes")
        return int.from_bytes(self._slice(end - length, length), "little", signed=True)

    def _refusal(self, what: str) -> TraceError:
        return TraceError(f"{self.source} is no memory snapshot: {what}; give the file that `torch.cuda.memory._dump_snapshot` wrote.")
