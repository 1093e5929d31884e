"""Names of a Python program: what it binds, what it imports, and what each stands for.

Names are told apart by their spelling alone, over the whole program. That errs to the side of refusing: a name stands
for a module, a function or a table only if nothing anywhere in the program binds it to something else.
"""

from __future__ import annotations

import ast
import builtins
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from grammars.python_allowed import BUILTINS, CALLS, GIVEN
from grammars.python_read import Read

REAL_BUILTINS = frozenset(dir(builtins))


@dataclass(frozen=True)
class Binding:
    """One place that gives a name something to stand for.

    Attributes:
        name: The name.
        node: The node that binds it: a name, a parameter, a function, an import's alias, an exception's handler.
    """

    name: str
    node: ast.AST


@dataclass(frozen=True)
class Scope:
    """The names of one program."""

    read: Read

    @cached_property
    def bindings(self) -> tuple[Binding, ...]:
        """Every binding, imports left out."""
        return tuple(_bindings(self.read))

    @cached_property
    def bound(self) -> frozenset[str]:
        """The names that the program binds, imports left out."""
        return frozenset(binding.name for binding in self.bindings)

    @cached_property
    def aliases(self) -> tuple[tuple[str, str, ast.alias], ...]:
        """What imports bind: a name, and what it is, such as ``math`` or ``math.sqrt``."""
        return tuple(
            (name, meant, alias)
            for node in self.read.nodes
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
            for name, meant in [_imported(node, alias)]
        )

    @cached_property
    def modules(self) -> dict[str, str]:
        """The module that a name stands for."""
        named = {name: meant for name, meant, alias in self.aliases if isinstance(self.read.parents[alias], ast.Import)}
        return (
            {**GIVEN, **named}
            if not self.members
            else {name: meant for name, meant in {**GIVEN, **named}.items() if name not in self.members}
        )

    @cached_property
    def members(self) -> dict[str, str]:
        """What a name imported from a module stands for, such as ``math.sqrt``."""
        return {
            name: meant for name, meant, alias in self.aliases if isinstance(self.read.parents[alias], ast.ImportFrom)
        }

    @cached_property
    def functions(self) -> frozenset[str]:
        """The names that stand for a function of the program's own, whatever the program does."""
        counted = Counter(binding.name for binding in self.bindings)
        made = {binding.name for binding in self.bindings if self._is_function(binding.node)}
        return frozenset(name for name in made if counted[name] == 1)

    def _is_function(self, node: ast.AST) -> bool:
        parent = self.read.parents.get(node)
        named = isinstance(parent, ast.Assign) and node in parent.targets and isinstance(parent.value, ast.Lambda)
        return isinstance(node, ast.FunctionDef) or named

    def is_builtin(self, name: str) -> bool:
        """Whether a name stands for one of Python's own, and one that a program may use."""
        return name in BUILTINS and name not in self.bound and name not in self.members

    def path(self, node: ast.AST) -> str | None:
        """What a node is of a module, such as ``pandas.DataFrame``; the module itself too; None for anything else.

        Example:
            >>> from grammars.python_read import read
            >>> program = read("pd.api.types")
            >>> Scope(program).path(program.tree.body[0].value)
            'pandas.api.types'
        """
        if isinstance(node, ast.Name):
            return self.members.get(node.id) or self.modules.get(node.id)
        if isinstance(node, ast.Attribute) and (base := self.path(node.value)) is not None:
            return f"{base}.{node.attr}"
        return None

    @cached_property
    def tuple_rows(self) -> frozenset[str]:
        """The names that stand for a row which ``itertuples`` gives, wherever they are bound."""
        loops = [node for node in self.read.nodes if isinstance(node, ast.For | ast.comprehension)]
        rows = {loop.target for loop in loops if isinstance(loop.target, ast.Name) and _gives_tuples(loop.iter)}
        others = {binding.name for binding in self.bindings if binding.node not in rows}
        return frozenset(row.id for row in rows) - others

    @cached_property
    def unbound(self) -> tuple[ast.Name, ...]:
        """Where names are used that nothing gives a meaning, Python's own left out."""
        known = self.bound | REAL_BUILTINS | self.modules.keys() | self.members.keys() | {*CALLS, "__name__"}
        loads = (node for node in self.read.nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load))
        return tuple(node for node in loads if node.id not in known)


def _gives_tuples(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "itertuples"


def _bindings(read: Read) -> Iterator[Binding]:
    for node in read.nodes:
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield Binding(node.id, node)
        elif isinstance(node, ast.arg):
            yield Binding(node.arg, node)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef) or (
            isinstance(node, ast.ExceptHandler) and node.name
        ):
            yield Binding(str(node.name), node)
        elif isinstance(node, ast.Nonlocal | ast.Global):
            yield from (Binding(name, node) for name in node.names)


def _imported(node: ast.Import | ast.ImportFrom, alias: ast.alias) -> tuple[str, str]:
    """The name that an import binds, and what it stands for."""
    if isinstance(node, ast.ImportFrom):
        return alias.asname or alias.name, f"{'.' * node.level}{node.module or ''}.{alias.name}"
    return (alias.asname, alias.name) if alias.asname else (alias.name.partition(".")[0], alias.name.partition(".")[0])
