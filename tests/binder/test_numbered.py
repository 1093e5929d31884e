"""Texts of which most begin with a number sort by it; nothing else about them differs."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st

from binder.engine import Binder
from binder.table import Table
from grammars.figures import carried

CELLS = {
    "name": ["a", "b", "c", "d", "e", "f"],
    "money": ["$1.2m", "$900k", "$3m", "$15k", "n/a (see note)", None],
    "place": ["1st", "2nd", "10th", "3rd", "DNF", "2nd"],
    "g": [1, 1, 2, 2, 3, 3],
    "title": ["99 Luftballons", "Abba", "Zebra", "7 Rings", "X", "Y"],
}


@pytest.fixture(scope="module")
def engine() -> Iterator[Binder]:
    with Binder() as made:
        yield made


@pytest.fixture(scope="module")
def table() -> Table:
    return Table.from_pandas(pandas.DataFrame(CELLS))


@pytest.mark.parametrize(
    ("program", "wanted"),
    [
        ("SELECT name FROM w ORDER BY money DESC LIMIT 1", ["c"]),
        ("SELECT money FROM w ORDER BY money", ["", "$15k", "$900k", "$1.2m", "$3m", "n/a (see note)"]),
        ("SELECT money FROM w ORDER BY money DESC", ["$3m", "$1.2m", "$900k", "$15k", "n/a (see note)", ""]),
        ("SELECT money FROM w ORDER BY 1 DESC LIMIT 1", ["$3m"]),
        ("SELECT place AS p FROM w ORDER BY p LIMIT 4", ["1st", "2nd", "2nd", "3rd"]),
        ("SELECT DISTINCT place FROM w ORDER BY place", ["1st", "2nd", "3rd", "10th", "DNF"]),
        ("SELECT place, COUNT(*) FROM w GROUP BY place ORDER BY 2 DESC, 1 LIMIT 2", ["2nd", "2", "1st", "1"]),
        ("SELECT MAX(money), MIN(money), MAX(place) FROM w", ["$3m", "$15k", "10th"]),
        ("SELECT name, MAX(money) FROM w", ["c", "$3m"]),
        ("SELECT name, MIN(place) FROM w GROUP BY g", ["a", "1st", "d", "3rd", "f", "2nd"]),
        ("SELECT name FROM w WHERE money = (SELECT MAX(money) FROM w)", ["c"]),
        ("SELECT MAX(money) - MIN(money) FROM w", ["2985000"]),
        ("SELECT MAX(money) FROM w WHERE g > 5", [""]),
        ("SELECT MAX(money) FILTER (WHERE g < 2) FROM w", ["$1.2m"]),
        ("SELECT MAX(place) OVER (PARTITION BY g) FROM w LIMIT 3", ["2nd", "2nd", "10th"]),
        ("SELECT name FROM w GROUP BY g HAVING MAX(money) > 1000000", ["a", "c"]),
        ("SELECT g FROM w GROUP BY g ORDER BY MAX(place) DESC", ["2", "3", "1"]),
        ("SELECT m FROM (SELECT MAX(money) AS m FROM w GROUP BY g) ORDER BY m DESC LIMIT 1", ["$3m"]),
        ("WITH t AS (SELECT * FROM w) SELECT name FROM t ORDER BY money DESC LIMIT 1", ["c"]),
        ("SELECT LAG(name) OVER (ORDER BY money) FROM w WHERE g = 1", ["", "b"]),
        ("SELECT GROUP_CONCAT(name ORDER BY place) FROM w", ["a,b,f,d,c,e"]),
        (
            "SELECT place FROM w WHERE g = 1 UNION SELECT place FROM w WHERE g = 2 ORDER BY place DESC",
            ["10th", "3rd", "2nd", "1st"],
        ),
        ("SELECT MAX(place) FROM w UNION ALL SELECT MIN(place) FROM w ORDER BY 1", ["1st", "10th"]),
        ("SELECT title FROM w ORDER BY title DESC", ["Zebra", "Y", "X", "Abba", "99 Luftballons", "7 Rings"]),
        ("SELECT UPPER(place) FROM w ORDER BY UPPER(place) LIMIT 2", ["10TH", "1ST"]),
        ("SELECT GROUP_CONCAT(DISTINCT place) FROM w", ["10th,1st,2nd,3rd,DNF"]),
    ],
)
def test_texts_that_begin_with_numbers_sort_by_them(
    engine: Binder, table: Table, program: str, wanted: list[str]
) -> None:
    assert list(engine.run(program, table).texts) == wanted


@pytest.mark.parametrize(
    ("program", "numbers"),
    [
        ("SELECT MAX(money) FROM w", [2]),
        ("SELECT name, MIN(place) FROM w WHERE g > 1", [5]),
        ("SELECT g FROM w GROUP BY g HAVING MAX(money) > 1000000", [0, 2]),
    ],
)
def test_the_rows_that_hold_the_greatest_are_told(
    engine: Binder, table: Table, program: str, numbers: list[int]
) -> None:
    assert list(engine.run(program, table).source_rows.tables[0].numbers) == numbers


@pytest.mark.parametrize(
    ("cells", "numbered"),
    [
        (["1,234 (est.)", "about 900", "c. 2,000", "n/a (lost)"], True),
        (["US$1.2m", "£900k", "~$3m", "-$2m"], True),
        (["T3", "1", "T3", "Ret"], True),
        (["22–18", "3–1", "", "0-0"], True),
        (["Apollo 11", "Apollo 7"], False),
        (["99 Luftballons", "Yesterday", "7 Rings"], False),
        (["A12", "B3"], False),
        (["abc", "def"], False),
        (["1", "2", "3"], False),  # numbers
        ([None, None], False),
    ],
)
def test_a_column_is_numbered_where_most_of_its_texts_begin_with_a_number(cells: list[str], numbered: bool) -> None:
    (column,) = Table.from_pandas(pandas.DataFrame({"x": cells})).columns
    assert column.numbered is numbered


def test_a_column_that_the_caller_calls_text_is_sorted_as_text(engine: Binder) -> None:
    frame = pandas.DataFrame({"x": ["9", "10", "1,234"]})
    table = Table.from_pandas(frame, types={"x": "text"})
    assert engine.run("SELECT x FROM w ORDER BY x", table).texts == ("1,234", "10", "9")
    assert engine.run("SELECT MAX(x) FROM w", table).texts == ("9",)


TEXTS = st.sampled_from(["1 (a)", "1 (b)", "12 km", "-3 m", "$1.5m", "2 pm", "1,2,3", "9th", "10th", "DNF"])


@given(st.lists(st.none() | TEXTS, min_size=1, max_size=12))
def test_they_sort_as_the_reading_of_literals_says(cells: list[str | None]) -> None:
    table = Table.from_pandas(pandas.DataFrame({"x": [*cells, *["5 of 6"] * 40]}))
    assert table.columns[0].numbered
    shown = [*cells, *["5 of 6"] * 40]

    def key(cell: str, missing: float) -> tuple[float, str]:
        number = carried(cell)
        return (missing if number is None else float(number)), cell

    present = [cell for cell in shown if cell is not None]
    none = [None] * (len(shown) - len(present))
    with Binder() as engine:
        up = engine.run("SELECT x FROM w ORDER BY x", table).values
        down = engine.run("SELECT x FROM w ORDER BY x DESC", table).values
        most, least = engine.run("SELECT MAX(x), MIN(x) FROM w", table).values
    assert list(up) == none + sorted(present, key=lambda cell: key(cell, math.inf))
    assert list(down) == sorted(present, key=lambda cell: key(cell, -math.inf), reverse=True) + none
    assert (most, least) == (down[0], up[len(none)])
