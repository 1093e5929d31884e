"""python_script: a program is one function ``solve`` beside its helpers; a script or another function is made into it.

A script's statements become the body of ``solve``, and what it ends with, an expression, a printed value or a value
given a name, is returned. A function of another name is called ``solve``. What follows ``solve`` only to try it out is
left out.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator, Sequence

from grammars.errors import Span
from grammars.python_allowed import CALLS
from grammars.python_edit import Edit
from grammars.python_parameters import TABLE_WORDS, parameter_of
from grammars.python_read import Read
from grammars.python_scope import Scope
from grammars.schema import Schema

_WRAPPED = "a script made the function `solve`"
_TRIED = "what tries `solve` out left out"
_RETURNED = "the last value returned"
_PRELUDE = (ast.Import, ast.ImportFrom, ast.FunctionDef)


def as_function(read: Read, scope: Scope, schema: Schema) -> list[Edit]:
    """The edits that make a program one function ``solve``."""
    functions = [node for node in read.tree.body if isinstance(node, ast.FunctionDef)]
    rest = [node for node in read.tree.body if not isinstance(node, _PRELUDE) and not _is_text(node)]
    solve = next((node for node in functions if node.name == "solve"), None)
    if solve is not None:
        return [*_trials(read, rest), *_returning(read, solve.body), *_own_calls(read, functions)]
    if functions and all(_is_trial(node, {functions[-1].name}) for node in rest):
        return [*_removed(read, rest), *_renamed(read, functions[-1])]
    return list(_wrapped(read, scope, schema)) if rest else []


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _trials(read: Read, rest: Sequence[ast.stmt]) -> list[Edit]:
    return _removed(read, [node for node in rest if _is_trial(node, {"solve", "__name__"})])


def _own_calls(read: Read, functions: Sequence[ast.FunctionDef]) -> Iterator[Edit]:
    """Functions that a program defines in the place of its LM calls are left out."""
    for node in functions:
        if node.name in CALLS and (span := read.span(node)):
            yield Edit(span, "", f"a definition of `{node.name}` left out")


def _is_trial(node: ast.stmt, names: set[str]) -> bool:
    """Whether a statement uses one of the names, prints, or reads a file."""
    used = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    reads = any(isinstance(each, ast.Attribute) and each.attr.startswith("read_") for each in ast.walk(node))
    return bool(used & names) or reads or _printed(node) is not None


def _removed(read: Read, nodes: Sequence[ast.stmt]) -> list[Edit]:
    spans = [span for node in nodes if (span := read.span(node))]
    return [Edit(span, "", _TRIED) for span in spans]


def _renamed(read: Read, function: ast.FunctionDef) -> Iterator[Edit]:
    """The edits that call a function ``solve``, where it is defined and where it calls itself."""
    mend = f"function `{function.name}` read as `solve`"
    span = read.span(function)
    named = re.compile(r"def\s+(\w+)").match(read.text, span.start) if span else None
    if named:
        yield Edit(Span(*named.span(1)), "solve", mend)
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and node.id == function.name and (place := read.span(node)):
            yield Edit(place, "solve", mend)


def _wrapped(read: Read, scope: Scope, schema: Schema) -> Iterator[Edit]:
    """The edits that put a script into ``def solve``."""
    yield Edit(Span(0, 0), f"def solve({', '.join(_parameters(scope, schema))}):\n", _WRAPPED)
    inside = {line for node in read.nodes for line in _continued(node)}
    start = 0
    for number, line in enumerate(read.text.split("\n"), 1):
        if line.strip() and number not in inside:
            yield Edit(Span(start, start), "    ", _WRAPPED)
        start += len(line) + 1
    yield from _returning(read, read.tree.body)


def _continued(node: ast.AST) -> range:
    """The lines that a text of several lines goes on over: an indent would change it."""
    if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)):
        return range(node.lineno + 1, (node.end_lineno or node.lineno) + 1)
    return range(0)


def _parameters(scope: Scope, schema: Schema) -> list[str]:
    """What a script calls its tables."""
    used = dict.fromkeys(node.id for node in scope.unbound)
    if len(schema.tables) == 1:
        words = {schema.tables[0].name, *TABLE_WORDS}
        return [next((name for name in used if name in words), "table")]
    named = [parameter_of(table) for table in schema]
    return [name for name in named if name in used] or named


def _returning(read: Read, body: Sequence[ast.stmt]) -> Iterator[Edit]:
    """The edits that return what a body ends with, if it returns nothing yet."""
    held = (node for statement in body for node in _own(statement))
    if not any(isinstance(node, ast.Return) and node.value is not None for node in held):
        yield from _tail(read, body)


def _own(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a statement, those of functions inside it left out."""
    yield node
    if not isinstance(node, ast.FunctionDef | ast.Lambda):
        for child in ast.iter_child_nodes(node):
            yield from _own(child)


def _tail(read: Read, body: Sequence[ast.stmt]) -> Iterator[Edit]:
    last = next((node for node in reversed(body) if not isinstance(node, ast.Pass)), None)
    if last is None or (span := read.span(last)) is None:
        return
    if isinstance(last, ast.If):
        yield from _tail(read, last.body)
        yield from _tail(read, last.orelse)
    elif (printed := _printed(last)) is not None:
        yield Edit(span, f"return {_parenthesised(read.segment(printed))}", _RETURNED)
    elif isinstance(last, ast.Expr) and not _is_text(last):
        yield Edit(Span(span.start, span.start), "return ", _RETURNED)
    elif isinstance(last, ast.Assign) and isinstance(last.targets[0], ast.Name):
        yield Edit(Span(span.end, span.end), f"\n{_indent(read, last)}return {last.targets[0].id}", _RETURNED)


def _printed(node: ast.stmt) -> ast.expr | None:
    """The value that a statement prints: the last one, or the only one inside an f-string."""
    if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
        return None
    call = node.value
    if not (isinstance(call.func, ast.Name) and call.func.id == builtins.print.__name__ and call.args):
        return None
    return call.args[-1]


def _parenthesised(text: str) -> str:
    return f"({text})" if "\n" in text else text


def _indent(read: Read, node: ast.stmt) -> str:
    """The white space before a statement, also where the edit that wraps the script comes to stand before it."""
    line = read.text.rfind("\n", 0, read.offset(node.lineno, node.col_offset)) + 1
    indent = read.text[line : read.offset(node.lineno, node.col_offset)]
    nested = any(isinstance(holder, ast.FunctionDef) for holder in read.around(node))
    return indent if nested else indent + "    "
