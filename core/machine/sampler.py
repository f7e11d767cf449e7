"""The load sampler: what else happened on this machine while a run was timed.

    with LoadSampler(folder / "samples.jsonl") as sampler:
        sampler.begin(process.pid)
        process.wait()
        load = sampler.end()

Between `begin` and `end` a thread reads the counters about once a second; the figures of the window come from the counters at
its two ends, so a window shorter than a second is as good as a long one. Outside of windows it goes on reading, for live pages.
"""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from core.machine.load import MachineReader, Reader, Reading, live_sample, load_between
from core.model.run import MachineLoad

INTERVAL_S = 1.0


class LoadSampler:
    """Samples from `__enter__` to `__exit__`; one window at a time. Not to be shared between threads."""

    def __init__(self, path: Path | None = None, *, reader: Reader | None = None, interval_s: float = INTERVAL_S) -> None:
        """`path`: where to append one JSON object per sample, with `time_s` (seconds since 1970) and what `live_sample` gives."""
        self._path = path
        self._reader = reader or MachineReader()
        self._interval_s = interval_s
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="load-sampler")
        self._error: Exception | None = None
        self._previous: Reading | None = None
        self._window: list[Reading] = []
        self._latest: dict[str, Any] = {}

    def __enter__(self) -> LoadSampler:
        self.sample()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()
        self._reader.close()

    def begin(self, pid: int) -> None:
        """Open the window of one run; `pid` is its process, of which every descendant counts too."""
        with self._lock:
            self._reader.follow(pid)
            self._window = []
            self._previous = None
            self._take()

    def end(self) -> MachineLoad:
        """Close the window; the process may be gone by now. Where no run could begin, what happened since the sampler started.

        Raises what went wrong in the sampling thread, if anything did.
        """
        with self._lock:
            self._take()
            window, self._window = self._window, []
            self._reader.follow(None)
            self._previous = None
        if self._error:
            raise self._error
        return load_between(window)

    def latest(self) -> dict[str, Any]:
        """The last sample, as it is written to the file; empty before the first."""
        return dict(self._latest)

    def sample(self) -> None:
        """Take one sample now, as the thread does by itself."""
        with self._lock:
            self._take()

    def _take(self) -> None:
        now = self._reader.read()
        self._window.append(now)
        if self._previous is not None and now.at_s > self._previous.at_s:
            self._latest = {"time_s": round(time.time(), 3), **live_sample(self._previous, now)}
            if self._path is not None:
                with self._path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(self._latest) + "\n")
        self._previous = now

    def _run(self) -> None:
        while not self._stop.wait(self._interval_s):
            try:
                self.sample()
            except Exception as error:
                self._error = error  # `end` raises it where somebody can act on it
                return
