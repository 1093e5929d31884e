"""batches: how many inputs of a map a model bears in one request, as its replies teach.

A model whose context overflows is never asked so many again. One that leaves inputs out is asked half as many, and
twice as many again after a good number of whole replies. This is known as long as the model's object lives.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from binder.lm.lifetime import when_gone

Outcome = Literal["whole", "lost", "overflow"]

MANY = 1_000_000
WHOLE_REPLIES = 32
"""After so many whole replies a request is tried with more again: seldom enough that a failure costs little."""


@dataclass(frozen=True)
class Bearable:
    """What a model bears.

    Attributes:
        size: How many inputs a request carries.
        whole: How many requests of about that size were answered whole since it changed.
        most: How many may ever be tried, since more overflowed.
    """

    size: int
    whole: int = 0
    most: int = MANY


def after(now: Bearable, asked: int, outcome: Outcome) -> Bearable:
    """What is known after one more request.

    Args:
        now: What was known.
        asked: How many inputs the request carried.
        outcome: Whether all of them were answered, some were left out, or they were more than the context holds.

    Example:
        >>> after(Bearable(16), 16, "lost")
        Bearable(size=8, whole=0, most=1000000)
        >>> after(Bearable(16), 12, "overflow")
        Bearable(size=6, whole=0, most=6)
    """
    telling = 2 * asked > now.size  # a small request that went well or badly did not do so for its size
    half = max(1, asked // 2)
    match outcome:
        case "overflow":
            return Bearable(min(now.size, half), most=min(now.most, half))
        case "lost" if telling:
            return replace(now, size=min(now.size, half), whole=0)
        case "whole" if telling:
            grown = now.whole + 1 >= WHOLE_REPLIES
            return Bearable(min(now.most, 2 * now.size), most=now.most) if grown else replace(now, whole=now.whole + 1)
        case _:
            return now


_known: dict[int, Bearable] = {}


def bearable(lm: object, own: int) -> int:
    """How many inputs a request to a model carries, whose own number is ``own``."""
    known = _known.get(id(lm))
    return own if known is None else min(own, known.size)


def learn(lm: object, own: int, asked: int, outcome: Outcome) -> None:
    """Remember how a request went, of a model that carries ``own`` inputs a request by itself.

    Of a model that is ``steady`` only what its context cannot hold is learnt.
    """
    if outcome != "overflow" and getattr(lm, "steady", False):
        return
    known = _known.get(id(lm))
    if known is None:
        if outcome == "whole":
            return
        known = Bearable(own)
        when_gone(lm, _known.pop, id(lm), None)
    _known[id(lm)] = after(known, asked, outcome)
