"""SQLite-flavoured SQL to DuckDB SQL with the meaning SQLite gives it.

A query is walked from its FROM clause outwards: names are resolved and typed (``scope``), each expression is rewritten
from its leaves up by what its operands are (``functions``, ``compare``, ``moments``, over the views of ``values``), and
then the clauses of each SELECT are made to mean what they mean in SQLite (``clauses``, ``extreme``, ``toprow``). A
clean, typed query keeps its shape. The rows of a table must be stored in the order of its row numbers.

Two departures from SQLite are decided:

1. Case is folded where a column meets a literal or an LM reply (``=``, ``<>``, IN, LIKE), and nowhere else: not in
   JOIN, GROUP BY, DISTINCT or ORDER BY.
2. A text column compared with a number, computed with, or summed goes by the number its cells carry (see ``figures``);
   a cell that carries none is NULL there, and differs from every number. So does one that is sorted, if most of its
   cells begin with a number (see ``numbered``).

Three lesser ones: a whole number that 64 bits do not hold is an error, where SQLite goes on with a float;
GROUP_CONCAT(DISTINCT) gives its values sorted, not as they first appear; a number literal beside a text literal
compares as a number.

What looks at a typed column as text sees the cells' own text (see ``owntext``), where SQLite, which has no such text,
sees the plain value.

Dates are typed, so they compare as dates with whatever a literal spells: ``'March 5, 1990'``,
``'1990-03-05 00:00:00'``; a year (``'1990'`` or 1990) equals every date within it and orders by where it begins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlglot import exp

from . import clauses
from .calls import ANS, is_call
from .compound import order_rows, removes_duplicates, set_apart, unify_sides
from .extreme import extreme_row
from .functions import rewrite
from .joins import same_name, spell_out
from .numbered import sort_by_numbers
from .outputs import output_name
from .schema import Schema
from .scope import Labels, Output, Scope, Source, duckdb_type, output_of, renamed, unique_name
from .toprow import top_rows
from .values import TEXT, cast, change_operands, integer, is_constant, truth, typed, value

# What is done to a SELECT whose names and expressions are translated: (select, scope, whether its order shows).
Rule = Callable[[exp.Select, Scope, bool], None]
RULES: tuple[Rule, ...] = (
    clauses.having_without_groups,
    extreme_row,
    top_rows,
    clauses.bare_columns,
    clauses.ordered_functions,
    clauses.row_order,
    clauses.distinct_rows,
    sort_by_numbers,
)


def translate(tree: exp.Expr, schema: Schema) -> exp.Expr:
    """The DuckDB query that means what a SQLite-flavoured query means.

    Args:
        tree: One query, parsed with sqlglot's ``sqlite`` dialect, its names those of the schema. It is not changed.
        schema: The tables it is about.

    Returns:
        A tree that prints with ``.sql("duckdb")``; LM calls stay in it as they are, their columns qualified.
    """
    tree = tree.copy()
    _query(tree, Scope(schema), in_order=True, labels=Labels.SHOWN)
    return tree


def _query(node: exp.Expr, scope: Scope, in_order: bool, labels: Labels = Labels.NONE) -> tuple[Output, ...]:
    """Translate a query in place and tell its outputs."""
    scope = _with(node, scope)
    if isinstance(node, exp.Subquery):
        return _query(node.this, scope, in_order, labels)
    if isinstance(node, exp.SetOperation):
        return _set_operation(node, scope, in_order, labels)
    assert isinstance(node, exp.Select), f"not a query: {node.key}"
    return _select(node, scope, in_order, labels)


def _with(node: exp.Expr, scope: Scope) -> Scope:
    """The scope that also sees a query's WITH tables, those translated."""
    clause = node.args.get("with_")
    if clause is None:
        return scope
    scope = Scope(scope.schema, scope.parent, dict(scope.tables))
    for cte in clause.expressions:
        columns = cte.args["alias"].columns
        if clause.args.get("recursive") and isinstance(cte.this, exp.SetOperation):
            start = _query(cte.this.this.copy(), scope.beside(), False, Labels.UNIQUE)
            scope.tables[cte.alias.casefold()] = renamed(start, columns)
        outputs = _query(cte.this, scope.beside(), True, Labels.UNIQUE)
        scope.tables[cte.alias.casefold()] = renamed(outputs, columns)
        for name in (cte.args["alias"].this, *columns):
            name.set("quoted", True)
    return scope


