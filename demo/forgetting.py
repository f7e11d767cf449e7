"""While the demo's server lives: visitors are forgotten, those of a server that was killed at its start, the others in time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from pages._parts.visitor import reap

LOOKS_EVERY_S = 600.0


@contextlib.asynccontextmanager
async def forgetting(app: Any) -> AsyncIterator[None]:
    """The lifespan of the server: looks at once, and then every ten minutes."""
    task = asyncio.create_task(_again_and_again())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _again_and_again() -> None:
    while True:
        await asyncio.to_thread(reap)
        await asyncio.sleep(LOOKS_EVERY_S)
