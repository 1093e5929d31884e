"""Answers, programs, traces and tables as text for a terminal: lines that begin with what they are.

``rich_of`` gives the same as something ``rich`` prints, each call of a program marked and numbered as its step. Text
from tables and models is shown with control characters escaped, and is never read as markup.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from binder.answer import Answer
from binder.errors import BinderError, ProgramError
from binder.plan import step_of
from binder.source_rows import SourceRows, TableRows
from binder.table import Table
from binder.trace import CallTrace, Trace
from grammars.pieces import pieces

if TYPE_CHECKING:
    from rich.text import Text

    from binder.ask import Reply
    from binder.lm.base import Usage
    from binder.vote import Candidate
    from grammars.language import AnyProgram

_SHOWN = 20
_WIDTH = 100
_LEFT = 10
_INDENT = " " * 12
USED = "● "
"""What stands before a column that a program names."""


def render_answer(answer: Answer) -> str:
    """The program, each LM call with its inputs and replies, the candidates, the answer, its rows, and the cost."""
    return "\n".join(_lines(answer))


def rich_of(shown: object) -> Text:
    """The view of something for ``rich.print``; what has no view of its own is its text."""
    from rich.text import Text

    text = Text()
    if isinstance(shown, Answer):
        text.append("program   ", "bold").append_text(_marked(shown.program, shown.trace.calls)).append("\n")
    view = next((view for kind, view in _VIEWS.items() if isinstance(shown, kind)), None)
    for line in view(shown) if view is not None else str(shown).splitlines():
        name = line[:_LEFT] if isinstance(shown, Answer | Trace | Table) else ""
        text.append(name, "bold").append(line[len(name) :] + "\n")
    text.rstrip()
    return text


def _marked(program: AnyProgram, calls: Sequence[CallTrace]) -> Text:
    """A program, each call underlined and followed by the number of its step."""
    from rich.text import Text

    text = Text()
    for piece in pieces(program):
        shown = "\n".join(safe(line) for line in piece.text.split("\n")).replace("\n", "\n" + " " * _LEFT)
        text.append(shown, "underline" if piece.asks else "")
        at = step_of(piece, [call.step for call in calls])
        if at is not None:
            text.append(f" [step {at}]", "bold")
    return text


def render_error(error: BinderError) -> str:
    """An error in one line; a refused program's complaints keep the lines that show where."""
    lines = [safe(line) for line in str(error).splitlines()]
    return "\n".join(lines) if isinstance(error, ProgramError) else " ".join(line.strip() for line in lines)


def _lines(answer: Answer) -> Iterator[str]:
    yield from labelled("program", str(answer.program))
    yield from _after_program(answer)


def _after_program(answer: Answer) -> Iterator[str]:
    for mend in answer.program.mends:
        yield f"mended    {safe(mend)}"
    yield from _calls(answer.trace)
    if len(answer.candidates) > 1 or answer.trace.undrawn:
        undrawn = answer.trace.undrawn
        samples = _count(sum(candidate.samples for candidate in answer.candidates) + undrawn, "sample")
        programs = _count(len(answer.candidates), "distinct program")
        not_drawn = f", {undrawn} not drawn" if undrawn else ""
        yield f"vote      {answer.confidence:.0%} of {samples}, {programs}{not_drawn}"
        yield from _candidates(answer.candidates)
    for what in answer.trace.left_out:
        yield f"cut       {safe(what)}"
    yield from _answer(answer)
    yield from _rows(answer.source_rows)
    yield f"cost      {cost(answer.trace.usage, answer.trace.seconds)}"


def labelled(name: str, text: str) -> Iterator[str]:
    """A text of one or more lines with a name before it."""
    yield from (f"{name if index == 0 else '':10}{safe(line)}" for index, line in enumerate(text.splitlines() or [""]))


def _calls(trace: Trace) -> Iterator[str]:
    for number, call in enumerate(trace.calls, 1):
        yield from _call(number, call)


