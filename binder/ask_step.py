"""ask_step: what the LM says about inputs of one step of a plan: what it said before, else what it says now."""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from binder.ask import IN_VAIN, Reply, ask_map, first_requests, has_numbers, placed, read_reply
from binder.ask_ans import ask_ans, first_request, read_values
from binder.coerce import Value
from binder.desk import Said
from binder.errors import LimitReached, LMReplyError, LMUnavailable
from binder.lm.base import LM, Purpose, Request
from binder.lm.cache import Cache
from binder.lm.keys import CallKey
from binder.plan import Step
from binder.render import escape
from binder.sampling import together
from binder.send import ATTEMPTS
from exemplars import store
from exemplars.exemplar import Cells, Part
from grammars.reply import ReplyKind

Keep = Callable[[Sequence[Reply]], None]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Asking:
    """How steps are asked.

    Attributes:
        lm: Finds the model.
        cache: Where replies to the same are found, and new ones kept.
        folder: A folder of the user's exemplars and templates.
    """

    lm: Callable[[], LM]
    cache: Cache
    folder: Path | None = None

    def call(self, step: Step) -> CallKey:
        """What replies to a step's call are kept under."""
        purpose: Purpose = "map" if step.per_row else "ans"
        blocks = () if step.per_row else step.blocks
        version = store.version(purpose, self.folder)
        return CallKey.of(self.lm(), purpose, step.question, step.labels, step.expected, version, blocks)

    def recall(self, step: Step, inputs: Sequence[Cells]) -> list[Reply]:
        """The replies that were kept from before."""
        return self._recalled(step, self.call(step), inputs)

    def _recalled(self, step: Step, call: CallKey, inputs: Sequence[Cells]) -> list[Reply]:
        kept = self.cache.values(call, inputs)
        found = [_kept(step, cells, text) for cells, text in kept.items()]
        return [reply for reply in found if reply is not None]

    def first_requests(self, step: Step, inputs: Sequence[Cells]) -> Iterator[Request]:
        """The requests that asking about inputs sends first; nothing is sent."""
        lm, question, expected = self.lm(), step.question, step.expected
        if step.per_row:
            yield from first_requests(lm, question, step.labels, inputs, expected, folder=self.folder)
            return
        prompts = [first_request(lm, question, _parts(step, cells), expected, folder=self.folder) for cells in inputs]
        yield from (prompt.request for prompt in prompts if prompt is not None)

    async def ask(self, step: Step, inputs: Sequence[Cells], keep: Keep) -> Said:
        """Ask a step's call about inputs.

        Args:
            step: What to ask.
            inputs: Distinct inputs, none of them missing altogether.
            keep: Called with replies as soon as they are there.

        Raises:
            LMUnavailable: The model could not be reached; what ``keep`` got was answered.
            LimitReached: The next request would have passed a limit; what ``keep`` got was answered.
        """
        call = self.call(step)
        asked: dict[Cells, Reply] = {}
        said = Said()

        def note(replies: Sequence[Reply]) -> None:
            asked.update((reply.input, reply) for reply in replies)
            keep(replies)
            self.cache.keep(call, {reply.input: reply.text for reply in replies})

        async def ask(missing: Sequence[Cells]) -> dict[Cells, str | None]:
            nonlocal said
            if step.per_row:
                sorts = step.expected.kind is ReplyKind.ORDERED
                ordered = sorts and has_numbers(self._recalled(step, call, inputs), step.expected)
                said += await _ask_map(self.lm(), step, missing, note, self.folder, ordered)
            else:
                said += await _ask_whole(self.lm(), step, missing, note, self.folder)
            return {cells: reply.text for cells, reply in asked.items()}

        texts = await self.cache.share(call, inputs, ask)
        replies = {reply.input: reply for reply in said.replies} | asked
        for cells in inputs:
            if cells not in replies:
                found = _kept(step, cells, texts[cells]) if cells in texts else None
                replies[cells] = found or Reply(cells, readable=False)
        told = placed([replies[cells] for cells in inputs], step.expected)
        if lost := sum(not reply.readable for reply in told):
            unasked = sum(reply.unasked for reply in told)
            _log.warning("%s; their values are NULL", self._unread(step, lost, len(inputs), unasked))
        return replace(said, replies=tuple(told), unreadable=lost)

    def refuse(self, step: Step, lost: int, wanted: int, unasked: int, heard: str) -> LMReplyError:
        """The error when too few of the wanted inputs got a reply that can be read."""
        last = f"; the last was '{escape(heard, 120)}'" if heard else ""
        return LMReplyError(
            f"{self._unread(step, lost, wanted, unasked)}{last}. Ask more plainly, or use another model"
        )

    def _unread(self, step: Step, lost: int, wanted: int, unasked: int) -> str:
        some = f" for {lost:,} of {wanted:,} inputs" if step.per_row or wanted > 1 else ""
        told = f"{self.lm().name} gave no reply that can be read to '{escape(step.question)}'{some}"
        left = f"; {unasked:,} of them were not asked about, since none of the others got one" if unasked else ""
        return f"{told} in {ATTEMPTS} attempts{left}"


