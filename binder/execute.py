"""execute: walk the stages of a plan, ask the LM about their inputs, and run the final query.

The replies of a step go into a temporary table of the session, by key; the final query looks them up. Stages that do
not wait for each other are asked at the same time.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeVar

from binder.coerce import settle
from binder.desk import Desk, Said
from binder.errors import LMReplyError, RunError
from binder.inputs import key_names
from binder.jobs import in_thread
from binder.trace import CallTrace
from binder.waves import WAVE
from grammars.reply import ReplyKind

if TYPE_CHECKING:
    from binder.ask import Reply
    from binder.database import Limits, Session
    from binder.filters import Selectivity
    from binder.plan import Plan, Stage, Step
    from binder.table import Table
    from exemplars.exemplar import Cells
    from grammars.cellrows import CellRow

T = TypeVar("T")
Texts = tuple[tuple[str | None, ...], ...]


@dataclass(frozen=True)
class Origin:
    """What a result was made from, kept so that its rows can be looked for later.

    Attributes:
        plan: The plan that gave it.
        tables: The tables.
        replies: What each of the plan's reply tables held.
        limits: What finding the rows may use.
    """

    plan: Plan
    tables: tuple[Table, ...]
    replies: Mapping[str, Mapping[Cells, Reply]]
    limits: Limits


@dataclass(frozen=True)
class Result:
    """What a program gives.

    Attributes:
        columns: The names of the output columns.
        rows: Typed values, one tuple a row.
        spell: Gives ``texts``, which for many rows takes as long as finding them does, so only once they are wanted.
        origin: By what the rows of the tables that it came from can be found.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    spell: Callable[[], Texts] = field(repr=False, compare=False)
    origin: Origin | None = field(default=None, repr=False, compare=False)

    @cached_property
    def texts(self) -> Texts:
        """The values as the cells spell them, or as a plain rendering; None for NULL that no cell spells."""
        return self.spell()

    @property
    def empty(self) -> bool:
        """Whether there is no value in it at all."""
        return not any(value is not None for row in self.rows for value in row)


async def execute(
    plan: Plan,
    tables: tuple[Table, ...],
    session: Session,
    desk: Desk,
    note: Callable[[CallTrace], None],
    selectivity: Selectivity,
    wave: int,
    limits: Limits,
) -> Result:
    """Run a plan.

    Args:
        plan: What to run.
        tables: Its tables.
        session: A session on a database with these tables, for this plan alone.
        desk: Where its calls are asked.
        note: Called with the trace of each step once it is done.
        selectivity: Learns how often the plan's LM conditions hold.
        wave: How many inputs the first wave of a step holds, where it is asked in waves.
        limits: What finding the rows of the result may use.

    Raises:
        RunError: A query failed or ran past a limit.
        LMUnavailable: The model could not be reached; what it had said is known at the desk.
        LMReplyError: No reply to a call could be read.
    """
    run = _Run(plan.steps, session, desk, note, selectivity, wave)
    if len(plan.stages) == 1:
        await run.stage(plan.stages[0], ())
    elif plan.stages:
        await _all_stages(plan.stages, run)
    run.judge()
    replies = {step.table: desk.known(step) for step in plan.steps}
    return await run.in_turn(lambda: final_of(plan, tables, session, replies, limits))


def final_of(
    plan: Plan,
    tables: tuple[Table, ...],
    session: Session,
    replies: Mapping[str, Mapping[Cells, Reply]],
    limits: Limits,
) -> Result:
    """What a plan's final query gives, once replies are in their tables; raises ``RunError``.

    Args:
        plan: The plan.
        tables: Its tables.
        session: The session that has the replies.
        replies: What each reply table holds.
        limits: What finding the rows of the result may use.
    """
    names, rows = session.result(plan.query)
    return replace(_result(names, rows, plan.spellings, tables), origin=Origin(plan, tables, replies, limits))


async def _all_stages(stages: Sequence[Stage], run: _Run) -> None:
    """Every stage, each as soon as those are done whose replies it reads or whose table it shares."""
    try:
        async with asyncio.TaskGroup() as group:
            done: list[tuple[frozenset[str], asyncio.Task[None]]] = []
            for stage in stages:
                before = tuple(task for tables, task in done if tables & stage.waits_for)
                task = group.create_task(run.stage(stage, before))
                done.append((frozenset(step.table for step in stage.steps), task))
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None


