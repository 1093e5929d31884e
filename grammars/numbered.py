"""Texts that begin with numbers sort by them: ``$900k`` before ``$3m``, ``2nd`` before ``10th``.

SQLite sorts texts by their letters, by which ``9`` is the greatest of ``9``, ``10`` and ``1,234``. A column that is
typed as text though most of its cells begin with a number (``Column.numbered``) goes by the number that a cell carries
in ORDER BY, MAX and MIN, and where these are equal by the text; cells without a number come last, in both directions.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from .figures import APART
from .scope import Output, Scope
from .values import BOOLEAN, NUMBER, cast, function, null, string, typed

EXTREME = "extreme"
"""In the ``meta`` of an aggregate that gives the greatest or the least of its first argument."""


def is_numbered(node: exp.Expr | Output) -> bool:
    """Whether a node's texts sort by the numbers they begin with."""
    return node.type is not None and bool(node.type.meta.get("numbered"))


def sort_by_numbers(select: exp.Select, scope: Scope, in_order: bool) -> None:
    """Where texts that begin with numbers are sorted, or the greatest or least of them is wanted, go by the numbers."""
    for call in [*select.find_all(exp.Max, exp.Min)]:
        if is_numbered(call.this):
            call.replace(_extreme(call))
    outputs = [item.unalias() for item in select.expressions]
    for order in [*select.find_all(exp.Order)]:
        if not isinstance(order.this, exp.Distinct) and not isinstance(order.parent, exp.WithinGroup):
            own = outputs if order.parent is select else []
            order.set("expressions", [each for item in order.expressions for each in _sorted(item, own)])
    if select.args.get("having"):
        read_apart(select.args["having"])


def read_apart(node: exp.Expr) -> exp.Expr:
    """An expression, changed so that the numbers of texts in it are found without list functions.

    DuckDB takes none of aggregates in HAVING, and none inside another.
    """
    for call in node.find_all(exp.Anonymous):
        if call.name in ("CARRIED_NUMBER", "NUMBER_OR_INFINITY"):
            call.set("this", call.name + APART.upper())
    return node


def _sorted(item: exp.Expr, outputs: Sequence[exp.Expr]) -> list[exp.Expr]:
    """One item of an ORDER BY, perhaps the position of an output, behind the number that it goes by."""
    position = int(item.this.this) if isinstance(item.this, exp.Literal) and item.this.is_int else 0
    subject = outputs[position - 1] if 0 < position <= len(outputs) else item.this
    return [item] if item.meta.get("by_number") else behind_number(item, subject)


def behind_number(item: exp.Expr, subject: exp.Expr | None) -> list[exp.Expr]:
    """One item of an ORDER BY, behind the number that what it sorts by goes by, if that goes by one."""
    if subject is None or not is_numbered(subject):
        return [item]
    item.meta["by_number"] = True
    by = exp.Ordered(this=_number(subject, bool(item.args.get("desc"))), desc=item.args.get("desc"))
    by.set("nulls_first", item.args.get("nulls_first"))
    return [by, item]


def _extreme(call: exp.Expr) -> exp.Expr:
    """MAX or MIN of texts: the one with the greatest or the least number."""
    greatest = isinstance(call, exp.Max)
    subject = call.this
    parts = {"number": _number(subject, greatest), "text": subject.copy()}
    pair = exp.Struct(
        expressions=[exp.PropertyEQ(this=exp.to_identifier(name), expression=part) for name, part in parts.items()]
    )
    found = typed((exp.ArgMax if greatest else exp.ArgMin)(this=subject.copy(), expression=pair), subject.type)
    found.meta[EXTREME] = True
    return found


def _number(node: exp.Expr, descending: bool) -> exp.Expr:
    """The number that a text sorts by; one without any comes last, NULL where SQLite has it."""
    if not descending:
        return function("NUMBER_OR_INFINITY", NUMBER, node.copy())
    present = typed(exp.Not(this=exp.Is(this=node.copy(), expression=null())), BOOLEAN)
    last = exp.Case(ifs=[exp.If(this=present, true=cast(string("-Infinity"), NUMBER))])
    return typed(exp.Coalesce(this=function("CARRIED_NUMBER", NUMBER, node.copy()), expressions=[last]), NUMBER)
