"""The rows whose cells a query shows, by number, so that their text is looked up once its rows are there.

Carrying texts through sorting and grouping takes DuckDB longer than all else; carrying numbers costs little. It is for
the outermost query, whose rows are the answer: the text of a column is that of its row, the text of a group's key that
of the group's first row, the text of MIN and MAX that of a cell with this value.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from .clauses import group_keys, is_grouped
from .schema import Schema, TableSchema
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
    table = _only_table(query, schema)
    if table is None or not isinstance(query, exp.Select) or query.args.get("distinct"):
        return {}
    added: dict[int, CellRow] = {}
    names: dict[exp.Expr, str] = {}
    outputs = list(query.expressions)
    for position, item in enumerate(outputs):
        told = _row_of(item.unalias(), query, table)
        if told is None:
            continue
        row, column = told
        if row not in names:
            names[row] = _free(f"{item.alias_or_name}:row", [*outputs, *query.expressions])
            query.append("expressions", typed(exp.alias_(row, names[row], quoted=True), INTEGER))
        added[position] = CellRow(names[row], table.name, column)
    return added


def _only_table(query: exp.Expr, schema: Schema) -> TableSchema | None:
    """The table that a SELECT reads, if it reads nothing else."""
    source = query.args["from_"].this if query.args.get("from_") else None
    if not isinstance(source, exp.Table) or source.args.get("joins"):
        return None
    return None if query.args.get("joins") or query.args.get("with_") else schema.table(source.name)


def _row_of(node: exp.Expr, select: exp.Select, table: TableSchema) -> tuple[exp.Expr, str] | None:
    """The number of the row whose cell an output shows, and the column of that cell's text."""
    extreme = isinstance(node, exp.Min | exp.Max)
    shown = node.this if extreme else bare(node)
    if not isinstance(shown, exp.Column) or not _is_plain(shown):
        return None
    column = table.column(shown.name)
    if column is None or column.spelling is None:
        return None
    number = typed(exp.column(table.row_id, table=shown.table, quoted=True), INTEGER)
    if extreme:
        name = "ARG_MAX" if isinstance(node, exp.Max) else "ARG_MIN"
        return function(name, INTEGER, number, shown.copy()), column.spelling
    if not is_grouped(select):
        return number, column.spelling
    return (exp.Min(this=number), column.spelling) if node in group_keys(select) else None


_PLAIN = (exp.DataType.Type.BIGINT, exp.DataType.Type.DOUBLE, exp.DataType.Type.DECIMAL, exp.DataType.Type.DATE)


def _is_plain(column: exp.Column) -> bool:
    """Whether the rendering of a column's values is the same in DuckDB and outside."""
    return column.type is not None and column.type.is_type(*_PLAIN, *exp.DataType.TEXT_TYPES)


def _free(name: str, outputs: list[exp.Expr]) -> str:
    taken = {item.alias_or_name.casefold() for item in outputs}
    while name.casefold() in taken:
        name += "'"
    return name
