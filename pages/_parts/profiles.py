"""The two profiles of a comparison, read once per content and kept on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from core.model.comparison import SIDES
from core.store.comparisons import StoredComparison
from core.store.files import StoreError, read_json
from core.store.home import traces_folder
from core.traces.cache import digest, open_trace
from core.traces.read import find_profile
from core.traces.schema import Trace, TraceError


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What the profiled run of one side left."""

    side: str
    digest: str
    trace: Trace


def profiles_of(one: StoredComparison) -> tuple[dict[str, Profile], dict[str, str]]:
    """Readable profiles by side, and for each other side the sentence that says why there is none."""
    assert one.result is not None
    found: dict[str, Profile] = {}
    problems: dict[str, str] = {}
    for side in SIDES:
        run = next((run for run in one.result.runs if run.role == "profile" and run.side == side), None)
        if run is None:
            problems[side] = "It was not profiled."
        elif run.error is not None:
            problems[side] = run.error.message
        else:
            try:
                path = find_profile(one.run_folder(run.index, side) / "profile")
                content = digest(path)
                found[side] = Profile(side=side, digest=content, trace=_trace(content, path))
            except TraceError as error:
                problems[side] = str(error)
    return found, problems


@st.cache_resource(max_entries=6, show_spinner="Reading the profile")
def _trace(content: str, _path: Path) -> Trace:
    return open_trace(_path, traces_folder())


def declared_layers(one: StoredComparison) -> dict[str, list[tuple[str, str]]]:
    """Name and kind of each layer by side, as the parity runs counted them; empty where that is not known."""
    try:
        layers: dict[str, list[dict[str, Any]]] = read_json(one.folder / "parity.json", dict[str, Any])["layers"]
    except (OSError, StoreError, KeyError):
        return {}
    return {side: [(layer["name"], layer["kind"]) for layer in found] for side, found in layers.items()}
