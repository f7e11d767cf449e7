"""Bundles in the library: one that came from another machine is taken in, and a comparison is taken along as one."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from core.model.errors import ShowdownError
from core.model.hosted import is_hosted
from core.store.bundle import SUFFIX, Imported, pack, unpack
from core.store.comparisons import StoredComparison
from core.store.privacy import Redactor
from pages._parts import formats
from pages._parts.places import link
from pages._parts.stored import comparison_label, store

#: Of one upload; a larger bundle is imported on the command line.
MOST_MB = 200
#: Counts uploads: a new key for the uploader, so that what was read is not held in memory, nor read again.
_GENERATION = "bundle_uploads"
_OUTCOME = "bundle_outcome"
_MOST_LINKS = 5


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of the bundle that was brought last."""

    name: str
    imported: tuple[Imported, ...] = ()
    problem: str = ""


def show_import() -> None:
    """The uploader, and what became of the last bundle; nothing in the hosted demo."""
    if is_hosted():
        return
    file = st.file_uploader(
        "Import a bundle of comparisons", type=["zip"], max_upload_size=MOST_MB, key=f"bundle_{st.session_state.get(_GENERATION, 0)}",
        help=f"Made by Bundle on another machine's pages, or by 'python -m core bundle'; up to {MOST_MB} MB. It is checked before "
             "anything of it is kept.",
    )  # fmt: skip
    if file is not None:
        st.session_state[_OUTCOME] = _take_in(file.name, file.getvalue())
        st.session_state[_GENERATION] = st.session_state.get(_GENERATION, 0) + 1
        st.rerun()
    _show_outcome()


def bundle_button(one: StoredComparison) -> None:
    """A comparison that has ended as one file, made when it is asked for; nothing in the hosted demo."""
    if is_hosted() or one.result is None:
        return
    st.download_button(
        "Bundle", lambda: pack([one], Redactor.here()), file_name=f"{one.id}{SUFFIX}", mime="application/zip", icon=":material/folder_zip:",
        key="bundle", on_click="ignore", help="All of it as one file, with its profiles; names of users, home folders and this machine are left out.",
    )  # fmt: skip


def show_origin(one: StoredComparison) -> None:
    """Where a comparison came from that was not made here."""
    if one.origin is not None:
        st.caption(f":material/unarchive: Imported {formats.plain(formats.moment(one.origin.imported))} from {formats.plain(one.origin.name)}")


def _take_in(name: str, data: bytes) -> Outcome:
    try:
        return Outcome(name=name, imported=tuple(unpack(data, store(), name=name)))
    except ShowdownError as error:
        return Outcome(name=name, problem=str(error))


def _show_outcome() -> None:
    """Once: the next click anywhere is about something else."""
    outcome: Outcome | None = st.session_state.pop(_OUTCOME, None)
    if outcome is None:
        return
    if outcome.problem:
        st.error(formats.plain(outcome.problem), title=f"{formats.plain(outcome.name)} was not imported", icon=":material/broken_image:")
        return
    new = [one for one in outcome.imported if not one.already_here]
    words = f"{len(new)} {'comparison is' if len(new) == 1 else 'comparisons are'} imported" if new else "Everything in it was here already"
    st.success(formats.plain(outcome.name), title=words, icon=":material/check:")
    for one in outcome.imported[:_MOST_LINKS]:
        link("compare", formats.plain(comparison_label(store().load(one.id))), comparison=one.id)
