"""python_literals: the texts that a Python program compares a table's own column with for equality."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from grammars.errors import Span
from grammars.python_frames import Frames
from grammars.python_program import PythonProgram
from grammars.python_read import read
from grammars.python_scope import Scope
from grammars.schema import Column, Kind, Schema, TableSchema


@dataclass(frozen=True)
class Compared:
    """A text beside a column.

    Attributes:
        table: The column's table.
        column: The column, whose cells are texts.
        text: The text.
        span: Where it stands in the program's text.
    """

    table: TableSchema
    column: Column
    text: str
    span: Span


def compared(program: PythonProgram, schema: Schema) -> Iterator[Compared]:
    """Each text that stands beside a column of a table in ``==``, ``!=`` or ``isin``.

    Example:
        >>> from grammars.python import check_python
        >>> schema = Schema((TableSchema("w", (Column("team", Kind.TEXT, "VARCHAR"),)),))
        >>> program = check_python('def solve(t):\\n    return len(t[t["team"] == "otters"])', schema).program
        >>> [one.text for one in compared(program, schema)]
        ['otters']
    """
    found = read(program.text)
    frames = Frames(found, Scope(found), schema)
    for node in found.nodes:
        for side, other in _sides(node):
            column = _column(side, frames)
            span = found.span(other)
            if column is not None and span is not None and isinstance(other.value, str):
                yield Compared(*column, other.value, span)


def _sides(node: ast.AST) -> Iterator[tuple[ast.expr, ast.Constant]]:
    """What stands on either side of an equality, the constant second."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq | ast.NotEq):
        for side, other in ((node.left, node.comparators[0]), (node.comparators[0], node.left)):
            if isinstance(other, ast.Constant):
                yield side, other
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "isin" and node.args:
        among = node.args[0]
        for other in among.elts if isinstance(among, ast.List | ast.Tuple | ast.Set) else ():
            if isinstance(other, ast.Constant):
                yield node.func.value, other


def _column(node: ast.expr, frames: Frames) -> tuple[TableSchema, Column] | None:
    """The text column of a table that a subscript is."""
    if not isinstance(node, ast.Subscript) or not isinstance(node.slice, ast.Constant):
        return None
    table = frames.table(node.value)
    column = table.column(node.slice.value) if table and isinstance(node.slice.value, str) else None
    return (table, column) if table and column and column.kind is Kind.TEXT else None
