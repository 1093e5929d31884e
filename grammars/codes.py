"""Lists of rows' codes as DuckDB expressions: of a row, of several, of a group, and what is done to them."""

from __future__ import annotations

from collections.abc import Iterable

from sqlglot import exp

from .clauses import aggregates
from .numbered import EXTREME, read_apart


def of_group(select: exp.Select, rows: exp.Expr, numbers: frozenset[str]) -> exp.Expr:
    """The codes of a group: those of the rows that hold its extremes and bare columns, or else of all."""
    calls = [call for item in select.expressions for call in aggregates(item)]
    calls += aggregates(select.args["having"]) if select.args.get("having") else []
    order = select.args.get("order")
    calls += [call for call in aggregates(order) if not _is_place(call, numbers)] if order else []
    held = [_held(call, rows) for call in calls]
    return joined([each for each in held if each is not None]) if held and None not in held else of_rows(rows)


def _is_place(call: exp.Expr, numbers: frozenset[str]) -> bool:
    """Whether an aggregate only tells in which order the groups come."""
    return all(column.name in numbers for column in call.find_all(exp.Column))


def _held(call: exp.Expr, rows: exp.Expr) -> exp.Expr | None:
    """The codes of the rows that hold what MIN, MAX or FIRST gives; None for another aggregate."""
    is_held = isinstance(call, exp.Min | exp.Max | exp.First) or call.meta.get(EXTREME)
    if isinstance(call.parent, exp.Filter | exp.WithinGroup) or not is_held:
        return None
    subject = call.this
    if isinstance(call, exp.First):
        first = exp.Order(this=rows.copy(), expressions=[item.copy() for item in subject.expressions])
        return exp.First(this=first if isinstance(subject, exp.Order) else rows.copy())
    value = subject.expressions[0] if isinstance(subject, exp.Distinct) else subject
    pair = exp.Struct(
        expressions=[
            exp.PropertyEQ(this=exp.to_identifier("v"), expression=value.copy()),
            exp.PropertyEQ(this=exp.to_identifier("r"), expression=rows.copy()),
        ]
    )
    holds = exp.NullSafeEQ(this=named("v", "e"), expression=read_apart(call.copy()))
    pairs = function("LIST_FILTER", function("LIST", pair), each_code(holds))
    return function("FLATTEN", function("LIST_TRANSFORM", pairs, each_code(named("r", "e"))))


def each_code(body: exp.Expr) -> exp.Expr:
    """``lambda e: body``."""
    return exp.Lambda(this=body, expressions=[exp.to_identifier("e")])


def of_rows(rows: exp.Expr) -> exp.Expr:
    """The codes of several rows in one list."""
    return function("FLATTEN", function("LIST", rows.copy()))


def joined(lists: Iterable[exp.Expr]) -> exp.Expr:
    """Lists one after the other; one that is NULL is left out."""
    none = exp.Cast(this=exp.Array(expressions=[]), to=exp.DataType.build("BIGINT[]", dialect="duckdb"))
    parts = list(dict.fromkeys(lists))
    return parts[0] if len(parts) == 1 else function("LIST_CONCAT", *parts) if parts else none


def named(name: str, table: str | None = None) -> exp.Column:
    return exp.column(name, table=table, quoted=True)


def function(name: str, *arguments: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=list(arguments))
