"""Operators, CASE, CAST and their like with SQLite's meaning: one rewrite a node class.

A rewrite takes a node whose operands are rewritten and typed already, and returns the DuckDB node, typed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from sqlglot import exp

from . import moments
from .compare import between, by_length_first, compare, meet, one_of, one_of_query
from .dates import shifted
from .owntext import own_text
from .schema import Kind
from .values import (
    BOOLEAN,
    INTEGER,
    NUMBER,
    TEXT,
    cast,
    function,
    integer,
    is_text_literal,
    kind,
    literal_number,
    null,
    number,
    real,
    string,
    truth,
    typed,
    unify,
    value,
)

_T = exp.DataType.Type
_NARROW = (_T.TINYINT, _T.SMALLINT, _T.INT, _T.UTINYINT, _T.USMALLINT, _T.UINT)

Rewrite = Callable[[exp.Expr], exp.Expr]


def _literal(node: exp.Expr) -> exp.Expr:
    return string(node.this) if is_text_literal(node) else literal_number(node.this)


def _comparison(node: exp.Expr) -> exp.Expr:
    assert isinstance(node, exp.Binary)
    return by_length_first(compare(type(node), node.left, node.right))


def _between(node: exp.Expr) -> exp.Expr:
    return between(node.this, node.args["low"], node.args["high"])


def _in(node: exp.Expr) -> exp.Expr:
    query = node.args.get("query")
    return one_of_query(node.this, query) if query else one_of(node.this, list(_options(node)))


def _options(node: exp.Expr) -> Iterator[exp.Expr]:
    """What stands inside IN, the rows of VALUES spelled out."""
    for option in node.expressions:
        rows = option.expressions if isinstance(option, exp.Values) else [option]
        for row in rows:
            single = isinstance(row, exp.Tuple) and len(row.expressions) == 1
            yield row.expressions[0] if single else row


def _is(node: exp.Expr) -> exp.Expr:
    if isinstance(node.expression, exp.Boolean):
        node.set("this", exp.Paren(this=truth(node.this)))
    return typed(node, BOOLEAN)


def _collate(node: exp.Expr) -> exp.Expr:
    return typed(node, TEXT) if node.expression.name.upper() == "NOCASE" else node.this


def _arithmetic(node: exp.Expr) -> exp.Expr:
    assert isinstance(node, exp.Binary)
    left, right = node.left, node.right
    if isinstance(left, exp.Interval) and isinstance(node, exp.Add):
        left, right = right, left
    if isinstance(right, exp.Interval):
        return shifted(type(node), left, right)
    if isinstance(node, exp.Sub) and (days := moments.days_between(left, right)):
        return days
    if isinstance(node, exp.Add) and kind(right) is Kind.DATE:
        left, right = right, left
    if isinstance(node, exp.Add | exp.Sub) and (later := moments.days_later(type(node), left, right)):
        return later
    if {kind(left), kind(right)} == {Kind.DURATION, Kind.TEXT}:
        left, right = _spans(left, right)
    if kind(left) is kind(right) is Kind.DURATION and not isinstance(node, exp.Mul):
        column = left if left.type and left.type.meta.get("form") else right
        return typed(type(node)(this=left, expression=right), column.type)
    left, right = _wide(number(left)), _wide(number(right))
    if isinstance(node, exp.Mul) and kind(left) is kind(right) is Kind.DECIMAL:
        left, right = real(left), real(right)
    whole = kind(left) is Kind.INTEGER and kind(right) is Kind.INTEGER
    return typed(type(node)(this=left, expression=right), INTEGER if whole else NUMBER)


def _spans(left: exp.Expr, right: exp.Expr) -> tuple[exp.Expr, exp.Expr]:
    """A span and a text as two spans, where the text is one as the column's cells are read."""
    met = meet(left, right)
    return met if kind(met[0]) is kind(met[1]) else (left, right)


