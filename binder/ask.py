"""ask: what an LM says about inputs, one value each (a map).

Several inputs share a request, numbered; replies are matched by number and read as the kind they must be. What is
missing or cannot be read is asked again, at last alone, and then is NULL and counted. A model that leaves inputs out,
or whose context overflows, gets fewer in each request from then on. An input without a value is answered NULL without a
request, and the same input is asked once.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from binder import call_prompt
from binder.call_prompt import EACH_REPLY, LEAST_REPLY
from binder.coerce import NO, YES, Value, coerce, day, is_unknown, number, settle
from binder.errors import LimitReached, LMOverflow, LMUnavailable, first_of
from binder.headers import readable
from binder.lm.base import LM, Request, Usage, batch_of, working
from binder.lm.batches import Outcome, learn
from binder.prompt import tokens
from binder.render import Cuts, escape
from binder.replies import Answers, read_bare, read_map
from binder.send import ATTEMPTS, again, hear
from binder.suspect import groups
from exemplars import choose, store
from exemplars.exemplar import Cells, MapExemplar
from grammars.reply import Expected, ReplyKind

SHOTS = 3
FEW = 20
"""How many inputs are asked about again while not one reply could be read, and for each that could."""
IN_VAIN = 100
"""A model that answered none of so many inputs is not asked about the rest of a long table."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reply:
    """What became of one input.

    Attributes:
        input: The cells asked about.
        text: What the LM said, or None where it said nothing (that can be read).
        value: What the text stands for; None for NULL.
        attempts: How many requests that were answered carried it; 0 where none was needed.
        readable: False when no reply could be read and the value is None for that reason.
        by_hand: Whether a person said it in place of the LM (``Trace.override``).
    """

    input: Cells
    text: str | None = None
    value: Value | None = None
    attempts: int = 0
    readable: bool = True
    by_hand: bool = False

    @property
    def unasked(self) -> bool:
        """Whether it was left unasked, since too many others were asked about in vain."""
        return not self.readable and self.text is None and not self.attempts


