"""One event loop in a thread of its own, for every language model and every caller.

A plain call waits for it, so it works in a script and in a notebook whose own loop is running; an async call awaits it
from whatever loop the caller runs. Connections and model servers thus live in one loop, whoever calls.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import threading
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")

_STOP_SECONDS = 5.0

threads = ThreadPoolExecutor(thread_name_prefix="binder-work")
"""Where work that blocks is done, the loop's and that of callers who need no loop."""

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


def wait_for(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine; an interrupt (Ctrl-C) cancels it and goes on to the caller."""
    future = asyncio.run_coroutine_threadsafe(coroutine, running())
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


async def await_on(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine, for a caller in another event loop; cancelling the caller cancels it."""
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coroutine, running()))


def running() -> asyncio.AbstractEventLoop:
    """The loop, started at the first call."""
    global _loop
    with _lock:
        if _loop is None or _loop.is_closed():
            _loop = asyncio.new_event_loop()
            _loop.set_default_executor(threads)
            thread = threading.Thread(target=_loop.run_forever, name="binder", daemon=True)
            thread.start()
            atexit.register(_stop, _loop, thread)
        return _loop


def _stop(loop: asyncio.AbstractEventLoop, thread: threading.Thread) -> None:
    """End the loop before the interpreter does: a thread caught inside DuckDB then would abort the process."""
    ended = asyncio.run_coroutine_threadsafe(_cancel_all(), loop)
    with contextlib.suppress(Exception):
        ended.result(_STOP_SECONDS)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(_STOP_SECONDS)


async def _cancel_all() -> None:
    """Cancel what is still under way, and wait until it has ended."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
