"""The cells' own text where a program looks at a typed column as text.

A prompt shows cells as they are spelled, so programs are written for ``March 5, 1990`` and ``1,234`` though the column
holds a DATE and a BIGINT. Three rules:

- A text function (``substr``, ``length``, ``replace``, ``||``, CAST to text, …) sees a cell's own text. A cell without
  a value (``n/a``) is NULL to it, as to every other function, or ``CAST(REPLACE(x, ',', '') AS INTEGER)`` would read 0.
- A pattern (LIKE, GLOB, a regular expression) holds where the own text or the plain rendering of the value
  (``1990-03-05``, ``1234``) matches.
- A literal that is no value of the column's kind equals the cells that are spelled so: ``x = 'n/a'``.

This holds for columns of tables; a column of a subquery is seen as its plain value.
"""

from __future__ import annotations

from sqlglot import exp

from .schema import Kind
from .values import BOOLEAN, TEXT, View, bare, cast, kind, null, text, typed


def own_text(node: exp.Expr) -> exp.Expr:
    """A table's typed column as its cells' text; any other node as SQLite spells it.

    Example:
        Where ``height`` keeps spellings, ``length(height)`` becomes ``LENGTH(CASE WHEN NOT "w"."height" IS NULL THEN
        COALESCE("w"."height (spelling)", CAST("w"."height" AS TEXT)) END)``.
    """
    column = bare(node)
    if "spelling" not in column.meta or kind(column) in (Kind.TEXT, None):
        return text(node)
    plain, own = cast(column, TEXT), spelling(column)
    if own is None:
        return plain
    present = exp.Not(this=exp.Is(this=column.copy(), expression=null()))
    shown = exp.Case(ifs=[exp.If(this=present, true=exp.Coalesce(this=own, expressions=[plain]))])
    shown.meta["cells"] = column.copy()
    return typed(shown, TEXT)


def typed_column(node: exp.Expr) -> exp.Expr | None:
    """The typed column whose cells a node is, or is the text of; None where they keep no text of their own."""
    column = bare(node)
    column = column.meta.get("cells", column)
    return column if spelling(column) is not None and kind(column) is not Kind.TEXT else None


def spelling(column: exp.Expr) -> exp.Expr | None:
    """The hidden column that keeps the own text of a table's column."""
    name = column.meta.get("spelling")
    return None if name is None else typed(exp.column(name, table=column.args.get("table"), quoted=True), TEXT)


def either(node: exp.Expr, test: View, of_plain: exp.Expr | None = None) -> exp.Expr:
    """Whether a test holds of a text; of cells, whether it does of their own text or of the plain rendering.

    Args:
        node: The text, or the cells.
        test: The test.
        of_plain: What the test of the plain rendering comes to, where that is told without it.
    """
    column = typed_column(node)
    if column is None:
        return typed(of_plain or test(own_text(node)), BOOLEAN)
    return also(column, test, of_plain or test(cast(column.copy(), TEXT)))


def also(column: exp.Expr, test: View, other: exp.Expr) -> exp.Expr:
    """Whether a test holds of cells' own text, or else another condition does."""
    own = spelling(column)
    assert own is not None
    spelled = exp.Coalesce(this=test(own), expressions=[exp.Boolean(this=False)])
    return typed(exp.Paren(this=exp.Or(this=spelled, expression=other)), BOOLEAN)
