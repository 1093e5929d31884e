"""One event loop in a thread of its own, for every language model and every caller.

A plain call waits for it, so it works in a script and in a notebook whose own loop is running; an async call awaits it
from whatever loop the caller runs. Connections and model servers thus live in one loop, whoever calls.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from binder.errors import ConfigurationError

T = TypeVar("T")

_STOP_SECONDS = 5.0

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_threads = ThreadPoolExecutor(thread_name_prefix="binder-work")  # for work that blocks, the loop's own too
_thread: threading.Thread | None = None  # the loop's
_process: int | None = None  # the one that first worked here


def wait_for(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine; an interrupt (Ctrl-C) cancels it and goes on to the caller.

    Raises:
        ConfigurationError: The caller is on the loop itself, as an async language model is, and would wait for itself.
    """
    if threading.current_thread() is _thread:
        coroutine.close()
        raise ConfigurationError(
            "this call would wait for itself here, amid a model's own request; await its async twin"
        )
    future = asyncio.run_coroutine_threadsafe(coroutine, running())
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


async def await_on(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine, for a caller in another event loop; cancelling the caller cancels it."""
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coroutine, running()))


def submit(work: Callable[[], T]) -> Future[T]:
    """Have work that blocks done in a thread."""
    require_process()
    return _threads.submit(work)


def running() -> asyncio.AbstractEventLoop:
    """The loop, started at the first call."""
    global _loop, _thread
    require_process()
    with _lock:
        if _loop is None or _loop.is_closed():
            _loop = asyncio.new_event_loop()
            _loop.set_default_executor(_threads)
            _thread = threading.Thread(target=_loop.run_forever, name="binder", daemon=True)
            _thread.start()
            atexit.register(_stop, _loop, _thread)
        return _loop


def require_process() -> None:
    """Refuse to work in a copy of the process, which has none of its threads, neither the loop's nor DuckDB's.

    Raises:
        ConfigurationError: This process was forked.
    """
    global _process
    _process = _process or os.getpid()
    if os.getpid() != _process:
        raise ConfigurationError(
            "this process was forked from one in which binder had begun to work, and has none of its threads; fork "
            "before the first question, or start processes with multiprocessing's 'spawn' or 'forkserver'"
        )


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
