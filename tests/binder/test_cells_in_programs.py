"""What programs find in cells: literals are read as the column's cells are, text functions see the cells' own text."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pandas
import pytest

from binder.engine import Binder
from binder.table import Table


@pytest.fixture(scope="module")
def engine() -> Iterator[Binder]:
    with Binder() as engine:
        yield engine


def rows(engine: Binder, condition: str, **columns: list[str]) -> list[int]:
    """The numbers of the rows of a table for which a condition holds."""
    table = Table.from_pandas(pandas.DataFrame(columns))
    return [int(number) for number in engine.run(f"SELECT row_id FROM w WHERE {condition}", table).values]


LAPS = ["1:58.32", "2:01.10", "4:59.00", "5:02.50", "1:02:03.5"]
RUNS = ["2:05:30", "2:10:00", "26:45:10"]
DAY_FIRST = ["5/3/1990", "31/3/1990", "1/4/1991"]
MONTH_FIRST = ["5/3/1990", "3/31/1990", "4/1/1991"]
CLOCKS = ["3:45 p.m.", "11:00", "8:15 am"]


@pytest.mark.parametrize(
    ("cells", "condition", "wanted"),
    [
        (LAPS, "x < '2:00'", [0]),
        (LAPS, "x > '5:00'", [3, 4]),
        (LAPS, "x BETWEEN '2:00' AND '5:00'", [1, 2]),
        (LAPS, "x = '2:01.1'", [1]),
        (LAPS, "x > '61:00'", [4]),
        (LAPS, "x < (SELECT MAX(x) FROM w) AND x IN ('4:59', '1:02:03.5')", [2]),
        (LAPS, "x - '1:50' < '0:10'", [0]),
        (
            LAPS,
            "(SELECT AVG(x) FROM w WHERE row_id < 4) < '3:31' AND (SELECT SUM(x) FROM w) > '75:00'",
            [0, 1, 2, 3, 4],
        ),
        (RUNS, "x < '2:10'", [0]),
        (RUNS, "x >= '2h 10m'", [1, 2]),
        (RUNS, "x > '26:45'", [2]),
        (DAY_FIRST, "x = '5/3/1990'", [0]),
        (DAY_FIRST, "x > '2/4/1990'", [2]),
        (DAY_FIRST, "x IN ('1-4-1991', 'March 31st, 1990', '5 Mar. 1990')", [0, 1, 2]),
        (MONTH_FIRST, "x = '5/3/1990' OR x = '04.01.1991'", [0, 2]),
        (MONTH_FIRST, "x < 'Sept 9, 1990'", [0, 1]),
        (CLOCKS, "x >= '3:45 PM'", [0]),
        (CLOCKS, "x > '3 pm' OR x < '9 a.m.'", [0, 2]),
        (CLOCKS, "x < '11:00 A.M.'", [2]),
    ],
)
def test_a_literal_is_read_as_the_cells_are(
    engine: Binder, cells: list[str], condition: str, wanted: list[int]
) -> None:
    assert rows(engine, condition, x=cells) == wanted


def test_a_literal_is_read_as_the_cells_are_through_subqueries(engine: Binder) -> None:
    inner = "SELECT name, MIN(x) AS best FROM w GROUP BY name"
    table = Table.from_pandas(pandas.DataFrame({"name": ["a", "a", "b"], "x": LAPS[1:4]}))
    assert engine.run(f"SELECT name FROM ({inner}) WHERE best > '2:30'", table).values == ("b",)


MESSY = {
    "day": ["March 5, 1990", "1991-04-01", "n/a", "2 Jan 1992"],
    "price": ["$1,234.50", "$7.25", "–", "$99.00"],
    "people": ["1,234[1]", "56", "n/a", "7,000"],
    "share": ["1.5", "2e3", "unknown", "3"],
}


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        ("day LIKE 'mar%'", [0]),
        ("day LIKE '199%'", [0, 1, 3]),
        ("day NOT LIKE 'mar%'", [1, 3]),
        ("day LIKE '1990%'", [0]),
        ("day LIKE '1991-04-%'", [1]),
        ("day LIKE '1991-05%'", []),
        ("day NOT LIKE '1992-01%'", [0, 1]),
        ("price LIKE '$%'", [0, 1, 3]),
        ("price LIKE '%,%'", [0]),
        ("people LIKE '1234'", [0]),
        ("people GLOB '*,*'", [0, 3]),
        ("CAST(day AS TEXT) LIKE '1990-%' OR CAST(day AS TEXT) LIKE '2 J%'", [0, 3]),
        ("people = 'n/a'", [2]),
        ("people = 'N/A' OR price = '-'", [2]),
        ("people <> 'n/a'", [0, 1, 3]),
        ("NOT people = 'n/a'", [0, 1, 3]),
        ("people NOT IN ('n/a', '?')", [0, 1, 3]),
        ("people <> ''", [0, 1, 3]),
        ("day IN ('n/a', '1991-04-01')", [1, 2]),
        ("people = '1,234'", [0]),
        ("CAST(people AS TEXT) = '1234'", [0]),
        ("CAST(people AS TEXT) IN ('7,000', '56')", [1, 3]),
        ("substr(day, 1, 3) = 'Mar' OR substr(day, -4) = '1992'", [0, 3]),
        ("strftime('%Y', day) = '1990'", [0]),
        ("instr(price, '$') = 1", [0, 1, 3]),
        ("length(people) = 5", [3]),
        ("people || '' = '7,000'", [3]),
        ("upper(day) = 'MARCH 5, 1990'", [0]),
        ("CAST(REPLACE(people, ',', '') AS INTEGER) > 1000", [0, 3]),
        ("CAST(REPLACE(people, ',', '') AS INTEGER) = 0", []),
        ("share || '' = '2e3'", [1]),
        ("price LIKE '%.00'", [3]),
        ("day LIKE '%n/a%'", [2]),
    ],
)
def test_programs_find_the_cells_own_text(engine: Binder, condition: str, wanted: list[int]) -> None:
    assert rows(engine, condition, **MESSY) == wanted


@pytest.mark.parametrize("cells", [["18:00", "24:00"], ["0000-01-01", "1990-01-01"]])
def test_python_programs_run_over_what_python_has_no_value_for(engine: Binder, cells: list[str]) -> None:
    table = Table.from_pandas(pandas.DataFrame({"x": cells}))
    assert engine.run("def solve(table):\n    return table['x'].max()", table).values == (cells[1],)
    assert engine.run("SELECT MIN(x) FROM w", table).texts == (cells[0],)


def test_a_literal_is_minutes_and_seconds_beside_a_wished_duration(engine: Binder) -> None:
    table = Table.from_pandas(pandas.DataFrame({"x": ["3:45", "4:50", "61:50"]}), types={"x": "duration"})
    assert engine.run("SELECT x FROM w WHERE x > '4:00'", table).texts == ("4:50", "61:50")
    assert engine.run("SELECT MAX(x) FROM w", table).values == (timedelta(minutes=61, seconds=50),)


def test_python_programs_reckon_with_durations(engine: Binder) -> None:
    table = Table.from_pandas(pandas.DataFrame({"x": LAPS[:2]}))
    answer = engine.run("def solve(table):\n    return [table['x'].max(), table['x'].sum()]", table)
    assert answer.values == (timedelta(minutes=2, seconds=1.1), timedelta(minutes=3, seconds=59.42))
    assert answer.frame["value"].max() == answer.values[1]


def test_own_text_in_outputs_and_groups(engine: Binder) -> None:
    table = Table.from_pandas(pandas.DataFrame(MESSY))
    program = "SELECT upper(day), length(people) FROM w GROUP BY day ORDER BY MAX(people) LIMIT 2 OFFSET 1"
    assert engine.run(program, table).values == ("1991-04-01", 2, "MARCH 5, 1990", 8)
    assert engine.run("SELECT group_concat(people, '; ') FROM w", table).values == ("1,234[1]; 56; 7,000",)
    assert engine.run("SELECT DISTINCT substr(day, 1, 4) FROM w WHERE day IS NOT NULL", table).values == (
        "Marc",
        "1991",
        "2 Ja",
    )
    assert engine.run("SELECT day FROM (SELECT * FROM w) WHERE day LIKE '1990%'", table).values != ()
