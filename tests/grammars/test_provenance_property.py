"""A program over the rows that its answer came from alone gives that answer."""

from __future__ import annotations

import sqlite3

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grammars.provenance import ROWS, with_rows
from tests.grammars.test_dialect_property import (
    AGGREGATE,
    BARE,
    COMPOUND,
    DISTINCT,
    GROUPED,
    JOINED,
    NESTED,
    PLAIN,
    UNORDERED,
    WHOLE,
    filled,
    tables,
)
from tests.support.engines import Cells, Engines, same_rows

DIFFERENCE = filled(
    "SELECT (SELECT {} FROM w WHERE i > 0) - (SELECT {} FROM v)",
    st.sampled_from(["max(x)", "sum(i)", "count(*)"]),
    AGGREGATE,
)
# OFFSET skips rows that the answer did not come from, a NULL beside NOT IN decides by a row that equals nothing.
PROGRAMS = st.one_of(PLAIN, UNORDERED, DISTINCT, WHOLE, BARE, GROUPED, NESTED, COMPOUND, JOINED, DIFFERENCE).filter(
    lambda text: "OFFSET" not in text and "LIMIT 1, 2" not in text
)


def codes(engines: Engines, program: str) -> tuple[list[tuple[object, ...]], set[int]]:
    """The rows of a program, and the codes of the rows that they came from."""
    traced, apart = with_rows(engines.tree(program), engines.schema)
    cursor = engines.duckdb.execute(traced.sql("duckdb"))
    assert cursor.description[-1][0] == ROWS
    rows = cursor.fetchall()
    lists = [row[-1] for row in rows] + [
        row[0] for query in apart for row in engines.duckdb.execute(query.sql("duckdb")).fetchall()
    ]
    return [row[:-1] for row in rows], {abs(code) for found in lists for code in found or [] if code is not None}


def keep(engines: Engines, found: set[int]) -> None:
    """Leave only those rows in the tables."""
    names = [table.name for table in engines.schema]
    for place, name in enumerate(names):
        numbers = [str((code - 1) // len(names)) for code in found if (code - 1) % len(names) == place]
        engines.duckdb.execute(f"DELETE FROM {name} WHERE row_id NOT IN ({', '.join(numbers) or '-1'})")


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much], deadline=None)
@given(tables(), PROGRAMS)
def test_the_rows_give_the_answer(cells: dict[str, dict[str, Cells]], program: str) -> None:
    engines = Engines(cells)
    try:
        try:
            engines.run_sqlite(program)
        except sqlite3.OperationalError:
            return
        whole = engines.run_duckdb(program)
        rows, found = codes(engines, program)
        assert same_rows(rows, whole) or (
            "ORDER" not in program and same_rows(sorted(rows, key=str), sorted(whole, key=str))
        ), program
        keep(engines, found)
        again = engines.run_duckdb(program)
        assert same_rows(again, whole), f"{program}\n{found}\n{whole}\n{again}"
    finally:
        engines.close()
