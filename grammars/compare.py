"""Comparisons with SQLite's meaning: operands come to one kind, and case folds where a column meets a literal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlglot import exp

from .calls import is_call
from .figures import carried
from .moments import Period, moment_literal, period
from .owntext import also, typed_column
from .schema import Kind
from .values import (
    BOOLEAN,
    INTEGER,
    NUMBER,
    TEXT,
    bare,
    cast,
    function,
    is_list,
    is_text_literal,
    kind,
    literal_number,
    number,
    string,
    text,
    typed,
    value,
)

Comparison = type[exp.Binary]
_EQUALITIES = (exp.EQ, exp.NEQ, exp.NullSafeEQ, exp.NullSafeNEQ)
_ABOVE_NUMBERS = cast(string("Infinity"), NUMBER)
_YES, _NO = frozenset({"yes", "true", "y", "t", "1"}), frozenset({"no", "false", "n", "f", "0"})


def compare(operator: Comparison, left: exp.Expr, right: exp.Expr) -> exp.Expr:
    """``left operator right``, as SQLite would decide it.

    Example:
        A text column against a number compares by the number its cells carry; against a literal it ignores case:
        ``name = 'Oslo'`` becomes ``LOWER("w"."name") = 'oslo'``.
    """
    if isinstance(bare(left), exp.Tuple) or isinstance(bare(right), exp.Tuple):
        return _compare_rows(operator, bare(left), bare(right))
    left, right = value(left), value(right)
    if is_text_literal(left) and not is_text_literal(right):
        return compare(_MIRROR.get(operator, operator), right, left)
    span = period(right) if kind(left) in (Kind.DATE, Kind.TIMESTAMP) else None
    if span is not None:
        return _compare_period(operator, left, span)
    if operator in (exp.EQ, exp.NEQ) and is_text_literal(right) and not _reads(left, right):
        column = typed_column(left)
        if column is not None:
            return _compare_spelling(operator, left, column, right)
    left, right = meet(left, right, equality=operator in _EQUALITIES)
    return typed(operator(this=left, expression=right), BOOLEAN)


def _reads(left: exp.Expr, right: exp.Expr) -> bool:
    """Whether a literal is a value of what it is compared with."""
    met = meet(left, right)[1]
    return not is_text_literal(met) and met != _ABOVE_NUMBERS


def _compare_spelling(operator: Comparison, left: exp.Expr, column: exp.Expr, right: exp.Expr) -> exp.Expr:
    """Cells are equal to a text that is no value of theirs where they are spelled, or plainly rendered, so."""

    def equal(side: exp.Expr) -> exp.Expr:
        one, other = meet(side, right.copy())
        return exp.EQ(this=one, expression=other)

    found = also(column, equal, equal(column.copy() if left is column else cast(column.copy(), TEXT)))
    return found if operator is exp.EQ else typed(exp.Not(this=found), BOOLEAN)


_MIRROR: dict[Comparison, Comparison] = {exp.LT: exp.GT, exp.GT: exp.LT, exp.LTE: exp.GTE, exp.GTE: exp.LTE}


def meet(left: exp.Expr, right: exp.Expr, equality: bool = True) -> tuple[exp.Expr, exp.Expr]:
    """Two operands brought to one kind."""
    kinds = {kind(left), kind(right)}
    if None in kinds or kinds <= {Kind.DATE, Kind.TIMESTAMP}:
        return left, right
    if kinds == {Kind.TEXT}:
        return fold(left, right) if equality else (left, right)
    if Kind.TEXT in kinds:
        return _meet_text(left, right, equality)
    if len(kinds) > 1:
        return number(left), number(right)
    return left, right


def _meet_text(left: exp.Expr, right: exp.Expr, equality: bool) -> tuple[exp.Expr, exp.Expr]:
    """One operand is text, the other is not."""
    if kind(left) is Kind.TEXT:
        right, left = _meet_text(right, left, equality)
        return left, right
    other = kind(left)
    assert other is not None
    if is_text_literal(right):
        return _meet_literal(left, right, other)
    if other.numeric or other is Kind.BOOLEAN:
        return number(left), _equated(right) if equality else number(right)
    return text(left), right


def _equated(node: exp.Expr) -> exp.Expr:
    """A text as a number that is compared for equality: one that carries none differs from every number."""
    found = number(node)
    return function("NUMBER_OR_INFINITY", NUMBER, node) if found.name == "CARRIED_NUMBER" else found


def _meet_literal(left: exp.Expr, right: exp.Expr, other: Kind) -> tuple[exp.Expr, exp.Expr]:
    if other.numeric:
        if carried(right.name) is None:  # SQLite puts every text after every number.
            return left, _ABOVE_NUMBERS.copy()
        return left, number(right)
    if other is Kind.BOOLEAN:
        folded = right.name.strip().casefold()
        if folded in _YES | _NO:
            return left, typed(exp.Boolean(this=folded in _YES), BOOLEAN)
    moment = moment_literal(right.name, other, left.type.meta.get("form") if left.type else None)
    return (left, moment) if moment is not None else (text(left), right)


def fold(left: exp.Expr, right: exp.Expr) -> tuple[exp.Expr, exp.Expr]:
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


def lower(node: exp.Expr) -> exp.Expr:
    """A text in lower case; an ASCII literal is lowered here, others by DuckDB so that both sides agree."""
    if is_text_literal(node) and node.name.isascii():
        return string(node.name.lower())
    return typed(exp.Lower(this=node), TEXT)


def by_length_first(test: exp.Expr) -> exp.Expr:
    """A column's folded equality behind a test of its length in bytes, which spares most cells the folding."""
    column = test.this.this if isinstance(test, exp.EQ) and isinstance(test.this, exp.Lower) else None
    if not isinstance(column, exp.Column) or not is_text_literal(test.expression):
        return test
    length = function("STRLEN", INTEGER, column.copy())
    same_length = exp.EQ(this=length, expression=literal_number(str(len(test.expression.name))))
    return typed(exp.Paren(this=typed(exp.And(this=same_length, expression=test), BOOLEAN)), BOOLEAN)


