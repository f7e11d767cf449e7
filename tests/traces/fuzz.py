"""Mutated recordings against the readers: `python -m tests.traces.fuzz COUNT [SEED]`.

Whatever comes in, a reader gives a recording whose account adds up, and whose tables can be made, or one sentence. What broke
is kept in `test_fuzz.py` by format and seed.
"""

from __future__ import annotations

import gzip
import random
import re
import sys
import time
import traceback
from pathlib import Path

from core.analysis import snapshot as snapshots
from core.analysis.summary import summary
from core.traces.read import read_source
from core.traces.schema import Trace, TraceError
from core.traces.snapshot import is_snapshot, read_snapshot
from core.traces.sources import Limits, Source
from tests.traces import synthetic

DATA = Path(__file__).parent / "data"
LIMITS = Limits(text_bytes=2**26, events=200_000)
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")
_VALUES = (b"null", b"[]", b"{}", b'"x"', b"true", b"-1", b"0", b"1e400", b"9" * 30, b"-9223372036854775809", b"1.5e-300", b'"\\ud800"', b'"\xff"',
           b"[" * 2000, b'{"a":' * 500, b"18446744073709551615", b"1e18", b"0.0005")  # fmt: skip


def seeds() -> dict[str, bytes]:
    """Small whole recordings of every format."""
    memory = [
        {"ph": "i", "cat": "cpu_instant_event", "name": "[memory]", "pid": 7, "tid": 7, "ts": ts,
         "args": {"Bytes": size, "Addr": 4096, "Device Type": 1, "Device Id": 0, "Total Allocated": total, "Total Reserved": 4096}}
        for ts, size, total in ((210, 64, 64), (390, -64, 0))
    ]  # fmt: skip
    kineto = synthetic.kineto(
        [*synthetic.training_step(), *synthetic.launches(), *memory],
        deviceProperties=[{"id": 1, "name": "V100", "numSms": 80, "maxThreadsPerMultiprocessor": 2048}],
        distributedInfo={"rank": 1, "world_size": 2}, baseTimeNanoseconds=1790857026000000000,
    )  # fmt: skip
    exact = kineto.replace(b'"ts": 2', b'"ts": 1795399151062693.62', 3)
    return {
        "kineto": kineto,
        "kineto exact": exact,
        "kineto gzip": gzip.compress(kineto, mtime=0),
        "xplane": synthetic.graph_space().SerializeToString(),
        "snapshot": gzip.decompress(data)
        if (data := (DATA / "h100" / "train_steps.memory_snapshot.pickle").read_bytes())[:2] == b"\x1f\x8b"
        else data,
    }


def mutated(data: bytes, random: random.Random) -> bytes:
    """One to four changes: bytes flipped, cut out, put in, said twice, or a number that becomes something else."""
    changed = bytearray(data)
    for _ in range(random.randint(1, 4)):
        if not changed:
            break
        place = random.randrange(len(changed))
        length = min(random.choice((1, 1, 2, 8, 64, 512)), len(changed) - place)
        match random.randrange(14):
            case 0:
                changed[place] ^= 1 << random.randrange(8)
            case 1:
                del changed[place : place + length]
            case 2:
                changed[place:place] = random.randbytes(length)
            case 3:
                changed[place:place] = changed[place : place + length]
            case 4:
                del changed[place:]
            case _:
                numbers = list(_NUMBER.finditer(bytes(changed[place : place + 4000])))
                if numbers:
                    found = random.choice(numbers)
                    changed[place + found.start() : place + found.end()] = random.choice(_VALUES)
    return bytes(changed)


def judge(data: bytes) -> str:
    """`read` or `refused`; raises AssertionError, or whatever a reader should not have raised."""
    source = Source(name="mutated", data=data)
    try:
        if is_snapshot(data[:64]):
            one = read_snapshot(data, "mutated")
            snapshots.summary(one)
            return "read"
        trace = read_source(source, limits=LIMITS)
    except TraceError as error:
        check_sentence(str(error))
        return "refused"
    check(trace)
    return "read"


def check_sentence(text: str) -> None:
    assert "\n" not in text, text
    assert len(text) < 600, text


def check(trace: Trace) -> None:
    coverage = trace.facts.coverage
    assert coverage.events_read == len(trace.events) + len(trace.memory)
    assert coverage.events_found == coverage.events_read + sum(coverage.events_skipped.values()), coverage
    found = summary(trace)
    for account in found["devices"].values():
        assert account["busy_ns"] + account["idle_ns"] == account["span_ns"]
    for step in found["steps"]:
        assert sum(step["parts_ns"].values()) == step["duration_ns"]


def main(count: int, seed: int = 0) -> int:
    originals, counts, broken = seeds(), {"read": 0, "refused": 0}, 0
    slowest = 0.0
    for number in range(seed, seed + count):
        name = list(originals)[number % len(originals)]
        data = mutated(originals[name], random.Random(number))
        began = time.perf_counter()
        try:
            counts[judge(data)] += 1
        except Exception:
            broken += 1
            print(f"--- {name!r}, seed {number}\n{traceback.format_exc()}", flush=True)
        slowest = max(slowest, time.perf_counter() - began)
    print(
        f"{count} mutated recordings: {counts['read']} read, {counts['refused']} refused, {broken} broke; the slowest took {slowest:.2f} s"
    )
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
