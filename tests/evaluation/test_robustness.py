"""Harder data sets keep their answers, and are data sets like any other."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from binder.errors import ConfigurationError
from evaluation import robustness, wikitq
from evaluation.benchmark import TABFACT, WIKITQ, Benchmark
from evaluation.example import Example
from evaluation.robustness import Harder, harden, is_lookup, make

ROWS = [["Rower", "Boats", "Since"], ["Ann Lee", "12", "1994"], ["Bo Kahn", "7", "2003"], ["Cy Dorn", "31", "1994"]]
COLUMNS = {"rower": ["Ann Lee", "Bo Kahn", "Cy Dorn", "Di Moss"], "boats": ["12", "7"], "port": ["Bergen", "Oslo Kahn"]}


def asking(question: str, *target: str) -> Example:
    return Example("x-1", question, Path("none"), None, target)


@pytest.mark.parametrize(
    ("question", "target", "lookup"),
    [
        ("how long has Bo Kahn been rowing?", ["2003"], False),
        ("since when is Bo Kahn a member?", ["2003"], True),
        ("who has the most boats since 1994?", ["Cy Dorn"], False),
        ("who came after Bo Kahn?", ["Cy Dorn"], False),
        ("since when is Bo a member?", ["2003"], False),  # no whole cell is named
        ("what is Bo Kahn's port?", ["Oslo"], False),  # the answer is no cell
        ("Bo Kahn joined in 2003", ["1"], True),
        ("Bo Kahn has more boats than Ann Lee", ["0"], False),
    ],
)
def test_only_look_ups_take_rows(question: str, target: list[str], lookup: bool) -> None:
    assert is_lookup(asking(question, *target), ROWS) is lookup


def test_tables_grow_with_rows_of_their_own_kind() -> None:
    example = asking("since when is Bo Kahn a member?", "2003")
    grown = harden(example, ROWS, COLUMNS, Harder(rows=50), random.Random(1))
    assert len(grown) == 1 + 50
    assert [row for row in grown if row in ROWS] == ROWS
    added = [row for row in grown if row not in ROWS]
    assert {row[0] for row in added} <= {"Ann Lee", "Cy Dorn", "Di Moss"}
    assert all(re.fullmatch(r"\d{1,2}", row[1]) for row in added)
    assert {row[2] for row in added} == {"1994"}
    assert harden(example, ROWS, COLUMNS, Harder(rows=50), random.Random(1)) == grown


def test_distracting_rows_agree_in_all_but_what_is_asked() -> None:
    example = asking("since when is Bo Kahn a member?", "2003")
    grown = harden(example, ROWS, COLUMNS, Harder(distracting_rows=3), random.Random(1))
    added = [row for row in grown if row not in ROWS]
    assert len(added) == 3
    assert {row[1] for row in added} == {"7"}
    assert not {"Bo Kahn", "2003"} & {cell for row in added for cell in row}


def test_distracting_columns_come_from_other_tables() -> None:
    example = asking("how many boats has Bo Kahn?", "7")
    wide = harden(example, ROWS, COLUMNS, Harder(columns=2), random.Random(1))
    assert wide[0] == [*ROWS[0], "port"]
    assert [row[:3] for row in wide] == ROWS
    assert {row[3] for row in wide[1:]} == {"Bergen"}  # the other cell shares a word with the question


@pytest.mark.parametrize(
    ("benchmark", "folder", "split"),
    [(WIKITQ, "WikiTableQuestions", "random-split-1-dev"), (TABFACT, "Table-Fact-Checking", "val")],
    ids=["wikitq", "tabfact"],
)
def test_a_harder_set_is_a_data_set(data: Path, tmp_path: Path, benchmark: Benchmark, folder: str, split: str) -> None:
    examples = benchmark.examples(data / folder, split)[:1500]
    taken = make(benchmark, examples, split, tmp_path, Harder(rows=200, distracting_rows=1, columns=1))
    read = benchmark.examples(tmp_path, split)
    assert len(read) == len(taken) > 20
    for before, after in zip(taken, read, strict=True):
        assert (after.question, after.target) == (before.question, before.target)
        table = benchmark.table(after)
        assert (table.num_rows, len(table.columns)) == (200, len(benchmark.rows(before.source)[0]) + 1)


def test_a_folder_in_use_and_a_set_without_look_ups_are_refused(farm: Path, tmp_path: Path) -> None:
    examples = wikitq.examples(farm, "dev")
    with pytest.raises(ConfigurationError, match="is not empty"):
        make(WIKITQ, examples, "dev", farm, Harder(columns=1))
    with pytest.raises(ConfigurationError, match="none of 24 examples"):
        make(WIKITQ, examples, "dev", tmp_path / "new", Harder(rows=20))
    assert robustness.make(WIKITQ, examples, "dev", tmp_path / "wide", Harder(columns=1)) == examples
