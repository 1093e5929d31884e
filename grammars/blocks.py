"""blocks: an ans over bare columns reads the rows of the query it stands in; here that is made explicit.

``SELECT QA("ans@who won?"; name; year) FROM w WHERE year > 2000`` becomes
``SELECT QA("ans@who won?"; (SELECT name, year FROM w WHERE year > 2000))``, so that every input of an ans is a subquery
or a single value. In WHERE, the rows are those of the whole FROM clause; beside GROUP BY, those of the group. ``*``
stands for every column.
"""

from __future__ import annotations

from sqlglot import exp

from grammars.calls import MAP, find_calls, is_call
from grammars.errors import Complaint
from grammars.schema import Schema
from grammars.sql import span_of


def make_explicit(tree: exp.Expr, schema: Schema) -> exp.Expr | Complaint:
    """A tree with the input of every ans explicit, or the complaint about one that has none."""
    tree = tree.copy()
    for call in list(find_calls(tree)):
        if isinstance(call.node.parent, exp.In) and call.node.arg_key == "field":
            call.node.parent.set("expressions", [call.node.pop()])
        query = call.node.find_ancestor(exp.Select)
        if query is None:
            return Complaint(
                "blocks", "an LM call cannot order a UNION", "order an outer SELECT by it", span_of(call.node)
            )
        if not call.question.strip(" ?"):
            return Complaint("blocks", "an LM call asks nothing", "write its question", span_of(call.node))
        if call.per_row and not call.arguments:
            hint = 'give it a column, or ask once with QA("ans@…")'
            return Complaint("blocks", "a map has no column to look at", hint, span_of(call.node))
        if call.per_row:
            _expand_stars(call.node, query, schema)
            continue
        loose = [argument for argument in call.arguments if _is_loose(argument, query)]
        if not loose:
            continue
        if not query.args.get("from_"):
            return Complaint("blocks", "there is no table to take the columns from", "add FROM", span_of(call.node))
        rows = _group_rows(query, loose) if query.args.get("group") else _rows(call.node, query, loose)
        if rows is None:
            hint = "give it a subquery that selects the group's rows"
            return Complaint("blocks", "an ans over a column beside GROUP BY needs one table", hint, span_of(call.node))
        others = [argument for argument in call.arguments if not any(argument is one for one in loose)]
        call.node.set("expressions", [call.node.expressions[0], exp.Subquery(this=rows), *others])
    for query in list(tree.find_all(exp.Select)):
        if _only_answers(query):
            for part in ("from_", "joins", "where", "order", "limit", "offset", "distinct"):
                query.set(part, None)
    return tree


def _is_loose(argument: exp.Expr, query: exp.Select) -> bool:
    """Whether an argument takes its value from the rows of the query."""
    if isinstance(argument, exp.Star):
        return True
    return any(column.find_ancestor(exp.Select) is query for column in argument.find_all(exp.Column))


def _rows(call: exp.Expr, query: exp.Select, loose: list[exp.Expr]) -> exp.Select:
    """The rows that a call over bare columns reads: those of FROM, narrowed where it is selected."""
    rows = exp.Select(from_=query.args["from_"].copy(), joins=[join.copy() for join in query.args.get("joins") or []])
    if _clause(call, query) == "expressions":
        for part in ("where", "order", "limit", "offset"):
            if query.args.get(part) is not None:
                rows.set(part, query.args[part].copy())
    return rows.select(*[argument.copy() for argument in loose], append=False)


def _group_rows(query: exp.Select, loose: list[exp.Expr]) -> exp.Select | None:
    """The rows of a group: those of its table, under another name, with the group's keys."""
    table = query.args["from_"].this
    if query.args.get("joins") or not isinstance(table, exp.Table):
        return None
    outer, inner = table.alias_or_name, f"__group_{table.alias_or_name}"
    source = table.copy()
    source.set("alias", exp.TableAlias(this=exp.to_identifier(inner, quoted=True)))
    rows = exp.Select(from_=exp.From(this=source))
    if query.args.get("where"):
        rows = rows.where(_of(query.args["where"].this, inner))
    for key in query.args["group"].expressions:
        key = _projected(key, query)
        rows = rows.where(exp.NullSafeEQ(this=_of(key, inner), expression=_of(key, outer)))
    return rows.select(*[_of(argument, inner) for argument in loose], append=False)


def _of(expression: exp.Expr, table: str) -> exp.Expr:
    """An expression whose columns are of a table."""
    expression = expression.copy()
    for column in expression.find_all(exp.Column):
        if column.find_ancestor(exp.Select) is None:
            column.set("table", exp.to_identifier(table, quoted=True))
    return expression


def _projected(key: exp.Expr, query: exp.Select) -> exp.Expr:
    """What a key of GROUP BY stands for when it is an output's number or alias."""
    if isinstance(key, exp.Literal) and not key.is_string and 1 <= int(key.name) <= len(query.selects):
        return query.selects[int(key.name) - 1].unalias()
    if isinstance(key, exp.Column) and not key.table:
        return next((s.this for s in query.selects if isinstance(s, exp.Alias) and s.alias == key.name), key)
    return key


def _only_answers(query: exp.Select) -> bool:
    """Whether a query selects only what ans calls give: one row, not one for each row of a FROM that nothing reads."""
    if not query.args.get("from_") or query.args.get("group") or not query.selects:
        return False
    own = [
        node for projection in query.selects for node in projection.walk() if node.find_ancestor(exp.Select) is query
    ]
    reads = any(isinstance(node, (exp.Column, exp.Star, exp.AggFunc)) or node.name == MAP for node in own)
    return not reads and any(is_call(node) for node in own)


def _expand_stars(call: exp.Anonymous, query: exp.Select, schema: Schema) -> None:
    """``*`` in a map becomes every column of the query's tables."""
    if not any(isinstance(argument, exp.Star) for argument in call.expressions):
        return
    tables = [
        schema.table(table.name) for table in query.find_all(exp.Table) if table.find_ancestor(exp.Select) is query
    ]
    names = [column.name for table in tables if table for column in table.columns]
    columns = [exp.column(exp.to_identifier(name, quoted=True)) for name in names]
    expanded = [
        part for argument in call.expressions for part in (columns if isinstance(argument, exp.Star) else [argument])
    ]
    call.set("expressions", expanded)


def _clause(node: exp.Expr, query: exp.Select) -> str:
    """Which part of a query a node stands in."""
    while node.parent is not None and node.parent is not query:
        node = node.parent
    return node.arg_key or ""
