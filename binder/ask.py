"""ask: what an LM says about inputs, one value each (a map).

Several inputs share a request, numbered; replies are matched by number and read as the kind they must be. What is
missing or cannot be read is asked again in smaller requests, at last alone, and then is NULL and counted. An input
without a value is answered NULL without a request, and the same input is asked once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from binder import call_prompt
from binder.call_prompt import EACH_REPLY, LEAST_REPLY
from binder.coerce import Value, coerce, is_unknown, settle
from binder.errors import LimitReached, LMReplyError
from binder.lm.base import LM, Request, Usage, batch_of
from binder.prompt import tokens
from binder.render import Cuts
from binder.replies import Answers, read_bare, read_map
from binder.send import ATTEMPTS, again, hear, nothing_readable
from exemplars import choose, store
from exemplars.exemplar import Cells, MapExemplar
from grammars.reply import Expected, ReplyKind

SHOTS = 3


@dataclass(frozen=True)
class Reply:
    """What became of one input.

    Attributes:
        input: The cells asked about.
        text: What the LM said, or None where it said nothing (that can be read).
        value: What the text stands for; None for NULL.
        attempts: How many requests carried it; 0 where none was needed.
        readable: False when no reply could be read and the value is None for that reason.
    """

    input: Cells
    text: str | None = None
    value: Value | None = None
    attempts: int = 0
    readable: bool = True


@dataclass(frozen=True)
class MapReplies:
    """The replies to a map, one for each input in the order given.

    Attributes:
        replies: What became of each input.
        usage: What was spent.
        unreadable: How many distinct inputs got no reply that can be read.
        cuts: Cells that a request carried in part.
    """

    replies: tuple[Reply, ...]
    usage: Usage = field(default_factory=Usage)
    unreadable: int = 0
    cuts: Cuts = field(default_factory=Cuts)

    @property
    def values(self) -> tuple[Value | None, ...]:
        """The values alone."""
        return tuple(reply.value for reply in self.replies)


async def ask_map(
    lm: LM,
    question: str,
    columns: Sequence[str],
    inputs: Sequence[Cells],
    expected: Expected,
    *,
    batch: int | None = None,
    folder: Path | None = None,
    keep: Callable[[Sequence[Reply]], None] | None = None,
) -> MapReplies:
    """Ask one question about each input.

    Args:
        lm: The model; never sent more requests at once than its ``concurrency``, over all calls.
        question: What is asked.
        columns: The columns that make an input.
        inputs: One tuple of cells an input, as they are spelled.
        expected: What each reply must be.
        batch: The most inputs in one request, the model's own number by default.
        folder: A folder of the user's exemplars and templates.
        keep: Called with the replies of each request as soon as they are there, so that they outlive a failure (the
            value of an ``ORDERED`` call is still its text then).

    Raises:
        LMUnavailable: The model could not be reached; what ``keep`` got was answered.
        LMReplyError: There were inputs, and not one of them got a reply that can be read.
        LimitReached: A request would have passed a limit of the model; those under way were waited for.
    """
    asked = [cells for cells in dict.fromkeys(map(tuple, inputs)) if any(cell is not None for cell in cells)]
    asker = _Asker(lm, question, tuple(columns), expected, choose.first(store.maps(folder), SHOTS), folder, keep)
    for attempt in range(1, ATTEMPTS + 1):
        pending = [cells for cells in asked if cells not in asker.known]
        await asker.ask_all(pending, _size(batch or batch_of(lm), attempt), attempt)
    if asked and not asker.known:
        raise LMReplyError(nothing_readable(lm, question, asker.heard))
    found = _settled(asker.known) if expected.kind is ReplyKind.ORDERED else asker.known
    replies = tuple(found.get(tuple(cells), _missing(tuple(cells))) for cells in inputs)
    return MapReplies(replies, asker.usage, len(asked) - len(found), Cuts(cells=len(asker.shortened)))


def first_requests(
    lm: LM,
    question: str,
    columns: Sequence[str],
    inputs: Sequence[Cells],
    expected: Expected,
    *,
    folder: Path | None = None,
) -> Iterator[Request]:
    """The requests that ``ask_map`` sends first; nothing is sent."""
    asker = _Asker(lm, question, tuple(columns), expected, choose.first(store.maps(folder), SHOTS), folder, None)
    for batch in asker._batches(inputs, batch_of(lm)):
        yield asker._request(tuple(batch.values()))


@dataclass
class _Asker:
    """One map call under way."""

    lm: LM
    question: str
    columns: tuple[str, ...]
    expected: Expected
    exemplars: tuple[MapExemplar, ...]
    folder: Path | None
    keep: Callable[[Sequence[Reply]], None] | None
    known: dict[Cells, Reply] = field(default_factory=dict)
    shortened: set[Cells] = field(default_factory=set)
    usage: Usage = field(default_factory=Usage)
    heard: str = ""
    limit: LimitReached | None = None

    async def ask_all(self, pending: Sequence[Cells], size: int, attempt: int) -> None:
        """Ask about inputs that have no reply yet, in requests of at most so many."""
        try:
            async with asyncio.TaskGroup() as group:
                for batch in self._batches(pending, size):
                    group.create_task(self._ask(batch, attempt))
        except BaseExceptionGroup as errors:
            raise _first(errors) from None
        if self.limit is not None:
            raise self.limit

    async def _ask(self, batch: Mapping[Cells, Cells], attempt: int) -> None:
        request = self._request(tuple(batch.values()))
        try:
            completion, spent = await hear(self.lm, again(request, attempt))
        except LimitReached as error:
            self.limit = error  # raised once the requests under way are done: they are paid for
            return
        self.usage += spent
        self.heard = completion.text
        answers = self._read(completion.text, len(batch), attempt) if completion.finished else {}
        numbered = [(cells, answers[number]) for number, cells in enumerate(batch, 1) if number in answers]
        read = [read_reply(cells, text, self.expected, attempt) for cells, text in numbered]
        replies = [reply for reply in read if reply is not None]
        self.known.update((reply.input, reply) for reply in replies)
        if self.keep is not None and replies:
            self.keep(replies)

    def _read(self, text: str, count: int, attempt: int) -> Answers:
        """The replies by number. A lone input's may come without one, but not a text that could be anything from a
        model that has already failed to give a number."""
        answers = read_map(text, count)
        if answers or count > 1 or (attempt > 1 and self.expected.kind is ReplyKind.TEXT and not self.expected.closed):
            return answers
        bare = read_bare(text)
        return {} if bare is None else {1: bare}

    def _request(self, inputs: Sequence[Cells]) -> Request:
        return call_prompt.map_values(
            self.question, self.columns, inputs, self.expected, exemplars=self.exemplars, folder=self.folder
        )

    def _batches(self, pending: Sequence[Cells], size: int) -> Iterator[dict[Cells, Cells]]:
        """Inputs by request, as even as may be, each with the cells that the request shows."""
        if not pending:
            return
        room = self.lm.context - tokens(*self._request(()).messages) - LEAST_REPLY
        even = -(-len(pending) // -(-len(pending) // size))
        batch: dict[Cells, Cells] = {}
        left = room
        for cells in pending:
            shown = self._fit(cells, room)
            cost = self._cost(shown)
            if batch and (len(batch) == even or cost > left):
                yield batch
                batch, left = {}, room
            batch[cells] = shown
            left -= cost
        yield batch

    def _fit(self, cells: Cells, room: int) -> Cells:
        """The cells, cut where a request of their own could not hold them."""
        shown = call_prompt.shorten(cells, self.columns, room - EACH_REPLY)
        if shown != cells:
            self.shortened.add(cells)
        return shown

    def _cost(self, cells: Cells) -> int:
        return tokens(call_prompt.encode(cells, self.columns)) + EACH_REPLY


def _size(batch: int, attempt: int) -> int:
    """How many inputs an attempt's requests carry: all, then a quarter, at last one."""
    return 1 if attempt == ATTEMPTS else max(1, batch // 4 ** (attempt - 1))


def read_reply(cells: Cells, text: str | None, expected: Expected, attempt: int) -> Reply | None:
    """What a text that an LM gave says of an input, or None where that cannot be read."""
    if text is None:
        return Reply(cells, attempts=attempt)
    value: Value | None = coerce(text, expected)
    return None if value is None and not is_unknown(text) else Reply(cells, text, value, attempt)


def _missing(cells: Cells) -> Reply:
    """An input that was not asked about, since it holds nothing, or asked about in vain."""
    asked = any(cell is not None for cell in cells)
    return Reply(cells, attempts=ATTEMPTS if asked else 0, readable=not asked)


def _settled(known: Mapping[Cells, Reply]) -> dict[Cells, Reply]:
    """Replies to sort by, as values of one type."""
    values = settle([reply.value for reply in known.values()])
    return {cells: replace(reply, value=value) for (cells, reply), value in zip(known.items(), values, strict=True)}


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error in a group, groups inside it opened."""
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
