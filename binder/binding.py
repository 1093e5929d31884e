"""binding: what DuckDB has against a program that passed every check, in a program's words and at its place.

DuckDB speaks of the query that it was given, which is not the text that was written. What it is known to say is put in
other words here, and looked for in the program's tree; what is not known is passed on as a detail.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlglot import exp

from binder.mishaps import detail
from grammars.errors import Complaint, Span
from grammars.program import Program
from grammars.sql import span_of

Find = Callable[[exp.Expr, re.Match[str]], Iterator[exp.Expr]]

_WINDOW_ONLY = (
    exp.RowNumber,
    exp.Rank,
    exp.DenseRank,
    exp.PercentRank,
    exp.CumeDist,
    exp.Ntile,
    exp.Lag,
    exp.Lead,
    exp.FirstValue,
    exp.LastValue,
    exp.NthValue,
)


@dataclass(frozen=True)
class _Known:
    """A thing that DuckDB says: its words, ours (which may repeat a group), what to do, and what it is about."""

    pattern: str
    message: str
    hint: str
    find: Find


def complain(problem: str, program: Program) -> Complaint:
    """The complaint about a program that DuckDB will not bind.

    Args:
        problem: The first line of DuckDB's error.
        program: The checked program.

    Example:
        >>> from grammars.check import check
        >>> from grammars.schema import Schema
        >>> program = check("SELECT 1 ORDER BY 7", Schema(())).program
        >>> complain("Binder Error: ORDER term out of range - should be between 1 and 1", program).message
        'ORDER BY has the number of a column that the query does not select'
    """
    for known in _KNOWN:
        said = re.search(known.pattern, problem)
        node = next(known.find(program.tree, said), None) if said else None
        if said and (node is not None or known.find is _nothing):
            return Complaint("binding", said.expand(known.message), known.hint, _place(node, said, program.text))
    return Complaint("binding", f"the database will not run it: {detail(problem)}", "mend the part it names")


def _place(node: exp.Expr | None, said: re.Match[str], text: str) -> Span | None:
    """Where a node is; without one, where the name that DuckDB speaks of stands before a parenthesis."""
    if node is not None:
        return span_of(node)
    name = re.escape(said.group(1)) if said.groups() else ""
    found = re.search(rf"\b{name}\b", text, re.IGNORECASE) if name else None
    return Span(*found.span()) if found else None


def _nothing(tree: exp.Expr, said: re.Match[str]) -> Iterator[exp.Expr]:
    yield from ()


def _inside(kind: type[exp.Expr], clause: type[exp.Expr]) -> Find:
    """Finds nodes of a kind inside a clause, or inside one another, of the same query."""

    def find(tree: exp.Expr, said: re.Match[str]) -> Iterator[exp.Expr]:
        for node in tree.find_all(kind):
            around = node.find_ancestor(clause, exp.Select)
            if isinstance(around, clause) and not (kind is exp.AggFunc and isinstance(node.parent, exp.Window)):
                yield node

    return find


def _without_over(tree: exp.Expr, said: re.Match[str]) -> Iterator[exp.Expr]:
    yield from (node for node in tree.find_all(*_WINDOW_ONLY) if node.find_ancestor(exp.Window, exp.Select) is None)
    yield from (node for node in tree.find_all(*_WINDOW_ONLY) if not isinstance(node.parent, exp.Window))


def _uneven(tree: exp.Expr, said: re.Match[str]) -> Iterator[exp.Expr]:
    for node in tree.find_all(exp.SetOperation):
        if len(node.left.selects) != len(node.right.selects):
            yield node.right


def _too_wide(tree: exp.Expr, said: re.Match[str]) -> Iterator[exp.Expr]:
    """Subqueries that stand for a value and select what DuckDB counted; one that selects ``*`` may be meant too."""
    queries = [query for query in tree.find_all(exp.Subquery) if not isinstance(query.parent, (exp.From, exp.Join))]
    yield from (query for query in queries if len(query.selects) == int(said.group(1)))
    yield from (query for query in queries if query.is_star)


def _numbered(tree: exp.Expr, said: re.Match[str]) -> Iterator[exp.Expr]:
    for node in tree.find_all(exp.Ordered):
        if isinstance(node.this, exp.Literal) and not node.this.is_string:
            yield node


def _limited(tree: exp.Expr, said: re.Match[str]) -> Iterator[exp.Expr]:
    for node in tree.find_all(exp.Limit, exp.Offset):
        if node.expression.find(exp.Column):
            yield node


def _renamed(tree: exp.Expr, said: re.Match[str]) -> Iterator[exp.Expr]:
    for node in tree.find_all(exp.TableAlias):
        if node.name == said.group(1):
            yield node


def _starred(tree: exp.Expr, said: re.Match[str]) -> Iterator[exp.Expr]:
    for node in tree.find_all(exp.Star):
        if not isinstance(node.parent, (exp.Select, exp.Count, exp.Column)) and node.parent is not None:
            yield node.parent


_KNOWN = (
    _Known(
        r"WHERE clause cannot contain aggregates",
        "WHERE looks at one row, and this is of many",
        "put the condition in HAVING, or compare with a subquery: = (SELECT MAX(…) FROM …)",
        _inside(exp.AggFunc, exp.Where),
    ),
    _Known(
        r"aggregate function calls cannot be nested",
        "an aggregate stands inside another",
        "take the inner one in a subquery after FROM",
        _inside(exp.AggFunc, exp.AggFunc),
    ),
    _Known(
        r"WHERE clause cannot contain window functions",
        "WHERE cannot hold a window function",
        "select it in a subquery after FROM, and put the condition outside",
        _inside(exp.Window, exp.Where),
    ),
    _Known(
        r"Window functions are not supported here",
        "a window function needs its OVER (…)",
        "write, for instance, RANK() OVER (ORDER BY …)",
        _without_over,
    ),
    _Known(
        r"Set operations can only apply",
        "the parts of a UNION, EXCEPT or INTERSECT select different numbers of columns",
        "select as many columns in each part",
        _uneven,
    ),
    _Known(
        r"Subquery returns (\d+) columns - expected (\d+)",
        r"the columns of a subquery are \1 in number, and must be \2",
        "select as many columns as it stands for",
        _too_wide,
    ),
    _Known(
        r"ORDER term out of range",
        "ORDER BY has the number of a column that the query does not select",
        "write the column's name",
        _numbered,
    ),
    _Known(
        r"Referenced (?:table|column)",
        "LIMIT and OFFSET take a number, not a column",
        "write a number, or put the condition in WHERE",
        _limited,
    ),
    _Known(
        r'table "(.+)" has (\d+) columns available but (\d+) columns specified',
        r"the columns of `\1` are \2 in number, and \3 names are listed",
        "list as many names as it has columns",
        _renamed,
    ),
    _Known(
        r"STAR expression is only allowed",
        "`*` cannot stand here",
        "name the column",
        _starred,
    ),
    _Known(
        r"No function matches the given name and argument types '(\w+)\(",
        r"the function \1 does not take these arguments",
        "give it as many arguments, and of such kinds, as SQLite's function of that name takes",
        _nothing,
    ),
    _Known(
        r"Function with name (\w+) does not exist",
        r"there is no function \1",
        "use one of SQLite's functions",
        _nothing,
    ),
    _Known(
        r'syntax error at or near "(\w+)"',
        r"the database cannot read the program near \1",
        "write one SQL SELECT in SQLite's syntax, with nothing left out",
        _nothing,
    ),
    _Known(
        r"(?:^|: )(?:missing [\])]|unexpected \)|no argument for repetition|bad repetition|trailing \\|invalid "
        r"(?:escape|character class|perl|named capture))",
        "a regular expression cannot be read",
        "close what it opens and escape ( ) [ ] * + ? that stand for themselves, or use LIKE",
        _nothing,
    ),
    _Known(
        r'Duplicate CTE name "(.+)"',
        r"two tables of WITH are called `\1`",
        "give each a name of its own",
        _nothing,
    ),
    _Known(
        r"VALUES lists must all be the same length",
        "the rows of VALUES are not of one length",
        "give each row as many values",
        _nothing,
    ),
    _Known(
        r'window "(.+)" does not exist',
        r"there is no window called `\1`",
        "write OVER (…) with what it holds",
        _nothing,
    ),
    _Known(
        r"zero-length delimited identifier",
        "a name is empty",
        "give it at least a letter",
        _nothing,
    ),
    _Known(
        r"Cannot compare values of type .* in IN/ANY/ALL",
        "values of different kinds are compared",
        "compare numbers with numbers and texts with texts; CAST one side",
        _nothing,
    ),
    _Known(
        r"out of range for the destination type",
        "a number is too large for where it stands",
        "write one of at most 64 bits",
        _nothing,
    ),
    _Known(
        r"format specifier (%\w?)",
        r"a date has no \1 to be written",
        "use SQLite's: %Y %m %d %H %M %S",
        _nothing,
    ),
    _Known(
        r'specifier "(.*)" not recognized',
        r"a date has no part called '\1'",
        "use year, month, day, hour, minute or second",
        _nothing,
    ),
)
