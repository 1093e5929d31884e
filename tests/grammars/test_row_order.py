"""Rows that tie, and rows that are not sorted, in the table's order where DuckDB works with several threads at once."""

from __future__ import annotations

import duckdb
import pytest
import sqlglot

from grammars.dialect import translate
from grammars.schema import Column, Kind, Schema, TableSchema
from grammars.spelling import with_cells, with_spelling

ROWS = 1_000_000  # several of the parts of a table that threads share out
TIED = 100_000  # every so many rows hold the greatest value, each spelled in its own way
NAME = Column("name", Kind.TEXT, "VARCHAR")
N = Column("n", Kind.INTEGER, "BIGINT", spelling="n (spelling)", missing=0)
SCHEMA = Schema((TableSchema("w", (NAME, N), rows=ROWS),))


@pytest.fixture(scope="module")
def database() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"threads": 4})
    n = f"CASE WHEN i % {TIED} = {TIED - 1} THEN 9999 ELSE i % 1000 END"
    connection.execute(
        f"CREATE TABLE w AS SELECT 'name ' || i AS name, {n} AS n, 'n=' || i AS \"n (spelling)\", i AS row_id "
        f"FROM range({ROWS}) t(i)"
    )
    return connection


@pytest.mark.parametrize(
    "program",
    [
        "SELECT name FROM w ORDER BY n DESC LIMIT 1",
        "SELECT name FROM w ORDER BY n DESC LIMIT 3",
        "SELECT name FROM w ORDER BY n DESC NULLS FIRST LIMIT 1",
        "SELECT name FROM w WHERE n = (SELECT MAX(n) FROM w)",
        "SELECT name FROM w WHERE n IN (9999, -1, -2, -3, -4, -5)",
        "SELECT name FROM w WHERE n IN (9999, -1, -2, -3)",
        "SELECT name FROM w WHERE n > (SELECT AVG(n) FROM w) AND n > 5000",
        "SELECT name, MAX(n) FROM w",
    ],
)
def test_the_row_that_comes_first(database: duckdb.DuckDBPyConnection, program: str) -> None:
    query = translate(sqlglot.parse_one(program, read="sqlite"), SCHEMA).sql("duckdb")
    assert {database.execute(query).fetchall()[0][0] for _ in range(30)} == {f"name {TIED - 1}"}


def test_the_text_of_an_extreme_is_that_of_its_first_cell(database: duckdb.DuckDBPyConnection) -> None:
    query, _ = with_spelling(translate(sqlglot.parse_one("SELECT MAX(n) FROM w", read="sqlite"), SCHEMA), SCHEMA)
    assert {database.execute(query.sql("duckdb")).fetchall()[0][1] for _ in range(30)} == {f"n={TIED - 1}"}


def test_each_of_several_extremes_numbers_its_first_row(database: duckdb.DuckDBPyConnection) -> None:
    tree = translate(sqlglot.parse_one("SELECT MAX(n), MIN(n) FROM w", read="sqlite"), SCHEMA)
    query = with_cells(tree, SCHEMA)[0].sql("duckdb")
    assert {database.execute(query).fetchone() for _ in range(30)} == {(9999, 0, TIED - 1, 0)}


@pytest.mark.parametrize(
    ("program", "wanted"),
    [
        (
            "ORDER BY n DESC LIMIT 1",
            '"w"."n" >= (SELECT "_top"."n" FROM "w" AS "_top" ORDER BY "_top"."n" DESC LIMIT 1)',
        ),
        (
            "ORDER BY n LIMIT 2 OFFSET 3",
            '"w"."n" <= (SELECT "_top"."n" FROM "w" AS "_top" ORDER BY "_top"."n" LIMIT 1 OFFSET 4)',
        ),
        ("ORDER BY m LIMIT 4", '"w"."m" IS NULL'),
        ("ORDER BY m LIMIT 5", None),  # the fourth row has no value, the fifth has one
        (
            "ORDER BY m DESC LIMIT 5",
            '"w"."m" >= (SELECT "_top"."m" FROM "w" AS "_top" ORDER BY "_top"."m" DESC LIMIT 1 OFFSET 4)',
        ),
        ("ORDER BY m DESC NULLS FIRST LIMIT 4", '"w"."m" IS NULL'),
        ("ORDER BY name DESC LIMIT 1", None),  # it is not known how many names are missing
        ("ORDER BY n LIMIT 10001", None),  # not few
        ("ORDER BY n, m LIMIT 1", None),
        ("WHERE m = 1 ORDER BY n LIMIT 1", '"w"."m" = 1'),
    ],
)
def test_what_a_few_rows_of_many_must_meet(program: str, wanted: str | None) -> None:
    columns = (NAME, N, Column("m", Kind.INTEGER, "BIGINT", missing=4))
    tree = translate(
        sqlglot.parse_one(f"SELECT name FROM w {program}", read="sqlite"),
        Schema((TableSchema("w", columns, rows=ROWS),)),
    )
    where = tree.args.get("where")
    assert (where.this.sql("duckdb") if where else None) == wanted
