"""alarm: do something if a piece of work is not done in time.

One thread watches over all work: a thread for each statement would take longer than many statements do.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_IDLE = 3600.0

_changed = threading.Condition()
_set: dict[int, tuple[float, Callable[[], None]]] = {}  # when, and what is to be done then
_numbers = itertools.count()
_wakes = 0.0  # when the watching thread looks next; 0 while there is none


@contextmanager
def alarm(seconds: float, ring: Callable[[], None]) -> Iterator[None]:
    """Calls ``ring``, once and in another thread, if the context lasts longer than so many seconds.

    Example:
        >>> with alarm(0.01, lambda: print("late")):
        ...     time.sleep(0.5)
        late
    """
    number, due = next(_numbers), time.monotonic() + seconds
    with _changed:
        _set[number] = due, ring
        if not _wakes:
            threading.Thread(target=_watch, name="binder-alarm", daemon=True).start()
        if not _wakes or due < _wakes:
            _expect(due)
    try:
        yield
    finally:
        with _changed:
            _set.pop(number, None)


def _expect(due: float) -> None:
    """Have the watching thread look at this time."""
    global _wakes
    _wakes = due
    _changed.notify()


def _watch() -> None:
    """Ring each alarm when it is due; what is done by then is not rung for, since both need the lock."""
    global _wakes
    with _changed:
        while True:
            now = time.monotonic()
            for _, number in sorted((due, number) for number, (due, _) in _set.items() if due <= now):
                _set.pop(number)[1]()
            _wakes = min((due for due, _ in _set.values()), default=now + _IDLE)
            _changed.wait(_wakes - now)