@dataclass
class _Run:
    """One run of a plan: its session, which does one thing at a time, and where it asks."""

    steps: tuple[Step, ...]
    session: Session
    desk: Desk
    note: Callable[[CallTrace], None]
    selectivity: Selectivity
    wave: int
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    wanted: defaultdict[tuple[object, ...], set[Cells]] = field(default_factory=lambda: defaultdict(set))  # by call
    unjudged: list[Step] = field(default_factory=list)  # with replies that cannot be read, of who knows how many

    async def in_turn(self, work: Callable[[], T]) -> T:
        """Work on the session, when it is free."""
        with self.desk.working():
            async with self.turn:
                return await in_thread(self.session, work)

    async def stage(self, stage: Stage, before: Sequence[asyncio.Task[None]]) -> None:
        """Ask what a stage needs, once others are done."""
        for task in before:
            await task
        tallies = [_Tally(step) for step in stage.steps]
        if stage.least is None:
            for tally in tallies:
                await self._ask(tally, await self._inputs(tally, tally.step.inputs))
        else:
            await self._in_waves(tallies, max(self.wave, stage.least))
        for tally in tallies:
            await self._learn(tally.step)
            self.note(tally.trace())

    async def _in_waves(self, tallies: Sequence[_Tally], size: int) -> None:
        """Ask steps in turns, about more at each, until none needs a further input.

        What is known from before is taken in first, since it may decide that less is to be asked.
        """
        for tally in tallies:
            await self.in_turn(lambda tally=tally: self._put(tally))  # type: ignore[misc]
        needed = True
        while needed:
            needed = False
            for tally in tallies:
                assert tally.step.next_inputs is not None
                while inputs := await self._inputs(tally, tally.step.next_inputs, {WAVE: size}):
                    needed = True
                    recalled = self.desk.recall(tally.step, inputs)
                    if not recalled:
                        await self._ask(tally, inputs)
                        break
                    self.wanted[tally.step.asked].update(reply.input for reply in recalled)
                    tally.said += Said(tuple(recalled))
                    await self.in_turn(lambda tally=tally: self._put(tally))  # type: ignore[misc]
            size *= 2

    async def _inputs(self, tally: _Tally, query: str, parameters: Mapping[str, int] | None = None) -> list[Cells]:
        """The inputs that a query of a step gives."""
        started = time.perf_counter()
        inputs: list[Cells] = await self.in_turn(lambda: self.session.rows(query, parameters))
        tally.query_seconds += time.perf_counter() - started
        return inputs

    async def _ask(self, tally: _Tally, inputs: Sequence[Cells]) -> None:
        """Ask a step's call about inputs."""
        started = time.perf_counter()
        tally.said += await self.desk.ask(tally.step, inputs)
        self.wanted[tally.step.asked].update(inputs)
        await self.in_turn(lambda: self._put(tally))
        tally.seconds += time.perf_counter() - started
        if self.desk.lost(tally.step, self.wanted[tally.step.asked]):
            await self._require_readable(tally)

    async def _require_readable(self, tally: _Tally) -> None:
        """Fail where too much of all that a step may be asked about could not be read; its account is given first."""
        step, of = tally.step, await self._may_ask(tally.step)
        if of is None and step.next_inputs is None:
            self.unjudged.append(step)
        try:
            self.desk.require_readable(step, self.wanted[step.asked], of)
        except LMReplyError:
            self.note(tally.trace())
            raise

    async def _may_ask(self, step: Step) -> int | None:
        """How many inputs the program may ask what a step asks, wherever it does; None where only replies tell.

        It must not hang on which conditions came first, nor on how much of a table was needed.
        """
        steps = [one for one in self.steps if one.asked == step.asked]
        queries = {one.inputs if one.at_most is None else one.at_most.inputs for one in steps}
        if None in queries:
            return None
        counted = f"SELECT COUNT(*) FROM ({' UNION '.join(f'({query})' for query in sorted(filter(None, queries)))})"
        try:
            ((count,),) = await self.in_turn(lambda: self.session.rows(counted))
        except RunError:  # it takes too long
            return None
        return max(int(count), len(self.wanted[step.asked]))

    def judge(self) -> None:
        """Fail where too much could not be read of what replies alone could say how much it would be."""
        for step in self.unjudged:
            wanted = self.wanted[step.asked]
            self.desk.require_readable(step, wanted, len(wanted))

    def _put(self, tally: _Tally) -> None:
        """Fill a step's table with what is known."""
        put_replies(self.session, tally.step, self.desk.told(tally.step, self.wanted[tally.step.asked]))

    async def _learn(self, step: Step) -> None:
        """Note how often the condition on a step's value holds, among all that is known of it."""
        if step.truth is None or not self.desk.known(step):
            return
        counted = f"SELECT COUNT(*) FILTER (WHERE {step.truth}), COUNT(*) FROM {step.table}"
        ((held, of),) = await self.in_turn(lambda: self.session.rows(counted))
        self.selectivity.note(step.question, step.truth, held, of)


