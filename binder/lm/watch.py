"""watch: the time in which anything is under way, however many things are at once."""

from __future__ import annotations

import time


class Watch:
    """The time in which anything is under way."""

    def __init__(self) -> None:
        self._before = 0.0
        self._since = 0.0
        self._running = 0

    def start(self) -> None:
        """Something begins."""
        if self._running == 0:
            self._since = time.monotonic()
        self._running += 1

    def stop(self) -> None:
        """It ends."""
        self._running -= 1
        if self._running == 0:
            self._before += time.monotonic() - self._since

    def seconds(self) -> float:
        """How long in all, until now."""
        return self._before + (time.monotonic() - self._since if self._running else 0.0)
