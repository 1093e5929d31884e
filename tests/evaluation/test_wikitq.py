"""WikiTableQuestions is read as its official release has it, and damage is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluation import wikitq
from evaluation.example import DataSetError, Example

QUESTIONS = (
    "id\tutterance\tcontext\ttargetValue\n"
    "x-0\twho rowed?\tcsv/1-csv/0.csv\tAnn\\pBo|Cy\n"
    "x-1\twhen?\tcsv/1-csv/1.csv\t3 May\n"
)
TITLES = "contextId\tpageId\ttitle\ncsv/1-csv/0.csv\t7\tRegatta\ncsv/1-csv/1.csv\t8\t\n"
TAGGED = "id\tutterance\ttargetCanon\nx-0\twho rowed?\tAnn\\pBo|Cy\nx-1\twhen?\txx-05-03\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A tiny data set in the official layout."""
    for part in ("data", "misc", "tagged/data", "csv/1-csv"):
        (tmp_path / part).mkdir(parents=True)
    (tmp_path / "data" / "tiny.tsv").write_text(QUESTIONS, encoding="utf-8")
    (tmp_path / "misc" / "table-metadata.tsv").write_text(TITLES, encoding="utf-8")
    (tmp_path / "tagged" / "data" / "tiny.tagged").write_text(TAGGED, encoding="utf-8")
    (tmp_path / "csv/1-csv/0.csv").write_text('"Rower","Say"\n"Ann|Bo","a \\"b\\", c"\n"Cy","two\nlines"\n', "utf-8")
    (tmp_path / "csv/1-csv/1.tsv").write_text(
        "Day\tMark\tMark\n3 May\ta\\pb\t\n4 May\tc\\\\d\\ne\t1\n", encoding="utf-8"
    )
    return tmp_path


def test_questions_titles_and_canonical_answers(folder: Path) -> None:
    first, second = wikitq.examples(folder, "tiny")
    assert first == Example(
        "x-0", "who rowed?", folder / "csv/1-csv/0.csv", "Regatta", ("Ann|Bo", "Cy"), ("Ann|Bo", "Cy")
    )
    assert (second.source, second.title, second.canon) == (folder / "csv/1-csv/1.tsv", None, ("xx-05-03",))


def test_tables_of_both_kinds(folder: Path) -> None:
    assert wikitq.rows(folder / "csv/1-csv/0.csv") == [["Rower", "Say"], ["Ann|Bo", 'a "b", c'], ["Cy", "two\nlines"]]
    assert wikitq.rows(folder / "csv/1-csv/1.tsv") == [
        ["Day", "Mark", "Mark"],
        ["3 May", "a|b", ""],
        ["4 May", "c\\d\ne", "1"],
    ]
    table = wikitq.table(wikitq.examples(folder, "tiny")[1])
    assert (table.num_rows, len(table.columns), table.name) == (2, 3, "w")


def test_without_canonical_answers(folder: Path) -> None:
    (folder / "tagged" / "data" / "tiny.tagged").unlink()
    assert {example.canon for example in wikitq.examples(folder, "tiny")} == {None}


def test_a_part_of_the_training_data_takes_its_canonical_answers(folder: Path) -> None:
    (folder / "data" / "tiny.tsv").rename(folder / "data" / "random-split-1-dev.tsv")
    (folder / "tagged" / "data" / "tiny.tagged").rename(folder / "tagged" / "data" / "training.tagged")
    assert wikitq.examples(folder, "random-split-1-dev")[1].canon == ("xx-05-03",)


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("data/tiny.tsv", None, "missing"),
        ("misc/table-metadata.tsv", None, "missing"),
        ("csv/1-csv/0.csv", None, "missing"),
        ("data/tiny.tsv", QUESTIONS[:-9], "line 3 has 3 fields"),
        ("data/tiny.tsv", "id\tcontext\nx\ty\n", "lacks utterance, targetValue"),
        ("data/tiny.tsv", "\udcff".encode("utf-8", "surrogateescape"), "utf-8"),
        ("misc/table-metadata.tsv", "", "lacks contextId"),
    ],
)
def test_what_is_missing_or_damaged_is_named(folder: Path, file: str, content: str | bytes | None, said: str) -> None:
    if content is None:
        (folder / file).unlink()
    else:
        (folder / file).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataSetError, match=said) as raised:
        wikitq.examples(folder, "tiny")
    assert str(folder / file) in str(raised.value)
    assert wikitq.FETCH in str(raised.value)


@pytest.mark.parametrize("content", ['"a","b"\n"1"\n', '"a","b"\n"1","2', "", '"a","b"\n'])
def test_a_damaged_table_is_named(folder: Path, content: str) -> None:
    path = folder / "csv/1-csv/0.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataSetError, match="damaged") as raised:
        wikitq.table(wikitq.examples(folder, "tiny")[0])
    assert str(path) in str(raised.value)


def test_an_unknown_split_is_told_the_known_ones(folder: Path) -> None:
    with pytest.raises(DataSetError, match=r"no split 'test'.* tiny"):
        wikitq.examples(folder, "test")


def test_what_is_written_reads_the_same(tmp_path: Path) -> None:
    rows = [["Rower", "No|te"], ["Ann\nBo", "a\\pb"], ["", "4|5"]]
    wikitq.write(tmp_path, "new", [(Example("x-0", "who?", tmp_path, "A regatta", ("a|b", "c\\n")), rows)])
    (example,) = wikitq.examples(tmp_path, "new")
    assert (example.question, example.title, example.target) == ("who?", "A regatta", ("a|b", "c\\n"))
    assert wikitq.rows(example.source) == rows


@pytest.mark.parametrize(
    ("split", "questions", "tagged"),
    [
        *(("training", 14_152, 0), ("random-split-1-train", 11_321, 0), ("random-split-1-dev", 2_831, 0)),
        *(("pristine-seen-tables", 3_537, 3_537), ("pristine-unseen-tables", 100, 0)),
    ],
)
def test_the_release(data: Path, split: str, questions: int, tagged: int) -> None:
    found = wikitq.examples(data / "WikiTableQuestions", split)
    assert len({example.id for example in found}) == len(found) == questions
    assert sum(example.canon is not None for example in found) == tagged
    assert all(example.title for example in found)
    assert all(example.canon is None or len(example.canon) == len(example.target) for example in found)


def test_both_files_of_every_table_say_the_same(data: Path) -> None:
    def settled(path: Path) -> list[list[str]]:
        return [[" ".join(cell.split()) for cell in row] for row in wikitq.rows(path)]

    paths = sorted((data / "WikiTableQuestions" / "csv").glob("*/*.csv"))
    assert len(paths) == 1_773
    assert [path for path in paths if settled(path) != settled(path.with_suffix(".tsv"))] == []
