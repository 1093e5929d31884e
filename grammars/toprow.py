"""The few rows that come first by a column, told by its value in the last of them: ``SELECT name FROM w ORDER BY height
DESC LIMIT 3``.

Rows that tie come in the table's order, and a second key keeps DuckDB from leaving rows out while it sorts by the
first. But only rows can be among the first three whose value reaches the third greatest, and that is found by one key.
"""

from __future__ import annotations

from sqlglot import exp

from .clauses import is_grouped
from .schema import Column, TableSchema
from .scope import Scope
from .values import null

ALIAS = "_top"
HELPER = "helper"
"""In the ``meta`` of a condition that is only a quicker way to what the program says, and no condition of its own."""

_FEW = 100  # of so many rows, one may be looked for on its own: it takes a query more


def top_rows(select: exp.Select, scope: Scope, in_order: bool) -> None:
    """Where a few of a whole table's many rows are wanted by a column's order, look only at those that may be they.

    One row needs no sorting then: all that are left tie, and come in the table's order.
    """
    item, wanted = _single_item(select), _wanted(select)
    source = scope.sources[0] if len(scope.sources) == 1 else None
    table = scope.schema.table(source.table) if source is not None and source.table is not None else None
    column = table.column(item.this.name) if table is not None and item is not None else None
    if item is None or table is None or column is None:
        return
    reaching = _reaching(item, table, column, wanted)
    if reaching is None:
        return
    reaching.meta[HELPER] = True
    select.where(reaching, copy=False)
    if wanted == 1:
        select.set("order", None)


def _reaching(item: exp.Expr, table: TableSchema, column: Column, wanted: int) -> exp.Expr | None:
    """A condition that rows must meet to be among the first, or None where it cannot be told or is not worth while."""
    if column.numbered or table.rows is None or column.missing is None or not 0 < wanted * _FEW <= table.rows:
        return None
    missing_first, descending = bool(item.args.get("nulls_first")), bool(item.args.get("desc"))
    if missing_first and column.missing >= wanted:
        return exp.Is(this=item.this.copy(), expression=null())
    if table.rows - column.missing < wanted or (missing_first and column.missing):
        return None
    return reaches(item.this.copy(), extreme_of(table.name, column.name, descending, wanted), descending)


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


def extreme_of(table: str, by: str, descending: bool, place: int = 1) -> exp.Select:
    """The greatest, or the least, value of a table's column, or the one in a later place; NULL if it has none."""
    order = exp.Ordered(this=_column(by), desc=descending or None, nulls_first=False)
    query = exp.select(_column(by)).from_(_table(table)).order_by(order).limit(1)
    return query.offset(place - 1) if place > 1 else query


def _table(name: str) -> exp.Expr:
    alias = exp.TableAlias(this=exp.to_identifier(ALIAS, quoted=True))
    return exp.Table(this=exp.to_identifier(name, quoted=True), alias=alias)


def _column(name: str) -> exp.Column:
    return exp.column(name, table=ALIAS, quoted=True)


_OTHER_CLAUSES = ("where", "joins", "group", "having", "distinct", "qualify", "with_", "windows")


def _single_item(select: exp.Select) -> exp.Expr | None:
    """The only item of ORDER BY, if it is a table's column and nothing but it decides which rows are wanted."""
    order = select.args.get("order")
    if order is None or len(order.expressions) != 1 or any(select.args.get(name) for name in _OTHER_CLAUSES):
        return None
    if is_grouped(select) or select.find(exp.Window):
        return None
    item: exp.Expr = order.expressions[0]
    return item if isinstance(item.this, exp.Column) and item.this.table else None


def _wanted(select: exp.Select) -> int:
    """How many of the first rows LIMIT and OFFSET reach to; 0 where that is not told by plain numbers."""
    counts = [select.args[name].expression for name in ("limit", "offset") if select.args.get(name)]
    plain = bool(select.args.get("limit")) and all(isinstance(count, exp.Literal) and count.is_int for count in counts)
    return sum(int(count.this) for count in counts) if plain else 0
