"""How long programs take beside the same queries written by hand in DuckDB, over a loaded table of 1,000,000 rows.

Run it by hand: ``python tests/bench_programs.py``. Prints for each program the least milliseconds of both, measured in
turn, and their ratio. The queries by hand read the same typed columns and give values only. They leave to chance which
of equal rows comes first; where that can show, a second line has the query that breaks ties by row, as a program does.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).parents[1]))

from binder.engine import Binder
from binder.table import Table
from tests.support.messy import write_messy

ROWS = 1_000_000
TIMES = 15

# A program, and the query by hand where that is another text.
PAIRS: tuple[tuple[str, str | None], ...] = (
    ("SELECT COUNT(*) FROM w", None),
    ("SELECT COUNT(*) FROM w WHERE year > 1990", None),
    ("SELECT SUM(count), AVG(price) FROM w", None),
    ("SELECT MAX(count) FROM w", None),
    ("SELECT MIN(day) FROM w", None),
    ("SELECT MAX(price) FROM w", None),
    ("SELECT MAX(year), MIN(year) FROM w", None),
    ("SELECT name FROM w ORDER BY count DESC LIMIT 1", None),
    ("SELECT name FROM w ORDER BY price LIMIT 1", None),
    ("SELECT name FROM w ORDER BY year LIMIT 1", None),
    ("SELECT name FROM w ORDER BY day DESC LIMIT 10", None),
    ("SELECT name, count FROM w ORDER BY count LIMIT 10", None),
    ("SELECT name FROM w WHERE year = 1990 ORDER BY count DESC LIMIT 3", None),
    ("SELECT name, MAX(count) FROM w", "SELECT ARG_MAX(name, count), MAX(count) FROM w"),
    ("SELECT name FROM w WHERE count = (SELECT MAX(count) FROM w)", None),
    ("SELECT year, COUNT(*) FROM w GROUP BY year ORDER BY COUNT(*) DESC LIMIT 5", None),
    ("SELECT year, MAX(count) FROM w GROUP BY year", None),
    ("SELECT name, AVG(price) FROM w GROUP BY name", None),
    ("SELECT COUNT(DISTINCT name) FROM w", None),
    ("SELECT DISTINCT year FROM w", None),
    ("SELECT COUNT(*) FROM w WHERE day > '2000-01-01'", None),
    ("SELECT COUNT(*) FROM w WHERE name = 'Elm 7'", "SELECT COUNT(*) FROM w WHERE lower(name) = 'elm 7'"),
    ("SELECT COUNT(*) FROM w WHERE name LIKE 'elm%'", "SELECT COUNT(*) FROM w WHERE name ILIKE 'elm%'"),
    ("SELECT COUNT(*) FROM w WHERE day LIKE '1999%'", "SELECT COUNT(*) FROM w WHERE CAST(day AS VARCHAR) LIKE '1999%'"),
    ("SELECT count FROM w LIMIT 5", None),
    ("SELECT name, count FROM w WHERE row_id = 500000", None),
)


# Queries by hand that leave no tie.
WITHOUT_TIES = {
    "SELECT name FROM w ORDER BY count DESC LIMIT 1": "SELECT name FROM w ORDER BY count DESC, row_id LIMIT 1",
    "SELECT name FROM w ORDER BY price LIMIT 1": "SELECT name FROM w ORDER BY price NULLS FIRST, row_id LIMIT 1",
    "SELECT name FROM w ORDER BY year LIMIT 1": "SELECT name FROM w ORDER BY year NULLS FIRST, row_id LIMIT 1",
    "SELECT name FROM w ORDER BY day DESC LIMIT 10": "SELECT name FROM w ORDER BY day DESC, row_id LIMIT 10",
    "SELECT name, count FROM w ORDER BY count LIMIT 10": "SELECT name, count FROM w ORDER BY count NULLS FIRST, row_id "
    "LIMIT 10",
}


def least(*works: Callable[[], object]) -> list[float]:
    """The least milliseconds of each of some works, done in turn."""
    seconds: list[list[float]] = [[] for _ in works]
    for _ in range(TIMES):
        for work, taken in zip(works, seconds, strict=True):
            started = time.perf_counter()
            work()
            taken.append(time.perf_counter() - started)
    return [1000 * min(taken) for taken in seconds]


def compare(engine: Binder, table: Table, database: duckdb.DuckDBPyConnection, program: str, by_hand: str) -> None:
    """Print how long a program takes here, and the query by hand in DuckDB."""
    here, plain = least(
        lambda: engine.run(program, table),
        lambda: database.execute(by_hand).fetchall(),
    )
    ties = "  (by hand without ties)" if by_hand in WITHOUT_TIES.values() else ""
    print(f"{here / plain:5.2f}  {here:8.2f} ms here, {plain:8.2f} ms by hand  {program}{ties}", flush=True)


def main() -> None:
    """Write the table, load it in both, print the times."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "messy.csv"
        write_messy(path, ROWS)
        table = Table.from_csv(path)
    database = duckdb.connect()
    database.register("arriving", table.data.select([*(column.name for column in table.columns), table.row_id]))
    database.execute("CREATE TABLE w AS FROM arriving")
    with Binder() as engine:
        for program, by_hand in PAIRS:
            compare(engine, table, database, program, by_hand or program)
            if program in WITHOUT_TIES:
                compare(engine, table, database, program, WITHOUT_TIES[program])


if __name__ == "__main__":
    main()
