"""UNION, EXCEPT and INTERSECT with SQLite's meaning: columns of one type, and rows in the order SQLite gives them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from .clauses import ordered
from .compare import branches, replace_output
from .joins import same_name
from .numbered import behind_number, is_numbered
from .scope import Output
from .values import TEXT, text, typed, unify, value

Outputs = tuple[Output, ...]


def removes_duplicates(node: exp.SetOperation) -> bool:
    """Whether a compound keeps distinct rows only; SQLite then gives them sorted."""
    return not isinstance(node, exp.Union) or bool(node.args.get("distinct"))


def unify_sides(node: exp.SetOperation, left: Outputs, right: Outputs) -> Outputs:
    """Bring the columns of both sides to one type each, and tell the compound's outputs."""
    outputs = []
    for position, (one, other) in enumerate(zip(left, right, strict=False)):
        _, type_ = unify([typed(exp.Null(), one.type), typed(exp.Null(), other.type)])
        if one.type != other.type:
            for select in branches(node):
                output = select.expressions[position]
                replace_output(output, (text if type_ == TEXT else value)(output.unalias().copy()))
        outputs.append(Output(one.name, type_))
    return tuple(outputs)


def set_apart(node: exp.SetOperation) -> None:
    """Put sides that have an order of their own in parentheses: it would be the compound's without them."""
    for name in ("this", "expression"):
        side = node.args[name]
        if isinstance(side, exp.Select) and (side.args.get("order") or side.args.get("limit")):
            node.set(name, exp.Subquery(this=side))


def order_rows(node: exp.SetOperation, sides: Sequence[Outputs], in_order: bool) -> None:
    """ORDER BY of a compound by position, then by the other columns where these tell rows apart."""
    order = node.args.get("order")
    items, placed = [], set()
    for item in order.expressions if order else []:
        position = _position(item.this, sides)
        if position is not None:
            item.set("this", exp.Literal.number(str(position)))
            placed.add(position)
        items += behind_number(item, _numbered(node, sides, position))
    if removes_duplicates(node) and (items or in_order or node.args.get("limit")):
        rest = [number for number in range(1, len(sides[0]) + 1) if number not in placed]
        items += [ordered(exp.Literal.number(str(number)), nulls_first=True) for number in rest]
    node.set("order", exp.Order(expressions=items) if items else None)


def _numbered(node: exp.SetOperation, sides: Sequence[Outputs], position: int | None) -> exp.Expr | None:
    """The output at a position by its name, if its texts sort by the numbers they begin with on every side."""
    if position is None or not all(is_numbered(side[position - 1]) for side in sides if position <= len(side)):
        return None
    shown = next(branches(node)).expressions[position - 1]
    return typed(exp.column(shown.alias_or_name, quoted=True), shown.type) if shown.alias_or_name else None


def _position(node: exp.Expr, sides: Sequence[Outputs]) -> int | None:
    """The number of the output that an ORDER BY item names, on whichever side."""
    if isinstance(node, exp.Literal) and node.this.isdigit():
        return int(node.this)
    wanted = node.name if isinstance(node, exp.Column) else node.sql("sqlite")
    numbered = ((number, output) for outputs in sides for number, output in enumerate(outputs, 1))
    return next((number for number, output in numbered if same_name(output.name, wanted)), None)
