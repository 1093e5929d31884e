"""One small table in SQLite and in DuckDB, and a program run on both."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import duckdb
from sqlglot import exp

from grammars.check import check
from grammars.dialect import translate
from grammars.figures import MACROS
from grammars.schema import Column, Kind, Schema, TableSchema
from grammars.spelling import with_cells, with_spelling
from grammars.sql import parse
from grammars.withs import named_apart

TYPES = {
    Kind.INTEGER: ("BIGINT", "INTEGER"),
    Kind.NUMBER: ("DOUBLE", "REAL"),
    Kind.TEXT: ("VARCHAR", "TEXT"),
    Kind.DATE: ("DATE", "TEXT"),
}


@dataclass(frozen=True)
class Cells:
    """A column: what its cells are, and the cells (dates as ISO texts)."""

    kind: Kind
    cells: Sequence[Any]


class Engines:
    """Tables loaded in both engines; each has the hidden ``row_id`` and its rows in order."""

    def __init__(self, tables: Mapping[str, Mapping[str, Cells]]) -> None:
        self.schema = Schema(
            tuple(
                TableSchema(
                    name,
                    tuple(
                        Column(column, cells.kind, TYPES[cells.kind][0], missing=list(cells.cells).count(None))
                        for column, cells in columns.items()
                    ),
                    rows=len(next(iter(columns.values())).cells),
                )
                for name, columns in tables.items()
            )
        )
        self.spelled = Schema(
            tuple(replace(table, columns=tuple(map(keeping, table.columns))) for table in self.schema)
        )
        self.duckdb = duckdb.connect(":memory:", config={"threads": 1})
        self.duckdb.execute(MACROS)
        self.sqlite = sqlite3.connect(":memory:")
        self.plain = sqlite3.connect(":memory:")
        for name, columns in tables.items():
            numbered = {**columns, "row_id": Cells(Kind.INTEGER, range(len(next(iter(columns.values())).cells)))}
            spellings = {f"{column} (spelling)": spelled(cells) for column, cells in columns.items()}
            self._load(self.duckdb, name, {**numbered, **spellings}, 0)
            self._load(self.sqlite, name, numbered, 1)
            self._load(self.plain, name, columns, 1)

    def _load(self, database: Any, name: str, columns: Mapping[str, Cells], engine: int) -> None:
        spelled = ", ".join(f"{quoted(column)} {TYPES[cells.kind][engine]}" for column, cells in columns.items())
        database.execute(f"CREATE TABLE {quoted(name)} ({spelled})")
        rows = list(zip(*(cells.cells for cells in columns.values()), strict=True))
        if rows:
            marks = ", ".join("?" * len(columns))
            database.executemany(f"INSERT INTO {quoted(name)} VALUES ({marks})", rows)

    def close(self) -> None:
        for database in (self.duckdb, self.sqlite, self.plain):
            database.close()

    def run_sqlite(self, program: str) -> list[tuple[Any, ...]]:
        """SQLite's rows; ``*`` leaves out ``row_id`` where the program does not name it."""
        database = self.sqlite if "row_id" in program else self.plain
        return database.execute(program).fetchall()

    def translate(self, program: str) -> str:
        """A program's translation as text."""
        return self.tree(program).sql("duckdb")

    def tree(self, program: str) -> exp.Expression:
        """A program's translation."""
        tree = named_apart(parse(program, self.schema).tree, self.schema)
        assert isinstance(tree, exp.Expression)
        return translate(settle_quotes(tree, self.schema), self.schema)

    def run_duckdb(self, program: str) -> list[tuple[Any, ...]]:
        """DuckDB's rows for the translated program."""
        return self.duckdb.execute(self.translate(program)).fetchall()

    def run_spelled(self, program: str) -> list[tuple[Any, ...]]:
        """DuckDB's rows where companions stand beside the program's outputs, without the companions."""
        spelled, companions = with_spelling(self.tree(program), self.spelled)
        return [row[: len(companions)] for row in self.duckdb.execute(spelled.sql("duckdb")).fetchall()]

    def mistold(self, program: str) -> list[tuple[Any, str | None]]:
        """Values and the texts beside them, where a text is neither the value's spelling nor its rendering."""
        spelled, companions = with_spelling(self.tree(program), self.spelled)
        result = self.duckdb.execute(spelled.sql("duckdb"))
        names = [name for name, *_ in result.description]
        at = {place: names.index(name, len(companions)) for place, name in enumerate(companions) if name}
        pairs = [(row[place], row[text]) for row in result.fetchall() for place, text in at.items()]
        return [(value, text) for value, text in pairs if not tells(text, value)]

    def run_checked(self, program: str) -> list[tuple[Any, ...]]:
        """DuckDB's rows for a program that went through every check, without the texts beside them."""
        checked = check(program, self.schema)
        assert checked.program is not None and checked.program.translated is not None, checked.complaints
        spelled, companions = with_spelling(checked.program.translated, self.spelled)
        return [row[: len(companions)] for row in self.duckdb.execute(spelled.sql("duckdb")).fetchall()]

    def run_by_rows(self, program: str) -> list[tuple[Any, ...]]:
        """DuckDB's rows where companions that may number rows stand beside the program's outputs, without them."""
        spelled, companions = with_cells(self.tree(program), self.spelled)
        return [row[: len(companions)] for row in self.duckdb.execute(spelled.sql("duckdb")).fetchall()]


def keeping(column: Column) -> Column:
    """A column that keeps spellings."""
    return replace(column, spelling=f"{column.name} (spelling)")


def spelled(cells: Cells) -> Cells:
    """Spellings of a column: some cells have one."""
    return Cells(Kind.TEXT, [f"{cell}!" if number % 2 else None for number, cell in enumerate(cells.cells)])


def tells(text: str | None, value: Any) -> bool:
    """Whether a text is the spelling, or the rendering, of a cell with this value."""
    if value is None:
        return text in (None, f"{None}!")
    return text is not None and same_cell(text.removesuffix("!"), value)


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def settle_quotes(tree: exp.Expression, schema: Schema) -> exp.Expression:
    """Double-quoted names that are no column, alias or table are text."""
    known = {column.name.casefold() for table in schema for column in table.columns}
    known |= {alias.alias.casefold() for alias in tree.find_all(exp.Alias, exp.TableAlias)}
    for column in list(tree.find_all(exp.Column)):
        if column.this.args.get("quoted") and column.name.casefold() not in known and column.name != "row_id":
            column.replace(exp.Literal.string(column.name))
    return tree


def same_cell(found: Any, wanted: Any) -> bool:
    """Whether two values are the same answer: numbers within 1e-6, dates by their text."""
    if found is None or wanted is None:
        return found is wanted
    try:
        return abs(float(found) - float(wanted)) <= 1e-6 * max(1.0, abs(float(wanted)))
    except (TypeError, ValueError):
        return str(found) == str(wanted)


def same_rows(found: Sequence[Sequence[Any]], wanted: Sequence[Sequence[Any]]) -> bool:
    """Whether two results are equal row by row, in order."""
    return len(found) == len(wanted) and all(
        len(one) == len(other) and all(map(same_cell, one, other)) for one, other in zip(found, wanted, strict=True)
    )
