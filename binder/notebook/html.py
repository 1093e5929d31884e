"""html: answers, programs, plans, traces, tables and refusals as HTML.

A view is one element with its own style, without a script, and asks for nothing from anywhere. What comes from tables,
models and programs is escaped. Several views in one page do not clash: each has identifiers of its own.
"""

from __future__ import annotations

import itertools
import re
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from binder.answer import Answer
from binder.console import USED, cost, how_many
from binder.difference import Difference
from binder.errors import ProgramError
from binder.explain import Explanation
from binder.plan import step_of
from binder.source_rows import TableRows
from binder.table import Table
from binder.trace import CallTrace, Trace
from grammars.errors import locate
from grammars.language import AnyProgram
from grammars.pieces import pieces

if TYPE_CHECKING:
    from jinja2 import Environment

    from grammars.errors import Complaint

SHOWN = 20
"""Rows that are shown without opening anything."""
PAGE = 500
"""Rows that open together."""

_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_numbers = itertools.count(1)
_session = uuid.uuid4().hex[:6]  # a page may hold the views of several processes


@dataclass(frozen=True)
class Linked:
    """A piece of a program, and the identifier of the step that it is, where it was asked."""

    text: str
    asks: bool
    step: str | None


@dataclass(frozen=True)
class Page:
    """Rows that are shown together.

    Attributes:
        rows: The rows.
        first: The number of the first one, from 1.
        last: The number of the last one.
    """

    rows: Sequence[Any]
    first: int
    last: int


def html_of(shown: object) -> str:
    """The view of an answer, a program, an explanation, a trace, a table or a refused program.

    Raises:
        TypeError: There is no view of it.

    Example:
        >>> import pandas
        >>> "<td>K2</td>" in html_of(Table.from_pandas(pandas.DataFrame({"name": ["K2"]})))
        True
    """
    for kind, view in _VIEWS.items():
        if isinstance(shown, kind):
            return view(shown)
    raise TypeError(f"there is no view of a {type(shown).__name__}")


def _answer(answer: Answer) -> str:
    name = _name()
    return _fill(
        "answer.html.jinja",
        name=name,
        answer=answer,
        language=answer.program.language,
        pieces=list(_linked(answer.program, answer.trace.calls, name)),
        calls=_calls(answer.trace.calls, name),
        result=_pages(answer.result.texts),
        used=USED,
        rows=answer.source_rows,
        sources=[_source(rows) for rows in answer.source_rows.tables],
        cost=cost(answer.trace.usage, answer.trace.seconds),
    )


def _source(rows: TableRows) -> dict[str, Any]:
    """Rows that an answer came from, with what their template needs."""
    told = [] if rows.whole else list(zip(rows.numbers, rows.texts(), strict=True))
    return {"rows": rows, "how_many": how_many(rows), "pages": _pages(told) if told else []}


def _program(program: AnyProgram) -> str:
    linked = list(_linked(program, (), ""))
    return _fill("program.html.jinja", program=program, language=program.language, pieces=linked)


def _explanation(explanation: Explanation) -> str:
    return _fill("text.html.jinja", label="Plan", text=str(explanation))


def _trace(trace: Trace) -> str:
    name = _name()
    return _fill(
        "trace.html.jinja", trace=trace, calls=_calls(trace.calls, name), cost=cost(trace.usage, trace.seconds)
    )


def _table(table: Table) -> str:
    cells = table.to_pandas(original=True)
    rows = cells.astype(object).where(cells.notna(), None).itertuples(index=False, name=None)
    return _fill("table.html.jinja", table=table, pages=_pages(list(rows)))


def _difference(found: Difference) -> str:
    return _fill("text.html.jinja", label="Difference", text=str(found))


def _refused(error: ProgramError) -> str:
    complaints = [(complaint, _place(complaint, error.text)) for complaint in error.complaints]
    return _fill("refused.html.jinja", error=error, complaints=complaints)


_VIEWS: dict[Any, Callable[[Any], str]] = {
    Answer: _answer,
    AnyProgram: _program,
    Explanation: _explanation,
    Trace: _trace,
    Table: _table,
    Difference: _difference,
    ProgramError: _refused,
}


def _name() -> str:
    """A name for a view's identifiers that no other view has."""
    return f"binder-{_session}-{next(_numbers)}"


def _linked(program: AnyProgram, calls: Sequence[CallTrace], name: str) -> Iterator[Linked]:
    """A program's pieces, each call with the step that it was."""
    for piece in pieces(program):
        at = step_of(piece, [call.step for call in calls])
        yield Linked(piece.text, piece.asks, f"{name}-step-{at}" if at is not None else None)


def _calls(calls: Sequence[CallTrace], name: str) -> list[dict[str, Any]]:
    """The steps, with what their templates need."""
    return [
        {
            "id": f"{name}-step-{at}",
            "number": at,
            "call": call,
            "pages": _pages(call.replies),
            "cost": cost(call.usage, call.seconds),
        }
        for at, call in enumerate(calls, 1)
    ]


def _pages(rows: Sequence[Any]) -> list[Page]:
    """Rows in pages: the first is shown, the others open."""
    starts = [0, *range(SHOWN, len(rows), PAGE)]
    ends = [*starts[1:], len(rows)]
    return [Page(rows[start:end], start + 1, end) for start, end in zip(starts, ends, strict=True)]


def _place(complaint: Complaint, text: str) -> dict[str, Any] | None:
    """The line that a complaint is about, cut where it points."""
    if complaint.span is None:
        return None
    number, column, line = locate(text, complaint.span.start)
    start = column - 1
    end = max(start + 1, min(len(line), start + complaint.span.end - complaint.span.start))
    return {
        "line": number,
        "column": column,
        "before": line[:start],
        "at": line[start:end],
        "after": line[end:],
    }


def _fill(template: str, **values: Any) -> str:
    return environment().get_template(template).render(**values)


def _visible(value: Any) -> Any:
    """A value to be put in, with control characters, and those that turn the direction of text around, escaped."""
    if not isinstance(value, str) or not _HIDDEN.search(value):
        return value
    return type(value)(_HIDDEN.sub(lambda found: found[0].encode("unicode_escape").decode(), value))


@cache
def environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(Path(__file__).parents[1] / "templates"),
        autoescape=True,
        finalize=_visible,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
