"""flight: what is being asked right now, so that whoever wants the same waits for it instead of asking too.

The registry belongs to an event loop, whichever engines and caches run on it; everything here happens on that loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias
from weakref import WeakKeyDictionary, WeakValueDictionary

from binder.errors import LMOverflow, LMUnavailable

if TYPE_CHECKING:
    from binder.lm.base import LM
    from binder.lm.keys import CallKey
    from exemplars.exemplar import Cells

Said: TypeAlias = "dict[Cells, str | None]"
Ask: TypeAlias = "Callable[[Sequence[Cells]], Awaitable[Mapping[Cells, str | None]]]"
Asked: TypeAlias = "tuple[CallKey, Cells]"
Turned: TypeAlias = "tuple[int, bytes]"

_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, WeakValueDictionary[Turned, _Turn]] = WeakKeyDictionary()
_in_flight: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Asked, asyncio.Future[Said | None]]] = WeakKeyDictionary()


async def share(call: CallKey, inputs: Sequence[Cells], ask: Ask) -> Said:
    """What a model says of inputs, each of which is asked by one caller at a time.

    Args:
        call: The call that is asked.
        inputs: What it is asked about, each once.
        ask: Asks about those that nobody else is asking about. Called again for those of which another caller failed,
            or was cancelled.

    Returns:
        What was said, by input; without those that whoever asked got no reply to.
    """
    said: Said = {}
    left = list(inputs)
    while left:
        flying = _flying()
        mine = [cells for cells in left if (call, cells) not in flying]
        theirs = {cells: flying[call, cells] for cells in left if (call, cells) in flying}
        if mine:
            said |= await _lead(call, mine, ask)
        if theirs:
            await asyncio.wait(theirs.values())
        landed = {cells: future.result() for cells, future in theirs.items()}
        for found in landed.values():
            said |= found or {}
        left = [cells for cells, found in landed.items() if found is None]
    return said


@dataclass(frozen=True)
class _Failure:
    """How a model was out of reach, without the error itself: each who waited gets one of their own."""

    kind: type[LMUnavailable]
    told: str
    status: int | None

    @classmethod
    def of(cls, error: LMUnavailable) -> _Failure:
        # A class of the user's may be made in another way, so that only this library's are made again.
        kind = LMOverflow if isinstance(error, LMOverflow) else LMUnavailable
        return cls(kind, str(error), getattr(error, "status", None))

    def again(self) -> LMUnavailable:
        return self.kind(self.told, self.status)


@dataclass(weakref_slot=True, slots=True)
class _Turn:
    """Whose turn it is to ask for something, and how that failed before."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    failures: list[_Failure] = field(default_factory=list)


@asynccontextmanager
async def turn(lm: LM, key: bytes) -> AsyncIterator[None]:
    """Entered by whoever asks a model for what is kept under a key, one at a time: the next one finds it kept.

    Another model of the same name and address has turns of its own, since it may have another key or another timeout,
    and so fail, or wait, where this one does not.

    Args:
        lm: The model whose turn it is, the same object for all who take turns.
        key: What is asked for.

    Raises:
        LMUnavailable: The model was out of reach of someone who was waited for.
    """
    turns = _turns.setdefault(asyncio.get_running_loop(), WeakValueDictionary())
    mine = turns.setdefault((id(lm), key), _Turn())
    before = len(mine.failures)
    async with mine.lock:
        if len(mine.failures) > before:
            raise mine.failures[-1].again()
        try:
            yield
        except LMUnavailable as error:
            mine.failures.append(_Failure.of(error))
            raise


def land(call: CallKey, said: Mapping[Cells, str | None]) -> None:
    """Hand over what was said to those who wait for it, before the asking of everything else is done.

    Where no event loop is running nobody waits.
    """
    try:
        flying = _flying()
    except RuntimeError:
        return
    for cells, text in said.items():
        future = flying.get((call, cells))
        if future is not None and not future.done():
            future.set_result({cells: text})


def not_landed(call: CallKey, said: Mapping[Cells, str | None]) -> Said:
    """What has not been handed over yet."""
    flying = _flying()
    futures = {cells: flying.get((call, cells)) for cells in said}
    return {cells: said[cells] for cells, future in futures.items() if future is None or not future.done()}


async def _lead(call: CallKey, inputs: Sequence[Cells], ask: Ask) -> Said:
    """Ask, while others may wait for it; they are told to ask themselves if this fails."""
    flying = _flying()
    futures = {cells: asyncio.get_running_loop().create_future() for cells in inputs}
    flying.update({(call, cells): future for cells, future in futures.items()})
    said: Said | None = None
    try:
        said = dict(await ask(inputs))
    finally:
        for cells, future in futures.items():
            del flying[call, cells]
            if not future.done():
                future.set_result(None if said is None else _only(said, cells))
    return said


def _only(said: Said, cells: Cells) -> Said:
    """What was said of one input: nothing where it got no reply."""
    return {cells: said[cells]} if cells in said else {}


def _flying() -> dict[Asked, asyncio.Future[Said | None]]:
    """What is in flight on the running loop; a result of None says that the asking failed."""
    return _in_flight.setdefault(asyncio.get_running_loop(), {})
