"""sampling: the samples of a request, those that were written before from the cache and the others from the model."""

from __future__ import annotations

import asyncio
from collections.abc import Container, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from binder.lm.base import LM, Completion, Request, Usage, working
from binder.send import send

if TYPE_CHECKING:
    from binder.lm.cache import Cache


async def sample(lm: LM, request: Request, cache: Cache | None, first: int = 0) -> tuple[tuple[Completion, ...], Usage]:
    """The samples of a request in the order of their numbers, and what those that had to be asked for cost.

    Args:
        lm: The model.
        request: What to ask.
        cache: Where samples that were written before are found, and new ones kept.
        first: The number of the first sample wanted; those before it were drawn.

    Raises:
        LMUnavailable: The model could not be reached.
    """
    known = cache.drafts(lm, request) if cache else {}
    found = {number: said for number, said in known.items() if number >= first}

    async def askpart(first: int, count: int) -> Usage:
        response = await send(lm, part(request, first, count))
        said = dict(enumerate(response.completions, first))
        found.update(said)
        if cache:
            cache.keep_drafts(lm, request, said)
        return response.usage

    async def ask(first: int, count: int) -> Usage:
        # A server's every reply by itself, so that each is kept as it comes. The first one leaves the prompt read.
        step = at_once(lm) or count
        usage = await askpart(first, min(step, count))
        rest = range(first + step, first + count, step)
        spent = await asyncio.gather(*(askpart(at, min(step, first + count - at)) for at in rest))
        return sum(spent, usage)

    spent = await asyncio.gather(*(ask(first, count) for first, count in gaps(request.n, {*range(first), *found})))
    return tuple(found[number] for number in sorted(found)), sum(spent, Usage())


def at_once(lm: LM) -> int | None:
    """The most samples that the model draws for one reading of the prompt, or None where it draws all of them."""
    samples = getattr(working(lm), "samples", None)
    return samples if isinstance(samples, int) and samples > 0 else None


def gaps(count: int, known: Container[int]) -> Iterator[tuple[int, int]]:
    """The stretches of numbers below ``count`` that are not known, each as its first number and its length.

    Example:
        >>> list(gaps(6, {0, 3}))
        [(1, 2), (4, 2)]
    """
    first: int | None = None
    for number in range(count + 1):
        missing = number < count and number not in known
        if missing and first is None:
            first = number
        elif not missing and first is not None:
            yield first, number - first
            first = None


def part(request: Request, first: int, count: int) -> Request:
    """A request for some of another's samples; each sample's seed goes by its number, as providers count them."""
    return replace(request, n=count, seed=None if request.seed is None else request.seed + first)