def _kept(step: Step, cells: Cells, text: str | None) -> Reply | None:
    """The reply that a text from before is."""
    if step.per_row or text is None:
        return read_reply(cells, text, step.expected, attempt=0)
    values = read_values(text, step.expected)
    return None if values is None else _whole_reply(cells, text, values, step.expected.many, attempts=0)


async def _ask_map(lm: LM, step: Step, inputs: Sequence[Cells], keep: Keep, folder: Path | None, ordered: bool) -> Said:
    """Several inputs a request."""
    said = await ask_map(
        lm, step.question, step.labels, inputs, step.expected, folder=folder, keep=keep, ordered=ordered
    )
    return Said(said.replies, said.usage, said.unreadable, said.cuts, said.heard)


async def _ask_whole(lm: LM, step: Step, inputs: Sequence[Cells], keep: Keep, folder: Path | None) -> Said:
    """Each input in a request of its own, as many at once as the model takes."""
    left, said = deque(inputs), Said()
    failed: LMUnavailable | LimitReached | None = None

    async def ask_on() -> None:
        nonlocal said, failed
        while left and failed is None and not (said.unreadable == len(said.replies) >= IN_VAIN):
            try:
                one = await _answer(lm, step, left.popleft(), keep, folder)
            except (LMUnavailable, LimitReached) as error:
                failed = error  # raised once the requests under way are done: they are paid for
            else:
                said += one

    await together(ask_on() for _ in range(min(len(inputs), max(1, lm.concurrency))))
    if failed is not None:
        raise failed
    return said


async def _answer(lm: LM, step: Step, cells: Cells, keep: Keep, folder: Path | None) -> Said:
    said = await ask_ans(lm, step.question, _parts(step, cells), step.expected, folder=folder)
    if not said.readable:
        unread = Reply(cells, attempts=said.attempts, readable=False)
        return Said((unread,), said.usage, 1, said.cuts, said.text or "")
    values = said.value if isinstance(said.value, tuple) else (said.value,)
    reply = _whole_reply(cells, said.text, values, step.expected.many, said.attempts)
    keep([reply])
    return Said((reply,), said.usage, 0, said.cuts)


def _whole_reply(cells: Cells, text: str | None, values: Sequence[Value | None], many: bool, attempts: int) -> Reply:
    """A reply to an ans; several values are a list."""
    value = list(values) if many else next(iter(values), None)
    return Reply(cells, text, value, attempts)  # type: ignore[arg-type]


def _parts(step: Step, cells: Cells) -> list[Part]:
    """The inputs of an ans: a block's rows, or one value."""
    parts = []
    for label, block, cell in zip(step.labels, step.blocks, cells, strict=True):
        if block:
            rows = json.loads(cell) if cell else []
            header = tuple(rows[0]) if rows else (label,)
            parts.append(Part(header, tuple(tuple(row.values()) for row in rows)))
        elif label:
            parts.append(Part((label,), ((cell,),)))
    return parts
