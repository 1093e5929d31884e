"""waiting: a notebook cell that waits for the engine, shows how far it is, and can be interrupted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from binder import loop
from binder.engine import Binder

T = TypeVar("T")

EVERY = 0.25
"""Seconds between two looks at how far it is."""


def shown(engine: Binder, work: Callable[[], Awaitable[T]]) -> T:
    """Wait for work of an engine, and show what it has asked so far.

    An interrupt ends the work, not the kernel; what was answered by then is kept in the engine's cache.
    """
    from IPython.display import display

    async def begin() -> T:
        return await work()

    started = time.monotonic()
    future = asyncio.run_coroutine_threadsafe(begin(), loop.running())
    handle = None
    try:
        while True:
            try:
                return future.result(EVERY)
            except TimeoutError:
                if future.done():
                    raise
                answered, wanted = engine.progress
                told = _Said(f"{time.monotonic() - started:.0f} s; {answered:,} of {wanted:,} inputs answered")
                if handle is None:
                    handle = display(told, display_id=True)
                else:
                    handle.update(told)
    except BaseException:
        future.cancel()
        raise
    finally:
        if handle is not None:
            handle.update(_Said(""))


class _Said(str):
    """A line that a notebook shows as it is."""

    def _repr_pretty_(self, printer: object, cycle: bool) -> None:
        printer.text(str(self))  # type: ignore[attr-defined]