def _compare_period(operator: Comparison, left: exp.Expr, span: Period) -> exp.Expr:
    """A date against a year or a month: equal within it, and ordered as its text is, by where it begins."""
    if operator in _EQUALITIES:
        wanted: exp.Expr = operator(
            this=function("STRFTIME", TEXT, left, string(span.format)), expression=string(span.text)
        )
        return typed(wanted, BOOLEAN)
    operator = {exp.GT: exp.GTE, exp.LTE: exp.LT}.get(operator, operator)
    return typed(operator(this=left, expression=span.start), BOOLEAN)


def _compare_rows(operator: Comparison, left: exp.Expr, right: exp.Expr) -> exp.Expr:
    """``(a, b) = (c, d)``, either side a row of values or a subquery's first row."""
    fields = zip(_fields(left), _fields(right), strict=False)
    pairs = [meet(value(one), value(other), operator in _EQUALITIES) for one, other in fields]
    sides = [_row(side, [pair[at] for pair in pairs]) for at, side in enumerate((left, right))]
    return typed(operator(this=sides[0], expression=sides[1]), BOOLEAN)


def _fields(row: exp.Expr) -> list[exp.Expr]:
    outputs = row.this.expressions if isinstance(row, exp.Subquery) else row.expressions
    return [output.unalias() for output in outputs]


def _row(row: exp.Expr, fields: list[exp.Expr]) -> exp.Expr:
    record = exp.Tuple(expressions=fields)
    if not isinstance(row, exp.Subquery):
        return record
    row.this.set("expressions", [record])
    return row


def between(node: exp.Expr, low: exp.Expr, high: exp.Expr) -> exp.Expr:
    """``node BETWEEN low AND high``, kept as one where both bounds read the operand alike."""
    lower_bound, upper_bound = compare(exp.GTE, node, low), compare(exp.LTE, node.copy(), high)
    if isinstance(upper_bound, exp.LTE) and isinstance(lower_bound, exp.GTE) and lower_bound.this == upper_bound.this:
        return typed(
            exp.Between(this=lower_bound.this, low=lower_bound.expression, high=upper_bound.expression), BOOLEAN
        )
    return typed(exp.Paren(this=exp.And(this=lower_bound, expression=upper_bound)), BOOLEAN)


def one_of(node: exp.Expr, options: Sequence[exp.Expr]) -> exp.Expr:
    """``node IN (options)``, kept as one where every option reads the operand alike."""
    if not options:
        return typed(exp.Boolean(this=False), BOOLEAN)
    if len(options) == 1 and is_list(options[0]):
        return _one_of_list(node, options[0])
    tests = [compare(exp.EQ, node.copy(), option) for option in options]
    if all(isinstance(test, exp.EQ) and test.this == tests[0].this for test in tests):
        return typed(exp.In(this=tests[0].this, expressions=[test.expression for test in tests]), BOOLEAN)
    caseless = any(isinstance(test.this, exp.Lower) for test in tests)
    if caseless and kind(node) is Kind.TEXT and all(is_text_literal(option) for option in options):
        return typed(exp.In(this=lower(node), expressions=[lower(option) for option in options]), BOOLEAN)
    return typed(exp.Paren(this=exp.or_(*tests, copy=False)), BOOLEAN)


def _one_of_list(node: exp.Expr, options: exp.Expr) -> exp.Expr:
    """``node IN (QA_ANS(…))``, where the LM's reply is a list of texts."""
    option: exp.Expr = typed(exp.column("option"), TEXT)
    node = value(node)
    subject, read = (lower(node), lower(option)) if kind(node) is Kind.TEXT else meet(node, option)
    each = exp.Lambda(this=read, expressions=[exp.to_identifier("option")])
    return function("LIST_CONTAINS", BOOLEAN, function("LIST_TRANSFORM", TEXT, options, each), subject)


def one_of_query(node: exp.Expr, query: exp.Expr) -> exp.Expr:
    """``node IN (SELECT …)``, the query's outputs brought to the kind of what is looked for."""
    subject = bare(node)
    fields = [value(field) for field in (subject.expressions if isinstance(subject, exp.Tuple) else [subject])]
    for position, field in enumerate(list(fields)):
        for select in branches(query):
            if position < len(select.expressions):
                output = select.expressions[position]
                fields[position], shown = meet(field.copy(), output.unalias().copy())
                replace_output(output, shown)
    row = exp.Tuple(expressions=fields) if isinstance(subject, exp.Tuple) else fields[0]
    return typed(exp.In(this=row, query=query), BOOLEAN)


def branches(query: exp.Expr) -> Iterator[exp.Select]:
    """The SELECTs of a query: itself, or the sides of a compound."""
    if isinstance(query, exp.Select):
        yield query
    elif isinstance(query, exp.SetOperation):
        yield from branches(query.this)
        yield from branches(query.expression)
    elif isinstance(query, exp.Subquery):
        yield from branches(query.this)


def replace_output(output: exp.Expr, shown: exp.Expr) -> None:
    """Show another expression as an output, under the same name."""
    if shown != output.unalias():
        name = output.alias_or_name
        output.replace(typed(exp.alias_(shown, name, quoted=True) if name else shown, shown.type))
