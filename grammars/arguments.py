"""arguments: what an LM call is given, as a tree needs it: a subquery in parentheses, a table's rows, a FROM."""

from __future__ import annotations

from sqlglot import exp

from grammars.calls import Call, find_calls
from grammars.schema import Schema


def complete_arguments(tree: exp.Expr, schema: Schema) -> tuple[exp.Expr, tuple[str, ...]]:
    """The tree with what its LM calls leave unsaid, and what was mended.

    Example:
        >>> from sqlglot import parse_one
        >>> from grammars.schema import TableSchema
        >>> tree = parse_one("SELECT QA_ANS('who won?', w)")
        >>> complete_arguments(tree, Schema((TableSchema("w", ()),)))[0].sql()
        "SELECT QA_ANS('who won?', (SELECT * FROM w))"
    """
    for call in list(find_calls(tree)):
        for argument in call.arguments:
            if isinstance(argument, exp.Query) and not isinstance(argument, exp.Subquery):
                argument.replace(exp.Subquery(this=argument.copy()))
    mends = _whole_tables(tree, schema)
    return _with_source(tree, schema), mends


def _whole_tables(tree: exp.Expr, schema: Schema) -> tuple[str, ...]:
    """Give a call whose argument is a table's name the table's rows, and tell what was mended."""
    mends: list[str] = []
    made = {cte.alias.casefold() for cte in tree.find_all(exp.CTE)}
    taken = {column.name.casefold() for table in schema for column in table.columns}
    taken |= {alias.alias.casefold() for alias in tree.find_all(exp.Alias)}
    for call in list(find_calls(tree)):
        for argument in call.arguments:
            if not isinstance(argument, exp.Column) or argument.table or argument.name.casefold() in taken:
                continue
            rows = _rows(argument, call, schema, made)
            if rows is not None:
                argument.replace(rows)
                mends.append(f"`{argument.name}` in an LM call read as all of that table")
    return tuple(mends)


def _rows(argument: exp.Column, call: Call, schema: Schema, made: set[str]) -> exp.Expr | None:
    """``*`` for the table that the call's own query reads; else, for an ans, a subquery; None if it is no table."""
    name = argument.name.casefold()
    if name not in made and schema.table(name) is None:
        return None
    query = call.node.find_ancestor(exp.Select)
    source = query.args.get("from_") if query else None
    is_own = source is not None and not (query and query.args.get("joins")) and _is_named(source.this, name, schema)
    if is_own and not (call.per_row and name in made):
        return exp.Star()
    return None if call.per_row else exp.select("*").from_(exp.Table(this=argument.this.copy())).subquery()


def _is_named(source: exp.Expr, name: str, schema: Schema) -> bool:
    """Whether what stands after FROM is the table of a name."""
    table = schema.table(name)
    same_table = table is not None and schema.table(source.name) is table
    return same_table or name in (source.alias_or_name.casefold(), source.name.casefold())


def _with_source(tree: exp.Expr, schema: Schema) -> exp.Expr:
    """Give a bare call over columns the table they are of."""
    if not isinstance(tree, exp.Select) or tree.args.get("from_") or not schema.tables:
        return tree
    loose = [
        argument
        for call in find_calls(tree)
        if call.node.find_ancestor(exp.Select) is tree
        for argument in call.arguments
        if argument.find_ancestor(exp.Select) is tree and isinstance(argument, (exp.Column, exp.Star))
    ]
    if not loose:
        return tree
    names = {column.name for column in loose if isinstance(column, exp.Column)}
    table = next((t for t in schema if all(t.column(name) for name in names)), schema.tables[0])
    return tree.from_(exp.to_table(table.name, quoted=True) if " " in table.name else exp.table_(table.name))