def _select(select: exp.Select, scope: Scope, in_order: bool, labels: Labels) -> tuple[Output, ...]:
    scope = scope.beside()
    _sources(select, scope, in_order and (not clauses.is_one_group(select) or bool(select.find(exp.GroupConcat))))
    outputs = _outputs(select, scope, labels)
    for name in ("where", "having", "qualify"):
        clause = select.args.get(name)
        if clause is not None:
            clause.set("this", truth(_express(clause.this, scope)))
    for window in select.args.get("windows") or []:
        change_operands(window, lambda operand: _express(operand, scope))
    _group(select, scope)
    _order(select, scope)
    _limit(select, scope)
    for rule in RULES:
        rule(select, scope, in_order)
    return outputs


def _sources(select: exp.Select, scope: Scope, in_order: bool) -> None:
    """Fill a scope with what stands after FROM, and translate that."""
    from_ = select.args.get("from_")
    if from_ is None:
        return
    from_.set("this", _source(from_.this, scope, in_order))
    for join in select.args.get("joins") or []:
        _join(join, scope, in_order)


def _source(node: exp.Expr, scope: Scope, in_order: bool) -> exp.Expr:
    columns = node.args["alias"].columns if node.args.get("alias") else []
    for column in columns:
        column.set("quoted", True)
    if isinstance(node, exp.Table):
        return _table(node, scope, columns)
    if isinstance(node, exp.Subquery) and isinstance(node.this, exp.Table):
        node.set("this", _source(node.this, scope, in_order))
        for join in node.this.args.get("joins") or []:
            _join(join, scope, in_order)
        return node
    name = node.alias or f"_q{len(scope.sources) + 1}"
    if isinstance(node, exp.Values):
        outputs = _values(node, scope)
        columns = columns or [exp.to_identifier(output.name, quoted=True) for output in outputs]
    else:
        outputs = _query(node, scope.beside(), in_order, Labels.UNIQUE)
    node.set("alias", exp.TableAlias(this=exp.to_identifier(name, quoted=True), columns=columns))
    scope.sources.append(Source(name, renamed(outputs, columns)))
    return node


def _values(node: exp.Values, scope: Scope) -> tuple[Output, ...]:
    """Translate VALUES; SQLite calls its columns ``column1``, ``column2``, …"""
    change_operands(node, lambda operand: _express(operand, scope) if isinstance(operand, exp.Tuple) else operand)
    return tuple(Output(f"column{at}", each.type) for at, each in enumerate(node.expressions[0].expressions, 1))


def _table(node: exp.Table, scope: Scope, columns: list[exp.Expr]) -> exp.Expr:
    known = scope.tables.get(node.name.casefold())
    table = None if known is not None else scope.schema.table(node.name)
    name = node.alias or (table.name if table and not same_name(node.name, "w") else node.name)
    if table is not None:
        outputs = tuple(output_of(column) for column in table.columns)
        scope.sources.append(Source(name, renamed(outputs, columns), table.row_id, table.name))
    else:
        scope.sources.append(Source(name, renamed(known or (), columns)))
    real = table.name if table else node.name
    node.this.replace(exp.to_identifier(real, quoted=True))
    if node.alias or not same_name(real, name):
        node.set("alias", exp.TableAlias(this=exp.to_identifier(name, quoted=True), columns=columns))
    return node


def _join(join: exp.Join, scope: Scope, in_order: bool) -> None:
    before = list(scope.visible())
    join.set("this", _source(join.this, scope, in_order))
    condition = join.args.get("on")
    if not spell_out(join, before, scope) and condition is not None:
        join.set("on", truth(_express(condition, scope)))


def _outputs(select: exp.Select, scope: Scope, labels: Labels) -> tuple[Output, ...]:
    """Translate the select list: ``*`` spelled out, conditions shown as 1 and 0."""
    items: list[exp.Expr] = []
    outputs: list[Output] = []
    for item in select.expressions:
        for name, node in _expand(item, scope):
            aliased = isinstance(item, exp.Alias)
            if aliased:
                scope.aliases[name.casefold()] = node
            keep = isinstance(node, exp.Column) and same_name(node.name, name)
            label = unique_name(name, outputs) if labels is Labels.UNIQUE else name
            if (aliased or labels is not Labels.NONE) and not (keep and label == name):
                node = typed(exp.alias_(node.copy(), label, quoted=True), node.type)
            items.append(node)
            outputs.append(Output(label, node.type))
    select.set("expressions", items)
    return tuple(outputs)


