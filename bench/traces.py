"""What opening a trace costs: ours against the cheapest decoding there is, and against the tools that others use, in one run.

The trace is a real one repeated. `SHOWDOWN_BENCH_TRACE` names it; without it that of this project's tests.
`SHOWDOWN_PEERS_PYTHON` names an interpreter that has HolisticTraceAnalysis and torch-tb-profiler (`make peers` makes one);
without it the peers are left out.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
from rich.console import Console

from bench.big_kineto import make_big_kineto
from bench.big_xplane import make_big_xplane
from bench.ratios import Ratio, in_turns

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "tests" / "traces" / "data" / "h100"
TARGET_BYTES = 299_000_000
XPLANE_EVENTS = 1_000_000
PAIRS = 3
TIMES_THE_FLOOR = 3.0
_LOOK_EVERY_S = 0.01
#: A peer takes ten times as long: ours is a tenth of it.
TENTH = 0.1


@dataclass(frozen=True, kw_only=True)
class Opening:
    """One process that opened the trace."""

    seconds: float
    peak_mb: float


def report(console: Console) -> Iterator[tuple[str, Ratio, float | None]]:
    """Ratios of ours over the floor, and over each peer."""
    with tempfile.TemporaryDirectory(prefix="showdown-bench-") as temporary:
        folder = Path(temporary)
        big = folder / "big.pt.trace.json"
        source = Path(os.environ.get("SHOWDOWN_BENCH_TRACE") or DATA / "mnist_cnn.pt.trace.json.gz")
        events = make_big_kineto(source, 1, big)
        copies = max(1, round(TARGET_BYTES / big.stat().st_size))
        events = make_big_kineto(source, copies, big)
        console.print(f"[dim]Traces: {source.name} {copies} times, {events:,} events, {big.stat().st_size / 1e6:.0f} MB[/dim]")
        kept = {"SHOWDOWN_BENCH_KEPT": str(folder / "kept")}
        ours, floors = in_turns(lambda: open_with("ours", big), lambda: open_with("floor", big), PAIRS)
        _say(console, "ours, file to every table", ours)
        _say(console, "floor, msgspec decodes the needed fields", floors)
        yield (
            "Trace to all tables over the msgspec floor",
            Ratio.of([o.seconds for o in ours], [f.seconds for f in floors]),
            TIMES_THE_FLOOR,
        )
        _say(console, "ours again, from the cache", [open_with("reopen", big, kept) for _ in range(PAIRS)])
        plane = folder / "big.xplane.pb"
        plane.write_bytes(make_big_xplane(DATA / "jax_conv.xplane.pb.gz", XPLANE_EVENTS))
        _say(
            console,
            f"ours, XPlane of {XPLANE_EVENTS:,} events, {plane.stat().st_size / 1e6:.0f} MB",
            [open_with("xplane", plane) for _ in range(PAIRS)],
        )
        python = os.environ.get("SHOWDOWN_PEERS_PYTHON")
        if not python:
            console.print("[dim]  peers left out: SHOWDOWN_PEERS_PYTHON names no interpreter that has them[/dim]")
            return
        for way, name in (("hta", "HolisticTraceAnalysis"), ("tb", "torch-tb-profiler")):
            before = open_with("ours", big).seconds
            try:
                peer = open_with(way, big, python=python)
            except RuntimeError as error:
                console.print(f"[dim]  {name} failed: {str(error).splitlines()[-1][:160]}[/dim]")
                continue
            _say(console, name, [peer])
            around = (before, open_with("ours", big).seconds)  # a peer takes long enough for the machine to change
            yield f"Trace to all tables over {name}", Ratio.of(around, [peer.seconds, peer.seconds]), TENTH


def open_with(way: str, path: Path, variables: dict[str, str] | None = None, *, python: str = sys.executable) -> Opening:
    command = [python, str(ROOT / "bench" / "trace_subject.py"), way, str(path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **(variables or {})}
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = psutil.Popen(command, env=environment, cwd=ROOT, stdout=out, stderr=err)
        peak_bytes = 0
        while process.poll() is None:
            peak_bytes = max(peak_bytes, _resident_bytes(process))
            time.sleep(_LOOK_EVERY_S)
        out.seek(0)
        err.seek(0)
        if process.returncode != 0:
            raise RuntimeError(err.read().strip() or f"{way} ended with {process.returncode}")
        seconds = json.loads(out.read().strip().splitlines()[-1])["seconds"]
    return Opening(seconds=seconds, peak_mb=peak_bytes / 1e6)


def _resident_bytes(process: psutil.Process) -> int:
    """Of a process and those that it started, together at this moment."""
    total = 0
    for one in (process, *_children(process)):
        try:
            total += one.memory_info().rss
        except psutil.Error:
            pass  # it has ended
    return total


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        found: list[psutil.Process] = process.children(recursive=True)
    except psutil.Error:
        return []
    return found


def _say(console: Console, name: str, openings: list[Opening]) -> None:
    seconds = sorted(opening.seconds for opening in openings)
    peak = max(opening.peak_mb for opening in openings)
    console.print(
        f"[dim]  {name}: {seconds[len(seconds) // 2]:.2f} s ({seconds[0]:.2f} to {seconds[-1]:.2f}), at most {peak:.0f} MB[/dim]"
    )
