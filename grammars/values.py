"""Values in a tree, as SQLite reads them: the kind a node has, and its views as number, text, truth or moment.

SQLite lets any value stand anywhere and reads it as what the place needs; DuckDB wants it written down. Each view here
returns the node itself where its kind already fits, so that a clean, typed query keeps its shape.

The number of a text is the one it carries (see ``figures``): ``'1,234 (est.)'`` carries 1234, ``'n/a'`` none (NULL).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sqlglot import exp

from .figures import carried
from .schema import Kind

E = TypeVar("E", bound=exp.Expr)
View = Callable[[exp.Expr], exp.Expr]

INTEGER = exp.DataType.build("BIGINT")
NUMBER = exp.DataType.build("DOUBLE")
TEXT = exp.DataType.build("VARCHAR")
BOOLEAN = exp.DataType.build("BOOLEAN")
DATE = exp.DataType.build("DATE")
TIME = exp.DataType.build("TIME")
TIMESTAMP = exp.DataType.build("TIMESTAMP")
DURATION = exp.DataType.build("INTERVAL")

# What a part of a moment that strftime spells is as a number.
_FIELDS = {"%Y": "YEAR", "%m": "MONTH", "%d": "DAY", "%H": "HOUR", "%M": "MINUTE", "%j": "DAYOFYEAR", "%w": "DAYOFWEEK"}

_T = exp.DataType.Type
_KINDS: dict[Any, Kind] = {
    **dict.fromkeys(exp.DataType.INTEGER_TYPES, Kind.INTEGER),
    **dict.fromkeys(exp.DataType.REAL_TYPES, Kind.NUMBER),
    **dict.fromkeys(exp.DataType.TEXT_TYPES, Kind.TEXT),
    _T.DECIMAL: Kind.DECIMAL,
    _T.BOOLEAN: Kind.BOOLEAN,
    _T.DATE: Kind.DATE,
    _T.TIME: Kind.TIME,
    **dict.fromkeys(exp.DataType.TEMPORAL_TYPES - {_T.DATE, _T.DATE32, _T.TIME, _T.TIMETZ}, Kind.TIMESTAMP),
    _T.INTERVAL: Kind.DURATION,
}


def kind(node: exp.Expr) -> Kind | None:
    """What a node's values are; None when nothing is known (NULL, a list)."""
    return _KINDS.get(node.type.this) if node.type else None


def typed(node: E, type_: exp.DataType | None) -> E:
    """The node, its type noted."""
    node.type = type_
    return node


def function(name: str, type_: exp.DataType, *arguments: exp.Expr) -> exp.Expr:
    """A DuckDB function call of a known type."""
    return typed(exp.Anonymous(this=name, expressions=list(arguments)), type_)


def cast(node: exp.Expr, type_: exp.DataType, safe: bool = False) -> exp.Expr:
    """``CAST(node AS type)``, or ``TRY_CAST`` when ``safe``."""
    return typed((exp.TryCast if safe else exp.Cast)(this=node, to=type_.copy()), type_)


def string(text: str) -> exp.Expr:
    """A text literal."""
    return typed(exp.Literal.string(text), TEXT)


def literal_number(text: str) -> exp.Expr:
    """A number literal, such as ``5``, ``-2.5`` or ``1e5``."""
    node: exp.Expr = typed(exp.Literal.number(text.lstrip("+-")), NUMBER if re.search("[.eE]", text) else INTEGER)
    return typed(exp.Neg(this=node), node.type) if text.startswith("-") else node


def is_text_literal(node: exp.Expr) -> bool:
    """Whether a node is a quoted text."""
    return isinstance(node, exp.Literal) and bool(node.is_string)


def is_constant(node: exp.Expr) -> bool:
    """Whether a node is a literal, perhaps with a sign or in parentheses; DuckDB neither sorts nor groups by these."""
    core = bare(node)
    return (
        is_constant(core.this) if isinstance(core, exp.Neg) else isinstance(core, exp.Literal | exp.Null | exp.Boolean)
    )


def is_list(node: exp.Expr) -> bool:
    """Whether a node is a list, such as what an LM names inside IN."""
    return node.type is not None and node.type.this in (_T.LIST, _T.ARRAY)


def bare(node: exp.Expr) -> exp.Expr:
    """A node without the parentheses around it."""
    while isinstance(node, exp.Paren):
        node = node.this
    return node


