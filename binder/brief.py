"""brief: whether a program is so short that it is run in the caller's own thread.

While DuckDB works in the main thread, Python may hear of Ctrl-C only when it is done. So only a program runs there that
is done soon whatever its cells hold: one pass over one table of few enough rows, by comparisons, sums and aggregates.
To hand it to another thread would take as long as many such programs do.
"""

from __future__ import annotations

from sqlglot import exp

from grammars.schema import Schema

ROWS = 2_000_000
"""The most rows of a table that is read in the caller's thread."""

_CLAUSES = (exp.Select, exp.From, exp.Table, exp.TableAlias, exp.Where, exp.Group, exp.Having, exp.Order, exp.Ordered)
_OUTPUTS = (exp.Distinct, exp.Alias, exp.Star, exp.Limit, exp.Offset)
_VALUES = (exp.Column, exp.Identifier, exp.Literal, exp.Null, exp.Boolean, exp.Paren, exp.Neg)
_TESTS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.In, exp.Is, exp.And, exp.Or, exp.Not)
_SUMS = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Count, exp.Sum, exp.Avg, exp.Min, exp.Max)
_BRIEF = frozenset((*_CLAUSES, *_OUTPUTS, *_VALUES, *_TESTS, *_SUMS))


def is_brief(tree: exp.Expr, schema: Schema) -> bool:
    """Whether a program is one pass over a table of at most ``ROWS`` rows, by comparisons, sums and aggregates.

    Args:
        tree: The program as it was checked.
        schema: Its tables; of one that does not say how many rows it has, no program is brief.

    Example:
        >>> import sqlglot
        >>> from grammars.schema import TableSchema
        >>> schema = Schema((TableSchema("w", (), rows=100),))
        >>> is_brief(sqlglot.parse_one("SELECT COUNT(*) FROM w WHERE year > 1990"), schema)
        True
        >>> is_brief(sqlglot.parse_one("SELECT COUNT(*) FROM w, w AS v"), schema)
        False
    """
    if not all(type(node) in _BRIEF for node in tree.walk()):
        return False
    names = [table.name for table in tree.find_all(exp.Table)]
    source = schema.table(names[0]) if len(names) == 1 else None
    return source is not None and source.rows is not None and source.rows <= ROWS
