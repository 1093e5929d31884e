"""What a table promises: usable names, hidden columns that never clash, and real tables of the web."""

from __future__ import annotations

import csv
import dataclasses
import re
from datetime import timedelta
from pathlib import Path

import pandas
import pytest

from binder.errors import TableError
from binder.headers import names_of
from binder.table import Table


@pytest.mark.parametrize(
    ("headers", "names"),
    [
        (["Chart\nUK", " a\u00a0 b ", ""], ["Chart UK", "a b", "column_3"]),
        (["a", "A", "a 2", "a"], ["a", "A 2", "a 2 2", "a 3"]),
        (["", "column_1", "1990"], ["column_1", "column_1 2", "1990"]),
        (["a\x00b\u2028c", "\ufeff", "\ud800"], ["a b c", "column_2", "\ufffd"]),
        (["x" * 1_000_000], ["x" * 200]),
    ],
)
def test_names(headers: list[str], names: list[str]) -> None:
    assert list(names_of(headers)) == names


def test_labels_keep_the_header() -> None:
    frame = pandas.DataFrame([["1", "2"]], columns=pandas.Index(["Chart\nUK", "\ud800"], dtype=object))
    assert [column.label for column in Table.from_pandas(frame).columns] == ["Chart\nUK", "\ufffd"]


def test_hidden_columns_never_clash() -> None:
    frame = pandas.DataFrame({"ROW_ID": ["7"], "x": ["1,000"], "X (spelling)": ["u"], "x (spelling) 2": ["1,001"]})
    table = Table.from_pandas(frame)
    names = [name.casefold() for name in table.data.column_names]
    assert len(set(names)) == len(names) == 4 + 2 + 1
    assert table.schema.row_id == "row_id 2"
    assert table.data["row_id 2"].to_pylist() == [0]
    assert table.data[table.columns[1].spelling].to_pylist() == ["1,000"]


def test_spelling_only_where_it_differs() -> None:
    table = Table.from_pandas(pandas.DataFrame({"plain": ["1", "2"], "mixed": ["1", "2,000"]}))
    plain, mixed = table.columns
    assert plain.spelling is None
    assert table.data[mixed.spelling].to_pylist() == [None, "2,000"]


def test_schema_and_frames() -> None:
    frame = pandas.DataFrame({"city": ["Bern", "Nara"], "people": ["134,794", "n/a"]})
    table = Table.from_pandas(frame, title="Cities", descriptions={"people": "in 2020"})
    assert (table.name, table.num_rows, table.schema.title) == ("w", 2, "Cities")
    assert table.schema.column("PEOPLE") == table.columns[1]
    assert table.columns[1].description == "in 2020"
    assert table.to_pandas()["people"].tolist() == [134794, pandas.NA]
    assert table.to_pandas(original=True)["people"].tolist() == ["134,794", "n/a"]
    with pytest.raises(dataclasses.FrozenInstanceError):
        table.name = "other"  # type: ignore[misc]


def test_durations_add_up_in_pandas() -> None:
    table = Table.from_pandas(pandas.DataFrame({"lap": ["1:45.32", "", "26:45:10"], "n": ["1", "", "3"]}))
    frame = table.to_pandas()
    assert str(frame["lap"].dtype).startswith("timedelta64")
    assert frame["lap"].max() == timedelta(hours=26, minutes=45, seconds=10)
    assert frame.sort_values("lap")["n"].tolist() == [1, 3, pandas.NA]
    assert frame["lap"].isna().tolist() == [False, True, False]
    assert table.to_pandas(original=True)["lap"][0] == "1:45.32"


@pytest.mark.parametrize(
    ("types", "message"),
    [
        ({"cty": "text"}, "types names no column 'cty'; the columns are 'city'"),
        ({"city": "int"}, "types names no kind 'int'; the kinds are integer, decimal"),
    ],
)
def test_wishes_that_cannot_be_met(types: dict[str, str], message: str) -> None:
    with pytest.raises(TableError, match=message):
        Table.from_pandas(pandas.DataFrame({"city": ["Bern"]}), types=types)


@pytest.mark.parametrize(
    ("stem", "name"),
    [("peaks", "peaks"), ("my data (2)", "my_data_2"), ("order", "t_order"), ("0", "t_0"), ("…", "t_")],
)
def test_names_of_files(tmp_path: Path, stem: str, name: str) -> None:
    path = tmp_path / f"{stem}.csv"
    path.write_text("a\n1\n")
    assert Table.from_csv(path).name == name
    assert Table.from_csv(path, name="given").name == "given"


def _unescaped(cell: str) -> str:
    return re.sub(r"\\(n|p|\\)", lambda match: {"n": "\n", "p": "|", "\\": "\\"}[match[1]], cell)


def _spaced(rows: list[list[str]]) -> list[list[str]]:
    return [[re.sub("[ \u00a0]+", " ", cell) for cell in row] for row in rows]


def test_wikitq_tables_equal_their_twins(data: Path) -> None:
    """Every eighth table, cell by cell; its .tsv twin differs in its spaces only."""
    paths = sorted((data / "WikiTableQuestions" / "csv").glob("*/*.csv"))[::8]
    assert len(paths) > 200
    for path in paths:
        table = Table.from_csv(path)
        frame = table.to_pandas(original=True).astype(object)
        cells = [["" if pandas.isna(cell) else cell for cell in row] for row in frame.itertuples(index=False)]
        found = [[column.label for column in table.columns], *cells]
        with path.open(encoding="utf-8", newline="") as file:
            assert found == list(csv.reader(file, escapechar="\\", doublequote=False)), path
        twin = path.with_suffix(".tsv").read_text(encoding="utf-8").removesuffix("\n").split("\n")
        assert _spaced(found) == _spaced([[_unescaped(cell) for cell in line.split("\t")] for line in twin]), path
