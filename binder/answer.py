"""An answer: its values, the program that gave it, and what happened on the way."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

from binder.difference import Difference, difference
from binder.errors import BinderError, ProgramError, RunError
from binder.execute import Result
from binder.frames import frame_of
from binder.source_rows import SourceRows, source_rows
from binder.trace import CallTrace, Trace
from binder.viewed import Viewed
from binder.vote import Candidate
from grammars.calls import Spelling
from grammars.errors import Complaint
from grammars.language import AnyProgram
from grammars.program import Program

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Answer(Viewed):
    """The answer to a question, or of a program that was run.

    Attributes:
        question: What was asked, or None when a program was run.
        program: The program whose answer this is.
        result: What it gives: columns, typed rows, and the cells' own spelling.
        trace: What happened.
        candidates: Every distinct program that was drafted, with what became of it.
        confidence: The share of the vote that this answer has, from 0 to 1; samples that were wanted and not drawn,
            since the vote could not change any more, count against it.
    """

    question: str | None
    program: AnyProgram
    result: Result
    trace: Trace
    candidates: tuple[Candidate, ...] = ()
    confidence: float = 1.0

    @property
    def values(self) -> tuple[Any, ...]:
        """The typed values, row by row."""
        return tuple(value for row in self.result.rows for value in row)

    @property
    def texts(self) -> tuple[str, ...]:
        """The values as the table's cells spell them, row by row; an empty text for NULL."""
        return tuple(text or "" for row in self.result.texts for text in row)

    @property
    def frame(self) -> pandas.DataFrame:
        """The answer as a pandas DataFrame; integers stay integers beside NULL, dates and times what they are."""
        return frame_of(self.result.columns, self.result.rows)

    @cached_property
    def source_rows(self) -> SourceRows:
        """The rows of the tables that the values came from, as ``binder.source_rows`` tells them.

        They are found when they are first looked at; no model is asked.

        Example:
            >>> for one in answer.source_rows.tables:  # doctest: +SKIP
            ...     print(one.table.name, one.count, one.numbers)
        """
        return source_rows(self.program, self.result.origin)

    def diff(self, other: Answer) -> Difference:
        """What another answer has otherwise: its values, its program, and what its steps were told.

        Example:
            >>> print(answer.diff(engine.run(answer.program.edit("Asia", "Europe"), table)))  # doctest: +SKIP
        """
        return difference(self, other)

    def to_json(self) -> str:
        """Everything but the tables, as JSON text."""
        usage = self.trace.usage
        document = {
            "question": self.question,
            "values": [plain(value) for value in self.values],
            "texts": list(self.texts),
            "columns": list(self.result.columns),
            "rows": [[plain(value) for value in row] for row in self.result.rows],
            "confidence": round(self.confidence, 6),
            "program": _program(self.program),
            "calls": [_call(call) for call in self.trace.calls],
            "candidates": [_candidate(candidate) for candidate in self.candidates],
            "lm": self.trace.lm,
            "left_out": list(self.trace.left_out),
            "usage": {
                "requests": usage.requests,
                "prompt_tokens": usage.prompt_tokens,
                "completion_tokens": usage.completion_tokens,
                "lm_seconds": round(usage.seconds, 3),
                "seconds": round(self.trace.seconds, 3),
            },
        }
        return json.dumps(document, ensure_ascii=False, indent=2)

    def __str__(self) -> str:
        return ", ".join(self.texts)


@dataclass(frozen=True)
class Outcome:
    """What became of a question: its candidates, and the vote between their answers.

    Attributes:
        question: What was asked.
        candidates: Every distinct program, with what became of it.
        winner: The index of the winning answer's first candidate, or None when no candidate gives an answer.
        confidence: The share of the vote that the winning answer has, from 0 to 1, as in ``Answer``.
        trace: What happened.
    """

    question: str
    candidates: tuple[Candidate, ...]
    winner: int | None
    confidence: float
    trace: Trace

    def answer(self) -> Answer:
        """The winning answer.

        Raises:
            ProgramError: No program could be run.
            RunError: Every program that was run failed.
        """
        if self.winner is None:
            raise self._failure()
        program, result = self.candidates[self.winner].program, self.candidates[self.winner].result
        assert program is not None and result is not None
        return Answer(self.question, program, result, self.trace, self.candidates, self.confidence)

    def _failure(self) -> BinderError:
        failed = next((one for one in self.candidates if one.program is not None), None)
        if failed is not None:
            return RunError(f"no program answered {self.question!r}: {failed.error}; the program was {failed.program}")
        refused, count = self.candidates[0], len(self.candidates)
        told = f"none of {count} distinct programs can be run; the first was refused"
        if count == 1:
            told = "the program that was drafted cannot be run"
        complaint = Complaint("draft", f"{told}: {refused.error}", "ask more plainly, or use a larger model")
        return ProgramError(refused.text, (complaint,))


def plain(value: object) -> Any:
    """A value as JSON has it: dates and times as ISO text, decimals as numbers."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, (date, datetime, time)):
        return value.isoformat()
    if isinstance(value, timedelta) or (isinstance(value, float) and not math.isfinite(value)):
        return str(value)  # JSON has no infinity
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    return value


def _program(program: AnyProgram) -> dict[str, Any]:
    about = {"language": program.language, "text": str(program)}
    if isinstance(program, Program):
        about["function_spelling"] = program.sql(Spelling.FUNCTION)
    return {**about, "source": program.source, "mends": list(program.mends)}


def _call(call: CallTrace) -> dict[str, Any]:
    return {
        "call": call.step.call,
        "expects": str(call.step.expected.kind),
        "inputs": len(call.replies),
        "replies": [
            {"input": list(reply.input), "reply": reply.text, "value": plain(reply.value)} for reply in call.replies
        ],
        "unreadable": call.unreadable,
        "requests": call.usage.requests,
        "prompt_tokens": call.usage.prompt_tokens,
        "completion_tokens": call.usage.completion_tokens,
        "seconds": round(call.seconds, 3),
    }


def _candidate(candidate: Candidate) -> dict[str, Any]:
    return {
        "program": str(candidate.program) if candidate.program else candidate.text,
        "samples": candidate.samples,
        "weight": candidate.weight,
        "texts": [text or "" for row in candidate.result.texts for text in row] if candidate.result else None,
        "error": candidate.error,
    }
