"""python_uses: where the values of LM calls go in a program.

A value is followed from its call, or from wherever its column is read, through names, columns it is assigned to, loops,
lambdas, and methods and functions that leave it what it is.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from grammars.python_allowed import words
from grammars.python_calls import question_of, text_of, texts_of
from grammars.python_read import Read
from grammars.python_scope import Scope

# Methods and functions that leave a value what it is; those of the second kind make one of many.
ONE_BY_ONE = words("astype str strip lower upper title casefold capitalize fillna copy iloc loc iat at item replace")
SAME = ONE_BY_ONE | words(
    "dropna head tail values tolist to_list to_numpy unique drop_duplicates reset_index squeeze first last get"
)
SAME_FUNCTIONS = words("str list tuple set enumerate reversed zip next iter Series array Counter")


def is_map(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id == "qa_map"


@dataclass(frozen=True)
class Uses:
    """Where the values of a program's LM calls go."""

    read: Read
    scope: Scope

    @cached_property
    def texts(self) -> dict[str, str]:
        """The names that stand for one text."""
        return texts_of(self.read, self.scope)

    def of(self, call: ast.Call, through: frozenset[str] = SAME) -> list[ast.expr]:
        """Every expression that is the value of a call, or a column of its values, followed through these methods."""
        done: dict[ast.expr, None] = {}
        waiting: list[ast.expr] = (
            [node for name in self.names(call) for node in self._read(name)] if is_map(call) else [call]
        )
        while waiting:
            node = waiting.pop(0)
            if node not in done:
                done[node] = None
                waiting.extend(self.goes_on(node, through))
        return list(done)

    def names(self, call: ast.Call) -> list[str]:
        """The names of the column that a map makes: its question, and what the program renames it to."""
        question = question_of(call, self.texts) if is_map(call) else None
        return [] if question is None else [question, *self._renames.get(question, [])]

    @cached_property
    def _renames(self) -> dict[str, list[str]]:
        """What ``rename(columns={…})`` calls each column."""
        found: dict[str, list[str]] = {}
        for node in self.read.nodes:
            if isinstance(node, ast.keyword) and node.arg == "columns" and isinstance(node.value, ast.Dict):
                for old, new in zip(node.value.keys, node.value.values, strict=True):
                    names = text_of(old, self.texts), text_of(new, self.texts)
                    if names[0] is not None and names[1] is not None:
                        found.setdefault(names[0], []).append(names[1])
        return found

    def _read(self, name: str | None) -> list[ast.expr]:
        """Where a column of that name is read."""
        return self._columns.get(name, []) if name is not None else []

    def goes_on(self, node: ast.expr, through: frozenset[str] = SAME) -> Iterator[ast.expr]:
        """The expressions that a value goes on to."""
        parent = self.read.parents[node]
        if isinstance(parent, ast.Attribute) and parent.attr in through:
            yield self._called(parent)
        elif isinstance(parent, ast.Subscript) and parent.value is node:
            yield parent
        elif isinstance(parent, ast.Assign) and parent.value is node:
            yield from self._assigned(parent.targets)
        elif isinstance(parent, ast.NamedExpr):
            yield from (parent, *self._loads.get(parent.target.id, []))
        elif isinstance(parent, ast.For | ast.comprehension) and parent.iter is node:
            yield from self._assigned([parent.target])
        elif isinstance(parent, ast.keyword):
            call = self.read.parents[parent]
            if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "assign" and parent.arg:
                yield from self._read(parent.arg)
        elif isinstance(parent, ast.Call) and node in parent.args and self.function(parent) in SAME_FUNCTIONS:
            yield parent
        elif isinstance(parent, ast.Attribute) and parent.attr in ("apply", "map"):
            yield from self._lambda(self.read.parents[parent])

    def _called(self, node: ast.Attribute) -> ast.expr:
        """A method's call, or the attribute itself, such as ``.str`` or ``.iloc``."""
        parent = self.read.parents[node]
        return parent if isinstance(parent, ast.Call) and parent.func is node else node

    def _assigned(self, targets: list[ast.expr]) -> Iterator[ast.expr]:
        for target in targets:
            if isinstance(target, ast.Name):
                yield from self._loads.get(target.id, [])
            elif isinstance(target, ast.Subscript):
                yield from self._read(text_of(target.slice, self.texts))

    def _lambda(self, call: ast.AST) -> Iterator[ast.expr]:
        function = call.args[0] if isinstance(call, ast.Call) and call.args else None
        if isinstance(function, ast.Lambda) and len(function.args.args) == 1:
            name = function.args.args[0].arg
            yield from (node for node in ast.walk(function.body) if isinstance(node, ast.Name) and node.id == name)

    def function(self, call: ast.Call) -> str:
        """The last name of a function that is called, methods of values left out."""
        if isinstance(call.func, ast.Name):
            return call.func.id
        return call.func.attr if isinstance(call.func, ast.Attribute) and self.scope.path(call.func) else ""

    @cached_property
    def _columns(self) -> dict[str, list[ast.expr]]:
        """Where each column is read, by its name."""
        found: dict[str, list[ast.expr]] = {}
        for node in self.read.nodes:
            if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
                last = node.slice.elts[-1] if isinstance(node.slice, ast.Tuple) and node.slice.elts else node.slice
                if (name := text_of(last, self.texts)) is not None:
                    found.setdefault(name, []).append(node)
        return found

    @cached_property
    def _loads(self) -> dict[str, list[ast.expr]]:
        """Where each name is read."""
        found: dict[str, list[ast.expr]] = {}
        for node in self.read.nodes:
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                found.setdefault(node.id, []).append(node)
        return found
