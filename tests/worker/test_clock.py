"""What the step clock writes of a block."""

from __future__ import annotations

import json
import mmap
from pathlib import Path

import pytest

from core.worker.clock import BlockClock
from core.worker.events import EventWriter


def blocks(path: Path) -> list[dict[str, object]]:
    events = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [event for event in events if event["event"] == "block"]


@pytest.mark.skipif(not hasattr(mmap, "MADV_NOHUGEPAGE"), reason="the size of a page cannot be chosen here")
def test_pages_that_a_block_uses_for_the_first_time_are_counted(tmp_path: Path):
    clock = BlockClock(EventWriter(tmp_path / "events.jsonl"))
    pages = 2_000
    with mmap.mmap(-1, pages * mmap.PAGESIZE) as memory:
        memory.madvise(mmap.MADV_NOHUGEPAGE)
        for _ in range(2):  # the second time they are there
            clock.begin()
            for page in range(pages):
                memory[page * mmap.PAGESIZE] = 1
            clock.end(1, 0.5, None)
    first, second = (block["page_faults"] for block in blocks(tmp_path / "events.jsonl"))
    assert isinstance(first, int)
    assert isinstance(second, int)
    assert pages <= first < pages + 500
    assert second < 500