@dataclass(frozen=True)
class MapReplies:
    """The replies to a map, one for each input in the order given.

    Attributes:
        replies: What became of each input.
        usage: What was spent.
        unreadable: How many distinct inputs got no reply that can be read.
        cuts: Cells that a request carried in part.
        heard: The last reply that could not be read.
    """

    replies: tuple[Reply, ...]
    usage: Usage = field(default_factory=Usage)
    unreadable: int = 0
    cuts: Cuts = field(default_factory=Cuts)
    heard: str = ""

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
    folder: Path | None = None,
    keep: Callable[[Sequence[Reply]], None] | None = None,
    ordered: bool = False,
) -> MapReplies:
    """Ask one question about each input.

    Args:
        lm: The model; never sent more requests at once than its ``concurrency``, over all calls.
        question: What is asked.
        columns: The columns that make an input.
        inputs: One tuple of cells an input, as they are spelled.
        expected: What each reply must be.
        folder: A folder of the user's exemplars and templates.
        keep: Called with the replies of each request as soon as they are there, so that they outlive a failure (the
            value of an ``ORDERED`` call is still its text then).
        ordered: Whether other inputs are known to have numbers or dates to sort by, so that texts have no place.

    Raises:
        LMUnavailable: The model could not be reached.
        LimitReached: A request would have passed a limit of the model.

    Either is raised once the requests under way have ended; what ``keep`` got was answered.
    """
    asked = [cells for cells in dict.fromkeys(map(tuple, inputs)) if has_value(cells)]
    shots = choose.first(store.maps(folder), SHOTS)
    asker = _Asker(lm, question, tuple(columns), expected, shots, folder, keep, ordered)
    for attempt in range(1, ATTEMPTS + 1):
        pending = [cells for cells in asked if cells not in asker.known]
        await asker.ask_all(pending if attempt == 1 else asker.worth_asking(pending, attempt), attempt)
        asker.settle_texts(last=attempt == ATTEMPTS)
    found = _settled(asker.known) if expected.kind is ReplyKind.ORDERED else asker.known
    replies = tuple(found.get(tuple(cells)) or asker.missing(tuple(cells)) for cells in inputs)
    unreadable = len(asked) - len(found)
    return MapReplies(replies, asker.usage, unreadable, Cuts(cells=len(asker.shortened)), asker.heard)


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
    left = deque(map(deque, groups(inputs)))
    while batch := asker.take(left, batch_of(lm)):
        yield asker.request(batch)


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
    ordered: bool = False
    known: dict[Cells, Reply] = field(default_factory=dict)
    texts: dict[Cells, Reply] = field(default_factory=dict)
    shortened: set[Cells] = field(default_factory=set)
    usage: Usage = field(default_factory=Usage)
    heard: str = ""
    failed: LMUnavailable | LimitReached | None = None
    carried: Counter[Cells] = field(default_factory=Counter)  # how many requests that were answered held an input

    async def ask_all(self, pending: Sequence[Cells], attempt: int) -> None:
        """Ask about inputs that have no reply yet, by as many requests at once as the model takes."""
        left = deque(map(deque, groups(pending)))
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(len(pending), max(1, self.lm.concurrency))):
                    group.create_task(self._ask_on(left, attempt))
        except BaseExceptionGroup as errors:
            raise first_of(errors) from None
        if self.failed is not None:
            raise self.failed

    async def _ask_on(self, left: deque[deque[Cells]], attempt: int) -> None:
        """One request after another, each as large as the model is known to bear by then."""
        while not self._ends(attempt) and (batch := self.take(left, _size(self.lm, attempt))):
            try:
                await self._ask(batch, attempt)
            except LMOverflow as error:
                if len(batch) == 1:
                    self.failed = error
                self.usage += Usage(requests=1)
                self._learn(batch, "overflow")
                left.append(deque(batch))
            except (LMUnavailable, LimitReached) as error:
                self.failed = error  # raised once the requests under way are done: they are paid for

    def _ends(self, attempt: int) -> bool:
        """Whether nothing more is to be sent: the model failed, or has answered much, and nothing that can be read.

        The others are asked about once some of these got a reply.
        """
        in_vain = attempt == 1 and len(self.carried) >= IN_VAIN and not self.known and not self.texts
        return in_vain or self.failed is not None

    async def _ask(self, batch: Mapping[Cells, Cells], attempt: int) -> None:
        completion, spent = await hear(self.lm, again(self.request(batch), attempt))
        self.usage += spent
        self.carried.update(batch.keys())
        answers = self._read(completion.text, batch) if completion.finished else {}
        if attempt == 1:  # later ones carry what is hard to answer, however few they are
            self._learn(batch, "whole" if len(answers) == len(batch) else "lost")
        numbered = [(cells, answers[number]) for number, cells in enumerate(batch, 1) if number in answers]
        read = [read_reply(cells, text, self.expected, attempt) for cells, text in numbered]
        replies = [reply for reply in read if reply is not None]
        if len(replies) < len(batch):
            self._note_unread(completion.text, len(batch) - len(replies), len(batch), attempt)
        self._take_in([reply for reply in replies if self._sorts(reply)])
        self.texts.update((reply.input, reply) for reply in replies if not self._sorts(reply))

    def _take_in(self, replies: Sequence[Reply]) -> None:
        self.known.update((reply.input, reply) for reply in replies)
        if self.keep is not None and replies:
            self.keep(replies)

    def _sorts(self, reply: Reply) -> bool:
        """Whether a reply is what is asked for where it is to sort by: a number or a date."""
        return not _by_order(self.expected) or _in_order(reply)

    def worth_asking(self, pending: Sequence[Cells], attempt: int) -> Sequence[Cells]:
        """Those to be asked again: a few, while that may be in vain, and more the more replies could be read.

        They are taken from everywhere: the first may be hard to answer, and the others not.
        """
        few = FEW * (1 + len(self.known))
        if self.texts and all(reply.value is None for reply in self.known.values()):
            few = _size(self.lm, attempt)
        return pending[:: -(-len(pending) // few)] if pending else pending

    def missing(self, cells: Cells) -> Reply:
        """An input that was not asked about, since it holds nothing or others were in vain, or asked about in vain."""
        return Reply(cells, attempts=self.carried[cells], readable=not has_value(cells))

    def settle_texts(self, last: bool) -> None:
        """Take texts to sort by where they are all there is, and tell the inputs apart; else they are asked again."""
        self.texts = {cells: reply for cells, reply in self.texts.items() if cells not in self.known}
        said = {str(reply.value).casefold() for reply in self.texts.values()}
        apart = len(said) > 1 or said <= YES | NO or len(self.known) + len(self.texts) == 1
        alone = not self.ordered and all(reply.value is None for reply in self.known.values())
        if alone and (apart or last):
            self._take_in(tuple(self.texts.values()))
            self.texts = {}
        elif self.texts:
            told = "%s: %d replies to '%s' have no place in an order"
            _log.info(told, self.lm.name, len(self.texts), escape(self.question))

    def _note_unread(self, said: str, unread: int, asked: int, attempt: int) -> None:
        self.heard = said
        _log.info(
            "%s: %d of %d replies to '%s' cannot be read (attempt %d of %d)",
            *(self.lm.name, unread, asked, escape(self.question), attempt, ATTEMPTS),
        )
        _log.debug("the reply was '%s'", escape(said, 500))

    def _learn(self, batch: Mapping[Cells, Cells], outcome: Outcome) -> None:
        learn(working(self.lm), batch_of(self.lm), len(batch), outcome)

    def _read(self, text: str, batch: Mapping[Cells, Cells]) -> Answers:
        """The replies by number, less those that are the input's own line. A lone input's may come without one."""
        answers = read_map(text, len(batch))
        if not answers and len(batch) == 1 and (bare := read_bare(text, self.expected)) is not None:
            return {1: bare}
        lines = [call_prompt.encode(shown, self.columns) for shown in batch.values()]
        return {number: said for number, said in answers.items() if said != lines[number - 1]}

    def request(self, batch: Mapping[Cells, Cells]) -> Request:
        """The request about some inputs."""
        return self._request(tuple(batch.values()))

    def take(self, left: deque[deque[Cells]], most: int) -> dict[Cells, Cells]:
        """The inputs of the next request, all of one group, each with the cells that it shows.

        They are as many as those of the requests after it, as near as may be.
        """
        batch: dict[Cells, Cells] = {}
        group = left[0] if left else deque()
        even = -(-len(group) // -(-len(group) // most)) if group else 0
        room = self._room
        while group and len(batch) < even:
            shown = self._fit(group[0], self._room)
            room -= self._cost(shown)
            if batch and room < 0:
                break
            batch[group.popleft()] = shown
        if left and not group:
            left.popleft()
        return batch

    @cached_property
    def _room(self) -> int:
        """How many tokens the inputs of one request and the replies to them may take."""
        return self.lm.context - tokens(*self._request(()).messages) - LEAST_REPLY

    def _request(self, inputs: Sequence[Cells]) -> Request:
        return call_prompt.map_values(
            self.question, self.columns, inputs, self.expected, exemplars=self.exemplars, folder=self.folder
        )

    def _fit(self, cells: Cells, room: int) -> Cells:
        """The cells, cut where a request of their own could not hold them."""
        shown = call_prompt.shorten(cells, self.columns, room - EACH_REPLY)
        if shown != cells:
            self.shortened.add(cells)
        return shown

    def _cost(self, cells: Cells) -> int:
        return tokens(call_prompt.encode(cells, self.columns)) + EACH_REPLY


def _size(lm: LM, attempt: int) -> int:
    """How many inputs an attempt's requests carry: as many as the model bears, then half of that, at last one."""
    return 1 if attempt == ATTEMPTS else max(1, batch_of(lm) // attempt)


def read_reply(cells: Cells, text: str | None, expected: Expected, attempt: int) -> Reply | None:
    """What a text that an LM gave says of an input, or None where that cannot be read."""
    if text is None:
        return Reply(cells, attempts=attempt)
    text = readable(text)
    value: Value | None = coerce(text, expected)
    return None if value is None and not is_unknown(text) else Reply(cells, text, value, attempt)


def has_value(cells: Cells) -> bool:
    """Whether there is anything to ask about in an input."""
    return any(cell is not None for cell in cells)


def _settled(known: Mapping[Cells, Reply]) -> dict[Cells, Reply]:
    """Replies to sort by, as values of one type."""
    values = settle([reply.value for reply in known.values()])
    return {cells: replace(reply, value=value) for (cells, reply), value in zip(known.items(), values, strict=True)}


def placed(replies: Sequence[Reply], expected: Expected) -> list[Reply]:
    """Replies to a call, without the texts among numbers and dates to sort by: those have no place in their order.

    Example:
        >>> of_two = [Reply(("K2",), "8611", "8611"), Reply(("Elm",), "rather low", "rather low")]
        >>> [reply.value for reply in placed(of_two, Expected(ReplyKind.ORDERED))]
        ['8611', None]
    """
    if not has_numbers(replies, expected):
        return list(replies)
    return [reply if _in_order(reply) else replace(reply, value=None, readable=False) for reply in replies]


def has_numbers(replies: Sequence[Reply], expected: Expected) -> bool:
    """Whether replies are to sort by, and numbers or dates are among them."""
    return _by_order(expected) and any(reply.value is not None and _in_order(reply) for reply in replies)


def _by_order(expected: Expected) -> bool:
    """Whether replies are to sort by, and not by labels."""
    return expected.kind is ReplyKind.ORDERED and not expected.labels


def _in_order(reply: Reply) -> bool:
    """Whether a reply has a place in an order of numbers or dates."""
    said = str(reply.value)
    return reply.value is None or number(said) is not None or day(said) is not None
