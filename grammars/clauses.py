"""The clauses of one SELECT made to mean in DuckDB what they mean in SQLite.

A rule takes a SELECT whose names and expressions are done, and changes it in place:

- ``bare_columns``: a column beside aggregates that is no group key takes its value from the row of the last MIN or
  MAX, or else from the group's first row;
- ``ordered_functions``: ``row_number()``, ``lag`` and the like, and ``group_concat``, follow the table's order where
  nothing else decides;
- ``distinct_rows``: DISTINCT keeps each value's first row, in that order, and may be sorted by what is not selected;
- ``row_order``: what ties, or is not sorted at all, comes in the table's order; groups come in the order of their keys.

Nothing is added where the order of rows cannot show.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlglot import exp

from .calls import MAP, is_call
from .scope import Scope
from .values import INTEGER, TEXT, change_operands, function, is_constant, string, typed


def has_rows(select: exp.Select) -> bool:
    """Whether a SELECT reads any table."""
    return select.args.get("from_") is not None


def group_keys(select: exp.Select) -> list[exp.Expr]:
    """The expressions after GROUP BY."""
    group = select.args.get("group")
    return list(group.expressions) if group else []


def aggregates(node: exp.Expr) -> Iterator[exp.Expr]:
    """The aggregate calls under a node that belong to its own SELECT, in the order of the text."""
    if isinstance(node, exp.Query):
        return
    if isinstance(node, exp.Window):
        inner = node.this.this if isinstance(node.this, exp.Filter) else node.this
        roots = [*inner.iter_expressions(), *(child for child in node.iter_expressions() if child is not node.this)]
    elif isinstance(node, exp.AggFunc):
        yield node
        return
    else:
        roots = list(node.iter_expressions())
    for root in roots:
        yield from aggregates(root)


def all_aggregates(select: exp.Select) -> list[exp.Expr]:
    """The aggregate calls of a SELECT in the order SQLite meets them: outputs, ORDER BY, HAVING."""
    clauses = [*select.expressions, select.args.get("order"), select.args.get("having")]
    return [call for clause in clauses if clause is not None for call in aggregates(clause)]


def is_grouped(select: exp.Select) -> bool:
    """Whether a SELECT gives one row a group."""
    return bool(select.args.get("group") or all_aggregates(select))


def looks_outside(query: exp.Expr) -> bool:
    """Whether a query names a column of a query around it."""
    inside = {source.alias_or_name for source in query.find_all(exp.Table, exp.Subquery)}
    return any(column.table not in inside for column in query.find_all(exp.Column) if column.table)


def is_single_row(query: exp.Expr) -> bool:
    """Whether a query gives one row at most by its form."""
    if not isinstance(query, exp.Select):
        return False
    limit = query.args.get("limit")
    if limit is not None and isinstance(limit.expression, exp.Literal) and limit.expression.this == "1":
        return True
    return is_one_group(query)


def is_one_group(select: exp.Select) -> bool:
    """Whether a SELECT gives one row whatever its tables hold: it aggregates all of them, or reads none."""
    return not select.args.get("group") and (not has_rows(select) or bool(all_aggregates(select)))


def ordered(node: exp.Expr, descending: bool = False, nulls_first: bool | None = None) -> exp.Expr:
    """One item of an ORDER BY."""
    return exp.Ordered(this=node, desc=descending or None, nulls_first=nulls_first)


def first(node: exp.Expr, order: Sequence[exp.Expr]) -> exp.Expr:
    """``FIRST(node ORDER BY …)``."""
    inner = exp.Order(this=node, expressions=list(order)) if order else node
    return typed(exp.First(this=inner), node.type)


def having_without_groups(select: exp.Select, scope: Scope, in_order: bool) -> None:
    """HAVING on a SELECT that groups nothing is another WHERE, as MySQL reads it."""
    having = select.args.get("having")
    if having is not None and not is_grouped(select):
        select.set("having", None)
        select.where(having.this, copy=False)


def bare_columns(select: exp.Select, scope: Scope, in_order: bool) -> None:
    """Settle columns that are neither aggregated nor a group key."""
    if not is_grouped(select):
        return
    keys = group_keys(select)
    if not keys:
        select.set("order", None)
    extremes = [call for call in all_aggregates(select) if isinstance(call, exp.Max | exp.Min)]
    order = _row_of(extremes[-1] if extremes else None, scope)
    select.set("expressions", [_settle_output(item, keys, scope, order) for item in select.expressions])
    for name in ("having", "order"):
        clause = select.args.get(name)
        if clause is not None:
            select.set(name, _settle(clause, keys, scope, order))


def _row_of(extreme: exp.Expr | None, scope: Scope) -> list[exp.Expr]:
    """An order that puts first the row a bare column is taken from."""
    rows = [ordered(number) for number in scope.row_numbers()]
    if extreme is None:
        return rows
    subject = extreme.this.expressions[0] if isinstance(extreme.this, exp.Distinct) else extreme.this
    return [ordered(subject.copy(), isinstance(extreme, exp.Max), nulls_first=False), *rows]


def _settle_output(item: exp.Expr, keys: list[exp.Expr], scope: Scope, order: list[exp.Expr]) -> exp.Expr:
    settled = _settle(item, keys, scope, order)
    if isinstance(item, exp.Column) and settled is not item:
        return typed(exp.alias_(settled, item.name, quoted=True), item.type)
    return settled


def _settle(node: exp.Expr, keys: list[exp.Expr], scope: Scope, order: list[exp.Expr]) -> exp.Expr:
    if node in keys or isinstance(node, exp.Query):
        return node
    if isinstance(node, exp.AggFunc | exp.Filter | exp.WithinGroup) and not isinstance(
        node.parent, exp.Window | exp.Filter
    ):
        return node
    if _is_bare(node, keys, scope):
        return first(node.copy(), [item.copy() for item in order])
    return change_operands(node, lambda operand: _settle(operand, keys, scope, order))


def _is_bare(node: exp.Expr, keys: list[exp.Expr], scope: Scope) -> bool:
    """Whether a node is a column to settle, or an LM's map of such columns, which is asked about one row."""
    if isinstance(node, exp.Anonymous) and node.name == MAP:
        grouped = any(aggregates(node))
        return not grouped and any(_is_bare(column, keys, scope) for column in node.find_all(exp.Column))
    return isinstance(node, exp.Column) and node not in keys and scope.source(node.table) is not None


