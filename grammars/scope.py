"""What names mean at a point of a query: the tables and subqueries after FROM, output aliases, enclosing queries.

SQLite looks a name up among the columns of the query's own FROM clause, then among its output aliases, then in the
enclosing queries; names fold case, quoted or not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache

from sqlglot import exp

from .schema import Column, Schema
from .values import INTEGER, literal_number, typed

ROW_ID_NAMES = ("rowid", "_rowid_", "oid")


class Labels(StrEnum):
    """What an output without an alias is called."""

    NONE = "none"
    SHOWN = "shown"
    UNIQUE = "unique"


@dataclass(frozen=True)
class Output:
    """A column that a table or query gives: its name, its DuckDB type (None when unknown), the table column it is."""

    name: str
    type: exp.DataType | None
    column: Column | None = None


def renamed(outputs: tuple[Output, ...], columns: list[exp.Expr]) -> tuple[Output, ...]:
    """Outputs under the names an alias lists."""
    if not columns:
        return outputs
    return tuple(replace(output, name=column.name) for column, output in zip(columns, outputs, strict=False))


def unique_name(name: str, outputs: list[Output]) -> str:
    """A name that no output has yet; SQLite tells a second ``name`` apart as ``name:1``."""
    taken = {output.name.casefold() for output in outputs}
    number, label = 0, name
    while label.casefold() in taken:
        number += 1
        label = f"{name}:{number}"
    return label


@cache
def duckdb_type(spelled: str) -> exp.DataType:
    """A type as DuckDB spells it."""
    return exp.DataType.build(spelled, dialect="duckdb")


@cache
def output_of(column: Column) -> Output:
    """A table's column as an output; its type remembers how its cells are read."""
    type_ = duckdb_type(column.type).copy()
    type_.meta["form"] = column.form
    type_.meta["numbered"] = column.numbered
    return Output(column.name, type_, column)


@dataclass(frozen=True)
class Source:
    """One table or subquery after FROM.

    Attributes:
        name: Its alias, or the table's name.
        outputs: Its visible columns.
        row_id: A base table's hidden row number.
        table: A base table's real name.
    """

    name: str
    outputs: tuple[Output, ...]
    row_id: str | None = None
    table: str | None = None

    def find(self, name: str) -> Output | None:
        """The visible column of that name, case ignored."""
        folded = name.casefold()
        return next((output for output in self.outputs if output.name.casefold() == folded), None)

    def column(self, output: Output) -> exp.Expr:
        """A reference to one of its columns."""
        node = typed(exp.column(output.name, table=self.name, quoted=True), output.type)
        if output.column is not None:
            node.meta["spelling"] = output.column.spelling
        return node

    def row_number(self) -> exp.Expr | None:
        """A reference to its hidden row number, if it has one."""
        return None if self.row_id is None else self.column(Output(self.row_id, INTEGER))

    def resolve(self, name: str) -> exp.Expr | None:
        """The column, or the row number, that a program means by a name."""
        output = self.find(name)
        if output is not None:
            return self.column(output)
        row_number, folded = self.row_number(), name.casefold()
        if row_number is None or self.row_id is None:
            return None
        if folded in (self.row_id.casefold(), "row_id"):
            return row_number
        if folded in ROW_ID_NAMES:  # SQLite counts these from 1.
            return typed(exp.Paren(this=exp.Add(this=row_number, expression=literal_number("1"))), INTEGER)
        return None


@dataclass
class Scope:
    """The names one SELECT sees.

    Attributes:
        schema: The base tables.
        parent: The enclosing SELECT's names, for correlated subqueries.
        tables: WITH queries in reach, by folded name.
        sources: What stands after FROM, in order.
        merged: Columns that NATURAL or USING made one, by folded name.
        aliases: The outputs named so far, by folded name.
    """

    schema: Schema
    parent: Scope | None = None
    tables: dict[str, tuple[Output, ...]] = field(default_factory=dict)
    sources: list[Source] = field(default_factory=list)
    merged: dict[str, exp.Expr] = field(default_factory=dict)
    aliases: dict[str, exp.Expr] = field(default_factory=dict)

    def inner(self) -> Scope:
        """The scope of a subquery inside an expression."""
        return Scope(self.schema, self, self.tables)

    def beside(self) -> Scope:
        """The scope of a subquery after FROM, which does not see its neighbours."""
        return Scope(self.schema, self.parent, self.tables)

    def source(self, name: str) -> Source | None:
        """The source of that alias or table name."""
        folded = name.casefold()
        return next((source for source in self.sources if source.name.casefold() == folded), None)

    def resolve(self, column: exp.Column) -> exp.Expr | None:
        """The expression a column reference means, or None when nothing has that name."""
        for scope in self.outwards():
            found = scope._qualified(column) if column.table else scope._bare(column.name)
            if found is not None:
                return found
        table = self.schema.table(column.table) if column.table else None
        return self._by_table(table.name, column.name) if table else None

    def _qualified(self, column: exp.Column) -> exp.Expr | None:
        source = self.source(column.table)
        return source.resolve(column.name) if source else None

    def outwards(self) -> Iterator[Scope]:
        """This scope and those around it."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent

    def _by_table(self, real: str, name: str) -> exp.Expr | None:
        """A column qualified with its table's name though the table goes by an alias."""
        sources = (source for scope in self.outwards() for source in scope.sources if source.table == real)
        source = next(sources, None)
        return source.resolve(name) if source else None

    def _bare(self, name: str) -> exp.Expr | None:
        folded = name.casefold()
        if folded in self.merged:
            return self.merged[folded].copy()
        for source in self.sources:
            output = source.find(name)
            if output:
                return source.column(output)
        if folded in self.aliases:
            return self.aliases[folded].copy()
        return next((found for source in self.sources if (found := source.resolve(name))), None)

    def visible(self) -> Iterator[tuple[Source, Output]]:
        """What ``*`` stands for, merged columns once."""
        seen: set[str] = set()
        for source in self.sources:
            for output in source.outputs:
                folded = output.name.casefold()
                if folded in self.merged and folded in seen:
                    continue
                seen.add(folded)
                yield source, output

    def row_numbers(self) -> list[exp.Expr]:
        """The hidden row numbers of the base tables after FROM, in order: the order of the rows."""
        return [number for source in self.sources if (number := source.row_number()) is not None]
