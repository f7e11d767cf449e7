"""The two profiles of a comparison, read once per content and kept on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.report.files import profile_files
from core.store.comparisons import StoredComparison
from core.store.home import traces_folder
from core.traces.cache import digest, open_trace
from core.traces.library import TraceLibrary
from core.traces.schema import Trace, TraceError
from pages._parts.kept import kept


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What the profiled run of one side left."""

    side: str
    digest: str
    trace: Trace


def profiles_of(one: StoredComparison) -> tuple[dict[str, Profile], dict[str, str]]:
    """Readable profiles by side, and for each other side the sentence that says why there is none."""
    files, problems = profile_files(one)
    found: dict[str, Profile] = {}
    for side, path in files.items():
        try:
            content = digest(path)
            found[side] = Profile(side=side, digest=content, trace=_trace(content, path))
        except TraceError as error:
            problems[side] = str(error)
    return found, problems


def _kept_bytes(content: str, _path: Path) -> int:
    """Memory that reading it takes, about: from what was decoded before, else from the profiler's own file."""
    return 3 * TraceLibrary(traces_folder()).size_bytes(content) or 40 * _path.stat().st_size


@kept(max_entries=6, show_spinner="Reading the profile", cost=_kept_bytes)
def _trace(content: str, _path: Path) -> Trace:
    return open_trace(_path, traces_folder())
