"""Open a profiler's recording of either framework, whatever its file is called."""

from __future__ import annotations

import re
import zlib
from pathlib import Path

from isal import igzip

from core.traces import kineto, xplane
from core.traces.schema import Trace, TraceError

_GZIP = b"\x1f\x8b"
_JSON = re.compile(rb"\s*[{\[]")
_KINETO = (".pt.trace.json", ".pt.trace.json.gz")
_XPLANE = (".xplane.pb",)


def read_trace(path: Path) -> Trace:
    """Read a Kineto JSON (plain or gzip) or an XPlane; the content decides which.

    Raises TraceError, in one sentence, for a file that is missing, empty, cut off or not a trace.
    """
    data = _bytes(path)
    if _JSON.match(data):
        return kineto.read(data, path.name)
    return xplane.read(data, path.name)


def _bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise TraceError(f"{path.name} does not exist in {path.parent}.") from error
    except IsADirectoryError as error:
        raise TraceError(f"{path.name} is a folder; give the trace file in it.") from error
    if data.startswith(_GZIP):
        try:
            data = igzip.decompress(data)
        except (EOFError, OSError, zlib.error) as error:
            raise TraceError(f"{path.name} is damaged or cut off: {error}; record or copy it again.") from error
    if data.isspace() or not data:
        raise TraceError(f"{path.name} is empty.")
    return data


def find_profile(folder: Path) -> Path:
    """The trace that a run's profiler left in `folder`, in either framework's TensorBoard layout; the newest of several.

    PyTorch writes `<worker>.pt.trace.json.gz` into the folder, TensorFlow `plugins/profile/<time>/<host>.xplane.pb` below it.
    Raises TraceError where there is none.
    """
    found = [path for path in folder.rglob("*") if path.is_file() and path.name.endswith(_KINETO + _XPLANE)]
    if not found:
        raise TraceError(f"There is no profiler's trace in {folder}; the profiled run left none.")
    return max(found, key=lambda path: (path.stat().st_mtime_ns, path.name))