def _wide(node: exp.Expr) -> exp.Expr:
    """An integer as 64 bits hold it; DuckDB computes in the columns' own width."""
    narrow = kind(node) is Kind.INTEGER and node.type is not None and node.type.this in _NARROW
    return cast(node, INTEGER) if narrow else node


def _left_shift(node: exp.Expr) -> exp.Expr:
    """DuckDB shifts no negative number to the left."""
    assert isinstance(node, exp.Binary)
    factor = exp.Paren(this=exp.BitwiseLeftShift(this=literal_number("1"), expression=integer(node.right)))
    return typed(exp.Mul(this=integer(node.left), expression=factor), INTEGER)


def _divide(node: exp.Expr) -> exp.Expr:
    """``/`` cuts off between integers; what is divided by zero is NULL."""
    assert isinstance(node, exp.Binary)
    left, right = number(node.left), _nonzero(number(node.right))
    if kind(left) is Kind.INTEGER and kind(right) is Kind.INTEGER:
        return typed(exp.IntDiv(this=left, expression=right), INTEGER)
    return typed(exp.Div(this=left, expression=right), NUMBER)


def _remainder(node: exp.Expr) -> exp.Expr:
    assert isinstance(node, exp.Binary)
    return typed(exp.Mod(this=integer(node.left), expression=_nonzero(integer(node.right))), INTEGER)


def _nonzero(node: exp.Expr) -> exp.Expr:
    core = node.this if isinstance(node, exp.Neg) else node
    if isinstance(core, exp.Literal) and float(core.this) != 0:
        return node
    return typed(exp.Nullif(this=node, expression=literal_number("0")), node.type)


def _root(node: exp.Expr) -> exp.Expr:
    """A root or logarithm; of what has none it is NULL."""
    for name in ("this", "expression"):
        if node.args.get(name) is not None:
            node.set(name, number(node.args[name]))
    subject = node.args.get("expression") or node.this
    if isinstance(subject, exp.Literal) and float(subject.this) > 0:
        return typed(node, NUMBER)
    least = exp.GTE if isinstance(node, exp.Sqrt) else exp.GT
    test = least(this=subject.copy(), expression=literal_number("0"))
    return typed(exp.Case(ifs=[exp.If(this=test, true=node)]), NUMBER)


def _cast(node: exp.Expr) -> exp.Expr:
    """CAST by SQLite's affinities: text without a number is 0. DATE and BOOLEAN, which it lacks, are themselves."""
    assert isinstance(node, exp.Cast)
    wanted = kind(typed(exp.Null(), node.to))
    operand = value(node.this)
    match wanted:
        case Kind.TEXT:
            return own_text(operand)
        case Kind.DATE:
            return moments.counted_in_days(moments.to_date([operand]))
        case Kind.TIMESTAMP:
            return moments.to_timestamp([operand])
        case Kind.TIME:
            return moments.to_time([operand])
        case Kind.BOOLEAN:
            return truth(operand)
        case Kind.NUMBER:
            return real(_number_or_zero(operand))
        case Kind.DECIMAL:
            return _number_or_zero(operand)
        case Kind.INTEGER:
            return integer(_number_or_zero(operand))
        case Kind.DURATION:
            return typed(node, node.to)
        case _:
            named = node.to.args.get("kind") or ""
            return integer(_number_or_zero(operand)) if str(named).lower() in ("signed", "unsigned") else operand


def _number_or_zero(node: exp.Expr) -> exp.Expr:
    """A node as a number: a text without a digit is 0, one that could be read in two ways is NULL."""
    if kind(node) is not Kind.TEXT:
        return number(node)
    found = number(node)
    if isinstance(found, exp.Null) and not re.search(r"\d", node.name):
        return literal_number("0")
    if found.name == "CARRIED_NUMBER":
        digits = function("REGEXP_MATCHES", BOOLEAN, node.copy(), string(r"\d"))
        none = exp.Case().when(exp.Not(this=digits), literal_number("0"))
        return typed(exp.Coalesce(this=found, expressions=[none]), NUMBER)
    return found


