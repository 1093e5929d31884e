"""What columns read as: kinds, values, and that no cell loses its own text."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from binder.cells import identifier, rendering
from binder.errors import TableError
from binder.table import Table
from tests.support.messy import COLUMNS, MISSING, write_messy


def read(cells: list[str | None], **about: Any) -> Table:
    return Table.from_pandas(pandas.DataFrame({"x": pandas.Series(cells, dtype=object)}), **about)


def texts(table: Table) -> list[str | None]:
    """The first column's own text, as an executor shows it."""
    column = table.columns[0]
    plain = rendering(identifier(column.name), column.type)
    text = f"coalesce({identifier(column.spelling)}, {plain})" if column.spelling else plain
    database = duckdb.connect()
    database.register("t", table.data)
    return [value for (value,) in database.execute(f"SELECT {text} FROM t ORDER BY row_id").fetchall()]


READINGS: list[tuple[list[str | None], str, list[Any]]] = [
    (["1", "-2", "30"], "integer", [1, -2, 30]),
    (["1990", "2001"], "integer", [1990, 2001]),
    (["1,234", "+5", "−7", "–8", "12[1]", "12*", "9 (est.)", " 6 "], "integer", [1234, 5, -7, -8, 12, 12, 9, 6]),
    (["12 km", "1,300 km"], "integer", [12, 1300]),
    (["1 day", "2 days"], "integer", [1, 2]),
    (["$5", "7", "-$1,000"], "integer", [5, 7, -1000]),
    (["12%", "7%"], "integer", [12, 7]),
    (["1.50", "$2.25"], "decimal", [Decimal("1.50"), Decimal("2.25")]),
    (["1.5", "2", "2e3", ".305"], "number", [1.5, 2.0, 2000.0, 0.305]),
    (["1,234,567,890,123,456,789,012", "3"], "number", [1.2345678901234568e21, 3.0]),
    (
        ["1990-03-05", "March 6, 1990", "7 Mar 1990", "8 March, 1990", "Sept. 9, 1990", "31/10/1990", "1/11/1990"],
        "date",
        [date(1990, 3, day) for day in (5, 6, 7, 8)] + [date(1990, 9, 9), date(1990, 10, 31), date(1990, 11, 1)],
    ),
    (["3/31/1990", "4/1/1990"], "date", [date(1990, 3, 31), date(1990, 4, 1)]),
    (
        ["1990-03-05 10:20", "3/31/1990 3:45 pm"],
        "timestamp",
        [datetime(1990, 3, 5, 10, 20), datetime(1990, 3, 31, 15, 45)],
    ),
    # of one zone as they are written, of several in UTC, and text where one could be of any
    (
        ["1990-03-05T10:20+02:00", "1990-03-06 9:00+02:00"],
        "timestamp",
        [datetime(1990, 3, 5, 10, 20), datetime(1990, 3, 6, 9)],
    ),
    (
        ["1990-03-05T10:20+02:00", "1990-03-05 09:20:30Z", "1990-03-05 01:00-0730"],
        "timestamp",
        [datetime(1990, 3, 5, 8, 20), datetime(1990, 3, 5, 9, 20, 30), datetime(1990, 3, 5, 8, 30)],
    ),
    (["1990-03-05T10:20+02:00", "1990-03-05 09:20"], "text", ["1990-03-05T10:20+02:00", "1990-03-05 09:20"]),
    (["1990-03-05T10:20:30Z", "1990-03-06"], "timestamp", [datetime(1990, 3, 5, 10, 20, 30), datetime(1990, 3, 6)]),
    (["3:45", "12:05 am", "3:45 p.m.", "23:59:10"], "time", [time(3, 45), time(0, 5), time(15, 45), time(23, 59, 10)]),
    (["true", "FALSE", None], "boolean", [True, False, None]),
    (["5", "n/a", "–", "", "unknown", "7"], "integer", [5, None, None, None, None, 7]),
    (["x", "n/a", "–"], "text", ["x", "n/a", "–"]),
    (["–", "-"], "text", ["–", "-"]),
    ([" x ", "New\u00a0York", "\t"], "text", ["x", "New York", None]),
    (["02134", "10001"], "text", ["02134", "10001"]),
    (["12345678901234567890", "1"], "text", ["12345678901234567890", "1"]),
    (["22-18", "1-0"], "text", ["22-18", "1-0"]),
    (["1,234", "1,23"], "text", ["1,234", "1,23"]),
    (["16 (15)", "3"], "text", ["16 (15)", "3"]),
    (["$5", "€7"], "text", ["$5", "€7"]),
    (["$5", "7", "£6.50"], "text", ["$5", "7", "£6.50"]),
    (["12 km", "7 miles"], "text", ["12 km", "7 miles"]),
    (["12%", "7"], "text", ["12%", "7"]),
    (["3 million", "4 million"], "text", ["3 million", "4 million"]),
    (["5/3/1990", "6/4/1990"], "text", ["5/3/1990", "6/4/1990"]),
    (["31/1/1990", "1/31/1990"], "text", ["31/1/1990", "1/31/1990"]),
    (["February 30, 1990", "March 1, 1990"], "text", ["February 30, 1990", "March 1, 1990"]),
    (["5 Mar 90", "6 Mar 91"], "text", ["5 Mar 90", "6 Mar 91"]),
    # what Python has no value for
    (["18:00", "24:00"], "text", ["18:00", "24:00"]),
    (["0000-01-01", "1990-01-01"], "text", ["0000-01-01", "1990-01-01"]),
    (["31/1/0000", "5 Mar 2000"], "text", ["31/1/0000", "5 Mar 2000"]),
    (["0001-01-01", "9999-12-31"], "date", [date(1, 1, 1), date(9999, 12, 31)]),
    (["0000-01-01 10:00", "1990-01-01 10:00"], "text", ["0000-01-01 10:00", "1990-01-01 10:00"]),
    # the first of these is in the year 0 where both are in UTC
    (
        ["0001-01-01T00:30+02:00", "1990-03-05T10:20Z"],
        "text",
        ["0001-01-01T00:30+02:00", "1990-03-05T10:20Z"],
    ),
    (["9999999:00:00", "1:00:00"], "text", ["9999999:00:00", "1:00:00"]),
    (["yes", "no"], "text", ["yes", "no"]),
    (["1", "Bye"], "text", ["1", "Bye"]),
    (["inf", "5"], "text", ["inf", "5"]),
]


