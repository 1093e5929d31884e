"""sampling: the samples of a request, those that were written before from the cache and the others from the model."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Container, Coroutine, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from binder.errors import LMReplyError, first_of
from binder.lm.base import LM, Completion, Request, Usage, working
from binder.send import ATTEMPTS, again, send

if TYPE_CHECKING:
    from binder.lm.cache import Cache

T = TypeVar("T")
Usable = Callable[[str], bool]

_log = logging.getLogger(__name__)


async def sample(
    lm: LM, request: Request, cache: Cache | None, first: int = 0, usable: Usable = lambda text: bool(text.strip())
) -> tuple[tuple[Completion, ...], Usage]:
    """The samples of a request in the order of their numbers, and what those that had to be asked for cost.

    Args:
        lm: The model.
        request: What to ask.
        cache: Where samples that were written before are found, and new ones kept.
        first: The number of the first sample wanted; those before it were drawn.
        usable: Whether a text is of use at all. Where none of a reply's samples is whole and of use, the model is asked
            again, for one of them first; what is of no use is not kept. Where the first samples of all are of no use,
            or twice in a row, the others are not asked for.

    Raises:
        LMUnavailable: The model could not be reached.
        LMReplyError: It gave no reply, however often it was asked.
    """
    async with cache.turn(lm, request) if cache else nullcontext():
        return await _sample(lm, request, cache, first, usable)


async def _sample(
    lm: LM, request: Request, cache: Cache | None, first: int, usable: Usable
) -> tuple[tuple[Completion, ...], Usage]:
    known = cache.drafts(lm, request) if cache else {}
    found = {number: said for number, said in known.items() if number >= first}

    async def draw(first: int, count: int) -> tuple[int, bool, Usage]:
        completions, usage = await _some_of_use(lm, part(request, first, count), usable)
        said = dict(enumerate(completions[:count], first))
        found.update(said)
        if cache:
            cache.keep_drafts(lm, request, {number: one for number, one in said.items() if usable(one.text)})
        return len(said), any(usable(one.text) for one in completions), usage

    async def ask(first: int, count: int, after_useless: bool = False) -> Usage:
        # The first reply tells how many samples the model gives at once, and leaves the prompt read for the others.
        drawn, useful, usage = await draw(first, min(at_once(lm) or count, count))
        if not useful and (after_useless or not any(usable(one.text) for one in found.values())):
            return usage
        step = at_once(lm) or count
        rest = range(first + drawn, first + count, step)
        return sum(await together(ask(at, min(step, first + count - at), not useful) for at in rest), usage)

    spent = await together(ask(first, count) for first, count in gaps(request.n, {*range(first), *found}))
    return tuple(found[number] for number in sorted(found)), sum(spent, Usage())


async def together(asked: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Wait for all of them; the first that fails ends the others, and its error is the one raised."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in asked]
    except BaseExceptionGroup as failed:
        raise first_of(failed) from None
    return [task.result() for task in tasks]


async def _some_of_use(lm: LM, request: Request, usable: Usable) -> tuple[tuple[Completion, ...], Usage]:
    """Samples of which one at least is of use; after ``ATTEMPTS`` replies, whatever the last one was."""
    usage, wanted = Usage(), request
    for attempt in range(1, ATTEMPTS + 1):
        try:
            response = await send(lm, again(wanted, attempt))
        except LMReplyError as error:
            if attempt == ATTEMPTS:
                raise
            usage += Usage(requests=1)
            _log.warning("%s gave no reply to a draft (attempt %d of %d): %s", lm.name, attempt, ATTEMPTS, error)
            continue
        usage += response.usage
        # A second one that is cut too is left to be mended: what is wanted may be too long.
        if any((one.finished or attempt > 1) and usable(one.text) for one in response.completions):
            break
        if not any(usable(one.text) for one in response.completions):
            wanted = replace(request, n=1)  # a model that drafts none in several seldom drafts one in several more
        _log.warning("%s drafted no whole program (attempt %d of %d)", lm.name, attempt, ATTEMPTS)
    return response.completions, usage


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