def _is_windowed(node: exp.Expr) -> bool:
    parent = node.parent.parent if isinstance(node.parent, exp.Filter) else node.parent
    return isinstance(parent, exp.Window)


def ordered_functions(select: exp.Select, scope: Scope, in_order: bool) -> None:
    """Give the table's order to functions whose result depends on the order of rows."""
    for call in list(select.find_all(exp.GroupConcat)):
        if call.parent_select is select and _is_sorted_by_others(call):
            call.replace(_joined_once(call))
    rows = [] if is_grouped(select) and not select.find(exp.GroupConcat) else scope.row_numbers()
    if not rows:
        return
    for window in select.find_all(exp.Window):
        if (
            window.parent_select is select
            and isinstance(window.this, _ORDERED_WINDOWS)
            and not window.args.get("alias")
        ):
            items = window.args["order"].expressions if window.args.get("order") else []
            window.set("order", exp.Order(expressions=[*items, *(ordered(row.copy()) for row in rows)]))
    for call in select.find_all(exp.GroupConcat):
        if isinstance(call.this, exp.Order) or _is_windowed(call) or call.parent_select is not select:
            continue
        # DuckDB orders distinct values by themselves only, where SQLite has them as they first appear.
        keys = call.this.expressions if isinstance(call.this, exp.Distinct) else rows
        call.set("this", exp.Order(this=call.this, expressions=[ordered(key.copy()) for key in keys]))


def _is_sorted_by_others(call: exp.GroupConcat) -> bool:
    """Whether distinct texts are to be sorted by what they are not, as numbers by their value: DuckDB will not."""
    order = call.this
    if not (isinstance(order, exp.Order) and isinstance(order.this, exp.Distinct)):
        return False
    others = any(item.this not in order.this.expressions for item in order.expressions)
    return others and not isinstance(call.parent, exp.Filter | exp.Window)


