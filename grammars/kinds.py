"""kinds: what each LM call must return, read from where it stands.

``QA(…) > 10000`` asks for a number, ``QA(…) = 'yes'`` for yes or no, ``QA(…) IN ('red', 'blue')`` for one of these or
something else, ``ORDER BY QA(…)`` for what can be sorted by. A call that stands as a condition of its own asks for yes
or no and is compared with ``'yes'``. Calls that ask the same of the same input have one kind.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import reduce

from sqlglot import exp

from grammars.calls import find_calls, is_call, read_call
from grammars.errors import Complaint
from grammars.program import Program
from grammars.reply import Expected, ReplyKind
from grammars.schema import Kind, Schema

_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.NullSafeEQ, exp.NullSafeNEQ)
_ARITHMETIC = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.IntDiv, exp.Mod, exp.Neg, exp.Abs, exp.Round, exp.Sum, exp.Avg)
_CONDITIONS = (exp.And, exp.Or, exp.Not, exp.Where, exp.Having, exp.Join, exp.Xor)
_NUMBER = re.compile(r"[+-]?[\d,]*\.?\d+\Z")
_DATE = re.compile(r"\d{4}-\d{1,2}(-\d{1,2})?( \d.*)?\Z")
_YES_NO = {"yes", "no"}
_TRUE_FALSE = {"true", "false"}
_TEXT = Expected()
_SORTED = Expected(ReplyKind.ORDERED)


def infer(program: Program, schema: Schema) -> Program | tuple[Complaint, ...]:
    """The program with every call's kind."""
    tree = program.tree.copy()
    for call in list(find_calls(tree)):
        if _is_condition(call.node):
            call.node.replace(exp.EQ(this=call.node.copy(), expression=exp.Literal.string("yes")))
    expected: dict[str, Expected] = {}
    for call in find_calls(tree):
        found = _expected(call.node, tree, schema)
        expected[call.key] = merge(expected[call.key], found) if call.key in expected else found
    for call in find_calls(tree):
        call.node.meta["expected"] = expected[call.key]
        call.node.meta["type"] = expected[call.key].type
        call.node.meta["written"] = tuple(argument.sql("sqlite") for argument in call.arguments)
    return replace(program, tree=tree)


def merge(one: Expected, other: Expected) -> Expected:
    """What a reply must be that two places use: the kind that says more, every label.

    Example:
        >>> merge(Expected(), Expected(ReplyKind.NUMBER)).kind
        <ReplyKind.NUMBER: 'number'>
    """
    kinds = {one.kind, other.kind}
    if len(kinds) > 1:
        kinds.discard(ReplyKind.ORDERED)
    if len(kinds) > 1:
        kinds.discard(ReplyKind.TEXT)
    kind = kinds.pop() if len(kinds) == 1 else ReplyKind.TEXT
    labels = tuple(dict.fromkeys(one.labels + other.labels))
    return Expected(kind, labels, one.closed and other.closed, one.many or other.many)


def _is_condition(node: exp.Expr) -> bool:
    """Whether a call is a truth value by its place."""
    node, parent = _unwrapped(node)
    if isinstance(parent, exp.Join):
        return parent.args.get("on") is node
    if isinstance(parent, exp.If):
        return parent.this is node and not (isinstance(parent.parent, exp.Case) and parent.parent.this)
    return isinstance(parent, _CONDITIONS)


def _unwrapped(node: exp.Expr) -> tuple[exp.Expr, exp.Expr | None]:
    """A node and its parent, parentheses left out."""
    while isinstance(node.parent, exp.Paren):
        node = node.parent
    return node, node.parent


def _expected(node: exp.Expr, tree: exp.Expr, schema: Schema) -> Expected:
    """What a node must be, from what holds it."""
    node, parent = _unwrapped(node)
    if isinstance(parent, exp.Cast):
        return Expected(_type_kind(parent.to))
    if isinstance(parent, _COMPARISONS):
        other = parent.expression if parent.this is node else parent.this
        equality = isinstance(parent, (exp.EQ, exp.NEQ, exp.Is))
        return _beside([other], equality, schema)
    if isinstance(parent, exp.Between):
        return _beside([parent.args["low"], parent.args["high"]], False, schema)
    if isinstance(parent, exp.In):
        return _in(node, parent, schema)
    if isinstance(parent, exp.Case) and parent.this is node:
        return _beside([branch.this for branch in parent.args["ifs"]], True, schema)
    if isinstance(parent, _ARITHMETIC):
        return Expected(ReplyKind.NUMBER)
    if isinstance(parent, (exp.Ordered, exp.Min, exp.Max)):
        return _SORTED
    if (
        isinstance(parent, exp.Select)
        and len(parent.selects) == 1
        and isinstance(parent.parent, (exp.Subquery, exp.In))
    ):
        outer = parent.parent if isinstance(parent.parent, exp.Subquery) else parent
        return _expected(outer, tree, schema)
    if isinstance(parent, exp.Alias):
        return _by_alias(parent, tree, schema)
    return _TEXT


