"""The one row that comes first by a column, found without sorting: ``SELECT name FROM w ORDER BY height DESC LIMIT 1``.

Rows that tie come in the table's order, and a second key keeps DuckDB from stopping early. But only two rows can be
first: the first of those with the extreme value, and the first without a value.
"""

from __future__ import annotations

from sqlglot import exp

from .clauses import is_grouped
from .scope import Scope
from .values import INTEGER, null, typed

ALIAS = "_top"
HELPER = "helper"
"""In the ``meta`` of a condition that is only a quicker way to what the program says, and no condition of its own."""


def top_row(select: exp.Select, scope: Scope, in_order: bool) -> None:
    """Where one row of a whole table is wanted by a column's order, look only at the two that may be it."""
    item = _single_item(select)
    source = scope.sources[0] if len(scope.sources) == 1 else None
    if item is None or source is None or source.table is None or source.row_id is None:
        return
    holding = row_at(source.table, source.row_id, item.this.name, bool(item.args.get("desc")))
    valueless = exp.Is(this=_column(item.this.name), expression=null())
    without = exp.select(_column(source.row_id)).from_(_table(source.table)).where(valueless).limit(1)
    either = exp.Union(this=exp.Subquery(this=holding), expression=exp.Subquery(this=without), distinct=False)
    number = typed(exp.column(source.row_id, table=source.name, quoted=True), INTEGER)
    either_row = exp.In(this=number, query=exp.Subquery(this=either))
    either_row.meta[HELPER] = True
    select.where(either_row, copy=False)


def row_at(table: str, shown: str, by: str, descending: bool) -> exp.Select:
    """One column of the table's first row with the greatest, or the least, value of another.

    No value passes the greatest, so ``>=`` says what ``=`` does; but for ``=`` DuckDB would hash, and give the rows in
    any order.

    Example:
        >>> row_at("w", "name", "height", True).sql("duckdb")
        'SELECT "_top"."name" FROM "w" AS "_top" WHERE "_top"."height" >= (SELECT "_top"."height" FROM "w" AS "_top" \
ORDER BY "_top"."height" DESC LIMIT 1) LIMIT 1'
    """
    holding = reaches(_column(by), extreme_of(table, by, descending), descending)
    return exp.select(_column(shown)).from_(_table(table)).where(holding).limit(1)


def reaches(column: exp.Expr, extreme: exp.Select, descending: bool) -> exp.Expr:
    """Whether a column has the value of its own extreme, in a form that leaves rows in the table's order."""
    operator = exp.GTE if descending else exp.LTE
    return operator(this=column, expression=exp.Subquery(this=extreme))


def extreme_of(table: str, by: str, descending: bool) -> exp.Select:
    """The greatest, or the least, value of a table's column; NULL if it has none."""
    order = exp.Ordered(this=_column(by), desc=descending or None, nulls_first=False)
    return exp.select(_column(by)).from_(_table(table)).order_by(order).limit(1)


def _table(name: str) -> exp.Expr:
    alias = exp.TableAlias(this=exp.to_identifier(ALIAS, quoted=True))
    return exp.Table(this=exp.to_identifier(name, quoted=True), alias=alias)


def _column(name: str) -> exp.Column:
    return exp.column(name, table=ALIAS, quoted=True)


_OTHER_CLAUSES = ("where", "joins", "group", "having", "distinct", "qualify", "offset", "with_", "windows")


def _single_item(select: exp.Select) -> exp.Expr | None:
    """The only item of ORDER BY, if it is a table's column and nothing but it decides which row is wanted."""
    limit, order = select.args.get("limit"), select.args.get("order")
    if limit is None or order is None or any(select.args.get(name) for name in _OTHER_CLAUSES):
        return None
    one = isinstance(limit, exp.Limit) and isinstance(limit.expression, exp.Literal) and limit.expression.this == "1"
    if not one or len(order.expressions) != 1 or is_grouped(select) or select.find(exp.Window):
        return None
    item: exp.Expr = order.expressions[0]
    return item if isinstance(item.this, exp.Column) and item.this.table else None
