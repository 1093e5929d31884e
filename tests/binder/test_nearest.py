from __future__ import annotations

import pyarrow
import pytest

from binder import Table, nearest
from grammars.schema import Column, Kind

COLUMNS = (
    Column("ship", Kind.TEXT, "VARCHAR"),
    Column("port", Kind.TEXT, "VARCHAR"),
    Column("year", Kind.INTEGER, "BIGINT"),
)


def ships(rows: int) -> Table:
    numbers = range(rows)
    data = {
        "ship": [f"Ship {n}" for n in numbers],
        "port": [("Bergen", "Old Town", "Lagos")[n % 3] for n in numbers],
        "year": [1900 + n % 50 for n in numbers],
        "row_id": list(numbers),
    }
    return Table("ships", None, COLUMNS, "row_id", pyarrow.table(data))


def values(table: Table, question: str) -> dict[str, tuple[str, ...]]:
    return dict(nearest.find(table, COLUMNS, question, 5).values)


def test_a_cell_that_is_a_run_of_the_questions_words_is_found() -> None:
    assert values(ships(3000), "how many ships of OLD town are there?") == {"port": ("Old Town",)}


def test_a_number_is_found_in_a_column_of_numbers() -> None:
    assert values(ships(3000), "which came in 1917?")["year"] == ("1917",)


def test_the_row_where_rare_things_meet_comes_first() -> None:
    found = nearest.find(ships(3000), COLUMNS, "did Ship 2500 come from Old Town in 1900?", 5)
    assert found.rows[0] == 2500


def test_words_that_every_row_holds_tell_nothing() -> None:
    assert nearest.find(ships(3000), COLUMNS, "which ship?", 5) == nearest.Nearest((), ())


def test_common_words_are_not_looked_for() -> None:
    table = Table("t", None, COLUMNS[:1], "row_id", pyarrow.table({"ship": ["Who", "Ada"], "row_id": [0, 1]}))
    assert nearest.find(table, COLUMNS[:1], "who was the first?", 5) == nearest.Nearest((), ())


def test_a_very_large_table_is_sampled_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearest, "SCANNED_ROWS", 300)
    found = sorted(nearest.find(ships(3000), COLUMNS[2:], "which came in 1910?", 300).rows)
    assert len(found) == 20 and found[0] < 500 and found[-1] > 2500


def test_rows_come_in_the_cells_own_spelling() -> None:
    column = Column("crew", Kind.INTEGER, "BIGINT", spelling="crew spelled")
    data = pyarrow.table({"crew": [1200, 7, None], "crew spelled": ["1,200", None, "n/a"], "row_id": [0, 1, 2]})
    table = Table("t", None, (column,), "row_id", data)
    assert nearest.rows(table, [column], [2, 0, 1]) == [(2, ("n/a",)), (0, ("1,200",)), (1, ("7",))]
