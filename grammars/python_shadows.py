"""python_shadows: a variable that bears the name of a function or module of Python's own gets a name of its own.

Inside the function that binds it, Python takes every use of such a name for the variable, so renaming it there changes
nothing; and afterwards ``sum`` and ``datetime`` mean one thing throughout the program.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from grammars.errors import Span
from grammars.python_allowed import GIVEN
from grammars.python_edit import Edit
from grammars.python_read import Read
from grammars.python_scope import REAL_BUILTINS, Scope
from grammars.schema import Schema

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def renamed(read: Read, scope: Scope, schema: Schema) -> list[Edit]:
    """The edits that give such variables another name."""
    keywords = {node.arg for node in read.nodes if isinstance(node, ast.keyword)}
    edits: dict[Span, Edit] = {}
    for binding in scope.bindings:
        name, owner = binding.name, _owner(binding.node, read)
        shadows = name in REAL_BUILTINS or name in GIVEN
        if not shadows or name.startswith("_") or name in keywords or f"{name}_" in scope.bound or owner is None:
            continue
        edits.update((edit.span, edit) for edit in _calling(read, owner, name))
    return list(edits.values())


def _owner(node: ast.AST, read: Read) -> ast.AST | None:
    """The function, lambda or comprehension that a name belongs to, or None."""
    if isinstance(node, ast.FunctionDef | ast.Nonlocal | ast.Global | ast.ExceptHandler):
        return None
    for holder in read.around(node):
        if isinstance(holder, ast.FunctionDef | ast.Lambda):
            return holder
        if isinstance(holder, _COMPREHENSIONS) and not isinstance(read.parents[node], ast.NamedExpr):
            return holder
    return None


def _calling(read: Read, owner: ast.AST, name: str) -> Iterator[Edit]:
    """The edits that rename a variable wherever its owner has it."""
    for node in ast.walk(owner):
        written = node.arg if isinstance(node, ast.arg) else node.id if isinstance(node, ast.Name) else None
        span = read.span(node)
        if written == name and span and read.text.startswith(name, span.start):
            place = Span(span.start, span.start + len(name))
            yield Edit(place, f"{name}_", f"variable `{name}` called `{name}_`")