@dataclass
class _Tally:
    """What a step has brought so far."""

    step: Step
    said: Said = field(default_factory=Said)
    seconds: float = 0.0
    query_seconds: float = 0.0

    def trace(self) -> CallTrace:
        """The record of the step."""
        said = self.said
        return CallTrace(
            self.step,
            said.replies,
            said.usage,
            said.unreadable,
            said.cuts,
            self.seconds + self.query_seconds,
            self.query_seconds,
        )


def prepare(plan: Plan, session: Session) -> None:
    """Make the tables that replies will go to, empty, so that the plan's queries can be checked."""
    for table, columns in {step.table: step.columns for step in plan.steps}.items():
        session.put(table, columns, [])


def put_replies(session: Session, step: Step, replies: Sequence[Reply]) -> None:
    """Make a step's table, with replies in it."""
    values = [reply.value for reply in replies]
    if step.expected.kind is ReplyKind.ORDERED:
        values = list(settle(values))
    rows = [(*reply.input, value) for reply, value in zip(replies, values, strict=True)]
    session.put(step.table, _columns(step, values), rows)


def _columns(step: Step, values: Sequence[object]) -> list[tuple[str, str]]:
    """The columns of a step's table; values to be sorted by settle their type."""
    if step.expected.kind is not ReplyKind.ORDERED:
        return step.columns
    present = [value for value in values if value is not None]
    kind = "DATE" if present and all(isinstance(value, date) for value in present) else "DOUBLE"
    if any(isinstance(value, str) for value in present):
        kind = "VARCHAR"
    return [*((name, "VARCHAR") for name in key_names(len(step.labels))), ("value", kind)]


def _result(
    names: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
    spellings: Sequence[str | CellRow | None],
    tables: Sequence[Table],
) -> Result:
    """The program's own columns, and how their texts are told by the columns that keep spellings."""
    width = len(spellings)
    typed = rows if len(names) == width else [row[:width] for row in rows]
    spell = partial(_texts, names, rows, spellings, tables)
    return Result(tuple(names[:width]), tuple(typed), spell)


def _texts(
    names: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
    spellings: Sequence[str | CellRow | None],
    tables: Sequence[Table],
) -> Texts:
    width = len(spellings)
    at = {name: index for index, name in enumerate(names) if index >= width}
    by_name = {table.name: table for table in tables}
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    texts: list[Iterable[str | None]] = []
    for values, spelling in zip(columns[:width], spellings, strict=True):
        if spelling is None:
            texts.append(map(text_of, values))
        elif isinstance(spelling, str):
            texts.append(columns[at[spelling]])
        else:
            cells = by_name[spelling.table].cells(spelling.column, columns[at[spelling.name]])
            texts.append([text_of(values[n]) if cell is None else cell for n, cell in enumerate(cells)])
    return tuple(zip(*texts, strict=True))


def text_of(value: object) -> str | None:
    """The plain rendering of a value: at most 15 digits of a number, ISO dates, 1 and 0 for truth; None for NULL."""
    if value is None:
        return None
    if isinstance(value, float):
        return f"{value + 0.0:.15g}"  # no -0
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, (list, tuple)):
        return ", ".join(text_of(part) or "" for part in value)
    return str(value)
