"""python_growth: numbers and texts that are written to be huge are refused before anything computes them.

The sandbox bounds what a program uses; this only spares it what can be told from the text.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from grammars.errors import Complaint
from grammars.python_read import Read
from grammars.python_scope import Scope
from grammars.schema import Schema

_MOST = 10**7  # repetitions, or steps of a loop that is written down
_BITS = 10**5


def bound(read: Read, scope: Scope, schema: Schema) -> Iterator[Complaint]:
    """A complaint for each constant that grows beyond bounds: ``10 ** 10 ** 9``, ``"x" * 10**9``."""
    held: set[ast.AST] = set()
    for node in read.nodes:
        if read.parents.get(node) in held:
            held.add(node)
        elif isinstance(node, ast.BinOp) and _grows(node):
            held.add(node)
            yield Complaint("growth", "this grows too large", "write the number that is meant", read.span(node))


def _grows(node: ast.BinOp) -> bool:
    left, right = value(node.left), value(node.right)
    if isinstance(node.op, ast.Pow):
        too_large = isinstance(node.right, ast.BinOp) and isinstance(node.right.op, ast.Pow)  # to be computed even here
        return too_large if right is None else _bits(left or 2) * right > _BITS
    if isinstance(node.op, ast.LShift):
        return right is not None and right > _BITS
    if isinstance(node.op, ast.Mult):
        listed = [other for one, other in ((node.left, right), (node.right, left)) if _is_sequence(one)]
        return any(count is not None and count > _MOST for count in listed)
    return False


def _is_sequence(node: ast.expr) -> bool:
    return isinstance(node, ast.List | ast.Tuple | ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)
    )


def _bits(number: int) -> int:
    return max(1, abs(number).bit_length())


def value(node: ast.expr) -> int | None:
    """The whole number that an expression is, as far as it is written down and not too large to compute."""
    if isinstance(node, ast.Constant):
        return int(node.value) if isinstance(node.value, int | float) and abs(node.value) < 1e300 else None
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = value(node.operand)
        return None if inner is None else -inner
    if not isinstance(node, ast.BinOp):
        return None
    left, right = value(node.left), value(node.right)
    if left is None or right is None:
        return None
    if isinstance(node.op, ast.Mult):
        return left * right if _bits(left) + _bits(right) < _BITS else None
    if isinstance(node.op, ast.Pow):
        return left**right if right >= 0 and _bits(left) * right < _BITS else None
    if isinstance(node.op, ast.Add):
        return left + right
    return None
