"""script: run a checked Python program: it runs in the sandbox, and its LM calls are asked here, at the desk."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from binder.coerce import settle
from binder.errors import RunError
from binder.execute import Result, text_of
from binder.headers import readable
from binder.plan import Step
from binder.sandbox.plain import portable, restored
from binder.trace import CallTrace
from grammars.reply import Expected, ReplyKind

if TYPE_CHECKING:
    from binder.desk import Desk
    from binder.sandbox.host import Packed, Sandbox
    from exemplars.exemplar import Cells
    from grammars.python import PythonProgram


@dataclass(frozen=True)
class Script:
    """A Python program that is ready to run.

    Attributes:
        program: The program.
    """

    program: PythonProgram

    @property
    def asks(self) -> bool:
        """Whether it may ask the LM anything."""
        return bool(self.program.calls)

    @property
    def asked(self) -> frozenset[object]:
        """What it may ask, the same for programs that ask the same; only running it tells, so it stands for itself."""
        return frozenset({self.program.text} if self.asks else ())


async def run_script(
    script: Script,
    tables: Packed,
    sandbox: Sandbox,
    desk: Desk,
    note: Callable[[CallTrace], None],
) -> Result:
    """Run a Python program.

    Args:
        script: What to run.
        tables: What it is about.
        sandbox: Where it runs.
        desk: Where its calls are asked.
        note: Called with the trace of each call once it is answered.

    Raises:
        RunError: It failed, ran past a limit, or gave what is no answer.
        LMUnavailable: The model could not be reached.
        LMReplyError: No reply to a call could be read.
    """
    run = _Run(script.program, desk, note)
    with run.working:
        run.working.enter_context(desk.working())
        try:
            given = await sandbox.run(script.program.text, tables, run.ask)
        except RunError:
            run.judge()  # a program that fails over a missing value may fail for want of replies
            raise
        run.judge()
        return await asyncio.to_thread(_result, given)


@dataclass
class _Run:
    """One run of a program: its calls come in one after another."""

    program: PythonProgram
    desk: Desk
    note: Callable[[CallTrace], None]

    def __post_init__(self) -> None:
        self.wanted: dict[Step, set[Cells]] = {}  # inputs by what is asked about them
        self.working = ExitStack()  # the desk waits for the program, but not while the program waits for the desk

    async def ask(self, message: dict[str, Any]) -> list[Any]:
        """The values for the inputs of a call."""
        started = time.perf_counter()
        step, inputs = self._read(message)
        self.working.close()
        said = await self.desk.ask(step, inputs)
        self.working.enter_context(self.desk.working())
        seconds = time.perf_counter() - started
        self.note(CallTrace(step, said.replies, said.usage, said.unreadable, said.cuts, seconds, 0.0))
        wanted = self.wanted.setdefault(step, set())
        wanted.update(inputs)
        self.desk.require_readable(step, wanted, None)
        known = {reply.input: reply.value for reply in self.desk.told(step, wanted)}
        values = [known.get(cells) for cells in inputs]
        if step.expected.kind is ReplyKind.ORDERED:
            values = list(settle(values))
        return [portable(value) for value in values]

    def judge(self) -> None:
        """Fail where too much could not be read of what the program asked, in all its calls.

        Raises:
            LMReplyError: More than a tenth of a question's inputs have no reply that can be read.
        """
        for step, wanted in self.wanted.items():
            self.desk.require_readable(step, wanted, len(wanted))

    def _read(self, message: Any) -> tuple[Step, list[Cells]]:
        """A call and its inputs, from what the program's process says; that is not to be trusted.

        Raises:
            RunError: It is no call.
        """
        match message:
            case {
                "per_row": bool(per_row),
                "question": str(question),
                "labels": [*labels],
                "inputs": [*inputs],
                "block": bool(block),
            } if question.strip() and _texts(labels) and all(_cells(cells, len(labels)) for cells in inputs):
                return self._step(per_row, question, tuple(labels), block), [tuple(cells) for cells in inputs]
        raise RunError("the program made an LM call that cannot be read: give a question, and the names of columns")

    def _step(self, per_row: bool, question: str, labels: tuple[str, ...], block: bool) -> Step:
        expected = self._expected(per_row, question)
        return Step(
            "",
            described(per_row, question, labels),
            per_row,
            question,
            labels,
            (block,) * len(labels),
            expected,
            "",
            (),
        )

    def _expected(self, per_row: bool, question: str) -> Expected:
        """What a call must return, as the check read it off the code."""
        for call in self.program.calls:
            if call.per_row == per_row and call.question == question:
                return call.expected
        return Expected()


def described(per_row: bool, question: str, labels: Sequence[str]) -> str:
    """A call as it is shown.

    Example:
        >>> described(True, "in Europe?", ["country"])
        'qa_map("in Europe?"; country)'
    """
    return f'{"qa_map" if per_row else "qa_ans"}("{question}"{"".join(f"; {label}" for label in labels if label)})'


def _texts(labels: Sequence[Any]) -> bool:
    return bool(labels) and all(isinstance(label, str) for label in labels)


def _cells(cells: Any, width: int) -> bool:
    """Whether something is an input: a text or nothing for each label, and not nothing altogether."""
    fits = isinstance(cells, list) and len(cells) == width
    return fits and cells != [None] * width and all(cell is None or isinstance(cell, str) for cell in cells)


def _value(sent: Any) -> Any:
    """A value that came; half a character in a text, which nothing can print, is replaced."""
    value = restored(sent)
    return readable(value) if isinstance(value, str) else value


def _result(given: dict[str, Any]) -> Result:
    """A result from what a program's process says; that is not to be trusted.

    Raises:
        RunError: It is none.
    """
    try:
        columns = tuple(readable(str(name)) for name in given["columns"])
        rows = tuple(tuple(map(_value, row)) for row in given["rows"])
        known = given["texts"]
        texts = tuple(
            tuple(
                readable(text) if isinstance(text, str) else text_of(value)
                for value, text in zip(row, own, strict=True)
            )
            for row, own in zip(rows, known, strict=True)
        )
    except (KeyError, TypeError, ValueError, RecursionError):
        raise RunError("the program gave what is no answer") from None
    if any(len(row) != len(columns) for row in rows):
        raise RunError("the program gave what is no answer")
    return Result(columns, rows, partial(tuple, texts))
