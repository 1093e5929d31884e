"""python_conditions: what an LM call answers is a text, and stands for a truth only when compared with ``"yes"``.

``table[table[q]]`` and ``if qa_ans(…)`` are given that comparison, if the program uses the value in no other way: a
text that is also returned, say, is tested for being there.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from grammars.errors import Span
from grammars.python_calls import lm_calls
from grammars.python_edit import Edit
from grammars.python_frames import Frames
from grammars.python_read import Read
from grammars.python_scope import Scope
from grammars.python_uses import ONE_BY_ONE, Uses, is_map
from grammars.schema import Schema

_COMPARED = 'a condition that an LM call answers compared with "yes"'
_ANSWERS = ("yes", "no")
_TRUTH = 'True and False of an LM call read as "yes" and "no"'


def compared(read: Read, scope: Scope, schema: Schema) -> list[Edit]:
    """The edits that compare values with ``"yes"`` where they stand as conditions."""
    uses, frames = Uses(read, scope), Frames(read, scope, schema)
    edits: dict[Edit, None] = {}
    for call in lm_calls(read):
        nodes = uses.of(call, ONE_BY_ONE)
        ends = [node for node in nodes if next(uses.goes_on(node, ONE_BY_ONE), None) is None]
        tested = [node for node in ends if _is_condition(node, read, frames, is_map(call))]
        if all(node in tested or isinstance(read.parents[node], ast.Compare) for node in ends):
            edits.update(dict.fromkeys(edit for node in tested for edit in _with_yes(node, read)))
        edits.update(dict.fromkeys(edit for node in ends for edit in _for_truth(node, read)))
    return list(edits)


def _with_yes(node: ast.expr, read: Read) -> Iterator[Edit]:
    span = read.span(node)
    if span is not None and not any(isinstance(holder, ast.JoinedStr) for holder in read.around(node)):
        held = isinstance(read.parents[node], ast.UnaryOp | ast.BinOp)
        yield Edit(Span(span.start, span.start), "(" if held else "", _COMPARED)
        yield Edit(Span(span.end, span.end), ' == "yes")' if held else ' == "yes"', _COMPARED)


def _for_truth(node: ast.expr, read: Read) -> Iterator[Edit]:
    """``t[q] == True`` and ``t[q] == "Yes"`` compare with ``"yes"``."""
    compare = read.parents[node]
    if not isinstance(compare, ast.Compare) or compare.left is not node or len(compare.ops) != 1:
        return
    other, equality = compare.comparators[0], isinstance(compare.ops[0], ast.Eq | ast.NotEq)
    if not equality or not isinstance(other, ast.Constant) or (span := read.span(other)) is None:
        return
    if isinstance(other.value, bool):
        yield Edit(span, '"yes"' if other.value else '"no"', _TRUTH)
    elif isinstance(other.value, str) and other.value not in _ANSWERS and other.value.strip().lower() in _ANSWERS:
        yield Edit(
            span, f'"{other.value.strip().lower()}"', f"`{other.value}` read as the LM answers it, in small letters"
        )


def _is_condition(node: ast.expr, read: Read, frames: Frames, per_row: bool) -> bool:
    """Whether a value stands where a truth is asked for."""
    parent = read.parents[node]
    if isinstance(parent, ast.If | ast.While | ast.IfExp):
        return parent.test is node
    if isinstance(parent, ast.UnaryOp):
        return isinstance(parent.op, ast.Not | ast.Invert)
    if isinstance(parent, ast.BinOp):
        return isinstance(parent.op, ast.BitAnd | ast.BitOr)
    if isinstance(parent, ast.comprehension):
        return node in parent.ifs
    if isinstance(parent, ast.Subscript) and parent.slice is node:
        return frames.table(parent.value) is not None and per_row
    return isinstance(parent, ast.BoolOp) and not isinstance(read.parents[parent], ast.Return | ast.Assign)
