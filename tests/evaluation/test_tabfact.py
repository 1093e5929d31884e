"""TabFact is read as its official repository has it, and damage is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evaluation import tabfact
from evaluation.example import DataSetError, Example

TEST = {"a.html.csv": [["ann row 3 boat", "bo win"], [1, 0], "regatta"], "b.html.csv": [["it rain"], [0], ""]}
RAW = {"a.html.csv": [["Ann rowed 3 boats"], [1], "Regatta"]}, {"b.html.csv": [["It rained"], [0], "Weather"]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A tiny data set in the official layout."""
    for part in ("tokenized_data", "collected_data", "data/all_csv"):
        (tmp_path / part).mkdir(parents=True)
    contents = {
        "tokenized_data/test_examples.json": TEST,
        "collected_data/r1_training_all.json": RAW[0],
        "collected_data/r2_training_all.json": RAW[1],
        "data/test_id.json": ["a.html.csv", "b.html.csv"],
        "data/simple_test_id.json": ["a.html.csv"],
        "data/complex_test_id.json": ["b.html.csv"],
        "data/small_test_id.json": ["b.html.csv"],
    }
    for name, content in contents.items():
        (tmp_path / name).write_text(json.dumps(content), encoding="utf-8")
    (tmp_path / "data/all_csv/a.html.csv").write_text('rower#boats#\nann "x"#3#\nbo#1#y\n', encoding="utf-8")
    (tmp_path / "data/all_csv/b.html.csv").write_text("day#rain\nmay#no\n", encoding="utf-8")
    return tmp_path


def test_statements_of_a_split(folder: Path) -> None:
    first, second, third = tabfact.examples(folder, "test")
    source = folder / "data/all_csv/a.html.csv"
    assert first == Example("a.html.csv#0", "ann row 3 boat", source, "regatta", ("1",))
    assert (second.id, second.target, third.title) == ("a.html.csv#1", ("0",), None)


@pytest.mark.parametrize(
    ("split", "raw", "ids"),
    [
        ("simple", False, ["a.html.csv#0", "a.html.csv#1"]),
        ("complex", False, ["b.html.csv#0"]),
        ("small_test", False, ["b.html.csv#0"]),
        ("test", True, ["a.html.csv#0", "b.html.csv#0"]),
        ("complex", True, ["b.html.csv#0"]),
    ],
)
def test_parts_and_raw_statements(folder: Path, split: str, raw: bool, ids: list[str]) -> None:
    found = tabfact.examples(folder, split, raw=raw)
    assert [example.id for example in found] == ids
    assert found[0].question[0].isupper() is raw


def test_tables(folder: Path) -> None:
    example = tabfact.examples(folder, "test")[0]
    assert tabfact.rows(example.source) == [["rower", "boats", ""], ['ann "x"', "3", ""], ["bo", "1", "y"]]
    table = tabfact.table(example)
    assert (table.num_rows, len(table.columns), table.title) == (2, 3, "regatta")


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("tokenized_data/test_examples.json", None, "missing"),
        ("data/all_csv/b.html.csv", None, "missing"),
        ("tokenized_data/test_examples.json", json.dumps(TEST)[:-9], "damaged"),
        ("tokenized_data/test_examples.json", '{"a.html.csv": [["one"], [1, 0], ""]}', "damaged"),
        ("tokenized_data/test_examples.json", '{"a.html.csv": [["one"], [2], ""]}', "label 2"),
        ("tokenized_data/test_examples.json", '{"a.html.csv": 1}', "damaged"),
    ],
)
def test_what_is_missing_or_damaged_is_named(folder: Path, file: str, content: str | None, said: str) -> None:
    if content is None:
        (folder / file).unlink()
    else:
        (folder / file).write_text(content, encoding="utf-8")
    with pytest.raises(DataSetError, match=said) as raised:
        tabfact.examples(folder, "test")
    assert str(folder / file) in str(raised.value)
    assert tabfact.FETCH in str(raised.value)


def test_a_part_of_tables_without_statements_is_named(folder: Path) -> None:
    (folder / "data/simple_test_id.json").write_text('["c.html.csv"]', encoding="utf-8")
    with pytest.raises(DataSetError, match=r"no statements on c\.html\.csv"):
        tabfact.examples(folder, "simple")


def test_a_damaged_table_is_named(folder: Path) -> None:
    (folder / "data/all_csv/a.html.csv").write_text("rower#boats\nann#3#4\n", encoding="utf-8")
    with pytest.raises(DataSetError, match="row 2 has 3 cells"):
        tabfact.table(tabfact.examples(folder, "test")[0])


def test_an_unknown_split_is_told_the_known_ones(folder: Path) -> None:
    with pytest.raises(DataSetError, match=r"no split 'dev'.*small_test"):
        tabfact.examples(folder, "dev")


def test_what_is_written_reads_the_same(tmp_path: Path) -> None:
    rows = [["rower", "boats"], ["ann", "3"]]
    example = Example("a.html.csv#1", "ann row", tmp_path, "regatta", ("0",))
    tabfact.write(tmp_path, "val", [(example, rows)])
    (read,) = tabfact.examples(tmp_path, "val")
    assert (read.question, read.title, read.target) == ("ann row", "regatta", ("0",))
    assert tabfact.rows(read.source) == rows


def test_the_repository(data: Path) -> None:
    found = tabfact.examples(data / "Table-Fact-Checking", "val")
    assert len(found) == 12_792
    assert len({example.source for example in found}) == 1_696
    assert all(len({len(row) for row in tabfact.rows(source)}) == 1 for source in {e.source for e in found})
