"""python_safety: a program is built from an allow-list of syntax, names, modules, attributes and methods.

What is not on the list is refused, whatever it is. The sandbox that runs the program holds without this; the two know
nothing of each other.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from string import Formatter

from grammars.errors import Complaint, Span
from grammars.nearest import nearest
from grammars.python_allowed import (
    BUILTINS,
    CALLS,
    CHANGEABLE,
    GIVEN,
    INSTEAD,
    MEMBERS,
    METHODS,
    NODES,
    SETTABLE,
)
from grammars.python_names import MOST
from grammars.python_read import Read
from grammars.python_scope import REAL_BUILTINS, Scope
from grammars.python_told import BY_NAME, refused_argument
from grammars.schema import Schema

_MODULES = ", ".join(sorted(MEMBERS))
_SYNTAX = {
    "ClassDef": ("a class", "write functions"),
    "AsyncFunctionDef": ("an async function", "write `def`"),
    "Await": ("await", "call the function"),
    "AsyncFor": ("async for", "write `for`"),
    "AsyncWith": ("async with", "leave it out"),
    "Global": ("global", "return the value"),
    "With": ("with", "a program opens nothing"),
    "Match": ("match", "write if and elif"),
    "Yield": ("yield", "return a list"),
    "YieldFrom": ("yield", "return a list"),
    "MatMult": ("@", "write the sum of the products"),
    "TryStar": ("except*", "write except"),
}


@dataclass(frozen=True)
class Refusal:
    """Why a node may not stand in a program, and what to write instead."""

    message: str
    hint: str = ""
    node: ast.AST | None = None  # where to point, if elsewhere than at the node itself


def allow(read: Read, scope: Scope, schema: Schema) -> Iterator[Complaint]:
    """A complaint for each thing that is not allowed; the insides of a refused statement are not looked at."""
    columns = {column.name for table in schema for column in table.columns}
    said: set[str] = set()
    waiting: list[ast.AST] = [read.tree]
    while waiting and len(said) < MOST:
        node = waiting.pop(0)
        refusal = _refusal(node, read, scope, columns)
        if refusal is None or isinstance(node, ast.Attribute | ast.Call):
            waiting.extend(ast.iter_child_nodes(node))
        if refusal is not None and refusal.message not in said:
            said.add(refusal.message)
            yield Complaint("safety", refusal.message, refusal.hint, _place(refusal.node or node, read))


def _place(node: ast.AST, read: Read) -> Span | None:
    """Where to point: at an attribute's own name, at what holds an operator, at a statement's first line."""
    span = read.span(node if hasattr(node, "lineno") else read.parents.get(node, node))
    if span is None:
        return None
    if isinstance(node, ast.Attribute) and read.text.endswith(node.attr, span.start, span.end):
        return Span(span.end - len(node.attr), span.end)
    return Span(span.start, span.start + len(read.text[span.start : span.end].partition("\n")[0]))


def _refusal(node: ast.AST, read: Read, scope: Scope, columns: set[str]) -> Refusal | None:
    """Why a node is refused, or None."""
    kind = type(node).__name__
    if kind not in NODES:
        what, hint = _SYNTAX.get(kind, (kind, "write it another way"))
        return Refusal(f"{what} is not allowed", hint)
    if isinstance(node, ast.FunctionDef) and node.decorator_list:
        return Refusal("a decorator is not allowed", "call the function where it is needed")
    if isinstance(node, ast.Import | ast.ImportFrom):
        return _import(node, scope)
    if isinstance(node, ast.Name):
        return _name(node, read, scope)
    if isinstance(node, ast.Attribute):
        return _attribute(node, read, scope, columns)
    if isinstance(node, ast.Call):
        found = refused_argument(node, scope)
        return Refusal(*found) if found else None
    return _bound(node, scope)


def _import(node: ast.Import | ast.ImportFrom, scope: Scope) -> Refusal | None:
    """Modules on the list, and members on theirs."""
    for alias in node.names:
        module = node.module or "" if isinstance(node, ast.ImportFrom) else alias.name
        if module not in MEMBERS or (isinstance(node, ast.ImportFrom) and node.level):
            return Refusal(f"module {module or '.'} is not allowed", f"the modules are {_MODULES}")
        if isinstance(node, ast.ImportFrom) and alias.name not in MEMBERS[module]:
            return Refusal(f"{module}.{alias.name} is not allowed", _hint(alias.name, MEMBERS[module]))
        name = alias.asname or alias.name
        meant = module if isinstance(node, ast.Import) else f"{module}.{alias.name}"
        given = GIVEN.get(name, module)
        if name.startswith("__") or name in REAL_BUILTINS or name in CALLS or given != module:
            return Refusal(f"`{name}` already means something", "import it under another name")
        if (scope.members.get(name) or scope.modules.get(name)) != meant:
            return Refusal(f"`{name}` is imported twice, as different things", "give each a name of its own")
    return None


def _bound(node: ast.AST, scope: Scope) -> Refusal | None:
    """What a program binds has a name of its own."""
    if isinstance(node, ast.FunctionDef | ast.ExceptHandler) and node.name:
        return _rebound(node.name, scope)
    if isinstance(node, ast.arg):
        return _rebound(node.arg, scope)
    if isinstance(node, ast.keyword) and node.arg and node.arg.startswith("__"):
        return Refusal(f"`{node.arg}` is not allowed", "a name may not begin with two underscores")
    return None


def _rebound(name: str, scope: Scope) -> Refusal | None:
    if name.startswith("__"):
        return Refusal(f"`{name}` is not allowed", "a name may not begin with two underscores")
    if name in REAL_BUILTINS or name in CALLS or name in scope.modules or name in scope.members:
        return Refusal(f"`{name}` already means something", f"call it `{name}_` or something else")
    return None


def _name(node: ast.Name, read: Read, scope: Scope) -> Refusal | None:
    name, parent = node.id, read.parents[node]
    if not isinstance(node.ctx, ast.Load) or name.startswith("__"):
        return _rebound(name, scope)
    if name in scope.modules and not isinstance(parent, ast.Attribute):
        return Refusal(f"`{name}` is a module, and stands for no value", f"write {name}.something")
    if name in CALLS and not (isinstance(parent, ast.Call) and parent.func is node):
        return Refusal(f"`{name}` is not called", f"write {name}(table, question, columns)")
    if name in scope.members:
        return _uncalled(node, name, read) or _changeable(node, scope.members[name], read, scope)
    if name == "object" and _is_dtype_place(node, read):
        return None
    if name in REAL_BUILTINS and name not in BUILTINS:
        return Refusal(
            f"`{name}` is not allowed", INSTEAD.get(name, "a program computes its answer from the table alone")
        )
    return None


def _is_dtype_place(node: ast.AST, read: Read) -> bool:
    """Whether a node stands where `refused_argument` looks for a type."""
    parent = read.parents[node]
    if isinstance(parent, ast.Dict):
        parent = read.parents[parent]
    if isinstance(parent, ast.keyword):
        return parent.arg == "dtype"
    return isinstance(parent, ast.Call) and isinstance(parent.func, ast.Attribute) and parent.func.attr == "astype"


def _attribute(node: ast.Attribute, read: Read, scope: Scope, columns: set[str]) -> Refusal | None:
    name = node.attr
    if name.startswith("_"):
        return Refusal(f"`.{name}` is not allowed", "an attribute may not begin with an underscore")
    path = scope.path(node)
    if path is not None and path.partition(".")[0] not in MEMBERS:
        return None  # its import is refused
    if not isinstance(node.ctx, ast.Load):
        settable = isinstance(node.ctx, ast.Store) and name in SETTABLE and path is None
        return None if settable else Refusal(f"`.{name}` cannot be set", f'write table["{name}"] for a column')
    if path is not None and not _is_of_member(path):
        return _uncalled(node, name, read) or _member(node, path, read, scope)
    if (uncalled := _uncalled(node, name, read)) is not None:
        return uncalled
    if name == "format" and not _plain_format(node.value):
        return Refusal("`format` is not called on a text written out here, with plain fields", "write an f-string")
    if name in METHODS:
        return None
    return Refusal(f"`.{name}` is not allowed", _attribute_hint(node, read, columns))


def _uncalled(node: ast.AST, name: str, read: Read) -> Refusal | None:
    """What calls a method by its name is called where it stands, so that its arguments are seen."""
    if name not in BY_NAME or _is_called(node, read):
        return None
    return Refusal(f"`{name}` is not called", f"call it where it stands: {name}(…)")


def _is_of_member(path: str) -> bool:
    """Whether a path goes on from a member, as ``datetime.datetime.strptime`` does."""
    module, _, member = path.partition(".")
    return any(member.startswith(f"{known}.") for known in MEMBERS.get(module, ()))


def _member(node: ast.Attribute, path: str, read: Read, scope: Scope) -> Refusal | None:
    """Whether a member of a module may stand there."""
    module, _, member = path.partition(".")
    members = MEMBERS.get(module, frozenset())
    if member in members:
        return _changeable(node, path, read, scope)
    if any(known.startswith(f"{member}.") for known in members) and isinstance(read.parents[node], ast.Attribute):
        return None
    return Refusal(f"{path} is not allowed", _hint(member, members))


def _changeable(node: ast.AST, path: str, read: Read, scope: Scope) -> Refusal | None:
    """A class that a program could change is called, asked for in isinstance, or passed on to what calls it."""
    module, _, member = path.partition(".")
    if member not in CHANGEABLE.get(module, ()):
        return None
    parent = read.parents[node]
    if isinstance(parent, ast.Attribute) or _is_annotation(node, parent) or _is_called(node, read):
        return None
    call = read.parents[parent] if isinstance(parent, ast.Tuple) else parent
    if isinstance(call, ast.Call) and _only_calls(call, node, scope):
        return None
    return Refusal(f"`{member}` is not called", f"call it where it stands: {member}(…)")


def _only_calls(call: ast.Call, node: ast.AST, scope: Scope) -> bool:
    """Whether a class is given to what asks or calls it, and does nothing else with it."""
    if isinstance(call.func, ast.Name) and call.func.id == "isinstance" and scope.is_builtin("isinstance"):
        return True
    if call.args[:1] != [node]:
        return False
    if isinstance(call.func, ast.Name) and scope.is_builtin(call.func.id):
        return call.func.id == "map"
    method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    return method in ("map", "apply", "agg", "transform") or scope.path(call.func) == "collections.defaultdict"


def _is_annotation(node: ast.AST, parent: ast.AST) -> bool:
    return any(getattr(parent, name, None) is node for name in ("annotation", "returns"))


def _is_called(node: ast.AST, read: Read) -> bool:
    parent = read.parents[node]
    return isinstance(parent, ast.Call) and parent.func is node


def _plain_format(node: ast.expr) -> bool:
    """Whether a text is written down, and its fields are plain names or numbers."""
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        return False
    try:
        return _plain_fields(node.value)
    except ValueError:
        return True  # no format at all: it fails as such when it runs


def _plain_fields(text: str, depth: int = 0) -> bool:
    fields = [(name, spec or "") for _, name, spec, _ in Formatter().parse(text) if name is not None]
    plain = all(not name or name.isidentifier() or name.isdigit() for name, _ in fields)
    return plain and depth < 3 and all(_plain_fields(spec, depth + 1) for _, spec in fields)


def _attribute_hint(node: ast.Attribute, read: Read, columns: set[str]) -> str:
    if node.attr in columns:
        return f'write ["{node.attr}"] for the column'
    return _hint(node.attr, METHODS)


def _hint(name: str, known: frozenset[str]) -> str:
    """What to write instead of a name that is not allowed."""
    last = name.rpartition(".")[2]
    if last in INSTEAD:
        return INSTEAD[last]
    if last.startswith(("read_", "load", "from_csv", "fromfile", "genfrom")):
        return "the table is given to `solve`; a program reads no files"
    if last.startswith(("to_", "save", "dump")):
        return "return the answer; a program writes nothing"
    _, close = nearest(name, {one: one for one in known})
    return "did you mean " + " or ".join(f"`{one}`" for one in close) + "?" if close else "write it another way"
