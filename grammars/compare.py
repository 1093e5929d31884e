"""Comparisons with SQLite's meaning: operands are brought to one kind, and case folds where a column meets a literal."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from .calls import is_call
from .moments import Period, moment_literal, period
from .schema import Kind
from .values import (
    BOOLEAN,
    NUMBER,
    TEXT,
    bare,
    carried,
    cast,
    function,
    is_text_literal,
    kind,
    number,
    string,
    text,
    typed,
    value,
)

Comparison = type[exp.Binary]
_EQUALITIES = (exp.EQ, exp.NEQ, exp.NullSafeEQ, exp.NullSafeNEQ)
_YES, _NO = frozenset({"yes", "true", "y", "t", "1"}), frozenset({"no", "false", "n", "f", "0"})


def compare(operator: Comparison, left: exp.Expression, right: exp.Expression) -> exp.Expression:
    """``left operator right``, as SQLite would decide it.

    Example:
        A text column against a number compares by the number its cells carry; against a literal it ignores case:
        ``name = 'Oslo'`` becomes ``LOWER("w"."name") = 'oslo'``.
    """
    if isinstance(bare(left), exp.Tuple) and isinstance(bare(right), exp.Tuple):
        return _compare_rows(operator, bare(left), bare(right))
    left, right = value(left), value(right)
    if is_text_literal(left) and not is_text_literal(right):
        return compare(_MIRROR.get(operator, operator), right, left)
    span = period(right) if kind(left) in (Kind.DATE, Kind.TIMESTAMP) else None
    if span is not None:
        return _compare_period(operator, left, span)
    left, right = meet(left, right, equality=operator in _EQUALITIES)
    return typed(operator(this=left, expression=right), BOOLEAN)


_MIRROR: dict[Comparison, Comparison] = {exp.LT: exp.GT, exp.GT: exp.LT, exp.LTE: exp.GTE, exp.GTE: exp.LTE}


def meet(left: exp.Expression, right: exp.Expression, equality: bool = True) -> tuple[exp.Expression, exp.Expression]:
    """Two operands brought to one kind."""
    kinds = {kind(left), kind(right)}
    if None in kinds or kinds <= {Kind.DATE, Kind.TIMESTAMP}:
        return left, right
    if kinds == {Kind.TEXT}:
        return fold(left, right) if equality else (left, right)
    if Kind.TEXT in kinds:
        return _meet_text(left, right)
    if len(kinds) > 1:
        return number(left), number(right)
    return left, right


def _meet_text(left: exp.Expression, right: exp.Expression) -> tuple[exp.Expression, exp.Expression]:
    """One operand is text, the other is not."""
    if kind(left) is Kind.TEXT:
        right, left = _meet_text(right, left)
        return left, right
    other = kind(left)
    assert other is not None
    if is_text_literal(right):
        return _meet_literal(left, right, other)
    return (number(left), number(right)) if other.numeric or other is Kind.BOOLEAN else (text(left), right)


def _meet_literal(left: exp.Expression, right: exp.Expression, other: Kind) -> tuple[exp.Expression, exp.Expression]:
    if other.numeric:
        if carried(right.name) is None:  # SQLite puts every text after every number.
            return left, cast(string("Infinity"), NUMBER)
        return left, number(right)
    if other is Kind.BOOLEAN:
        folded = right.name.strip().casefold()
        if folded in _YES | _NO:
            return left, typed(exp.Boolean(this=folded in _YES), BOOLEAN)
    moment = moment_literal(right.name, other)
    return (left, moment) if moment is not None else (text(left), right)


def fold(left: exp.Expression, right: exp.Expression) -> tuple[exp.Expression, exp.Expression]:
    """Two texts made blind to case, when one is a literal or an LM call and the other is stored or asked for."""
    literal = is_text_literal(left) or is_text_literal(right)
    asked = is_call(bare(left)) or is_call(bare(right))
    stored = any(isinstance(bare(side), exp.Column | exp.Subquery) for side in (left, right))
    if asked or (literal and stored):
        caseless = any(is_text_literal(side) and not _has_case(side.name) for side in (left, right))
        return (left, right) if caseless else (lower(left), lower(right))
    return left, right


def _has_case(letters: str) -> bool:
    return letters.lower() != letters or letters.upper() != letters


def lower(node: exp.Expression) -> exp.Expression:
    """A text in lower case; an ASCII literal is lowered here, others by DuckDB so that both sides agree."""
    if is_text_literal(node) and node.name.isascii():
        return string(node.name.lower())
    return typed(exp.Lower(this=node), TEXT)


def _compare_period(operator: Comparison, left: exp.Expression, span: Period) -> exp.Expression:
    """A date against a year or a month: equal within it, and ordered as its text is, by where it begins."""
    if operator in _EQUALITIES:
        wanted: exp.Expression = operator(
            this=function("STRFTIME", TEXT, left, string(span.format)), expression=string(span.text)
        )
        return typed(wanted, BOOLEAN)
    operator = {exp.GT: exp.GTE, exp.LTE: exp.LT}.get(operator, operator)
    return typed(operator(this=left, expression=span.start), BOOLEAN)


def _compare_rows(operator: Comparison, left: exp.Expression, right: exp.Expression) -> exp.Expression:
    pairs = [meet(value(a), value(b)) for a, b in zip(left.expressions, right.expressions, strict=False)]
    sides = [exp.Tuple(expressions=[pair[side] for pair in pairs]) for side in (0, 1)]
    return typed(operator(this=sides[0], expression=sides[1]), BOOLEAN)


def between(node: exp.Expression, low: exp.Expression, high: exp.Expression) -> exp.Expression:
    """``node BETWEEN low AND high``, kept as one where both bounds read the operand alike."""
    lower_bound, upper_bound = compare(exp.GTE, node, low), compare(exp.LTE, node.copy(), high)
    if isinstance(upper_bound, exp.LTE) and isinstance(lower_bound, exp.GTE) and lower_bound.this == upper_bound.this:
        return typed(
            exp.Between(this=lower_bound.this, low=lower_bound.expression, high=upper_bound.expression), BOOLEAN
        )
    return typed(exp.Paren(this=exp.And(this=lower_bound, expression=upper_bound)), BOOLEAN)


def one_of(node: exp.Expression, options: Sequence[exp.Expression]) -> exp.Expression:
    """``node IN (options)``, kept as one where every option reads the operand alike."""
    if not options:
        return typed(exp.Boolean(this=False), BOOLEAN)
    tests = [compare(exp.EQ, node.copy(), option) for option in options]
    if all(isinstance(test, exp.EQ) and test.this == tests[0].this for test in tests):
        return typed(exp.In(this=tests[0].this, expressions=[test.expression for test in tests]), BOOLEAN)
    caseless = any(isinstance(test.this, exp.Lower) for test in tests)
    if caseless and kind(node) is Kind.TEXT and all(is_text_literal(option) for option in options):
        return typed(exp.In(this=lower(node), expressions=[lower(option) for option in options]), BOOLEAN)
    return typed(exp.Paren(this=exp.or_(*tests, copy=False)), BOOLEAN)
