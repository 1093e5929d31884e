"""used: which columns of its tables a query names."""

from __future__ import annotations

from sqlglot import exp

from .schema import Schema
from .spelling import read_sources, with_table


def used_columns(tree: exp.Expr, schema: Schema) -> dict[str, frozenset[str]]:
    """For each table, the columns that a translated query names, LM calls in place."""
    used: dict[str, set[str]] = {table.name: set() for table in schema}
    for column in tree.find_all(exp.Column):
        source = _source_of(column)
        table = schema.table(source.name) if isinstance(source, exp.Table) and not with_table(source) else None
        if table is not None and table.column(column.name) is not None:
            used[table.name].add(column.name)
    return {name: frozenset(columns) for name, columns in used.items()}


def _source_of(column: exp.Column) -> exp.Expr | None:
    """What stands after FROM and is meant by a column's qualifier."""
    query = column.find_ancestor(exp.Select)
    while query is not None:
        for source in read_sources(query):
            if source.alias_or_name == column.table:
                return source
        query = query.find_ancestor(exp.Select)
    return None
