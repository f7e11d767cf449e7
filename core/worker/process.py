"""What every worker process does around its work: it tells its beginning and its end, and does not outlive who started it."""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from core.model.run import SCHEMA_VERSION
from core.worker.events import EventWriter
from core.worker.failure import EXIT_DISK_FULL, EXIT_FAILED, classify, is_disk_full


def carry_out(work: Callable[[EventWriter], None], *, folder: Path, device: str) -> int:
    """Do `work` between the events `started` and `finished`, or `failed` with kind and message; returns the exit status.

    `device`: where the work runs, `cpu` or `gpu`, for the words of a failure.
    """
    end_with_parent()
    try:
        events = EventWriter(folder / "events.jsonl")
        events.write("started", schema=SCHEMA_VERSION, pid=os.getpid(), python=sys.executable)
        try:
            work(events)
        except Exception as error:
            traceback.print_exc()
            failure = classify(error, device)
            events.write("failed", kind=failure.kind, message=str(failure))
            return EXIT_FAILED
        events.write("finished")
    except OSError as error:
        if is_disk_full(error):
            return EXIT_DISK_FULL
        raise
    return 0


def end_with_parent() -> None:
    """A worker whose parent is gone has nobody to report to: it ends, so that nothing runs on unseen."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(EXIT_FAILED)

    threading.Thread(target=watch, daemon=True, name="end-with-parent").start()
