"""ask: what an LM says about inputs, one value each (map), or about a whole input (ans).

Several inputs share a request, numbered; replies are matched by number and read as the kind they must be. What is
missing or cannot be read is asked again in smaller requests, at last alone, and then is NULL and counted. An input
without a value is answered NULL without a request, and the same input is asked once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from binder import prompt
from binder.coerce import Value, coerce, is_unknown, settle
from binder.errors import LMError, LMReplyError
from binder.lm.base import LM, Completion, Request, Usage
from binder.render import Cuts, escape
from binder.replies import Answers, read_ans, read_bare, read_map
from binder.send import again, hear
from exemplars import choose, store
from exemplars.exemplar import AnsExemplar, Cells, MapExemplar, Part
from grammars.reply import Expected, ReplyKind

BATCH = 12
ATTEMPTS = 3
MAP_SHOTS = 3
ANS_SHOTS = 5


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


@dataclass(frozen=True)
class AnsReply:
    """The reply to an ans.

    Attributes:
        value: The value, a tuple of them where several were asked for, or None for NULL.
        text: What the LM said, or None where it was not asked.
        attempts: How many requests it took.
        usage: What was spent.
        cuts: Rows and cells that the request left out.
    """

    value: Value | tuple[Value, ...] | None
    text: str | None = None
    attempts: int = 0
    usage: Usage = field(default_factory=Usage)
    cuts: Cuts = field(default_factory=Cuts)


async def ask_map(
    lm: LM,
    question: str,
    columns: Sequence[str],
    inputs: Sequence[Cells],
    expected: Expected,
    *,
    batch: int = BATCH,
    exemplars: Sequence[MapExemplar] | None = None,
    folder: Path | None = None,
    keep: Callable[[Reply], None] | None = None,
) -> MapReplies:
    """Ask one question about each input.

    Args:
        lm: The model; never sent more requests at once than its ``concurrency``, over all calls.
        question: What is asked.
        columns: The columns that make an input.
        inputs: One tuple of cells an input, as they are spelled.
        expected: What each reply must be.
        batch: The most inputs in one request.
        exemplars: The worked examples, those of the store by default.
        folder: A folder of the user's exemplars and templates.
        keep: Called with each reply as soon as it is there, so that it outlives a failure (the value of an
            ``ORDERED`` call is still its text then).

    Raises:
        LMUnavailable: The model could not be reached; what ``keep`` got was answered.
        LMReplyError: There were inputs, and not one of them got a reply that can be read.
    """
    asked = [cells for cells in dict.fromkeys(map(tuple, inputs)) if any(cell is not None for cell in cells)]
    if exemplars is None:
        exemplars = choose.first(store.maps(folder), MAP_SHOTS)
    asker = _Asker(lm, question, tuple(columns), expected, tuple(exemplars), folder, keep)
    for attempt in range(1, ATTEMPTS + 1):
        pending = [cells for cells in asked if cells not in asker.known]
        await asker.ask_all(pending, _size(batch, attempt), attempt)
    if asked and not asker.known:
        raise LMReplyError(_nothing_readable(lm, question, asker.heard))
    found = _settled(asker.known) if expected.kind is ReplyKind.ORDERED else asker.known
    replies = tuple(found.get(tuple(cells), _missing(tuple(cells))) for cells in inputs)
    return MapReplies(replies, asker.usage, len(asked) - len(found), Cuts(cells=len(asker.shortened)))


async def ask_ans(
    lm: LM,
    question: str,
    parts: Sequence[Part],
    expected: Expected,
    *,
    exemplars: Sequence[AnsExemplar] | None = None,
    folder: Path | None = None,
) -> AnsReply:
    """Ask one question about whole inputs; NULL, without a request, when they hold nothing at all.

    Args:
        lm: The model.
        question: What is asked.
        parts: The inputs, one for each argument of the call.
        expected: What the reply must be; several values when ``expected.many``.
        exemplars: The worked examples, those of the store by default.
        folder: A folder of the user's exemplars and templates.

    Raises:
        LMUnavailable: The model could not be reached.
        LMReplyError: No reply could be read.
    """
    if parts and not any(cell is not None for part in parts for row in part.rows for cell in row):
        return AnsReply(() if expected.many else None)
    if exemplars is None:
        exemplars = choose.first(store.answers(folder), ANS_SHOTS)
    asked = prompt.ans(question, parts, expected, lm=lm, exemplars=exemplars, folder=folder)
    usage, heard = Usage(), ""
    for attempt in range(1, ATTEMPTS + 1):
        completion, spent = await hear(lm, again(asked.request, attempt))
        usage += spent
        values = _ans_values(completion, expected)
        if values is not None:
            value = values if expected.many else values[0] if values else None
            return AnsReply(value, completion.text, attempt, usage, asked.cuts)
        heard = completion.text
    raise LMReplyError(_nothing_readable(lm, question, heard))


@dataclass
class _Asker:
    """One map call under way."""

    lm: LM
    question: str
    columns: tuple[str, ...]
    expected: Expected
    exemplars: tuple[MapExemplar, ...]
    folder: Path | None
    keep: Callable[[Reply], None] | None
    known: dict[Cells, Reply] = field(default_factory=dict)
    shortened: set[Cells] = field(default_factory=set)
    usage: Usage = field(default_factory=Usage)
    heard: str = ""

    async def ask_all(self, pending: Sequence[Cells], size: int, attempt: int) -> None:
        """Ask about inputs that have no reply yet, in requests of at most so many."""
        try:
            async with asyncio.TaskGroup() as group:
                for batch in self._batches(pending, size):
                    group.create_task(self._ask(batch, attempt))
        except* LMError as errors:
            raise _first(errors) from None

    async def _ask(self, batch: Mapping[Cells, Cells], attempt: int) -> None:
        request = self._request(tuple(batch.values()))
        completion, spent = await hear(self.lm, again(request, attempt))
        self.usage += spent
        self.heard = completion.text
        answers = self._read(completion.text, len(batch), attempt) if completion.finished else {}
        for number, cells in enumerate(batch, 1):
            reply = _reply(cells, answers[number], self.expected, attempt) if number in answers else None
            if reply is not None:
                self.known[cells] = reply
                if self.keep is not None:
                    self.keep(reply)

    def _read(self, text: str, count: int, attempt: int) -> Answers:
        """The replies by number. A lone input's may come without one, but not a text that could be anything from a
        model that has already failed to give a number."""
        answers = read_map(text, count)
        if answers or count > 1 or (attempt > 1 and self.expected.kind is ReplyKind.TEXT and not self.expected.closed):
            return answers
        bare = read_bare(text)
        return {} if bare is None else {1: bare}

    def _request(self, inputs: Sequence[Cells]) -> Request:
        return prompt.map_values(
            self.question, self.columns, inputs, self.expected, exemplars=self.exemplars, folder=self.folder
        )

    def _batches(self, pending: Sequence[Cells], size: int) -> Iterator[dict[Cells, Cells]]:
        """Inputs by request, as even as may be, each with the cells that the request shows."""
        if not pending:
            return
        room = self.lm.context - prompt.tokens(*self._request(()).messages) - prompt.reply_tokens(0)
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
        """The cells, the longest ones cut until they fit a request of their own."""
        shown = cells
        while self._cost(shown) > room and (longest := max(len(cell or "") for cell in shown)) > 1:
            shown = tuple(escape(cell, longest // 2) if cell and len(cell) > longest // 2 else cell for cell in shown)
            self.shortened.add(cells)
        return shown

    def _cost(self, cells: Cells) -> int:
        return prompt.tokens(prompt.encode(cells, self.columns)) + prompt.reply_tokens(1) - prompt.reply_tokens(0)


def _size(batch: int, attempt: int) -> int:
    """How many inputs an attempt's requests carry: all, then a quarter, at last one."""
    return 1 if attempt == ATTEMPTS else max(1, batch // 4 ** (attempt - 1))


def _reply(cells: Cells, text: str | None, expected: Expected, attempt: int) -> Reply | None:
    """What a reply says of an input, or None where that cannot be read."""
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


def _ans_values(completion: Completion, expected: Expected) -> tuple[Value, ...] | None:
    """The values of a reply (none where it cannot be told), or None where it cannot be read."""
    if not completion.finished:
        return None
    texts = read_ans(completion.text)
    if texts is None and not expected.many:
        bare = read_bare(completion.text)
        texts = None if bare is None else [bare]
    if texts is None or (len(texts) > 1 and not expected.many):
        return None
    values = [None if text is None else coerce(text, expected) for text in texts]
    if any(value is None and text and not is_unknown(text) for value, text in zip(values, texts, strict=True)):
        return None
    if expected.kind is ReplyKind.ORDERED:
        values = list(settle(values))
    return tuple(value for value in values if value is not None)


def _nothing_readable(lm: LM, question: str, heard: str) -> str:
    return (
        f"{lm.name} gave no reply that can be read to '{question}' in {ATTEMPTS} attempts; the last was "
        f"'{escape(heard, 120)}'. Ask more plainly, or use another model"
    )


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error in a group, groups inside it opened."""
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
