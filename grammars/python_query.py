"""python_query: ``table.query("year > 2000")`` evaluates a text; it is written as the condition that it means."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import reduce

from grammars.errors import Span
from grammars.python_edit import Edit
from grammars.python_read import Read
from grammars.python_scope import Scope
from grammars.python_tree import parse
from grammars.schema import Schema

_QUOTED = re.compile(r"`([^`]+)`")
_SIGN = re.compile(r"('[^']*'|\"[^\"]*\")|([&|~])")
_WORDS = {"&": " and ", "|": " or ", "~": " not "}  # which is how pandas reads them in a query
_LOCAL = re.compile(r"@(?=[A-Za-z_])")
_ROWS, _VARIABLE, _COLUMN = "rows", "variable__", "column__"


def conditions(read: Read, scope: Scope, schema: Schema) -> list[Edit]:
    """The edits that write every query whose text is written down as ``.loc[lambda rows: …]``."""
    return list(_edits(read))


def _edits(read: Read) -> Iterator[Edit]:
    for node in read.nodes:
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr != "query":
            continue
        frame, whole = read.span(node.func.value), read.span(node)
        given = node.args[0] if len(node.args) == 1 and not node.keywords else None
        if isinstance(given, ast.Constant) and isinstance(given.value, str) and frame and whole:
            condition = condition_of(given.value)
            if condition is not None:
                mend = "a query written as a condition"
                yield Edit(Span(frame.end, whole.end), f".loc[lambda {_ROWS}: {condition}]", mend)


def condition_of(query: str) -> str | None:
    """The condition on ``rows`` that a query's text means, or None where it is no such text.

    Example:
        >>> condition_of("year > 2000 and `home team` in @teams")
        "(rows['year'] > 2000) & rows['home team'].isin(teams)"
    """
    quoted = _QUOTED.findall(query)
    numbered = iter(range(len(quoted)))
    text = _LOCAL.sub(_VARIABLE, _QUOTED.sub(lambda _: f"{_COLUMN}{next(numbered)}", query))
    text = _SIGN.sub(lambda found: found[1] or _WORDS[found[2]], text)
    try:
        tree = parse(" ".join(text.split()), "eval").body
        meant: ast.expr = _Meaning(quoted).visit(tree)
        return ast.unparse(ast.fix_missing_locations(meant))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


class _Meaning(ast.NodeTransformer):
    """Columns for names, and operators on columns for those on values."""

    def __init__(self, quoted: list[str]) -> None:
        self._quoted = quoted

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id.startswith(_VARIABLE):
            return ast.Name(node.id.removeprefix(_VARIABLE), ast.Load())
        if node.id == "index":
            return ast.Attribute(ast.Name(_ROWS, ast.Load()), "index", ast.Load())
        numbered = node.id.removeprefix(_COLUMN) if node.id.startswith(_COLUMN) else ""
        column = self._quoted[int(numbered)] if numbered.isdecimal() else node.id
        return ast.Subscript(ast.Name(_ROWS, ast.Load()), ast.Constant(column), ast.Load())

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        operator: ast.operator = ast.BitAnd() if isinstance(node.op, ast.And) else ast.BitOr()
        return _joined([self.visit(value) for value in node.values], operator)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        operator = ast.Invert() if isinstance(node.op, ast.Not) else node.op
        return ast.UnaryOp(operator, self.visit(node.operand))

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        sides = [self.visit(side) for side in (node.left, *node.comparators)]
        compared = [_compared(sides[at], each, sides[at + 1]) for at, each in enumerate(node.ops)]
        return _joined(compared, ast.BitAnd())


def _joined(values: list[ast.expr], operator: ast.operator) -> ast.expr:
    return reduce(lambda left, right: ast.BinOp(left, operator, right), values)


def _compared(left: ast.expr, operator: ast.cmpop, right: ast.expr) -> ast.expr:
    """One comparison; membership, and equality with a list, are asked of the column."""
    inside = isinstance(operator, ast.In | ast.NotIn) or isinstance(right, ast.List | ast.Tuple)
    if not inside:
        return ast.Compare(left, [operator], [right])
    found = ast.Call(ast.Attribute(left, "isin", ast.Load()), [right], [])
    return ast.UnaryOp(ast.Invert(), found) if isinstance(operator, ast.NotIn | ast.NotEq) else found
