"""Uploads to the demo are taken while there is memory for them: Streamlit holds each in memory, and would take any number."""

from __future__ import annotations

import asyncio

from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from pages._parts.room import tidy

_PATH = "/_stcore/upload_file/"
#: The body is taken apart into a temporary file and then read: for a moment both copies may be in memory.
_COPIES = 2


class LimitedUploads:
    """In front of Streamlit's own routes; one for the server."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._coming_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "PUT" or _PATH not in scope["path"]:
            await self._app(scope, receive, send)
            return
        length = _length(scope)
        if length is None:
            await PlainTextResponse("An upload says how long it is.", status_code=411)(scope, receive, send)
            return
        self._coming_bytes += length
        try:
            if await asyncio.to_thread(tidy, _COPIES * self._coming_bytes):
                await self._app(scope, receive, send)
            else:
                words = "This demo runs on a small machine, which has no memory left for it at this moment; try again in a few minutes."
                await PlainTextResponse(words, status_code=503)(scope, receive, send)
        finally:
            self._coming_bytes -= length


def _length(scope: Scope) -> int | None:
    """What the request says, which the server holds it to; None where it says nothing that can be meant, or comes in pieces, whose sizes count
    then instead.
    """
    if any(name == b"transfer-encoding" for name, _ in scope["headers"]):
        return None
    text = next((value for name, value in scope["headers"] if name == b"content-length"), b"").decode("latin-1")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else None


def limited_uploads() -> Middleware:
    return Middleware(LimitedUploads)
