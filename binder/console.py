"""Answers, programs and plans as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from binder.answer import Answer
from binder.errors import BinderError, ProgramError
from binder.trace import CallTrace

if TYPE_CHECKING:
    from binder.lm.base import Usage

_SHOWN = 20
_WIDTH = 100


def render_answer(answer: Answer) -> str:
    """The program, each LM call with its inputs and replies, the answer, and what it cost.

    Text from tables and models is shown with control characters escaped, so that it cannot drive the terminal.
    """
    return "\n".join(_lines(answer))


def render_error(error: BinderError) -> str:
    """An error in one line; a refused program's complaints keep the lines that show where."""
    lines = [safe(line) for line in str(error).splitlines()]
    return "\n".join(lines) if isinstance(error, ProgramError) else " ".join(line.strip() for line in lines)


def _lines(answer: Answer) -> Iterator[str]:
    yield from labelled("program", str(answer.program))
    for mend in answer.program.mends:
        yield f"mended    {safe(mend)}"
    for call in answer.trace.calls:
        yield from _call(call)
    if len(answer.candidates) > 1 or answer.trace.undrawn:
        undrawn = answer.trace.undrawn
        samples = _count(sum(candidate.samples for candidate in answer.candidates) + undrawn, "sample")
        programs = _count(len(answer.candidates), "distinct program")
        not_drawn = f", {undrawn} not drawn" if undrawn else ""
        yield f"vote      {answer.confidence:.0%} of {samples}, {programs}{not_drawn}"
    for what in answer.trace.left_out:
        yield f"cut       {what}"
    yield from _answer(answer)
    yield f"cost      {cost(answer.trace.usage, answer.trace.seconds)}"


def labelled(name: str, text: str) -> Iterator[str]:
    """A text of one or more lines with a name before it."""
    yield from (f"{name if index == 0 else '':10}{safe(line)}" for index, line in enumerate(text.splitlines() or [""]))


def _call(call: CallTrace) -> Iterator[str]:
    asked = f"{_count(len(call.replies), 'input')}, {_count(call.usage.requests, 'request')}"
    yield f"asked     {safe(call.step.call)}  ({call.step.expected.kind}; {asked})"
    for reply in call.replies[:_SHOWN]:
        given = " | ".join("NULL" if cell is None else cell for cell in reply.input)
        said = "unreadable" if not reply.readable else "NULL" if reply.value is None else str(reply.value)
        yield f"            {_cut(safe(given))} -> {safe(said)}"
    if len(call.replies) > _SHOWN:
        yield f"            … and {len(call.replies) - _SHOWN} more"


def _answer(answer: Answer) -> Iterator[str]:
    rows = answer.result.texts
    if not rows:
        yield "answer    (no rows)"
    elif len(answer.result.columns) == 1:
        shown = [safe(text) if text is not None else "NULL" for (text,) in rows[:_SHOWN]]
        more = f", … and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
        yield f"answer    {', '.join(shown)}{more}"
    else:
        for index, row in enumerate(rows[:_SHOWN]):
            cells = " | ".join("NULL" if text is None else safe(text) for text in row)
            yield f"{'answer' if index == 0 else '':10}{cells}"
        if len(rows) > _SHOWN:
            yield f"{'':10}… and {len(rows) - _SHOWN} more rows"


def cost(usage: Usage, seconds: float) -> str:
    """What was spent, in a line."""
    tokens = f"{_count(usage.prompt_tokens, 'token')} read, {usage.completion_tokens:,} written"
    return f"{_count(usage.requests, 'request')}, {tokens}, {seconds:.1f} s"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


def _cut(text: str) -> str:
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"


def safe(text: str) -> str:
    """A text on one line, control characters escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in text)
