"""python_rows: a row that ``itertuples`` gives has its columns as attributes, of any name; it is made a dict.

Attributes are allowed by their names, which cannot hold for a row's. ``for row in table.itertuples(): row.Name`` is
written ``for row in table.to_dict("records"): row["Name"]``, which gives the same values.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from grammars.errors import Span
from grammars.python_edit import Edit
from grammars.python_names import subscript
from grammars.python_read import Read
from grammars.python_scope import Scope
from grammars.schema import Schema

_MEND = "rows of `itertuples` read as those of `to_dict`"


def as_dicts(read: Read, scope: Scope, schema: Schema) -> list[Edit]:
    """The edits for each name that stands for such rows alone, and is used for its attributes alone."""
    edits: list[Edit] = []
    loops = [node for node in read.nodes if isinstance(node, ast.For | ast.comprehension)]
    for name in scope.tuple_rows:
        loads = [node for node in read.nodes if isinstance(node, ast.Name) and node.id == name and _is_load(node)]
        used = [read.parents[node] for node in loads]
        attributes = [node for node in used if isinstance(node, ast.Attribute) and not node.attr.startswith("_")]
        if attributes and len(attributes) == len(used):
            indexed = any(node.attr == "Index" for node in attributes)
            rows = [loop for loop in loops if isinstance(loop.target, ast.Name) and loop.target.id == name]
            edits.extend(edit for loop in rows for edit in _records(read, loop.iter, indexed))
            edits.extend(edit for node in attributes for edit in subscript(read, node, node.attr, _MEND))
    return edits


def _is_load(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Load)


def _records(read: Read, rows: ast.expr, indexed: bool) -> Iterator[Edit]:
    """The edit that gives rows as dicts, with their index where it is used."""
    if isinstance(rows, ast.Call) and isinstance(rows.func, ast.Attribute):
        frame, span = read.span(rows.func.value), read.span(rows)
        if frame and span:
            index = '.reset_index(names="Index")' if indexed else ""
            yield Edit(Span(frame.end, span.end), f'{index}.to_dict("records")', _MEND)
