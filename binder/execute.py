"""execute: walk the steps of a plan, ask the LM about their inputs, and run the final query.

The replies of a step go into a temporary table of the session, by key; the final query looks them up. Programs that
run one after another may share what was asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from binder.ask import Reply, ask_map
from binder.ask_ans import AnsReply, ask_ans
from binder.database import Session
from binder.errors import LMReplyError
from binder.inputs import key_names
from binder.lm.base import LM, Usage
from binder.plan import Plan, Step
from binder.render import Cuts
from binder.trace import CallTrace
from exemplars.exemplar import Cells, Part
from grammars.reply import ReplyKind

T = TypeVar("T")
Asked = tuple[object, ...]


@dataclass(frozen=True)
class Result:
    """What a program gives.

    Attributes:
        columns: The names of the output columns.
        rows: Typed values, one tuple a row.
        texts: The same as the cells spell them, or as a plain rendering; None for NULL that no cell spells.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    texts: tuple[tuple[str | None, ...], ...]

    @property
    def empty(self) -> bool:
        """Whether there is no value in it at all."""
        return not any(value is not None for row in self.rows for value in row)


@dataclass
class Replies:
    """What one LM has said, by what was asked; shared by the programs of a question."""

    known: dict[Asked, dict[Cells, Reply]] = field(default_factory=dict)

    def of(self, step: Step) -> dict[Cells, Reply]:
        """The replies to what a step asks, by input."""
        asked = (step.per_row, step.question, step.labels, step.blocks, step.expected)
        return self.known.setdefault(asked, {})


async def execute(
    plan: Plan,
    session: Session,
    lm: LM | None,
    replies: Replies,
    note: Callable[[CallTrace], None],
    folder: Path | None = None,
) -> Result:
    """Run a plan.

    Args:
        plan: What to run.
        session: A session on a database with the plan's tables.
        lm: The model that answers the calls; None will do for a plan without any.
        replies: What is known already; gains what is asked.
        note: Called with the trace of each step as soon as it is done.
        folder: A folder of the user's own exemplars and templates.

    Raises:
        RunError: A query failed or ran past a limit.
        LMUnavailable: The model could not be reached; what it had said is in ``replies``.
        LMReplyError: No reply to a call could be read.
    """
    for step in plan.steps:
        assert lm is not None
        note(await _ask(step, session, lm, replies, folder))
    names, rows = await in_thread(session, lambda: session.result(plan.query))
    return _result(names, rows, plan.spellings)


def prepare(plan: Plan, session: Session) -> None:
    """Make the tables that replies will go to, empty, so that the plan's queries can be checked."""
    for table, columns in {step.table: step.columns for step in plan.steps}.items():
        session.put(table, columns, [])


async def in_thread(session: Session, work: Callable[[], T]) -> T:
    """Database work off the event loop; when the caller is cancelled, the statement is interrupted and waited for."""
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        session.interrupt()
        with contextlib.suppress(Exception):
            await task
        raise


async def _ask(step: Step, session: Session, lm: LM, replies: Replies, folder: Path | None) -> CallTrace:
    started = time.perf_counter()
    inputs: list[Cells] = await in_thread(session, lambda: session.rows(step.inputs))
    found = time.perf_counter() - started
    known = replies.of(step)
    new = [cells for cells in inputs if cells not in known]
    trace = await (_ask_map if step.per_row else _ask_ans)(step, new, lm, known, folder)
    known.update((reply.input, reply) for reply in trace.replies)
    table = list(known.values())
    await in_thread(
        session, lambda: session.put(step.table, _columns(step, table), [(*r.input, r.value) for r in table])
    )
    return replace(trace, seconds=time.perf_counter() - started, query_seconds=found)


async def _ask_map(
    step: Step, inputs: list[Cells], lm: LM, known: dict[Cells, Reply], folder: Path | None
) -> CallTrace:
    def keep(reply: Reply) -> None:
        known[reply.input] = reply

    said = await ask_map(lm, step.question, step.labels, inputs, step.expected, folder=folder, keep=keep)
    return CallTrace(step, said.replies, said.usage, said.unreadable, said.cuts, 0.0, 0.0)


async def _ask_ans(
    step: Step, inputs: list[Cells], lm: LM, known: dict[Cells, Reply], folder: Path | None
) -> CallTrace:
    said = await asyncio.gather(*(_answer(step, cells, lm, known, folder) for cells in inputs), return_exceptions=True)
    done: list[AnsReply] = []
    for one in said:
        if isinstance(one, BaseException) and not isinstance(one, LMReplyError):
            raise one
        if isinstance(one, AnsReply):
            done.append(one)
    if inputs and not done:
        raise next(one for one in said if isinstance(one, LMReplyError))
    asked = tuple(known[cells] if cells in known else Reply(cells, readable=False) for cells in inputs)
    usage = sum((one.usage for one in done), Usage())
    cuts = sum((one.cuts for one in done), Cuts())
    return CallTrace(step, asked, usage, len(inputs) - len(done), cuts, 0.0, 0.0)


async def _answer(step: Step, cells: Cells, lm: LM, known: dict[Cells, Reply], folder: Path | None) -> AnsReply:
    said = await ask_ans(lm, step.question, _parts(step, cells), step.expected, folder=folder)
    value = list(said.value) if isinstance(said.value, tuple) else said.value
    known[cells] = Reply(cells, said.text, value, said.attempts)  # type: ignore[arg-type]
    return said


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


def _columns(step: Step, replies: Sequence[Reply]) -> list[tuple[str, str]]:
    """The columns of a step's table; replies to be sorted by settle their type."""
    if step.expected.kind is not ReplyKind.ORDERED:
        return step.columns
    values = [reply.value for reply in replies if reply.value is not None]
    kind = "DATE" if values and all(isinstance(value, date) for value in values) else "DOUBLE"
    if any(isinstance(value, str) for value in values):
        kind = "VARCHAR"
    return [*((name, "VARCHAR") for name in key_names(len(step.labels))), ("value", kind)]


def _result(names: list[str], rows: list[tuple[Any, ...]], spellings: Sequence[str | None]) -> Result:
    """The program's own columns, with their texts from the columns that keep spellings."""
    width = len(spellings)
    at = {name: index for index, name in enumerate(names) if index >= width}
    texts = tuple(
        tuple(
            row[at[spelling]] if spelling is not None else text_of(row[index])
            for index, spelling in enumerate(spellings)
        )
        for row in rows
    )
    return Result(tuple(names[:width]), tuple(row[:width] for row in rows), texts)


def text_of(value: object) -> str | None:
    """The plain rendering of a value: at most 15 digits of a number, ISO dates, 1 and 0 for truth; None for NULL."""
    if value is None:
        return None
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.15g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(text_of(part) or "" for part in value)
    return str(value)
