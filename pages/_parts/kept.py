"""What was read of recordings, and what was worked out from them, kept for the next click.

On a machine of one's own that is Streamlit's cache, which all sessions share. The hosted demo has one drawer for each recording
instead, so that memory can be had back: those of what was recorded for everybody are shared, those of what a visitor brought are
with that visitor alone, and go with them.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Hashable, Iterator
from contextlib import nullcontext
from typing import ParamSpec, TypeVar

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.model.hosted import is_hosted
from pages._parts.room import make_room, reading_turn, tidy
from pages._parts.shelf import MISSING, Shelf
from pages._parts.visitor import visitor

P = ParamSpec("P")
T = TypeVar("T")

#: Recordings for everybody that the demo holds in memory: two comparisons.
_DRAWERS = 4
_EVERYBODYS = Shelf(most=_DRAWERS)
_DIGEST = re.compile(r"[0-9a-f]{64}")


def kept(
    *, max_entries: int, show_spinner: bool | str = False, cost: Callable[..., int] | None = None
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """As `st.cache_resource`, for a function of the digest of a recording: arguments that begin with `_` do not tell results apart, and
    results are not to be changed in place. All arguments are given by place.

    `cost`: of a function that reads a recording, about how much memory that takes, in bytes; the function then raises RoomError where the
    demo has not so much.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        everywhere = st.cache_resource(max_entries=max_entries, show_spinner=show_spinner)(function)
        names = tuple(inspect.signature(function).parameters)
        kind = f"{function.__module__}.{function.__qualname__}"
        # So many are for all recordings; a drawer is for one.
        most = max(1, max_entries // _DRAWERS)

        @functools.wraps(function)
        def remembered(*arguments: P.args, **named: P.kwargs) -> T:
            if not is_hosted():
                return everywhere(*arguments, **named)
            if get_script_run_ctx() is None:  # a download that is made when asked for: no session's run, so nobody's drawer
                if cost is None:
                    tidy()
                    return function(*arguments, **named)
                with reading_turn():
                    make_room(cost(*arguments, **named))
                    return function(*arguments, **named)
            key = tuple(value for name, value in zip(names, arguments, strict=True) if not name.startswith("_"))
            digests = list(_digests(key))
            here = visitor()
            shelf = here.shelf if any(map(here.library().owns, digests)) else _EVERYBODYS
            found = shelf.get(digests[0], kind, key)
            if found is not MISSING:
                return found
            with st.spinner(show_spinner) if isinstance(show_spinner, str) else nullcontext():
                if cost is None:
                    tidy()
                    value = function(*arguments, **named)
                else:
                    with reading_turn():
                        value = shelf.get(digests[0], kind, key)  # somebody else may have read it meanwhile
                        if value is MISSING:
                            make_room(cost(*arguments, **named))
                            value = function(*arguments, **named)
                shelf.put(digests[0], kind, key, value, most=most)
            return value

        return remembered

    return decorate


def _digests(key: Hashable) -> Iterator[str]:
    """Every digest in it, however deep."""
    if isinstance(key, tuple):
        for part in key:
            yield from _digests(part)
    elif isinstance(key, str) and _DIGEST.fullmatch(key):
        yield key