def _joined_once(call: exp.GroupConcat) -> exp.Expr:
    """The sorted texts joined, each where it comes first."""
    order = call.this
    texts = exp.ArrayAgg(this=exp.Order(this=order.this.expressions[0], expressions=order.expressions))
    place = function("LIST_POSITION", INTEGER, texts.copy(), exp.column("each"))
    is_first = exp.Lambda(
        this=exp.EQ(this=place, expression=exp.column("place")),
        expressions=[exp.to_identifier("each"), exp.to_identifier("place")],
    )
    once = function("LIST_FILTER", TEXT, texts, is_first)
    joined = function("ARRAY_TO_STRING", TEXT, once, call.args.get("separator") or string(","))
    return typed(exp.Nullif(this=joined, expression=string("")), TEXT)


_ORDERED_WINDOWS = (exp.RowNumber, exp.Lag, exp.Lead, exp.Ntile, exp.FirstValue)


def distinct_rows(select: exp.Select, scope: Scope, in_order: bool) -> None:
    """DISTINCT as GROUP BY, where the order of rows shows."""
    order = select.args.get("order")
    distinct = select.args.get("distinct")
    if distinct is None or distinct.args.get("on") or not (in_order or order or select.args.get("limit")):
        return
    outputs = [item.unalias() for item in select.expressions]
    if is_grouped(select) or not has_rows(select) or any(item.find(exp.Window, exp.Query) for item in outputs):
        return
    keys = [item for item in outputs if not is_constant(item)]
    if not keys:
        return
    rows = [ordered(number) for number in scope.row_numbers()]
    select.set("distinct", None)
    select.set("group", exp.Group(expressions=[key.copy() for key in keys]))
    items = list(order.expressions) if order else []
    for item in items:
        if not _names_output(item.this) and item.this not in keys:
            item.set("this", first(item.this.copy(), [row.copy() for row in rows]))
    if rows:
        numbers = [row.this.copy() for row in rows]
        place = numbers[0] if len(numbers) == 1 else exp.Tuple(expressions=numbers)
        items.append(ordered(exp.Min(this=place)))
    if items:
        select.set("order", exp.Order(expressions=items))


def _names_output(node: exp.Expr) -> bool:
    """Whether an ORDER BY item is an output's alias or position."""
    return isinstance(node, exp.Literal) or (isinstance(node, exp.Column) and not node.table)


def row_order(select: exp.Select, scope: Scope, in_order: bool) -> None:
    """Break ties, and order what is not sorted, as SQLite's scan of the tables would."""
    order = select.args.get("order")
    limited = select.args.get("limit") is not None
    if not (in_order or limited) or select.args.get("distinct") is not None or is_one_group(select):
        return
    if is_grouped(select):
        ties = _group_ties(group_keys(select), order.expressions if order else [])
    elif order is not None or _may_shuffle(select):
        ties = [ordered(number) for number in scope.row_numbers()]
    else:
        return
    items = list(order.expressions) if order else []
    ties = [tie for tie in ties if all(item.this != tie.this for item in items)]
    if items or ties:
        select.set("order", exp.Order(expressions=[*items, *ties]))


def _group_ties(keys: list[exp.Expr], items: list[exp.Expr]) -> list[exp.Expr]:
    """Groups come in the order of their keys, each in the direction of its ORDER BY item when these are as many."""
    directions = [bool(item.args.get("desc")) for item in items] if len(items) == len(keys) else [False] * len(keys)
    return [
        ordered(key.copy(), descending, nulls_first=not descending)
        for key, descending in zip(keys, directions, strict=True)
    ]


def _may_shuffle(select: exp.Select) -> bool:
    """Whether DuckDB may give the rows of a SELECT in another order than the table's."""
    clauses = [*select.expressions, select.args.get("where")]
    return bool(select.args.get("joins")) or any(_joins(node) for clause in clauses if clause for node in clause.walk())


_FEW_VALUES = 4  # DuckDB joins with the values of a longer IN


def _joins(node: exp.Expr) -> bool:
    """Whether a node runs as a join: an LM's replies, IN or EXISTS over a query, a subquery that looks outside.

    Two that look like none do as well: what equals a subquery's value, and a long list of values. The joins of other
    comparisons leave the rows as they are.
    """
    if isinstance(node, exp.In) and len(node.expressions) > _FEW_VALUES:
        return True
    if isinstance(node, exp.In | exp.Exists | exp.Any | exp.All | exp.EQ | exp.NullSafeEQ):
        return node.find(exp.Query) is not None
    return looks_outside(node) if isinstance(node, exp.Query) else is_call(node)
