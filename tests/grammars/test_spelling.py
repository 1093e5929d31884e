"""Companions carry the cells' own text; the program's own rows and their order stay what they were."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from grammars.cellrows import CellRow
from grammars.dialect import translate
from grammars.schema import Column, Kind, Schema, TableSchema
from grammars.spelling import with_cells, with_spelling
from grammars.withs import named_apart

SCHEMA = Schema(
    (
        TableSchema(
            "peaks",
            (
                Column("name", Kind.TEXT, "VARCHAR"),
                Column("height", Kind.INTEGER, "BIGINT", spelling="height (spelling)"),
                Column("ratio", Kind.NUMBER, "DOUBLE", spelling="ratio (spelling)"),
                Column("side", Kind.TEXT, "VARCHAR"),
            ),
        ),
    )
)


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as database:
        database.execute(
            'CREATE TABLE peaks (name VARCHAR, height BIGINT, "height (spelling)" VARCHAR, ratio DOUBLE, '
            '"ratio (spelling)" VARCHAR, side VARCHAR, row_id BIGINT)'
        )
        database.execute(
            "INSERT INTO peaks VALUES ('a', 8848, '8,848 m', 5.0, NULL, 'x', 0), ('b', 8611, NULL, 2.5, '2½', 'x', 1), "
            "('c', 8848, '8848m', NULL, 'n/a', 'y', 2)"
        )
        yield database


def translated_of(program: str) -> exp.Expr:
    return translate(named_apart(sqlglot.parse_one(program, read="sqlite"), SCHEMA), SCHEMA)


def run(database: duckdb.DuckDBPyConnection, program: str) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    """The program's rows, and the texts beside them (None for an output without a companion)."""
    translated = translated_of(program)
    plain = database.execute(translated.sql("duckdb")).fetchall()
    spelled, companions = with_spelling(translated, SCHEMA)
    result = database.execute(spelled.sql("duckdb"))
    names = [column[0] for column in result.description or []]
    rows = result.fetchall()
    assert [row[: len(companions)] for row in rows] == plain
    return plain, [tuple(row[names.index(name)] if name else None for name in companions) for row in rows]


def run_by_rows(database: duckdb.DuckDBPyConnection, program: str) -> tuple[list[tuple[str | None, ...]], bool]:
    """The texts beside a program's rows, looked up by number where rows are numbered, and whether any are."""
    translated = translated_of(program)
    plain = database.execute(translated.sql("duckdb")).fetchall()
    spelled, companions = with_cells(translated, SCHEMA)
    result = database.execute(spelled.sql("duckdb"))
    names = [column[0] for column in result.description or []]
    rows = result.fetchall()
    assert [row[: len(companions)] for row in rows] == plain

    def text(row: tuple[Any, ...], position: int, companion: str | CellRow | None) -> str | None:
        if not isinstance(companion, CellRow):
            return row[names.index(companion)] if companion else None
        number, value = row[names.index(companion.name)], row[position]
        look_up = f'SELECT "{companion.column}" FROM "{companion.table}" WHERE row_id = ?'
        cell = database.execute(look_up, [number]).fetchone() or (None,)
        return cell[0] or (None if value is None else f"{value:.15g}")

    texts = [tuple(text(row, position, one) for position, one in enumerate(companions)) for row in rows]
    return texts, any(isinstance(one, CellRow) for one in companions)


