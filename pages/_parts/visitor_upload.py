"""The uploader of the hosted demo: one recording at a time, for its visitor alone, and forgotten afterwards."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from core.traces.library import Entry
from core.traces.sources import Progress
from pages._parts.library_add import SUFFIXES, bring, next_uploader, show_outcome, uploader_key
from pages._parts.visitor import FORGOTTEN_AFTER_S, MOST_MB, MOST_RECORDINGS, SNAPSHOT_MIB, visitor


def show_visitor_upload() -> None:
    """The uploader, what becomes of a file, and what became of the last one."""
    file: UploadedFile | None = st.file_uploader(
        "Look at a recording of your own", type=SUFFIXES, max_upload_size=MOST_MB, key=uploader_key(),
        help=f"torch.profiler (.json, .json.gz) and XPlane (.xplane.pb) up to {MOST_MB} MB, also unpacked; CUDA memory snapshots (.pickle) up to "
             f"{SNAPSHOT_MIB} MB.",
    )  # fmt: skip
    st.caption(
        f"Nobody else sees it. It is forgotten when you close this page, at the latest {FORGOTTEN_AFTER_S / 3600:.0f} hours after your last click; "
        f"up to {MOST_RECORDINGS} at a time."
    )
    if file is not None:
        here, name, data = visitor(), file.name, file.getvalue()
        # Before it is read: a click elsewhere ends this run of the page wherever it is.
        _let_go(file)
        next_uploader()

        def read(progress: Progress) -> Entry:
            return here.bring(name, data, progress=progress)

        bring([(name, read)])
        st.rerun()
    show_outcome()


def _let_go(file: UploadedFile) -> None:
    """Streamlit holds the bytes of an upload until its session ends, even when its widget is gone."""
    context = get_script_run_ctx()
    if context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        context.uploaded_file_mgr.remove_file(session_id=context.session_id, file_id=file.file_id)
