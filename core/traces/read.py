"""Open a profiler's recording of either framework, whatever its file is called."""

from __future__ import annotations

import re
from pathlib import Path

from core.traces import kineto, sources, xplane
from core.traces.schema import Trace, TraceError
from core.traces.sources import LIMITS, Limits, Progress, Source, silent

_JSON = re.compile(rb"\s*[{\[]")
_KINETO = (".pt.trace.json", ".pt.trace.json.gz")
_XPLANE = (".xplane.pb",)


def read_trace(path: Path, *, progress: Progress = silent, limits: Limits = LIMITS) -> Trace:
    """Read a Kineto JSON or an XPlane, plain or gzip; the content decides which.

    Raises TraceError, in one sentence, for a file that is missing, empty, damaged or not a trace.
    """
    return read_source(Source.of(path), progress=progress, limits=limits)


def read_source(source: Source, *, progress: Progress = silent, limits: Limits = LIMITS) -> Trace:
    """As `read_trace`, of bytes from anywhere."""
    head = sources.head(source, limits)
    if not head:
        raise TraceError(f"{source.name} is empty.")
    if _JSON.match(head):
        return kineto.read(source, progress=progress, limits=limits)
    return xplane.read(sources.whole(source, progress, limits), source.name, limits=limits)


def find_profile(folder: Path) -> Path:
    """The trace that a run's profiler left in `folder`, in either framework's TensorBoard layout; the newest of several.

    PyTorch writes `<worker>.pt.trace.json.gz` into the folder, TensorFlow `plugins/profile/<time>/<host>.xplane.pb` below it.
    Raises TraceError where there is none.
    """
    found = [path for path in folder.rglob("*") if path.is_file() and path.name.endswith(_KINETO + _XPLANE)]
    if not found:
        raise TraceError(f"There is no profiler's trace in {folder}; the profiled run left none.")
    return max(found, key=lambda path: (path.stat().st_mtime_ns, path.name))