def _conditional(node: exp.Expr) -> exp.Expr:
    """``iif(condition, a, b)``; the branches of a CASE are that one's."""
    if isinstance(node.parent, exp.Case) and node.arg_key == "ifs":
        return node
    otherwise = node.args.get("false")
    branches, type_ = unify([node.args["true"], *([otherwise] if otherwise else [])])
    case = exp.Case(ifs=[exp.If(this=truth(node.this), true=branches[0])], default=branches[1] if otherwise else None)
    return typed(case, type_)


def _case(node: exp.Expr) -> exp.Expr:
    assert isinstance(node, exp.Case)
    default = node.args.get("default")
    whens = node.args["ifs"]
    branches, type_ = unify([*(when.args["true"] for when in whens), *([default] if default else [])])
    subject = node.this
    tests = [compare(exp.EQ, subject.copy(), when.this) if subject else truth(when.this) for when in whens]
    ifs = [exp.If(this=test, true=branch) for test, branch in zip(tests, branches, strict=False)]
    return typed(exp.Case(ifs=ifs, default=branches[-1] if default else None), type_)


def _coalesce(node: exp.Expr) -> exp.Expr:
    (first, *rest), type_ = unify([node.this, *node.expressions])
    return typed(exp.Coalesce(this=first, expressions=rest), type_) if rest else first


def _nullif(node: exp.Expr) -> exp.Expr:
    """NULLIF gives its first argument unchanged, so it is spelled out where the comparison reads it otherwise."""
    first = value(node.this)
    test = compare(exp.EQ, first.copy(), node.expression)
    if test.this == first:
        return typed(exp.Nullif(this=first, expression=test.expression), first.type)
    return typed(exp.Case(ifs=[exp.If(this=test, true=null())], default=first), first.type)


def _extreme(node: exp.Expr) -> exp.Expr:
    """MAX or MIN of several values; beside a number, a text goes by the number it carries."""
    operands = [value(each) for each in (node.this, *node.expressions)]
    kinds = {kind(each) for each in operands} - {None}
    if Kind.TEXT in kinds and any(each and each.numeric for each in kinds):
        operands = [number(each) for each in operands]
    (first, *rest), type_ = unify(operands)
    ignore = node.args.get("ignore_nulls")
    return typed(type(node)(this=first, expressions=rest, ignore_nulls=ignore), type_)


def _typeof(node: exp.Expr) -> exp.Expr:
    names = {Kind.INTEGER: "integer", Kind.BOOLEAN: "integer", Kind.NUMBER: "real", Kind.DECIMAL: "real"}
    known = kind(node.this)
    spelled = string(names.get(known, "text") if known else "null")
    missing = exp.If(this=exp.Is(this=node.this, expression=null()), true=string("null"))
    return typed(exp.Case(ifs=[missing], default=spelled), TEXT)


_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ)

OPERATORS: dict[type[exp.Expr], Rewrite] = {
    exp.Literal: _literal,
    exp.Boolean: lambda node: typed(node, BOOLEAN),
    **dict.fromkeys(_COMPARISONS, _comparison),
    exp.Between: _between,
    exp.In: _in,
    exp.Is: _is,
    exp.Collate: _collate,
    **dict.fromkeys((exp.Add, exp.Sub, exp.Mul), _arithmetic),
    exp.Div: _divide,
    exp.IntDiv: lambda node: integer(_divide(node)),
    exp.Mod: _remainder,
    exp.BitwiseLeftShift: _left_shift,
    **dict.fromkeys((exp.Sqrt, exp.Ln, exp.Log), _root),
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.If: _conditional,
    exp.Case: _case,
    exp.Coalesce: _coalesce,
    exp.Nullif: _nullif,
    exp.Greatest: _extreme,
    exp.Least: _extreme,
    exp.ToNumber: lambda node: number(node.this),
    exp.Typeof: _typeof,
}
