"""python_imports: imports that are not allowed and do nothing are left out: unused ones, and those for annotations."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from grammars.errors import Span
from grammars.python_allowed import MEMBERS
from grammars.python_edit import Edit
from grammars.python_read import Read
from grammars.python_scope import Scope
from grammars.schema import Schema


def unused(read: Read, scope: Scope, schema: Schema) -> list[Edit]:
    """The edits that leave out imports of other modules, such as ``import os``, whose names stand nowhere."""
    hints = list(_annotations(read))
    hinting = {id(each) for hint in hints for each in ast.walk(hint)}
    used = {node.id for node in read.nodes if isinstance(node, ast.Name) and id(node) not in hinting}
    left_out: set[str] = set()
    edits = []
    for node in read.nodes:
        if isinstance(node, ast.Import | ast.ImportFrom) and (span := read.span(node)):
            bound = {name for name, _, alias in scope.aliases if alias in node.names}
            if not bound & used and "*" not in bound and not any(module in MEMBERS for module in _modules(node)):
                left_out |= bound
                edits.append(Edit(span, "", f"unused `{read.segment(node)}` left out"))
    return [*edits, *(edit for hint in hints if _names(hint) & left_out for edit in _without(read, hint))]


def _modules(node: ast.Import | ast.ImportFrom) -> list[str]:
    """The modules that a statement imports, or imports from."""
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]


def _annotations(read: Read) -> Iterator[ast.expr]:
    """The annotations of parameters and of what functions return."""
    for node in read.nodes:
        hint = getattr(node, "returns" if isinstance(node, ast.FunctionDef) else "annotation", None)
        if isinstance(hint, ast.expr) and not isinstance(node, ast.AnnAssign):
            yield hint


def _names(node: ast.expr) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def _without(read: Read, hint: ast.expr) -> Iterator[Edit]:
    """The edit that leaves out an annotation with the sign before it."""
    span = read.span(hint)
    if span is not None:
        before = read.text[: span.start].rstrip()
        start = len(before.removesuffix("->").removesuffix(":").rstrip())
        yield Edit(Span(start, span.end), "", "annotations left out")
