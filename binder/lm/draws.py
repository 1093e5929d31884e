"""draws: how many samples a server gives for one request, as its replies teach.

A server that can draw only so many keeps giving fewer than it is asked for; one that fails for a moment does so once.
So the second short reply in a row decides, and after a good number of whole ones more are asked for again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from binder.lm.batches import WHOLE_REPLIES


@dataclass(frozen=True)
class Draws:
    """What a server gives.

    Attributes:
        most: How many samples a request should ask for at most, or None for all of them.
        whole: How many requests for so many were answered whole since.
        short: Whether the last reply that could tell held fewer samples than were asked for.
    """

    most: int | None = None
    whole: int = 0
    short: bool = False


def after(now: Draws, asked: int, came: int) -> Draws:
    """What is known after one more reply.

    Args:
        now: What was known.
        asked: How many samples the request asked for.
        came: How many the reply held.

    Example:
        >>> after(Draws(), 10, 1)
        Draws(most=None, whole=0, short=True)
        >>> after(after(Draws(), 10, 1), 9, 1)
        Draws(most=1, whole=0, short=False)
    """
    if came < asked:
        return Draws(max(1, came)) if now.short else replace(now, whole=0, short=True)
    if asked < (now.most or 2):  # whoever gives fewer than others wanted may still give so few
        return now
    if now.most is None:
        return Draws()
    return Draws(2 * now.most) if now.whole + 1 >= WHOLE_REPLIES else Draws(now.most, now.whole + 1)
