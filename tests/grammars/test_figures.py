"""The number that a text carries: what is read, and that Python and DuckDB read alike."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grammars.figures import MACROS, TEMPORARY_MACROS, carried, only_number

READINGS = [
    ("12", 12),
    ("-3", -3),
    ("−7", -7),
    ("–8", -8),
    ("+5", 5),
    ("about -5", -5),
    ("1e3", 1000),
    (".5", 0.5),
    ("$.50", 0.5),
    ("No.5", 5),
    ("007", 7),
    ("12%", 12),
    ("1,234 (est.)", 1234),
    ("16 (15)", 16),
    ("12[1]", 12),
    ("120,541 (20,6%)", 120541),
    ("22–18", 22),
    ("1990-03-05", 1990),
    ("A300K", 300),
    ("n/a", None),
    ("", None),
    # marks
    ("1,234,567.8", 1234567.8),
    ("1.234", 1.234),
    ("1.234,56", 1234.56),
    ("1.234.567", 1234567),
    ("1,5", 1.5),
    ("31,54 km²", 31.54),
    ("0,305", 0.305),
    ("1 234", 1234),
    ("1\u00a0420\u202f436", 1420436),
    ("-1 234,5", -1234.5),
    ("66 000 km (est.)", 66000),
    ("601 603 605 wrap for RT", 601),
    ("TL 317 036", 317),
    ("36½", 36.5),
    ("2 ¾ doz.", 2.75),
    # money and scales
    ("-$1,000", -1000),
    ("$-5", -5),
    ("US$5", 5),
    ("-$ 5", -5),
    ("$ 1.2m", 1200000),
    ("lost € 1.234,50 ", 1234.5),
    ("$1.2m", 1200000),
    ("£0.67m (30th)", 670000),
    ("€3 M", 3000000),
    ("$1.5b", 1500000000),
    ("$3 million", 3000000),
    ("$3–5 million", 3000000),
    ("10.8 Billion", 10800000000),
    ("2k", 2000),
    ("3.5M", 3500000),
    ("1.85m", 1.85),
    ("100 m hurdles", 100),
    ("12 b", 12),
    # two ways to read
    ("(1,234)", -1234),
    ("($5)", -5),
    ("$(1.2m)", -1200000),
    ("(12.50)", -12.5),
    ("(5)", None),
    ("(2011)", None),
    ("(7.7)", None),
    ("1,2,3", None),
    ("1972,1975", None),
    ("13,5000", None),
    ("1.2.3", None),
]


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as database:
        database.execute(MACROS)
        yield database


def in_duckdb(database: duckdb.DuckDBPyConnection, text: str) -> float | None:
    row = database.execute("SELECT carried_number($1)", [text]).fetchone()
    assert row is not None
    number: float | None = row[0]
    return number


@pytest.mark.parametrize(("text", "value"), READINGS)
def test_readings(database: duckdb.DuckDBPyConnection, text: str, value: float | None) -> None:
    digits = carried(text)
    assert (None if digits is None else float(digits)) == value
    assert in_duckdb(database, text) == value


def test_macros_of_one_connection() -> None:
    with duckdb.connect() as other:
        for _ in range(2):  # a load that is tried again makes them again
            other.execute(TEMPORARY_MACROS)
        assert in_duckdb(other, "$1.2m") == 1200000
        with pytest.raises(duckdb.CatalogException):
            in_duckdb(other.cursor(), "$1.2m")


_PIECES = st.sampled_from([*"0123456789" * 2, *".,-–−+()$€½kKmMb% \n", "1,234", "12 345", " million", "1e3", "e", "x"])


@settings(max_examples=300)
@given(st.lists(_PIECES, min_size=1, max_size=8).map("".join) | st.text(max_size=10))
def test_python_and_duckdb_read_alike(database: duckdb.DuckDBPyConnection, text: str) -> None:
    text = text.encode("utf-8", "replace").decode()
    digits = carried(text)
    found = in_duckdb(database, text)
    if digits is None or found is None:
        assert found is None and digits is None
    else:
        assert found == pytest.approx(float(digits), rel=1e-12)


@given(st.decimals(-1_000_000, 1_000_000, places=2))
def test_every_way_to_set_off_thousands_gives_the_number(database: duckdb.DuckDBPyConnection, number: object) -> None:
    english = f"{number:,}"
    european = english.translate(str.maketrans(",.", ".,"))
    for text in (english, european, english.replace(",", " "), f"${english}"):
        assert in_duckdb(database, text) == float(str(number)), text


def test_the_only_number_of_a_text() -> None:
    assert only_number("about 1 200 people") == "1200"
    assert only_number("5 or 6") is only_number("$3–5 million") is only_number("none") is None
