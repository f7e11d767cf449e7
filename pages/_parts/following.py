"""Reading files that grow: each look costs only what was written since the last one."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st

from core.store.files import read_events, tail

_KEY = "followed_files"


@dataclass
class _Followed:
    offset: int = 0
    events: list[dict[str, Any]] = field(default_factory=list)


class Following:
    """The growing files of one comparison, remembered by the session until it follows another one."""

    def __init__(self, folder: Path) -> None:
        kept: tuple[Path, dict[Path, _Followed]] = st.session_state.get(_KEY, (folder, {}))
        self._files = kept[1] if kept[0] == folder else {}
        self._folder = folder
        st.session_state[_KEY] = (folder, self._files)

    def events(self, path: str) -> list[dict[str, Any]]:
        """Every whole line so far of an `events.jsonl`, path relative to the folder."""
        file = self._files.setdefault(self._folder / path, _Followed())
        new, file.offset = read_events(self._folder / path, file.offset)
        file.events += new
        return file.events

    def samples(self, last: int = 61) -> list[dict[str, Any]]:
        """The newest samples of the machine's load; the last line may still be in the making."""
        samples = []
        for line in tail(self._folder / "samples.jsonl", last):
            try:
                samples.append(json.loads(line))
            except ValueError:
                continue
        return samples
