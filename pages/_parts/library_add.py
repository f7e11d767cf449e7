"""Bring recordings of one's own: by upload, or from where they lie on this machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st

from core.model.errors import ShowdownError
from core.model.hosted import is_hosted
from core.traces.library import Entry, TraceLibrary, recordings_in
from core.traces.schema import TraceError
from core.traces.sources import Progress
from pages._parts import formats

#: Of one upload; a larger file is opened where it lies.
MOST_MB = 200
SUFFIXES = ["json", "gz", "pb", "pickle"]
#: Counts uploads: a new key for the uploader, so that what was read is not held in memory, nor read again.
_GENERATION = "library_uploads"
_OUTCOME = "library_outcome"
#: Digests of what was brought last: the rows that are chosen in the table.
BROUGHT = "library_brought"


@dataclass(kw_only=True)
class Outcome:
    """What became of the files that were brought last."""

    added: list[Entry] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)
    """File -> the sentence that says why it is not here."""


def show_add(library: TraceLibrary) -> None:
    """The uploader, the field for a path, and what became of the last files; in the hosted demo a visitor's own uploader."""
    if is_hosted():
        from pages._parts.visitor_upload import show_visitor_upload

        show_visitor_upload()
        return
    left, right = st.columns(2, gap="medium")
    with left:
        files = st.file_uploader(
            "Upload traces or memory snapshots", type=SUFFIXES, accept_multiple_files=True, max_upload_size=MOST_MB, key=uploader_key(),
            help=f"torch.profiler (.json, .json.gz), XPlane (.xplane.pb), CUDA memory snapshots (.pickle); up to {MOST_MB} MB each. "
                 "They stay on this machine.",
        )  # fmt: skip
    with right, st.form("open_path", border=False):
        path = st.text_input(
            "Or open a file or a folder on this machine", key="library_path", placeholder="/data/run-7/profile", icon=":material/folder_open:",
            help="Read where it lies, whatever its size; only what was read is kept. A folder is searched with everything below it: the traces "
                 "in it are taken for ranks of one run.",
        )  # fmt: skip
        opened = st.form_submit_button("Open", icon=":material/file_open:")
    if files:
        bring([(file.name, _uploading(library, file.name, file.getvalue)) for file in files])
        next_uploader()
        st.rerun()
    if opened:
        _open(library, path.strip())
        st.rerun()
    show_outcome()


#: Reads one file, told how far it is.
Bringing = Callable[[Progress], Entry]


def uploader_key() -> str:
    """Of the uploader that waits for the next files."""
    return f"upload_{st.session_state.get(_GENERATION, 0)}"


def next_uploader() -> None:
    """The files of this one are dealt with."""
    st.session_state[_GENERATION] = st.session_state.get(_GENERATION, 0) + 1


def _uploading(library: TraceLibrary, name: str, data: Callable[[], bytes]) -> Bringing:
    return lambda progress: library.upload(name, data(), progress=progress)


def _opening(library: TraceLibrary, path: Path, group: str | None) -> Bringing:
    return lambda progress: library.open_file(path, group=group, progress=progress)


def _open(library: TraceLibrary, text: str) -> None:
    path = Path(os.path.expanduser(text))
    try:
        if not text:
            raise TraceError("Give the path of a trace, of a memory snapshot, or of a folder with some.")
        if not path.exists():
            raise TraceError(f"There is nothing at {path} on the machine that this app runs on.")
        if path.is_dir():
            bring([(str(one.relative_to(path)), _opening(library, one, str(path))) for one in recordings_in(path)])
        else:
            bring([(path.name, _opening(library, path, None))])
    except ShowdownError as error:
        st.session_state[_OUTCOME] = Outcome(problems={path.name or "Nothing": str(error)})
    except OSError as error:
        st.session_state[_OUTCOME] = Outcome(problems={path.name: f"{path} cannot be read: {error.strerror}."})


def bring(files: Sequence[tuple[str, Bringing]]) -> None:
    """Read one file after another, saying how far it is; what one of them is not does not hold up the others."""
    outcome = Outcome()
    bar = st.progress(0.0, text="Reading")
    for number, (name, read) in enumerate(files):
        of = f" ({number + 1} of {len(files)})" if len(files) > 1 else ""

        def progress(done: int, total: int, *, number: int = number, text: str = f"Reading {formats.plain(name)}{of}") -> None:
            bar.progress(min((number + done / max(total, 1)) / len(files), 1.0), text=text)

        progress(0, 1)
        try:
            outcome.added.append(read(progress))
        except ShowdownError as error:
            outcome.problems[name] = str(error)
    bar.empty()
    st.session_state[_OUTCOME] = outcome
    if outcome.added:
        st.session_state[BROUGHT] = [entry.digest for entry in outcome.added]


def show_outcome() -> None:
    """Once: the next click anywhere is about something else."""
    outcome: Outcome | None = st.session_state.pop(_OUTCOME, None)
    if outcome is None:
        return
    if outcome.added:
        names = ", ".join(formats.plain(entry.name) for entry in outcome.added[:5])
        more = f" and {len(outcome.added) - 5} more" if len(outcome.added) > 5 else ""
        one = len(outcome.added) == 1
        st.success(
            f"{names}{more}",
            title="It is in the library" if one else f"{len(outcome.added)} are in the library",
            icon=":material/check:",
        )
    for name, problem in outcome.problems.items():
        st.error(formats.plain(problem), title=f"{formats.plain(name)} could not be opened", icon=":material/broken_image:")
