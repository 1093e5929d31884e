"""The row of an extreme found by sorting: ``SELECT name, MAX(height) FROM w`` reads one row instead of grouping all.

Of a whole table, the extreme itself is found by sorting, and the row as the first that holds it, which is faster still.
"""

from __future__ import annotations

from sqlglot import exp

from .calls import is_call
from .clauses import all_aggregates, first, has_rows, looks_outside, ordered
from .numbered import is_numbered
from .scope import Output, Scope, unique_name
from .toprow import HELPER, reaches
from .values import typed

ALIAS = "_extreme"


def extreme_row(select: exp.Select, scope: Scope, in_order: bool) -> None:
    """Where columns stand bare beside one MIN or MAX of all rows, select from the first row in its order.

    So does the outermost query where it selects nothing else than one MIN or MAX of a whole table's column.

    DuckDB finds that row many times faster than it groups. Aggregates stay around it, so that no row still gives NULLs.
    """
    extremes = all_aggregates(select)
    if not _applies(select, extremes):
        return
    columns = [column for item in select.expressions for column in item.find_all(exp.Column)]
    outputs: list[Output] = []
    named: dict[exp.Expr, str] = {}
    for column in columns:
        if column not in named:
            named[column] = unique_name(column.name, outputs)
            outputs.append(Output(named[column], column.type))
    inner = _first_row(select, extremes[0], scope, named)
    aggregated = {id(column) for extreme in extremes for column in extreme.find_all(exp.Column)}
    for column in columns:
        outside = typed(exp.column(named[column], table=ALIAS, quoted=True), column.type)
        shown = outside if id(column) in aggregated else first(outside, [])
        top = column.parent is select
        column.replace(typed(exp.alias_(shown, column.name, quoted=True), column.type) if top else shown)
    for name in ("joins", "where", "order"):
        select.set(name, None)
    source = exp.Subquery(this=inner, alias=exp.TableAlias(this=exp.to_identifier(ALIAS, quoted=True)))
    select.set("from_", exp.From(this=source))


def _applies(select: exp.Select, extremes: list[exp.Expr]) -> bool:
    one = bool(extremes) and all(call == extremes[0] and not isinstance(call.parent, exp.Filter) for call in extremes)
    simple = one and isinstance(extremes[0], exp.Max | exp.Min) and not isinstance(extremes[0].this, exp.Distinct)
    if not simple or any(select.args.get(name) for name in ("group", "having", "distinct", "qualify", "with_")):
        return False
    if looks_outside(select):
        return False
    nodes = [node for item in select.expressions for node in item.walk()]
    if any(isinstance(node, exp.Query | exp.Window) or is_call(node) for node in nodes):
        return False
    inside = {id(column) for call in extremes for column in call.find_all(exp.Column)}
    bare = any(isinstance(node, exp.Column) and id(node) not in inside for node in nodes)
    return bare or (select.parent is None and _is_of_whole_table(select, extremes[0]))


def _is_of_whole_table(select: exp.Select, extreme: exp.Expr) -> bool:
    """Whether an extreme is that of a column of one table, all its rows."""
    source = select.args["from_"].this if has_rows(select) else None
    if not isinstance(source, exp.Table) or not isinstance(extreme.this, exp.Column) or is_numbered(extreme.this):
        return False
    return not (select.args.get("joins") or select.args.get("where") or source.args.get("joins"))


def _first_row(select: exp.Select, extreme: exp.Expr, scope: Scope, named: dict[exp.Expr, str]) -> exp.Select:
    """The columns wanted, of the row that comes first by the extreme."""
    items = [
        typed(exp.alias_(column.copy(), name, quoted=True), column.type) if column.name != name else column.copy()
        for column, name in named.items()
    ]
    inner = exp.Select(expressions=items, from_=select.args["from_"], limit=_one())
    by_extreme = ordered(extreme.this.copy(), isinstance(extreme, exp.Max), nulls_first=False)
    if len(named) == 1 and _is_of_whole_table(select, extreme):
        top = exp.Select(expressions=[extreme.this.copy()], from_=select.args["from_"].copy(), limit=_one())
        top.set("order", exp.Order(expressions=[by_extreme]))
        holding = reaches(extreme.this.copy(), top, isinstance(extreme, exp.Max))
        holding.meta[HELPER] = True
        return inner.where(holding, copy=False)
    inner.set("joins", select.args.get("joins"))
    inner.set("where", select.args.get("where"))
    inner.set("order", exp.Order(expressions=[by_extreme, *(ordered(number) for number in scope.row_numbers())]))
    return inner


def _one() -> exp.Limit:
    return exp.Limit(expression=exp.Literal.number("1"))