def _call(number: int, call: CallTrace) -> Iterator[str]:
    unreadable = f"; {call.unreadable} unreadable" if call.unreadable else ""
    about = f"{call.step.expected.kind}; {_count(len(call.replies), 'input')}, {cost(call.usage, call.seconds)}"
    yield f"{f'step {number}':{_LEFT}}{safe(call.step.call)}  ({about}{unreadable})"
    for reply in call.replies[:_SHOWN]:
        given = " | ".join("NULL" if cell is None else cell for cell in reply.input)
        yield f"{_INDENT}{_cut(safe(given))} -> {_reply(reply)}"
    if len(call.replies) > _SHOWN:
        yield f"{_INDENT}… and {len(call.replies) - _SHOWN} more"


def _reply(reply: Reply) -> str:
    """What was said, and the value that was read from it where that is another text."""
    value = "NULL" if reply.value is None else safe(str(reply.value))
    said = _cut(safe(reply.text)) if reply.text is not None else None
    if not reply.readable:
        return "unreadable, so NULL" if said is None else f"{said} (unreadable, so NULL)"
    told = value if said in (None, value) else f"{said} (read as {value})"
    return f"{told} (by hand)" if reply.by_hand else told


def _candidates(candidates: Sequence[Candidate]) -> Iterator[str]:
    for one in candidates[:_SHOWN]:
        yield f"{_INDENT}{_count(one.samples, 'sample')}, weight {one.weight:.3g}: {_cut(safe(_text(one)))}"
        values = [text or "NULL" for row in one.result.texts[:_SHOWN] for text in row] if one.result else []
        for what in (", ".join(values), one.error):
            if what:
                yield f"{_INDENT}  -> {_cut(safe(what))}"
    if len(candidates) > _SHOWN:
        yield f"{_INDENT}… and {len(candidates) - _SHOWN} more"


def _text(candidate: Candidate) -> str:
    return str(candidate.program or candidate.text)


def _rows(rows: SourceRows) -> Iterator[str]:
    """The rows of the tables that an answer came from."""
    if rows.untold is not None:
        yield f"rows      not told: {safe(rows.untold)}"
    for one in rows.tables:
        yield f"{'read' if one.compared else 'rows':{_LEFT}}{safe(one.table.name)}: {how_many(one)}"
        if not one.whole:
            yield from _cells(one)
    if rows.note is not None:
        yield f"{_INDENT}{rows.note}"


def _cells(rows: TableRows) -> Iterator[str]:
    """Each row in a line, the columns that the program names first, with a mark."""
    names = [column.name for column in rows.table.columns]
    order = sorted(range(len(names)), key=lambda at: names[at] not in rows.used)
    for number, texts in zip(rows.numbers, rows.texts(_SHOWN), strict=False):
        cells = [
            f"{USED if names[at] in rows.used else ''}{names[at]}: {'NULL' if texts[at] is None else texts[at]}"
            for at in order
        ]
        yield f"{_INDENT}{_cut(safe(f'row_id {number}  ' + ' | '.join(cells)))}"
    if rows.count > _SHOWN:
        yield f"{_INDENT}… and {rows.count - _SHOWN:,} more"


def how_many(rows: TableRows) -> str:
    """How many of a table's rows, in words."""
    of = f"{'more ' if rows.compared else ''}of {_count(rows.table.num_rows, 'row')}"
    told = f"all {rows.count:,} rows" if rows.whole else f"{rows.count:,} {of}"
    used = f"; {USED}marks what the program names" if rows.used and not rows.whole else ""
    return f"{told}{', that only a condition read' if rows.compared else ''}{used}"


def _trace(trace: Trace) -> Iterator[str]:
    yield from _calls(trace)
    for what in trace.left_out:
        yield f"cut       {safe(what)}"
    yield f"cost      {cost(trace.usage, trace.seconds)}"


def _table(table: Table) -> Iterator[str]:
    about = ", ".join(f"{column.name} ({column.kind})" for column in table.columns)
    title = f"{table.title}: " if table.title else ""
    yield f"table     {safe(f'{title}{table.name}, ')}{_count(table.num_rows, 'row')}"
    yield f"columns   {safe(about)}"
    numbers = tuple(range(min(_SHOWN, table.num_rows)))
    yield from _cells(TableRows(table, numbers, table.num_rows, False, frozenset()))


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


_VIEWS: dict[type, Callable[[Any], Iterator[str]]] = {
    Answer: _after_program,
    Trace: _trace,
    Table: _table,
    ProgramError: lambda error: iter(render_error(error).splitlines()),
}
