"""conversation: what was asked of the page so far, and what became of it; it lives as long as the server.

A program that is run again, or that is run with a reply changed, is given what the model said before, so that nothing
answered is asked again.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from binder.answer import Answer
from binder.engine import Binder
from binder.errors import ConfigurationError
from binder.explain import Explanation
from binder.given import question_of
from binder.table import Table
from binder.trace import Trace

AT_ONCE = 8
"""How many may be under way."""
KEPT = 200
"""How many are kept; then the oldest are forgotten."""


class Place(StrEnum):
    """A place of the page that something comes from; what is wrong with it is said there."""

    QUESTION = "question"
    PROGRAM = "program"
    REPLY = "reply"


@dataclass(frozen=True)
class Asked:
    """One thing that was asked: a question, or a program that was to be run.

    Attributes:
        number: Its number, from 1.
        title: What it is called.
        place: What it came from.
        task: What answers it.
        earlier: What the model had said before.
        started: When it began, as ``time.monotonic`` tells.
    """

    number: int
    title: str
    place: Place
    task: asyncio.Task[Answer]
    earlier: Trace | None
    started: float

    @property
    def answer(self) -> Answer | None:
        """The answer, once it is there."""
        ended = self.task.done() and not self.task.cancelled() and self.task.exception() is None
        return self.task.result() if ended else None

    @property
    def told(self) -> Trace | None:
        """All that the model has said: for this answer, in the order of its steps, and for those it was made from."""
        if self.answer is None or self.earlier is None:
            return self.answer.trace if self.answer is not None else self.earlier
        calls = self.answer.trace.calls
        asked = {call.step.asked for call in calls}
        dropped = (call for call in self.earlier.calls if call.step.asked not in asked)
        return replace(self.answer.trace, calls=(*calls, *dropped))


class Conversation:
    """What is asked about some tables, by one engine.

    Args:
        engine: The engine.
        tables: The tables.
        language: What programs are drafted in.
        samples: How many are drafted; None for as many as suit the model.
    """

    def __init__(self, engine: Binder, tables: tuple[Table, ...], language: str, samples: int | None = None) -> None:
        self.engine = engine
        self.tables = tables
        self.language = language
        self.samples = samples
        self._asked: dict[int, Asked] = {}
        self._numbers = itertools.count(1)

    def __iter__(self) -> Iterator[Asked]:
        """All that is kept, newest first."""
        return reversed(self._asked.values())

    def __getitem__(self, number: int) -> Asked:
        """What has a number.

        Raises:
            ConfigurationError: Nothing has it any more.
        """
        if number not in self._asked:
            raise ConfigurationError(f"there is no answer {number} any more; ask again")
        return self._asked[number]

    def ask(self, question: str) -> Asked:
        """Begin to answer a question."""
        question = " ".join(question_of(question).split())
        return self._begin(question, Place.QUESTION, self._answer(question), None)

    def run(self, program: str, after: int | None) -> Asked:
        """Begin to run a program, made from that of an earlier answer or not."""
        if not program.strip():
            raise ConfigurationError("the program is empty; write one, or ask a question first")
        earlier = self[after].told if after is not None else None
        running = self.engine.arun(program, self.tables, replies=earlier)
        return self._begin(" ".join(program.split()), Place.PROGRAM, running, earlier)

    def change(self, after: int, step: int, row: int, reply: str | None) -> Asked:
        """Begin to run an answer's program as if the model had replied otherwise.

        Args:
            after: The answer's number.
            step: The step's number, from 1.
            row: Which of the step's inputs, from 0.
            reply: What the model is to have said; None for an answer that is not known.
        """
        answer, told = self[after].answer, self[after].told
        if answer is None or told is None or not (1 <= step <= len(told.calls)):
            raise ConfigurationError(f"answer {after} has no step {step}; choose another input")
        replies = told.calls[step - 1].replies
        if not 0 <= row < len(replies):
            raise ConfigurationError(f"step {step} has no input {row + 1}; choose another input")
        cells = replies[row].input
        changed = told.override(step, cells, reply)
        title = f"{' | '.join(cell or 'NULL' for cell in cells)} → {'not known' if reply is None else reply}"
        running = self.engine.arun(answer.program, self.tables, replies=changed)
        return self._begin(title, Place.REPLY, running, changed)

    async def explain(self, program: str) -> Explanation:
        """What a program would do and ask."""
        if not program.strip():
            raise ConfigurationError("the program is empty; write one, or ask a question first")
        return await self.engine.aexplain(program, self.tables)

    def stop(self, number: int) -> None:
        """End what is under way; what was answered by then is kept in the engine's cache."""
        self[number].task.cancel()

    async def _answer(self, question: str) -> Answer:
        return await self.engine.aask(question, self.tables, n=self.samples, language=self.language)

    def _begin(self, title: str, place: Place, work: Coroutine[Any, Any, Answer], earlier: Trace | None) -> Asked:
        if sum(not one.task.done() for one in self) >= AT_ONCE:
            work.close()
            raise ConfigurationError(f"{AT_ONCE} questions are under way; wait for one, or stop one")
        number = next(self._numbers)
        task = asyncio.create_task(work)
        task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())  # looked at, or not: no warning
        self._asked[number] = Asked(number, title, place, task, earlier, time.monotonic())
        self._forget()
        return self._asked[number]

    def _forget(self) -> None:
        """Drop the oldest that have ended, beyond those that are kept."""
        ended = [one.number for one in self._asked.values() if one.task.done()]
        for number in ended[: max(0, len(self._asked) - KEPT)]:
            del self._asked[number]
