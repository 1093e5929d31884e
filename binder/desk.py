"""The desk where the programs of a question ask: what several of them ask is asked once, in shared requests.

Inputs wait at the desk until no program has work of its own left to do, but a second at most; then what has gathered
is sent, call by call.
So twenty candidate programs that share a call need the requests of one. What was answered stays known.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from binder.ask import IN_VAIN, Reply, placed
from binder.lm.base import Usage
from binder.render import Cuts
from grammars.reply import ReplyKind

if TYPE_CHECKING:
    from binder.errors import LMReplyError
    from binder.plan import Step
    from exemplars.exemplar import Cells


@dataclass(frozen=True)
class Said:
    """What asking about inputs brought.

    Attributes:
        replies: What became of each input, in the order given.
        usage: What was spent.
        unreadable: How many inputs got no reply that can be read.
        cuts: What requests left out.
        heard: The last reply that could not be read.
    """

    replies: tuple[Reply, ...] = ()
    usage: Usage = field(default_factory=Usage)
    unreadable: int = 0
    cuts: Cuts = field(default_factory=Cuts)
    heard: str = ""

    def __add__(self, other: Said) -> Said:
        return Said(
            self.replies + other.replies,
            self.usage + other.usage,
            self.unreadable + other.unreadable,
            self.cuts + other.cuts,
            other.heard or self.heard,
        )


class Asking(Protocol):
    """How a desk asks."""

    def recall(self, step: Step, inputs: Sequence[Cells]) -> list[Reply]:
        """The replies to some of the inputs that are there without asking."""
        ...

    async def ask(self, step: Step, inputs: Sequence[Cells], keep: Callable[[Sequence[Reply]], None]) -> Said:
        """What asking about inputs brings; ``keep`` gets replies as soon as they are there."""
        ...

    def refuse(self, step: Step, lost: int, wanted: int, unasked: int, heard: str) -> LMReplyError:
        """The error when too few of the wanted inputs got a reply that can be read, or were asked about at all."""
        ...


@dataclass
class _Book:
    """One call, whoever asks it: what is known, what waits to be sent, what is under way."""

    step: Step
    known: dict[Cells, Reply] = field(default_factory=dict)
    lost: set[Cells] = field(default_factory=set)
    heard: str = ""
    waiting: dict[Cells, asyncio.Future[Said]] = field(default_factory=dict)
    sent: dict[Cells, asyncio.Future[Said]] = field(default_factory=dict)


PATIENCE = 1.0
"""Seconds after which inputs are sent though a program is still at work: what it will ask may be long in coming."""

UNREADABLE_SHARE = 0.1
"""With a larger share of inputs to which no reply can be read, a call fails rather than giving NULL for them."""


class Desk:
    """Where the programs of one question ask.

    Args:
        asking: How the inputs of a step are asked.
    """

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._books: dict[tuple[object, ...], _Book] = {}
        self._working = 0
        self._callers: Counter[asyncio.Future[Said]] = Counter()  # how many wait for each
        self._patience: asyncio.TimerHandle | None = None
        self._sending: set[asyncio.Task[None]] = set()

    def known(self, step: Step) -> dict[Cells, Reply]:
        """The replies to what a step asks, by input."""
        return self._book(step).known

    @property
    def readable(self) -> int:
        """How many inputs have a reply that can be read."""
        return sum(len(book.known) - len(book.lost) for book in self._books.values())

    @property
    def asking(self) -> bool:
        """Whether something was sent that is not answered yet."""
        return any(book.sent.keys() - book.known.keys() for book in self._books.values())

    @property
    def progress(self) -> tuple[int, int]:
        """How many inputs are answered, and how many are wanted so far."""
        answered = sum(len(book.known) for book in self._books.values())
        return answered, answered + sum(
            len({*book.waiting, *book.sent} - {*book.known}) for book in self._books.values()
        )

    def learn(self, step: Step, replies: Sequence[Reply]) -> None:
        """Take replies for known, so that nobody asks about their inputs."""
        self._book(step).known.update((reply.input, reply) for reply in replies)

    def recall(self, step: Step, inputs: Sequence[Cells]) -> list[Reply]:
        """The replies to those of the inputs that can be known without asking; they are known from now on."""
        book = self._book(step)
        found = self._asking.recall(step, [cells for cells in inputs if cells not in book.known])
        book.known.update((reply.input, reply) for reply in found)
        return found

    @contextmanager
    def working(self) -> Iterator[None]:
        """While a program does work of its own, after which it may ask; the desk waits for it."""
        self._working += 1
        try:
            yield
        finally:
            self._working -= 1
            self._send_when_idle()

    async def ask(self, step: Step, inputs: Sequence[Cells]) -> Said:
        """Ask about inputs, together with whoever else asks; the replies are known afterwards.

        Returns:
            What was asked on behalf of this caller, so that what is spent counts once.
        """
        book = self._book(step)
        mine: asyncio.Future[Said] = asyncio.get_running_loop().create_future()
        others: set[asyncio.Future[Said]] = set()
        new = False
        for cells in dict.fromkeys(inputs):
            if cells in book.known:
                continue
            under_way = book.waiting.get(cells) or book.sent.get(cells)
            if under_way is None:
                book.waiting[cells], new = mine, True
            else:
                others.add(under_way)
        futures = [*others, mine] if new else list(others)
        self._callers.update(futures)
        try:
            self._send_when_idle()
            for future in others:
                await asyncio.shield(future)
            return await asyncio.shield(mine) if new else Said()
        finally:
            self._callers.subtract(futures)
            self._callers = +self._callers
            book.waiting = {cells: future for cells, future in book.waiting.items() if future in self._callers}

    def told(self, step: Step, wanted: Set[Cells]) -> list[Reply]:
        """The replies to a step; of those to inputs that only others wanted, the ones that may be of use."""
        book = self._book(step)
        known = list(book.known.items())
        if step.expected.kind is ReplyKind.ORDERED:  # each decides how the others are read
            return placed([reply for cells, reply in known if cells in wanted], step.expected)
        return [reply for cells, reply in known if cells in wanted or cells not in book.lost]

    def lost(self, step: Step, wanted: Set[Cells]) -> int:
        """How many of the inputs that a caller has asked about got no reply that can be read."""
        book = self._book(step)
        placed_ = self.told(step, wanted) if step.expected.kind is ReplyKind.ORDERED else ()
        return len(wanted & book.lost | {reply.input for reply in placed_ if not reply.readable})

    def require_readable(self, step: Step, wanted: Set[Cells], of: int | None) -> None:
        """Let go of what could not be read, or of the call where that is too much of it.

        The answer must not hang on how many were asked at a time, are known from before, or are others' concern.

        Args:
            step: What was asked.
            wanted: The inputs that the caller has asked about.
            of: How many it may ask about in all, or None where that is not known yet.

        Raises:
            LMReplyError: More than ``UNREADABLE_SHARE`` of them all have no reply that can be read, or ``IN_VAIN`` have
                none and no other has one either.
        """
        lost = self.lost(step, wanted)
        too_much = of is not None and lost > UNREADABLE_SHARE * of
        if too_much or (lost >= IN_VAIN and lost == len(wanted)):
            book = self._book(step)
            unasked = sum(book.known[cells].unasked for cells in wanted & book.lost)
            raise self._asking.refuse(step, lost, of or len(wanted), unasked, book.heard)

    def close(self) -> None:
        """Give up what is under way, and what waits to be sent; whoever waits for it is cancelled."""
        if self._patience is not None:
            self._patience.cancel()
        for task in self._sending:
            task.cancel()
        for book in self._books.values():
            for caller in {*book.waiting.values(), *book.sent.values()}:
                caller.cancel()
            book.waiting.clear()

    def _book(self, step: Step) -> _Book:
        return self._books.setdefault(step.asked, _Book(step))

    def _send_when_idle(self) -> None:
        if not any(book.waiting for book in self._books.values()):
            return
        loop = asyncio.get_running_loop()
        if not self._working:
            loop.call_soon(self._send)
        elif self._patience is None:
            self._patience = loop.call_later(PATIENCE, self._send_anyway)

    def _send_anyway(self) -> None:
        """Send what has waited for long, whoever is still at work."""
        self._patience = None
        self._send(anyway=True)

    def _send(self, anyway: bool = False) -> None:
        """Send what waits, unless a program has begun to work in the meantime."""
        if self._working and not anyway:
            return
        for book in self._books.values():
            if book.waiting:
                waiting, book.waiting = book.waiting, {}
                book.sent |= waiting
                task = asyncio.get_running_loop().create_task(self._sent(book, waiting))
                self._sending.add(task)
                task.add_done_callback(self._sending.discard)

    async def _sent(self, book: _Book, waiting: dict[Cells, asyncio.Future[Said]]) -> None:
        """Ask about inputs and tell those who wait: the first of them gets the account of it all."""
        callers = list(dict.fromkeys(waiting.values()))

        def keep(replies: Sequence[Reply]) -> None:
            book.known.update((reply.input, reply) for reply in replies)

        try:
            said = await self._asking.ask(book.step, list(waiting), keep)
        except asyncio.CancelledError:
            for caller in callers:
                caller.cancel()
            raise
        except Exception as error:
            for caller in callers:
                if not caller.done():
                    caller.set_exception(error)
                    caller.exception()  # seen: whoever waited may be gone by now
        else:
            book.known.update((reply.input, reply) for reply in said.replies)
            book.lost.update(reply.input for reply in said.replies if not reply.readable)
            book.heard = said.heard or book.heard
            for caller in callers:
                if not caller.done():
                    caller.set_result(_share(said, waiting, caller, first=caller is callers[0]))
        finally:
            for cells in waiting:
                book.sent.pop(cells, None)


def _share(
    said: Said, waiting: Mapping[Cells, asyncio.Future[Said]], caller: asyncio.Future[Said], first: bool
) -> Said:
    """A caller's part of what was said: the replies to its inputs; the first one's part holds what all of it cost."""
    replies = tuple(reply for reply in said.replies if waiting[reply.input] is caller)
    unreadable = sum(not reply.readable for reply in replies)
    return replace(said if first else Said(), replies=replies, unreadable=unreadable)
