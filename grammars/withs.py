"""withs: a WITH table has a name that nothing else has, and what reads it goes by the name that the program gave it.

``WITH w AS (SELECT * FROM w WHERE …) SELECT … FROM w`` is natural to write: in its own query the name still means the
table that is given, after it the WITH table. Later rules look names up one by one, and DuckDB takes such a query to
read itself, so here the two are told apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlglot import exp

from grammars.program import Program
from grammars.schema import Schema

_Known = Mapping[str, str]  # the WITH tables in reach: by the name, folded, that a program gave one, the name it has


def name_apart(program: Program, schema: Schema) -> Program:
    """The program, each WITH table that is called like another table under a name of its own."""
    return replace(program, tree=named_apart(program.tree, schema))


def named_apart(tree: exp.Expr, schema: Schema) -> exp.Expr:
    """A tree whose WITH tables have names of their own; the tree itself is not changed.

    A WITH table is in reach of those after it and of its query, and of itself only in a recursive UNION.

    Example:
        >>> from sqlglot import parse_one
        >>> from grammars.schema import TableSchema
        >>> tree = parse_one("WITH w AS (SELECT n FROM w) SELECT n FROM w")
        >>> named_apart(tree, Schema((TableSchema("w", ()),))).sql()
        'WITH w_1 AS (SELECT n FROM w) SELECT n FROM w_1 AS w'
    """
    if tree.find(exp.CTE) is None:
        return tree
    tree = tree.copy()
    taken = {name.name.casefold() for name in tree.find_all(exp.Identifier)}
    _Apart(schema, taken).walk(tree, {})
    return tree


@dataclass
class _Apart:
    """One program whose WITH tables are being named.

    Attributes:
        schema: The tables that are given.
        taken: The names, folded, that the program has.
    """

    schema: Schema
    taken: set[str]

    def walk(self, node: exp.Expr, known: _Known) -> None:
        """Name the WITH tables under a node, and point what reads them to them."""
        with_ = node.args.get("with_")
        if with_ is not None:
            known = self._with(with_, known)
        if isinstance(node, exp.Table):
            _point(node, known)
        for child in node.iter_expressions():
            if child is not with_:
                self.walk(child, known)

    def _with(self, with_: exp.Expr, known: _Known) -> _Known:
        own: dict[str, str] = {}
        for cte in with_.expressions:
            name = own.get(cte.alias.casefold()) or self._own_name(cte.alias, known)  # DuckDB refuses a second one
            before, own = own, {**own, cte.alias.casefold(): name}
            recursive = with_.args.get("recursive") and isinstance(cte.this, exp.SetOperation)
            self.walk(cte.this, {**known, **(own if recursive else before)})
            _call(cte.args["alias"].this, name)
        return {**known, **own}

    def _own_name(self, name: str, known: _Known) -> str:
        """The name itself, unless a table that is given, or a WITH table further out, has it."""
        if self.schema.table(name) is None and name.casefold() not in known:
            return name
        number = 1
        while f"{name}_{number}".casefold() in self.taken or self.schema.table(f"{name}_{number}") is not None:
            number += 1
        self.taken.add(f"{name}_{number}".casefold())
        return f"{name}_{number}"


def _point(table: exp.Table, known: _Known) -> None:
    """Let a table's name after FROM be that of the WITH table it means, if it means one."""
    name = known.get(table.name.casefold())
    if name is None or table.args.get("db") or name == table.name:
        return
    if not table.alias:
        table.set("alias", exp.TableAlias(this=table.this.copy()))
    _call(table.this, name)


def _call(identifier: exp.Expr, name: str) -> None:
    identifier.set("this", name)