def change_operands(node: exp.Expr, change: View) -> exp.Expr:
    """A node with each of its operands changed, in place."""
    for name, operand in list(node.args.items()):
        if isinstance(operand, exp.Expr):
            node.set(name, change(operand))
        elif isinstance(operand, list):
            node.set(name, [change(each) if isinstance(each, exp.Expr) else each for each in operand])
    return node


def null() -> exp.Expr:
    """``NULL``."""
    return exp.Null()


def number(node: exp.Expr) -> exp.Expr:
    """A node as a number: the number a text carries, the year of a date, 1 or 0 of a truth value."""
    match kind(node):
        case Kind.TEXT:
            return _carried_number(node)
        case Kind.BOOLEAN:
            if isinstance(node, exp.Boolean):
                return literal_number("1" if node.this else "0")
            return cast(node, INTEGER)
        case Kind.DATE | Kind.TIMESTAMP:
            return function("YEAR", INTEGER, node)
        case Kind.TIME:
            return function("HOUR", INTEGER, node)
        case Kind.DURATION:
            return function("EPOCH", NUMBER, node)
        case _:
            return node


def _carried_number(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.Literal):
        found = carried(node.this)
        return literal_number(found) if found else null()
    if isinstance(node, exp.Anonymous) and node.name == "STRFTIME" and node.expressions[1].name in _FIELDS:
        return function(_FIELDS[node.expressions[1].name], INTEGER, node.expressions[0])
    return function("CARRIED_NUMBER", NUMBER, node)


def integer(node: exp.Expr) -> exp.Expr:
    """A node as an integer, what is behind the point cut off."""
    node = number(node)
    if kind(node) in (Kind.INTEGER, None):
        return node
    return cast(function("TRUNC", NUMBER, node), INTEGER, safe=True)


def real(node: exp.Expr) -> exp.Expr:
    """A node as a number that divides without cutting off."""
    node = number(node)
    return cast(node, NUMBER) if kind(node) in (Kind.INTEGER, Kind.DECIMAL) else node


def text(node: exp.Expr) -> exp.Expr:
    """A node as SQLite spells it."""
    match kind(node):
        case Kind.TEXT | None:
            return node
        case Kind.BOOLEAN:
            return text(number(node))
        case Kind.DECIMAL:
            return cast(cast(node, NUMBER), TEXT)
        case Kind.TIMESTAMP:
            return function("STRFTIME", TEXT, node, string("%Y-%m-%d %H:%M:%S"))
        case Kind.INTEGER if isinstance(node, exp.Literal):
            return string(node.this)
        case _:
            return cast(node, TEXT)


def truth(node: exp.Expr) -> exp.Expr:
    """A node as a condition: a number is true when it is not 0."""
    if kind(node) in (Kind.BOOLEAN, None):
        return node
    if isinstance(node, exp.Literal):
        found = node.this if not node.is_string else carried(node.this)
        return typed(exp.Boolean(this=bool(found and float(found))), BOOLEAN)
    return typed(exp.NEQ(this=number(node), expression=literal_number("0")), BOOLEAN)


_CONDITIONS = (
    exp.Predicate,
    exp.Connector,
    exp.Not,
    exp.Boolean,
    exp.RegexpLike,
    exp.StartsWith,
    exp.EndsWith,
    exp.Contains,
)


def value(node: exp.Expr) -> exp.Expr:
    """A node as something to show or compute with: a condition is 1 or 0."""
    condition = kind(node) is Kind.BOOLEAN and isinstance(bare(node), _CONDITIONS)
    return number(node) if condition else node


def unify(nodes: Sequence[exp.Expr]) -> tuple[list[exp.Expr], exp.DataType | None]:
    """Nodes that stand for the same value (branches of a CASE, arguments of COALESCE), made of one type.

    Numbers beside texts become text.
    """
    nodes = [value(node) for node in nodes]
    kinds = {kind(node) for node in nodes} - {None}
    first = next((node.type for node in nodes if kind(node)), None)
    if len(kinds) <= 1:
        return nodes, first
    if all(each and (each.numeric or each is Kind.BOOLEAN) for each in kinds):
        return [number(node) for node in nodes], NUMBER if kinds - {Kind.INTEGER, Kind.BOOLEAN} else INTEGER
    if kinds == {Kind.DATE, Kind.TIMESTAMP}:
        return nodes, TIMESTAMP
    return [text(node) for node in nodes], TEXT
