"""send: one request to a model, when the model has a slot free."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from weakref import WeakKeyDictionary

from binder.errors import LMReplyError, LMUnavailable
from binder.lm.base import LM, Completion, Request, Response, Usage, working
from binder.lm.lifetime import when_gone

ATTEMPTS = 5
RETRY_TEMPERATURE = 0.4


async def send(lm: LM, request: Request) -> Response:
    """One request, sent when the model has a slot free.

    Raises:
        LMUnavailable: The model could not be reached.
        LMReplyError: It sent no reply.
    """
    async with _slots(lm):
        try:
            response = await lm.complete(request)
        except SystemExit as error:  # it would end the event loop, and with it whoever waits
            raise RuntimeError(f"{lm.name} raised {error!r}") from error
        except TimeoutError as error:
            told = f" ({error})" if str(error) else ""
            raise LMUnavailable(f"{lm.name} ran past a time limit of its own{told}") from error
    if not response.completions:
        raise LMReplyError(f"{lm.name} gave no completion")
    return response


_slots_of_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[int, asyncio.Semaphore]] = WeakKeyDictionary()


def _slots(lm: LM) -> asyncio.Semaphore:
    """The model's slots; one model has the same ones wherever it is used in an event loop, and behind whatever."""
    lm = working(lm)
    slots = _slots_of_loops.setdefault(asyncio.get_running_loop(), {})
    if id(lm) not in slots:
        slots[id(lm)] = asyncio.Semaphore(max(1, lm.concurrency))
        when_gone(lm, slots.pop, id(lm), None)
    return slots[id(lm)]


async def hear(lm: LM, request: Request) -> tuple[Completion, Usage]:
    """The model's reply and its cost; what is no reply at all counts as one that says nothing."""
    try:
        response = await send(lm, request)
    except LMReplyError as error:
        return Completion(str(error), finished=False), Usage(requests=1)
    return response.completions[0], response.usage


def again(request: Request, attempt: int) -> Request:
    """The request as a later attempt sends it: not greedy, for the same words would fetch the same reply."""
    return request if attempt == 1 else replace(request, temperature=RETRY_TEMPERATURE, seed=attempt)
