"""pace: requests and tokens a minute. A request waits until the last minute has room for it."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from binder.lm.base import Usage
from binder.lm.budget import Budget

MINUTE = 60.0
LOOK_SECONDS = 0.05
"""How often it is looked again whether there is room: replies that were shorter than feared make some early."""


@dataclass
class Sent:
    """Something that was sent, and what it is expected to cost, or did."""

    at: float
    requests: int
    tokens: int


def wait(sent: Sequence[Sent], budget: Budget, need: Usage, now: float) -> float:
    """Seconds until a minute has room for what is needed beside what was sent; what never fits goes alone.

    Example:
        >>> wait([Sent(100.0, 1, 500), Sent(130.0, 1, 500)], Budget(requests_per_minute=2), Usage(requests=1), 140.0)
        20.0
    """
    recent = sorted((one for one in sent if one.at + MINUTE > now), key=lambda one: one.at)
    requests = need.requests + sum(one.requests for one in recent)
    tokens = need.tokens + sum(one.tokens for one in recent)
    room = 0.0
    for one in recent:
        if _fits(requests, budget.requests_per_minute) and _fits(tokens, budget.tokens_per_minute):
            break
        room = one.at + MINUTE - now
        requests, tokens = requests - one.requests, tokens - one.tokens
    return room


def _fits(amount: int, most: int | None) -> bool:
    return most is None or amount <= most


class Pace:
    """Keeps to what a budget allows a minute; requests go in the order in which they came."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._sent: list[Sent] = []
        self._queue: deque[object] = deque()

    async def turn(self, need: Usage) -> Sent:
        """Wait for a request's turn, and count it; its ``tokens`` are to be set right when they are known."""
        place = object()
        self._queue.append(place)
        try:
            while (seconds := self._wait(place, need)) > 0:
                await asyncio.sleep(min(seconds, LOOK_SECONDS))
        finally:
            self._queue.remove(place)
        sent = Sent(time.monotonic(), need.requests, need.tokens)
        if self._budget.paced:
            self._sent.append(sent)
        return sent

    def _wait(self, place: object, need: Usage) -> float:
        if self._queue[0] is not place:
            return LOOK_SECONDS
        now = time.monotonic()
        self._sent = [one for one in self._sent if one.at + MINUTE > now]
        return wait(self._sent, self._budget, need, now)
