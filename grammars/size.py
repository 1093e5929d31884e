"""size: a program is so long and no longer, so that it is checked in about a second.

What a check takes grows with the program, and for LM calls with the square of their number, since each is asked about
the rows that the ones before it leave. Nothing can interrupt it, so what would take long is refused first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlglot import exp

from grammars.calls import is_call
from grammars.errors import Complaint
from grammars.program import Program
from grammars.schema import Schema

CHARACTERS = 100_000
WORDS = 10_000
CALLS = 60
OUTPUTS = 20_000

_SHORTER = "write a shorter program; what is in a long list of values belongs in a table of its own"


def text_too_long(text: str) -> Complaint | None:
    """The complaint about a text of too many characters.

    Example:
        >>> text_too_long("SELECT 1") is None
        True
    """
    if len(text) <= CHARACTERS:
        return None
    return Complaint("size", f"the text has {len(text):,} characters, and a program {CHARACTERS:,} at most", _SHORTER)


def too_many_words(count: int) -> Complaint | None:
    """The complaint about a program of too many words, literals and signs."""
    if count <= WORDS:
        return None
    return Complaint("size", f"the program has {count:,} words and signs, and may have {WORDS:,} at most", _SHORTER)


def few_outputs(program: Program, schema: Schema) -> Program | tuple[Complaint, ...]:
    """The program, if its queries give no more columns in all than can be looked at, each ``*`` counted for its own."""
    _, count = _outputs(program.tree, {}, schema)
    if count <= OUTPUTS:
        return program
    message = f"its queries give {count:,} columns in all, and a program's may give {OUTPUTS:,}"
    return (Complaint("size", message, "name the columns that are needed in place of *"),)


def _outputs(query: exp.Expr, known: Mapping[str, int], schema: Schema) -> tuple[int, int]:
    """How many columns a query gives, and how many it and all the queries in it give together."""
    known, total = dict(known), 0
    with_ = query.args.get("with_")
    for cte in with_.expressions if with_ is not None else ():
        known[cte.alias.casefold()], inner = _outputs(cte.this, known, schema)
        total += inner
    if isinstance(query, exp.SetOperation):
        own, left = _outputs(query.this, known, schema)
        return own, total + left + _outputs(query.expression, known, schema)[1]
    if not isinstance(query, exp.Select):
        inside = query.this if isinstance(query.this, exp.Expr) else None
        own, inner = _outputs(inside, known, schema) if inside is not None else (0, 0)
        return own, total + inner
    widths: dict[str, int] = {}
    for source in _sources(query):
        name = (source.alias or source.name).casefold()
        if isinstance(source, exp.Subquery):
            widths[name], inner = _outputs(source.this, known, schema)
            total += inner
        else:
            table = schema.table(source.name)
            widths[name] = known.get(source.name.casefold(), len(table.columns) if table else 0)
    own = sum(_width(item, widths) for item in query.expressions)
    return own, total + own + sum(_outputs(node, known, schema)[1] for node in _beside_sources(query))


def _width(item: exp.Expr, widths: Mapping[str, int]) -> int:
    """How many columns an item of a select list is, where its sources have these."""
    if isinstance(item, exp.Star):
        return sum(widths.values())
    if isinstance(item, exp.Column) and isinstance(item.this, exp.Star):
        return widths.get(item.table.casefold(), 0)
    return 1


def _sources(query: exp.Select) -> list[exp.Expr]:
    clauses = (query.args.get("from_"), *(query.args.get("joins") or ()))
    return [clause.this for clause in clauses if clause is not None]


def _beside_sources(query: exp.Select) -> Iterator[exp.Expr]:
    """The queries in a query's clauses that are none of its sources, and in no other there."""
    apart = {id(part) for part in (*_sources(query), query.args.get("with_"))}
    for child in query.walk(
        prune=lambda node: id(node) in apart or (node is not query and isinstance(node, exp.Query))
    ):
        if child is not query and isinstance(child, exp.Query) and id(child) not in apart:
            yield child


def few_calls(program: Program, schema: Schema) -> Program | tuple[Complaint, ...]:
    """The program, if it holds no more LM calls than can be planned."""
    count = sum(map(is_call, program.tree.walk()))
    if count <= CALLS:
        return program
    message = f"there are {count:,} LM calls, and a program may hold {CALLS}"
    return (Complaint("size", message, "ask for several things in one question, or in several programs"),)
