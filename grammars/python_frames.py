"""python_frames: which expressions are surely one of the given tables, or rows of it: with its columns, and maybe more.

A name is a table's if every place that binds it gives it that table, whole, filtered, sorted or with columns added. An
expression that could be anything else is nobody's table, so nothing is said about its columns.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from grammars.python_allowed import words
from grammars.python_parameters import solve_of, tables_of
from grammars.python_read import Read
from grammars.python_scope import Scope
from grammars.schema import Schema, TableSchema

# Methods that give a frame with the columns of the frame they are called on, and maybe more.
_SAME = words("""
    assign copy convert_dtypes drop_duplicates dropna explode fillna head infer_objects mask nlargest nsmallest
    reset_index sample set_index sort_index sort_values tail where
    """)
# Methods that give a condition on the rows.
_TELLING = words(
    "isin contains startswith endswith match between notna notnull isna isnull duplicated eq ne gt ge lt le"
)
_ROWS = ("iloc", "loc")
_CONDITIONS = (ast.Compare, ast.BoolOp, ast.UnaryOp, ast.BinOp)


@dataclass(frozen=True)
class Frames:
    """The tables that a program's names and expressions are."""

    read: Read
    scope: Scope
    schema: Schema

    @cached_property
    def named(self) -> dict[str, TableSchema]:
        """The table of each name that surely is one."""
        bound: dict[str, list[ast.AST]] = {}
        for binding in self.scope.bindings:
            bound.setdefault(binding.name, []).append(binding.node)
        known: dict[str, TableSchema] = {}
        while True:
            found = {
                name: table
                for name, nodes in bound.items()
                if name not in known and (table := self._common(name, nodes, known)) is not None
            }
            if not found:
                return known
            known |= found

    def _common(self, name: str, nodes: list[ast.AST], known: dict[str, TableSchema]) -> TableSchema | None:
        """The table that every binding of a name gives it; ``t = t[…]`` leaves it what the others give."""
        first = next((table for node in nodes if (table := self._given(node, known)) is not None), None)
        if first is None:
            return None
        tables = [self._given(node, {**known, name: first}) for node in nodes]
        return first if all(table == first for table in tables) else None

    def _given(self, node: ast.AST, known: dict[str, TableSchema]) -> TableSchema | None:
        """The table that one binding gives its name."""
        if node in self._parameters:
            return self._parameters[node]
        source = self._sources.get(node)
        return None if source is None else self._table(source, known)

    @cached_property
    def _parameters(self) -> dict[ast.AST, TableSchema]:
        solve = solve_of(self.read)
        tables = tables_of(self.read, self.schema)
        return {one: tables[one.arg] for one in solve.args.args if one.arg in tables} if solve else {}

    @cached_property
    def _sources(self) -> dict[ast.AST, ast.expr]:
        """What each binding takes its value from, where that can be a table or its rows."""
        return dict(self._bound_from())

    def _bound_from(self) -> Iterator[tuple[ast.AST, ast.expr]]:
        for node in self.read.nodes:
            if isinstance(node, ast.Assign):
                yield from ((target, node.value) for target in node.targets if isinstance(target, ast.Name))
            elif isinstance(node, ast.NamedExpr) or (isinstance(node, ast.AnnAssign) and node.value is not None):
                yield node.target, node.value  # type: ignore[misc]
            elif isinstance(node, ast.For | ast.comprehension) and (over := _gives_rows(node.iter)):
                if isinstance(node.target, ast.Tuple) and len(node.target.elts) == 2:
                    yield node.target.elts[1], over
                elif _are_alone(node.iter):
                    yield node.target, over
            elif isinstance(node, ast.Call) and (applied := _applied(node)):
                yield applied

    def table(self, node: ast.expr) -> TableSchema | None:
        """The table that an expression is, or is rows of, or None where it may be anything else."""
        return self._table(node, self.named)

    def _table(self, node: ast.expr, known: dict[str, TableSchema]) -> TableSchema | None:
        if isinstance(node, ast.Name):
            return known.get(node.id)
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                return self._table(node.args[0], known) if node.func.id == "qa_map" and node.args else None
            kept = isinstance(node.func, ast.Attribute) and node.func.attr in _SAME
            return self._table(node.func.value, known) if kept else None  # type: ignore[attr-defined]
        if isinstance(node, ast.Subscript):
            rows = isinstance(node.value, ast.Attribute) and node.value.attr in _ROWS
            if rows and not isinstance(node.slice, ast.Tuple):
                return self._table(node.value.value, known)  # type: ignore[attr-defined]
            return self._table(node.value, known) if not rows and _keeps_columns(node.slice) else None
        return None


def _keeps_columns(index: ast.expr) -> bool:
    """Whether ``table[index]`` has the table's columns: a condition or a slice; a list of columns has some of them."""
    if isinstance(index, ast.Call):
        return isinstance(index.func, ast.Attribute) and index.func.attr in _TELLING
    return isinstance(index, (*_CONDITIONS, ast.List, ast.Slice, ast.Subscript)) and not _is_text(index)


def _is_text(node: ast.expr) -> bool:
    """Whether an operator puts a column's name together."""
    return isinstance(node, ast.BinOp) and not isinstance(node.op, ast.BitAnd | ast.BitOr | ast.BitXor)


def _gives_rows(node: ast.expr) -> ast.expr | None:
    """The frame whose rows, or groups, a loop goes over."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    return node.func.value if node.func.attr in ("iterrows", "groupby", "to_dict") else None


def _are_alone(node: ast.expr) -> bool:
    """Whether a loop goes over rows, not over pairs of an index and a row."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "to_dict"


def _applied(node: ast.Call) -> tuple[ast.arg, ast.expr] | None:
    """The row that a lambda is given, and its frame: ``frame.apply(lambda row: …, axis=1)``."""
    by_row = any(
        keyword.arg == "axis" and isinstance(keyword.value, ast.Constant) and keyword.value.value in (1, "columns")
        for keyword in node.keywords
    )
    if not by_row or not isinstance(node.func, ast.Attribute) or node.func.attr != "apply" or not node.args:
        return None
    row = node.args[0].args.args if isinstance(node.args[0], ast.Lambda) else []
    return (row[0], node.func.value) if len(row) == 1 else None