@pytest.mark.parametrize(("cells", "kind", "values"), READINGS, ids=lambda value: str(value)[:40])
def test_reading(cells: list[str | None], kind: str, values: list[Any]) -> None:
    table = read(cells)
    assert (table.columns[0].kind, table.data["x"].to_pylist()) == (kind, values)
    assert texts(table) == [cell or None for cell in cells]


def test_durations() -> None:
    table = read(["1:45.32", "26:45:10", "1h 5m", "0:59:00"])
    assert table.columns[0].type == "INTERVAL"
    database = duckdb.connect()
    database.register("t", table.data)
    seconds = [value for (value,) in database.execute("SELECT epoch(x) FROM t").fetchall()]
    assert seconds == [105.32, 96310.0, 3900.0, 3540.0]
    assert texts(table) == ["1:45.32", "26:45:10", "1h 5m", "0:59:00"]


@pytest.mark.parametrize(
    ("late", "kind"),
    [
        ("n/a", "integer"),
        ("$5", "integer"),
        ("1,234", "integer"),
        ("7.5", "number"),
        ("007", "text"),
        ("abc", "text"),
        (" 8", "integer"),
    ],
)
def test_a_cell_after_the_sample_is_heard(late: str, kind: str) -> None:
    cells: list[str | None] = [str(number) for number in range(5000)]
    cells[4000] = late
    table = read(cells)
    assert table.columns[0].kind == kind
    assert texts(table) == cells


def test_a_second_zone_is_heard_late() -> None:
    cells: list[str | None] = [*(f"1990-03-05T10:{n % 60:02}+01:00" for n in range(3000)), "1990-03-05T10:00+03:00"]
    table = read(cells)
    assert table.columns[0].kind == "timestamp"
    assert table.data["x"].to_pylist()[:1] == [datetime(1990, 3, 5, 9)]
    assert table.data["x"].to_pylist()[-1] == datetime(1990, 3, 5, 7)
    assert texts(table) == cells


def test_a_moment_of_no_zone_is_heard_late() -> None:
    cells: list[str | None] = [*(f"1990-03-05T10:{n % 60:02}Z" for n in range(3000)), "1990-03-05T10:00"]
    assert read(cells).columns[0].kind == "text"


@pytest.mark.parametrize("late", ["0000-05-05", "0044-03-15 BC", "infinity", "10000-01-01"])
def test_a_date_that_python_lacks_is_heard_late(late: str) -> None:
    cells: list[str | None] = ["1990-03-05"] * 3000 + [late]
    table = read(cells)
    assert table.columns[0].kind == "text"
    assert texts(table) == cells


def test_a_second_currency_is_heard_late() -> None:
    cells: list[str | None] = [*(f"${number}" for number in range(1, 3000)), "€5"]
    table = read(cells)
    assert table.columns[0].kind == "text"
    assert texts(table) == cells


def test_a_column_that_starts_empty() -> None:
    cells: list[str | None] = [None] * 3000 + ["5 km", "n/a", "7 km"]
    table = read(cells)
    assert table.columns[0].kind == "integer"
    assert texts(table) == cells


def test_types_overrule() -> None:
    frame = pandas.DataFrame({"zip": ["123", "456"], "n": ["1.5", "two"], "d": ["3/4/1990", "?"], "v": [1, 2]})
    table = Table.from_pandas(frame, types={"ZIP": "text", "n": "number", "d": "date", "v": "text"})
    assert [column.kind for column in table.columns] == ["text", "number", "date", "text"]
    assert table.data["n"].to_pylist() == [1.5, None]
    assert table.data["d"].to_pylist() == [date(1990, 3, 4), None]
    assert table.to_pandas(original=True)["n"].tolist() == ["1.5", "two"]


