"""The rows whose cells a query shows, by number, so that their text is looked up once its rows are there.

Carrying texts through sorting and grouping takes DuckDB longer than all else; carrying numbers costs little. It is for
the outermost query, whose rows are the answer: the text of a column is that of its row, the text of a group's key that
of the group's first row, the text of MIN and MAX that of a cell with this value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from .clauses import group_keys, is_grouped
from .schema import Schema
from .values import INTEGER, bare, function, typed


@dataclass(frozen=True)
class CellRow:
    """An output that numbers rows.

    Attributes:
        name: The output's name.
        table: The table whose rows they are.
        column: The hidden column that holds their text, or NULL where it is the value's plain rendering.
    """

    name: str
    table: str
    column: str


def add_cell_rows(query: exp.Expr, schema: Schema) -> dict[int, CellRow]:
    """Give a translated query one more output for each of its outputs that a cell's row is told for.

    Args:
        query: The query, which is changed; one of several tables is not.
        schema: Its tables.

    Returns:
        What was added, by the position of the output that it is for.

    Example:
        If ``year`` keeps spellings, ``SELECT "w"."year" FROM "w" GROUP BY "w"."year"`` gets the output
        ``MIN("w"."row_id") AS "year:row"``.
    """
    if not isinstance(query, exp.Select) or query.args.get("distinct"):
        return {}
    cells = _cells(query, schema)
    added: dict[int, CellRow] = {}
    names: dict[exp.Expr, str] = {}
    outputs = list(query.expressions)
    for position, item in enumerate(outputs):
        shown = _shown(bare(item.unalias()), query)
        cell = cells.get(shown.name) if shown is not None else None
        if shown is None or cell is None:
            continue
        number = typed(exp.column(cell.name, table=shown.table, quoted=True), INTEGER)
        row = _row_of(bare(item.unalias()), query, number)
        if row not in names:
            names[row] = free_name(f"{item.alias_or_name}:row", [*outputs, *query.expressions])
            query.append("expressions", typed(exp.alias_(row, names[row], quoted=True), INTEGER))
        added[position] = replace(cell, name=names[row])
    return added


def _cells(select: exp.Select, schema: Schema) -> dict[str, CellRow]:
    """By the name of each column that a SELECT may show: what numbers its rows, if it is a column of one table.

    A subquery that gives one row, as an extreme is found by, numbers that.
    """
    source = select.args["from_"].this if select.args.get("from_") else None
    if source is None or any(part.args.get("joins") for part in (select, source)) or select.args.get("with_"):
        return {}
    if source.alias_column_names:
        return {}
    if isinstance(source, exp.Table):
        table = schema.table(source.name)
        columns = table.columns if table else ()
        return {one.name: CellRow(table.row_id, table.name, one.spelling) for one in columns if table and one.spelling}
    if not isinstance(source, exp.Subquery) or not _is_one_row(source.this):
        return {}
    names = [item.alias_or_name for item in source.this.expressions]
    return {names[position]: row for position, row in add_cell_rows(source.this, schema).items()}


def _is_one_row(query: exp.Expr) -> bool:
    limit = query.args.get("limit")
    return isinstance(limit, exp.Limit) and isinstance(limit.expression, exp.Literal) and limit.expression.this == "1"


def _shown(node: exp.Expr, select: exp.Select) -> exp.Column | None:
    """The column whose cells an output shows."""
    shown: exp.Expr | None
    if isinstance(node, exp.Min | exp.Max | exp.First):
        shown = bare(node.this)
    else:
        shown = node if not is_grouped(select) or node in map(bare, group_keys(select)) else None
    return shown if isinstance(shown, exp.Column) and is_plain(shown) else None


def _row_of(node: exp.Expr, select: exp.Select, number: exp.Expr) -> exp.Expr:
    """The number of the row whose cell an output shows."""
    if isinstance(node, exp.Min | exp.Max):
        name = "ARG_MAX" if isinstance(node, exp.Max) else "ARG_MIN"
        return function(name, INTEGER, number, node.this.copy())
    if isinstance(node, exp.First):
        return typed(exp.First(this=number), INTEGER)
    return exp.Min(this=number) if is_grouped(select) else number


_PLAIN = (exp.DataType.Type.BIGINT, exp.DataType.Type.DOUBLE, exp.DataType.Type.DECIMAL, exp.DataType.Type.DATE)


def is_plain(column: exp.Column) -> bool:
    """Whether the rendering of a column's values is the same in DuckDB and outside."""
    return column.type is not None and column.type.is_type(*_PLAIN, *exp.DataType.TEXT_TYPES)


def free_name(name: str, outputs: Sequence[exp.Expr]) -> str:
    """A name like this that no output has."""
    taken = {item.alias_or_name.casefold() for item in outputs}
    while name.casefold() in taken:
        name += "'"
    return name
