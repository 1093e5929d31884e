"""held: signals that arrive while DuckDB works in the main thread.

Its client runs Python's signal handlers while it works, and loses what they raise: Ctrl-C would become a RuntimeError.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_RAISING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGALRM") if hasattr(signal, name))


@contextmanager
def signals_held(stop: Callable[[], None]) -> Iterator[None]:
    """Calls ``stop`` when one of the signals comes that end or interrupt a program, and its handler after the context.

    Handlers belong to the main thread: in any other nothing is done, since nothing is raised there.

    Example:
        >>> import os
        >>> try:
        ...     with signals_held(lambda: print("stopping")):
        ...         os.kill(os.getpid(), signal.SIGINT)
        ...         print("done")
        ... except KeyboardInterrupt:
        ...     print("interrupted")
        stopping
        done
        interrupted
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[tuple[int, FrameType | None]] = []

    def hold(number: int, frame: FrameType | None) -> None:
        came.append((number, frame))
        stop()

    handlers = {number: handler for number in _RAISING if callable(handler := signal.getsignal(number))}
    try:
        for number in handlers:
            signal.signal(number, hold)
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for number, frame in came:
            handlers[number](number, frame)