TEXTS: list[tuple[str, list[tuple[str | None, ...]]]] = [
    ("SELECT height, ratio, name FROM w", [("8,848 m", "5", None), ("8611", "2½", None), ("8848m", "n/a", None)]),
    ("SELECT * FROM w WHERE name = 'b'", [(None, "8611", "2½", None)]),
    ("SELECT name, MAX(height) FROM w", [(None, "8,848 m")]),
    ("SELECT MAX(height), MIN(ratio) FROM w", [("8,848 m", "2½")]),
    ("SELECT MAX(height) FROM w WHERE side = 'y'", [("8848m",)]),
    ("SELECT MIN(h), COUNT(*) FROM (SELECT height AS h FROM w WHERE name > 'a')", [("8611", None)]),
    ("SELECT height, MAX(ratio) FROM w GROUP BY side", [("8,848 m", "5"), ("8848m", None)]),
    ("SELECT height, COUNT(*) FROM w GROUP BY height", [("8611", None), ("8,848 m", None)]),
    ("SELECT DISTINCT height FROM w", [("8,848 m",), ("8611",)]),
    ("SELECT DISTINCT side, MAX(height) FROM w GROUP BY side", [(None, "8,848 m"), (None, "8848m")]),
    ("SELECT (SELECT height FROM w WHERE name = 'a')", [("8,848 m",)]),
    ("SELECT x FROM (SELECT height AS x, ratio FROM w) WHERE ratio > 3", [("8,848 m",)]),
    ("WITH t AS (SELECT height AS h, name FROM w) SELECT h FROM t WHERE name = 'c'", [("8848m",)]),
    ("WITH t(h) AS (SELECT height FROM w) SELECT h FROM t LIMIT 1", [("8,848 m",)]),
    (
        "SELECT height FROM w UNION ALL SELECT ratio FROM w WHERE name = 'b'",
        [("8,848 m",), ("8611",), ("8848m",), ("2½",)],
    ),
    ("SELECT height FROM w WHERE name = 'a' UNION ALL SELECT 5", [("8,848 m",), ("5",)]),
    ("SELECT b.height FROM w a JOIN w b ON a.row_id = b.row_id + 1", [("8,848 m",), ("8611",)]),
    ("SELECT height / 2, name FROM w LIMIT 1", [(None, None)]),
    # two outputs of one name, or of a companion's
    ("SELECT a.height, b.height FROM w a, w b WHERE a.name = 'a' AND b.name = 'b'", [("8,848 m", "8611")]),
    ("SELECT * FROM w a JOIN w b ON a.name < b.name LIMIT 1", [(None, "8,848 m", "5", None, None, "8611", "2½", None)]),
    ("SELECT ratio AS n, height AS N FROM w WHERE name = 'b'", [("2½", "8611")]),
    ('SELECT height AS "n:spelling", ratio AS n, ratio AS "n:row" FROM w LIMIT 1', [("8,848 m", "5", "5")]),
    (
        "SELECT x.n, y.n FROM (SELECT MAX(height) AS n FROM w) x, (SELECT MIN(height) AS n FROM w) y",
        [("8,848 m", "8611")],
    ),
    ("SELECT height AS n, ratio AS n FROM w WHERE name = 'b' UNION ALL SELECT 1, 2", [("8611", "2½"), ("1", "2")]),
    (
        "SELECT 1, 1 UNION ALL SELECT 2, 2 UNION ALL SELECT 3, height FROM w LIMIT 3",
        [(None, "1"), (None, "2"), (None, "8,848 m")],
    ),
    # an extreme that is looked up, in a query of its own
    ("SELECT (SELECT MAX(height) FROM w), (SELECT MIN(ratio) FROM w)", [("8,848 m", "2½")]),
    ("SELECT name, (SELECT MAX(height) FROM w) AS top FROM w LIMIT 2", [(None, "8,848 m"), (None, "8,848 m")]),
    ("SELECT (SELECT MAX(height) FROM w LIMIT 0), (SELECT MAX(height) FROM w HAVING COUNT(*) > 9)", [(None, None)]),
    # wrapped
    ("SELECT (MAX(height)), (MIN((ratio))) FROM w", [("8,848 m", "2½")]),
    ("SELECT (height), ((ratio)) FROM w WHERE name = 'b'", [("8611", "2½")]),
    ("SELECT (height), COUNT(*) FROM w GROUP BY height", [("8611", None), ("8,848 m", None)]),
    ("SELECT (height), COUNT(*) FROM w GROUP BY (height)", [("8611", None), ("8,848 m", None)]),
    (
        "SELECT FIRST_VALUE(height) OVER (ORDER BY name), LAG(ratio, 1, 0) OVER (ORDER BY name) FROM w",
        [("8,848 m", "0"), ("8,848 m", "5"), ("8,848 m", "2½")],
    ),
    (
        "SELECT name, MAX(height) OVER (PARTITION BY side), SUM(height) OVER () FROM w ORDER BY name LIMIT 1",
        [(None, "8,848 m", None)],
    ),
    # a WITH table in whose own query its name means the table
    ("WITH peaks AS (SELECT * FROM w WHERE name > 'a') SELECT height FROM peaks", [("8611",), ("8848m",)]),
    ("WITH w AS (SELECT ratio AS height FROM w) SELECT MIN(height) FROM w", [("2½",)]),
    ("SELECT height FROM w UNION SELECT height FROM w", [(None,), (None,)]),
]


@pytest.mark.parametrize(("program", "texts"), TEXTS)
def test_texts(database: duckdb.DuckDBPyConnection, program: str, texts: list[tuple[str | None, ...]]) -> None:
    assert run(database, program)[1] == texts


@pytest.mark.parametrize(("program", "texts"), TEXTS)
def test_texts_by_row(database: duckdb.DuckDBPyConnection, program: str, texts: list[tuple[str | None, ...]]) -> None:
    assert run_by_rows(database, program)[0] == texts


@pytest.mark.parametrize(
    ("program", "numbered"),
    [
        ("SELECT height, COUNT(*) FROM w GROUP BY height", True),
        ("SELECT MAX(height) FROM w WHERE side = 'y'", True),
        ("SELECT DISTINCT height FROM w", True),
        ("SELECT height FROM w", True),
        ("SELECT height FROM w UNION ALL SELECT ratio FROM w", False),
        ("SELECT side, COUNT(*) FROM w GROUP BY side", False),
        ("SELECT a.height FROM w a JOIN w b ON a.side = b.side GROUP BY a.height", False),
        ("SELECT h FROM (SELECT height AS h FROM w) GROUP BY h", False),
    ],
)
def test_what_one_table_gives_is_told_by_row(database: duckdb.DuckDBPyConnection, program: str, numbered: bool) -> None:
    assert run_by_rows(database, program)[1] is numbered


def test_a_schema_without_spellings_changes_nothing() -> None:
    schema = Schema((TableSchema("w", (Column("name", Kind.TEXT, "VARCHAR"),)),))
    tree = sqlglot.parse_one("SELECT name, name || 'x' FROM w", read="sqlite")
    assert isinstance(tree, exp.Expression)
    translated = translate(tree, schema)
    assert with_spelling(translated, schema) == (translated, (None, None))
