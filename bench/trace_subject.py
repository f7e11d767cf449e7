"""One way to open one trace, in a process of its own: `python bench/trace_subject.py WAY FILE`; prints seconds and peak memory
as JSON.

Ways: `ours` (file to every table), `reopen` (from the cache), `floor` (msgspec decodes the needed fields, nothing else),
`xplane` (file to frame), and of the peers `hta` and `tb`, which need an interpreter that has them.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path


def ours(path: Path) -> Callable[[], object]:
    from core.analysis.summary import summary
    from core.traces.read import read_trace

    return lambda: summary(read_trace(path))


def reopen(path: Path) -> Callable[[], object]:
    from core.traces.cache import open_trace

    folder = Path(os.environ["SHOWDOWN_BENCH_KEPT"])
    open_trace(path, folder)
    return lambda: open_trace(path, folder)


def xplane(path: Path) -> Callable[[], object]:
    from core.traces.read import read_trace

    return lambda: read_trace(path)


def floor(path: Path) -> Callable[[], object]:
    from bench.trace_floor import DECODER

    gc.disable()
    return lambda: DECODER.decode(path.read_bytes())


def hta(path: Path) -> Callable[[], object]:
    from hta.trace_analysis import TraceAnalysis  # type: ignore[import-not-found, import-untyped, unused-ignore]

    return lambda: TraceAnalysis(trace_files={0: str(path)}, trace_dir=str(path.parent)).get_gpu_kernel_breakdown(visualize=False)


def tb(path: Path) -> Callable[[], object]:
    from torch_tb_profiler.profiler.data import RunProfileData  # type: ignore[import-not-found, import-untyped, unused-ignore]

    return lambda: RunProfileData.parse("worker0", "0", str(path), tempfile.mkdtemp())


WAYS = {"ours": ours, "reopen": reopen, "floor": floor, "xplane": xplane, "hta": hta, "tb": tb}


def main(way: str, file: str) -> None:
    run = WAYS[way](Path(file))
    began = time.perf_counter()
    run()
    print(json.dumps({"seconds": time.perf_counter() - began}))


if __name__ == "__main__":
    main(*sys.argv[1:])
