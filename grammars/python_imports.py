"""python_imports: an import that is not allowed and that nothing uses is left out."""

from __future__ import annotations

import ast

from grammars.python_allowed import MEMBERS
from grammars.python_edit import Edit
from grammars.python_read import Read
from grammars.python_scope import Scope
from grammars.schema import Schema


def unused(read: Read, scope: Scope, schema: Schema) -> list[Edit]:
    """The edits that leave out imports of other modules, such as ``import os``, whose names stand nowhere."""
    used = {node.id for node in read.nodes if isinstance(node, ast.Name)}
    edits = []
    for node in read.nodes:
        if isinstance(node, ast.Import | ast.ImportFrom) and (span := read.span(node)):
            bound = {name for name, _, alias in scope.aliases if alias in node.names}
            if not bound & used and "*" not in bound and not any(module in MEMBERS for module in _modules(node)):
                edits.append(Edit(span, "", f"unused `{read.segment(node)}` left out"))
    return edits


def _modules(node: ast.Import | ast.ImportFrom) -> list[str]:
    """The modules that a statement imports, or imports from."""
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
