"""Database work in threads, and how it is stopped where nobody waits for it any more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import wait
from contextlib import nullcontext
from typing import TYPE_CHECKING, TypeVar

from binder import loop
from binder.alarm import alarm
from binder.deadline import too_late
from binder.errors import RunError
from binder.held import signals_held

if TYPE_CHECKING:
    from binder.database import Session

T = TypeVar("T")

_AGAIN = 0.05  # seconds between two interrupts: a statement that is about to begin misses the first


async def in_thread(session: Session, work: Callable[[], T]) -> T:
    """The result of work on a session, off the event loop; it is stopped where the caller is cancelled."""
    job = loop.submit(work)
    waiter = asyncio.wrap_future(job)
    try:
        return await asyncio.shield(waiter)
    except asyncio.CancelledError:
        while not (job.cancel() or job.done()):
            session.interrupt()
            await asyncio.wait([waiter], timeout=_AGAIN)
        waiter.add_done_callback(_see)
        raise


def _see(waiter: asyncio.Future[T]) -> None:
    """Look at what became of work that nobody waits for, or its failure would be told as one that nobody saw."""
    if not waiter.cancelled():
        waiter.exception()


def wait_for(session: Session, work: Callable[[], T], seconds: float | None) -> T:
    """The same for a caller who needs no event loop; it is stopped where the caller is interrupted, too.

    Args:
        session: The session that the work is done on.
        work: What is to be done.
        seconds: How long it may take; None for no limit.

    Raises:
        RunError: It took longer, or whatever the work raises.
    """
    job = loop.submit(work)
    late = True
    try:
        late = not wait([job], seconds).done
    finally:
        while late and not (job.cancel() or job.done()):
            session.interrupt()
            wait([job], _AGAIN)
    if late and seconds is not None:
        raise too_late(seconds, "run", None)
    return job.result()


def at_once(session: Session, work: Callable[[], T], seconds: float | None) -> T:
    """The same in the caller's own thread, for work that is done soon in any case (``brief``); raises the same."""
    loop.require_process()
    late = False

    def stop() -> None:
        nonlocal late
        late = True
        session.interrupt()

    with signals_held(session.interrupt), nullcontext() if seconds is None else alarm(seconds, stop):
        try:
            return work()
        except RunError:
            if late and seconds is not None:
                raise too_late(seconds, "run", None) from None
            raise
