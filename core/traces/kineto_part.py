"""`python -m core.traces.kineto_part FILE PLACE ANSWER`: decode a recording from a place on, for the process that decodes what
is before.
"""

from __future__ import annotations

import os
import pickle
import sys
import threading
import time
from pathlib import Path

from core.traces.kineto_columns import part_from
from core.traces.schema import TraceError


def _end_with_parent() -> None:
    """Nobody waits for the answer of a process whose parent is gone."""
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(0.2)
    os._exit(1)


def main(file: str, place: str, answer: str) -> int:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        part = part_from(Path(file), int(place))
    except (TraceError, RecursionError):
        return 1
    Path(answer).write_bytes(pickle.dumps(part, protocol=5))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
