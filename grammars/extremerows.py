"""Several extremes of one table, each by sorting: ``SELECT MAX(year), MIN(year) FROM w``.

DuckDB finds the row that has a value faster by sorting for the value, and then for its first row, than by ARG_MAX,
which also takes any of the rows that tie. It is for the outermost query, as in ``cellrows``.
"""

from __future__ import annotations

from sqlglot import exp

from .cellrows import CellRow, free_name, is_plain
from .schema import Schema, TableSchema
from .toprow import extreme_of, row_at
from .values import INTEGER, typed

_OTHER_CLAUSES = ("where", "joins", "group", "having", "distinct", "qualify", "order", "with_", "windows")


def sort_extremes(query: exp.Expr, schema: Schema) -> dict[int, CellRow]:
    """Where a query gives nothing but MIN and MAX of a table's columns, sort for each, and for the rows they are in.

    Args:
        query: A translated query, which is changed.
        schema: Its tables.

    Returns:
        The outputs that were added to number rows, by the position of the output that each is for.
    """
    table = _whole_table(query, schema)
    calls = [item.unalias() for item in query.expressions] if table is not None else []
    if table is None or not all(map(_is_extreme, calls)) or not any(_spelling(call, table) for call in calls):
        return {}
    added: dict[int, CellRow] = {}
    outputs = list(query.expressions)
    for position, (item, call) in enumerate(zip(outputs, calls, strict=True)):
        by, descending, spelling = call.this.name, isinstance(call, exp.Max), _spelling(call, table)
        call.replace(typed(exp.Subquery(this=extreme_of(table.name, by, descending)), call.type))
        if spelling is not None:
            name = free_name(f"{item.alias_or_name}:row", query.expressions)
            number = exp.Subquery(this=row_at(table.name, table.row_id, by, descending))
            query.append("expressions", typed(exp.alias_(number, name, quoted=True), INTEGER))
            added[position] = CellRow(name, table.name, spelling)
    query.set("from_", None)
    return added


def _whole_table(query: exp.Expr, schema: Schema) -> TableSchema | None:
    """The table that a SELECT reads, all of it and nothing else."""
    if not isinstance(query, exp.Select) or any(query.args.get(name) for name in _OTHER_CLAUSES):
        return None
    source = query.args["from_"].this if query.args.get("from_") else None
    whole = isinstance(source, exp.Table) and not source.args.get("joins") and not source.alias_column_names
    return schema.table(source.name) if source is not None and whole else None


def _is_extreme(node: exp.Expr) -> bool:
    column = node.this if isinstance(node, exp.Min | exp.Max) else None
    return isinstance(node.parent, exp.Alias) and isinstance(column, exp.Column) and is_plain(column)


def _spelling(call: exp.Expr, table: TableSchema) -> str | None:
    """The column that holds the texts of an extreme's column."""
    column = table.column(call.this.name)
    return column.spelling if column is not None else None