def _in(node: exp.Expr, parent: exp.In, schema: Schema) -> Expected:
    """Either side of IN: one of the listed values, or the list itself."""
    if parent.this is node:
        query = parent.args.get("query")
        return _beside([query] if query is not None else parent.expressions, True, schema)
    beside = _beside([parent.this], True, schema)
    whole_list = is_call(node) and not read_call(node).per_row and len(parent.expressions) <= 1
    return replace(beside, labels=(), closed=False, many=whole_list)


def _by_alias(alias: exp.Alias, tree: exp.Expr, schema: Schema) -> Expected:
    """What the uses of an output's alias ask for."""
    name = alias.alias.casefold()
    uses = [
        column for column in tree.find_all(exp.Column) if column.name.casefold() == name and not is_call(column.parent)
    ]
    found = [_expected(column, tree, schema) for column in uses if not isinstance(column.parent, exp.Alias)]
    return reduce(merge, found) if found else _TEXT


def _beside(others: list[exp.Expr], equality: bool, schema: Schema) -> Expected:
    """What is compared with the others must be."""
    texts = [other.name for other in others if isinstance(other, exp.Literal) and other.is_string]
    if others and len(texts) == len(others):
        return among(texts, equality)
    kinds = {_kind(other, schema) for other in others}
    kind = kinds.pop() if len(kinds) == 1 else ReplyKind.TEXT
    if kind is ReplyKind.TEXT and not equality and any(is_call(other) for other in others):
        kind = ReplyKind.ORDERED
    return Expected(kind, tuple(texts))


def among(texts: list[str], equality: bool) -> Expected:
    """What is compared with these literals must be."""
    folded = {text.strip().casefold() for text in texts}
    if equality and folded <= _YES_NO:
        return Expected(ReplyKind.YES_NO, ("yes", "no"), closed=True)
    if equality and folded <= _TRUE_FALSE:
        return Expected(ReplyKind.TEXT, ("true", "false"), closed=True)
    if all(_DATE.match(text.strip()) for text in texts):
        return Expected(ReplyKind.DATE)
    if not equality and all(_NUMBER.match(text.strip()) for text in texts):
        return Expected(ReplyKind.NUMBER)
    return Expected(ReplyKind.TEXT, tuple(texts)) if equality else _TEXT


def _kind(node: exp.Expr, schema: Schema) -> ReplyKind:
    """The kind of what a call is compared with."""
    node = node.unnest()
    if isinstance(node, exp.Subquery):
        node = node.this
    if isinstance(node, exp.Query):
        return _kind(node.selects[0], schema) if node.selects else ReplyKind.TEXT
    if isinstance(node, exp.Alias):
        return _kind(node.this, schema)
    if isinstance(node, (exp.Min, exp.Max)):
        return _kind(node.this, schema)
    if isinstance(node, exp.Cast):
        return _type_kind(node.to)
    if isinstance(node, exp.Literal):
        return ReplyKind.TEXT if node.is_string else ReplyKind.NUMBER
    if isinstance(node, (*_ARITHMETIC, exp.Count, exp.Length)):
        return ReplyKind.NUMBER
    if isinstance(node, exp.Column):
        return _column_kind(node, schema)
    return ReplyKind.TEXT


def _column_kind(node: exp.Column, schema: Schema) -> ReplyKind:
    kinds = {column.kind for table in schema if (column := table.column(node.name))}
    if len(kinds) != 1:
        return (
            ReplyKind.NUMBER
            if node.name.casefold() in {table.row_id.casefold() for table in schema}
            else ReplyKind.TEXT
        )
    kind = kinds.pop()
    if kind.numeric:
        return ReplyKind.NUMBER
    return ReplyKind.DATE if kind in (Kind.DATE, Kind.TIMESTAMP) else ReplyKind.TEXT


def _type_kind(to: exp.DataType) -> ReplyKind:
    if to.this in exp.DataType.NUMERIC_TYPES:
        return ReplyKind.NUMBER
    return ReplyKind.DATE if to.this in exp.DataType.TEMPORAL_TYPES else ReplyKind.TEXT