def spans(*seconds: float | None) -> list[timedelta | None]:
    return [None if second is None else timedelta(seconds=second) for second in seconds]


WISHED: list[tuple[str, list[str | None], list[Any]]] = [
    ("integer", ["01", "02", "000123456789012345678"], [1, 2, 123456789012345678]),
    ("integer", ["66 000", "1.2 million", "(1,234)", "22–18"], [66000, 1200000, -1234, 22]),
    ("integer", ["5.5", "36½", "12345678901234567890", "retired", "n/a", "7"], [None] * 5 + [7]),
    ("number", ["$1.2m", "$3m", "1.234,5", "007", "12 b"], [1.2e6, 3e6, 1234.5, 7.0, 12.0]),
    ("number", ["$3b", "5 b", "1,234.5 km", "€7"], [3e9, 5.0, 1234.5, 7.0]),
    ("number", ["1.2 million", "5", "(5)"], [1.2e6, 5.0, None]),
    ("decimal", ["0,305", "36½", "$1.2m"], [Decimal("0.305"), Decimal("36.5"), Decimal(1200000)]),
    ("decimal", ["5", "two"], [Decimal("5.00"), None]),
    ("boolean", ["yes", "No", "Y", "n", "true", "F", "1", "0", "maybe"], [True, False] * 4 + [None]),
    ("duration", ["3:45", "61:50", "105:30.5", "1:02:03"], spans(225, 3710, 6330.5, 3723)),
    ("duration", ["5 min", "1h 5m", "1:45.32", "3:61", "–"], spans(300, 3900, 105.32, None, None)),
    ("time", ["18:00", "24:00"], [time(18), None]),
    ("date", ["1990-03-05", "0000-01-01"], [date(1990, 3, 5), None]),
]


@pytest.mark.parametrize(("kind", "cells", "values"), WISHED, ids=lambda value: str(value)[:40])
def test_a_wished_kind_is_read_widely(kind: str, cells: list[str | None], values: list[Any]) -> None:
    table = read(cells, types={"x": kind})
    assert table.columns[0].kind == kind
    assert [None if pandas.isna(value) else value for value in table.to_pandas()["x"]] == values
    assert texts(table) == cells


@pytest.mark.parametrize("kind", ["integer", "decimal", "number", "date", "time", "timestamp", "duration", "boolean"])
def test_a_wished_kind_that_no_cell_fits_is_refused(kind: str) -> None:
    told = f"column 'x' is {kind}, but no cell of it can be read so; the first is 'abc'; give another kind"
    with pytest.raises(TableError, match=told):
        read(["n/a", None, "abc", "def"], types={"x": kind})
    assert read(["n/a", None], types={"x": kind}).data["x"].null_count == 2


@pytest.mark.parametrize("late", ["yes", "1"])
def test_truth_that_nobody_wished_for_is_spelled_so(late: str) -> None:
    assert read(["true"] * 3000 + [late]).columns[0].kind == "text"


def test_a_wish_is_met_after_the_sample() -> None:
    cells: list[str | None] = ["5"] * 3000 + ["$1.2m", "x"]
    assert read(cells, types={"x": "integer"}).data["x"].to_pylist()[-2:] == [1200000, None]
    cells = ["x"] * 3000 + ["66 000"]
    assert read(cells, types={"x": "number"}).data["x"].null_count == 3000


_CELL = st.one_of(
    st.text(max_size=12),
    st.from_regex(r"[-+−$(]?[0-9]{1,3}([,.][0-9]{1,3}){0,3}( km|%|\[1\]|\*|\))?", fullmatch=True),
    st.sampled_from(("", " ", "n/a", "–", "1e5", "nan", "inf", "-0", "007", "1_000", "true", "3:45", "1:45.3")),
    st.dates().map(str),
    st.floats().map(str),
    st.integers().map(str),
)


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.lists(_CELL, min_size=1, max_size=8), st.sampled_from(list(COLUMNS)).map(lambda name: [name])))
def test_spelling_and_rendering_give_every_cell_back(cells: list[str | None]) -> None:
    kept = [cell.encode("utf-8", "replace").decode() for cell in cells if cell is not None]
    assert texts(read(list(kept))) == [cell or None for cell in kept]


def test_messy_table(tmp_path: Path) -> None:
    path = tmp_path / "messy.csv"
    write_messy(path, 3000)
    table = Table.from_csv(path)
    assert {column.name: str(column.kind) for column in table.columns} == {
        name: kind for name, (kind, _) in COLUMNS.items()
    }
    read_back = table.to_pandas(original=True)
    plain = pandas.read_csv(path, dtype=str, keep_default_na=False)
    for name in COLUMNS:
        assert [None if pandas.isna(cell) else cell for cell in read_back[name]] == [
            cell or None for cell in plain[name]
        ]
    missing = plain["count"].isin(MISSING).sum()
    assert table.data["count"].null_count == missing
