"""Uploads in front of Streamlit: taken while there is memory for all that are on their way."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from demo import uploads
from demo.uploads import LimitedUploads

FILE = "/_stcore/upload_file/session/file"


class Behind:
    """Streamlit's own routes: notes what arrives, and answers 204."""

    def __init__(self) -> None:
        self.paths: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.paths.append(scope["path"])
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def ask(
    app: LimitedUploads, path: str = FILE, method: str = "PUT", length: bytes | None = b"1000", more: tuple[tuple[bytes, bytes], ...] = ()
) -> int:
    """The status of the answer."""
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    headers = [*([] if length is None else [(b"content-length", length)]), *more]
    asyncio.run(app({"type": "http", "method": method, "path": path, "headers": headers}, receive, send))
    return int(sent[0]["status"])


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Bytes for which there had to be room; there is room for less than 10,000."""
    found: list[int] = []

    def tidy(needed_bytes: int) -> bool:
        found.append(needed_bytes)
        return needed_bytes < 10_000

    monkeypatch.setattr(uploads, "tidy", tidy)
    return found


def test_an_upload_that_fits_is_handed_on_and_leaves_its_room(asked: list[int]):
    behind = Behind()
    app = LimitedUploads(behind)
    assert [ask(app), ask(app)] == [204, 204]
    assert behind.paths == [FILE, FILE]
    assert asked == [2000, 2000]


def test_one_that_does_not_fit_is_refused_and_so_is_one_that_hides_its_length(asked: list[int]):
    behind = Behind()
    app = LimitedUploads(behind)
    assert ask(app, length=b"9000") == 503
    for hidden in (None, b"", b"-1", b"many", b"9" * 30):
        assert ask(app, length=hidden) == 411
    assert ask(app, more=((b"transfer-encoding", b"chunked"),)) == 411
    assert behind.paths == []
    assert ask(app) == 204


def test_everything_else_goes_by(asked: list[int]):
    behind = Behind()
    app = LimitedUploads(behind)
    assert ask(app, path="/", method="GET", length=None) == 204
    assert ask(app, method="DELETE", length=None) == 204
    assert asked == []