def _expand(item: exp.Expr, scope: Scope) -> Iterator[tuple[str, exp.Expr]]:
    """One item of a select list as its outputs' names and expressions."""
    star = isinstance(item, exp.Star)
    if star or (isinstance(item, exp.Column) and isinstance(item.this, exp.Star)):
        wanted = None if star else scope.source(item.args["table"].name) or scope.sources[0]
        for source, output in scope.visible():
            if wanted in (None, source):
                merged = scope.merged.get(output.name.casefold()) if star else None
                yield output.name, merged.copy() if merged else source.column(output)
    elif isinstance(item, exp.Alias):
        yield item.alias, value(_express(item.this, scope))
    else:
        yield output_name(item), value(_express(item, scope))


def _group(select: exp.Select, scope: Scope) -> None:
    """Translate GROUP BY; a position stands for that output, a constant for itself."""
    group = select.args.get("group")
    if group is None:
        return
    keys = []
    for key in group.expressions:
        position = int(key.this) if isinstance(key, exp.Literal) and key.this.isdigit() else 0
        if 0 < position <= len(select.expressions):
            keys.append(select.expressions[position - 1].unalias().copy())
        else:
            keys.append(value(_express(key, scope)))
    group.set("expressions", [cast(key, key.type or TEXT) if is_constant(key) else key for key in keys])


def _order(select: exp.Select, scope: Scope) -> None:
    """Translate ORDER BY, where an output's alias comes before a column of that name; constants order nothing."""
    order = select.args.get("order")
    if order is None:
        return
    items = []
    for item in order.expressions:
        node = item.this
        alias = scope.aliases.get(node.name.casefold()) if isinstance(node, exp.Column) and not node.table else None
        if alias is not None:
            item.set("this", typed(exp.column(node.name, quoted=True), alias.type))
        elif not (isinstance(node, exp.Literal) and node.is_int):
            item.set("this", _express(node, scope))
            if is_constant(item.this):
                continue
        items.append(item)
    select.set("order", exp.Order(expressions=items) if items else None)


def _limit(query: exp.Expr, scope: Scope) -> None:
    """Translate LIMIT and OFFSET; a negative limit is none, a negative offset 0."""
    for name in ("limit", "offset"):
        clause = query.args.get(name)
        if clause is None:
            continue
        if isinstance(clause, exp.Fetch):
            clause = exp.Limit(expression=clause.args.get("count") or exp.Literal.number("1"))
            query.set(name, clause)
        bound = integer(_express(clause.expression, scope))
        if isinstance(bound, exp.Neg):
            query.set(name, None)
        else:
            clause.set("expression", bound)


def _set_operation(node: exp.SetOperation, scope: Scope, in_order: bool, labels: Labels) -> tuple[Output, ...]:
    keeps_order = in_order and not removes_duplicates(node)
    sides = [_query(side, scope, keeps_order, labels) for side in (node.this, node.expression)]
    outputs = unify_sides(node, *sides)
    set_apart(node)
    order_rows(node, sides, in_order)
    _limit(node, scope)
    return outputs


_LEAVES = (exp.Identifier, exp.DataType, exp.Var, exp.Star)


def _express(node: exp.Expr, scope: Scope) -> exp.Expr:
    """Translate an expression from its leaves up."""
    if isinstance(node, _LEAVES):
        return node
    if isinstance(node, exp.Column):
        return node if isinstance(node.this, exp.Star) else _column(node, scope)
    if isinstance(node, exp.Query):
        return _subquery(node, scope)
    change_operands(node, lambda operand: _express(operand, scope))
    if is_call(node):
        return typed(node, duckdb_type(node.meta.get("type", "VARCHAR")))
    return rewrite(node)


def _column(node: exp.Column, scope: Scope) -> exp.Expr:
    found = scope.resolve(node)
    if found is not None:
        return found
    for part in node.parts:
        part.set("quoted", True)
    return node


def _subquery(node: exp.Expr, scope: Scope) -> exp.Expr:
    """A query inside an expression: a value is that of its first row, what an LM is asked about is all of it."""
    whole = isinstance(node.parent, exp.Anonymous) and node.parent.name == ANS
    valued = isinstance(node, exp.Subquery) and not isinstance(node.parent, exp.In | exp.Exists | exp.Any | exp.All)
    outputs = _query(node, scope.inner(), in_order=valued, labels=Labels.SHOWN if whole else Labels.NONE)
    query = node.unnest() if isinstance(node, exp.Subquery) else node
    if valued and not whole and not clauses.is_single_row(query):
        query.set("limit", exp.Limit(expression=exp.Literal.number("1")))
    return typed(node, outputs[0].type if outputs else None)
