"""quoted: a text in double quotes that no table has as a name, and yet can only be one by where it stands.

SQLite takes such a text for a literal, so ``WHERE "Main span" > 1500`` is true of every row and ``AVG("Main span")`` is
0, without a word, when the header is ``Main span (m)``. In some places a literal says nothing: there the text is a
name. In others it would be odd: there it is a name if the schema has one that is nearly right.
"""

from __future__ import annotations

from enum import StrEnum

from sqlglot import exp

from grammars.calls import is_call

_ORDERING = (exp.GT, exp.GTE, exp.LT, exp.LTE)
_COMPARISONS = (*_ORDERING, exp.EQ, exp.NEQ, exp.Is, exp.Like, exp.ILike, exp.Glob, exp.RegexpLike, exp.In, exp.Between)
_ARITHMETIC = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.Neg)
_AGGREGATES = (exp.Sum, exp.Avg, exp.Min, exp.Max)
_CONSTANT = (exp.Literal, exp.Null, exp.Boolean, exp.Not, exp.Paren, exp.Tuple, *_ARITHMETIC)
_ANSWERS = {"yes", "no", "true", "false"}
# What is done to a column's value before it is compared or counted; of a literal, it would be written out instead.
_WRAPPERS = (
    exp.Paren,
    exp.Distinct,
    exp.Cast,
    exp.Lower,
    exp.Upper,
    exp.Trim,
    exp.Length,
    exp.Abs,
    exp.Round,
    exp.Replace,
    exp.Substring,
    exp.StrPosition,
    exp.Coalesce,
)


class Reading(StrEnum):
    """What a text in double quotes is, by its place."""

    NAME = "name"
    LIKELY = "name if there is one nearly like it"
    LITERAL = "literal"


def is_double_quoted(node: exp.Expr, text: str) -> bool:
    """Whether a literal of a program is written in double quotes, and holds a letter."""
    start = node.meta.get("start")
    in_quotes = node.is_string and isinstance(start, int) and text[start : start + 1] == '"'
    return in_quotes and any(character.isalpha() for character in node.name)


def reading(node: exp.Literal) -> Reading:
    """What a double-quoted text that no table has as a name is.

    Example:
        >>> from sqlglot import parse_one
        >>> reading(parse_one("SELECT AVG('Main span') FROM w").find(exp.Literal))
        <Reading.NAME: 'name'>
        >>> reading(parse_one("SELECT city FROM w WHERE city = 'Paris'").find(exp.Literal))
        <Reading.LITERAL: 'literal'>
    """
    operand = _wrapped(node)
    if _says_nothing(operand):
        return Reading.NAME
    if node.name.casefold() not in _ANSWERS and _is_odd(operand):
        return Reading.LIKELY
    return Reading.LITERAL


def _wrapped(node: exp.Expr) -> exp.Expr:
    """A literal with the functions of it and constants only that stand around it."""
    while isinstance(node.parent, _WRAPPERS) and node.arg_key in ("this", "expressions"):
        if not all(_is_constant(part) or isinstance(part, exp.DataType) for part in _others(node, node.parent)):
            break
        node = node.parent
    return node


def _says_nothing(operand: exp.Expr) -> bool:
    """Whether a literal in this place would be summed, sorted by, calculated with, or compared with constants."""
    parent = operand.parent
    if isinstance(parent, _AGGREGATES):
        return not parent.expressions
    if isinstance(parent, _COMPARISONS):
        return all(map(_is_constant, _others(operand, parent)))
    if isinstance(parent, exp.Window):
        return operand.arg_key == "partition_by"
    return isinstance(parent, (*_ARITHMETIC, exp.Ordered, exp.Group))


def _is_odd(operand: exp.Expr) -> bool:
    """Whether a literal in this place would run, but is seldom meant."""
    parent = operand.parent
    if isinstance(parent, _ORDERING):
        return True
    if isinstance(parent, exp.EQ):  # = (SELECT MAX(…) …)
        return all(isinstance(other, exp.Subquery) and _aggregates(other) for other in _others(operand, parent))
    if isinstance(parent, exp.Case):
        return operand.arg_key == "this"
    if parent is not None and is_call(parent):
        return operand is not parent.expressions[0]
    return isinstance(parent, exp.Count) or _is_output(operand)


def _others(operand: exp.Expr, parent: exp.Expr) -> list[exp.Expr]:
    return [part for part in parent.iter_expressions() if part is not operand]


def _is_constant(node: exp.Expr) -> bool:
    return all(isinstance(part, _CONSTANT) for part in node.walk())


def _aggregates(query: exp.Subquery) -> bool:
    return any(isinstance(item.unalias(), (*_AGGREGATES, exp.Count)) for item in query.this.selects)


def _is_output(operand: exp.Expr) -> bool:
    """Whether it is selected; in a UNION, a text that is selected tells the parts apart."""
    item = operand.parent if isinstance(operand.parent, exp.Alias) else operand
    query = item.parent
    return (
        isinstance(query, exp.Select)
        and item.arg_key == "expressions"
        and not isinstance(query.parent, exp.SetOperation)
    )
