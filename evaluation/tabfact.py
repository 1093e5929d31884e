"""TabFact in the layout of its official repository: tokenized and raw statements, tables, splits by table."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import reduce
from pathlib import Path
from typing import Any

from binder.table import Table
from evaluation.example import DataSetError, Example, make_table, reading

FETCH = "git clone https://github.com/wenhuchen/Table-Fact-Checking"
SPLITS = ("train", "val", "test", "simple", "complex", "small_test")
# Parts of the test split are told by their tables, in files of their own.
_IDS = {"simple": "simple_test", "complex": "complex_test"}
_RAW = ("r1_training_all.json", "r2_training_all.json")

Statements = dict[str, list[Any]]


def examples(data: Path, split: str, *, raw: bool = False) -> tuple[Example, ...]:
    """The statements of a split, in the order of its file.

    Args:
        data: The folder of the data set.
        split: One of ``SPLITS``.
        raw: Whether to take the statements as they were written, rather than lower-cased and lemmatised.

    Raises:
        DataSetError: A file is missing or damaged, or there is no such split.
    """
    if split not in SPLITS:
        raise DataSetError(f"TabFact has no split {split!r}; it has {', '.join(SPLITS)}")
    found = []
    for path, name, entry in _entries(data, split, raw):
        source = data / "data" / "all_csv" / name
        if not source.exists():
            raise DataSetError(f"the table {source} is missing; get the data set with `{FETCH}` and name its folder")
        with reading(path, FETCH):
            statements, labels, caption = entry
            for index, (statement, label) in enumerate(zip(statements, labels, strict=True)):
                if label not in (0, 1):
                    raise ValueError(f"statement {index} of {name} has the label {label!r}")
                found.append(Example(f"{name}#{index}", statement, source, caption or None, (str(label),)))
    return tuple(found)


def rows(source: Path) -> list[list[str]]:
    """The rows of a table's file, the header first.

    Raises:
        DataSetError: The file is missing or damaged.
    """
    with reading(source, FETCH):
        lines = source.read_text(encoding="utf-8").removesuffix("\n").split("\n")
        return [line.split("#") for line in lines]


def table(example: Example) -> Table:
    """An example's table; raises as ``rows`` does."""
    cells = rows(example.source)
    with reading(example.source, FETCH):
        return make_table(cells, example.title)


def write(folder: Path, split: str, items: Sequence[tuple[Example, Sequence[Sequence[str]]]]) -> None:
    """Write statements, each with the rows of a table of its own, in the repository's layout."""
    tables = folder / "data" / "all_csv"
    tables.mkdir(parents=True, exist_ok=True)
    (folder / "tokenized_data").mkdir(exist_ok=True)
    statements = {}
    for example, cells in items:
        name = example.id.replace(".html.csv", "").replace("#", "-") + ".html.csv"
        lines = ("#".join(cell.replace("#", " ").replace("\n", " ") for cell in row) + "\n" for row in cells)
        (tables / name).write_text("".join(lines), encoding="utf-8")
        statements[name] = [[example.question], [int(example.target[0])], example.title or ""]
    path = folder / "tokenized_data" / f"{split}_examples.json"
    path.write_text(json.dumps(statements, ensure_ascii=False, indent=1), encoding="utf-8")


def _entries(data: Path, split: str, raw: bool) -> Iterator[tuple[Path, str, list[Any]]]:
    """A split's tables with their statements, and the file these stand in."""
    if raw:
        paths = [data / "collected_data" / name for name in _RAW]
    else:
        name = split if split in ("train", "val") else "test"
        paths = [data / "tokenized_data" / f"{name}_examples.json"]
    statements: Statements = reduce(lambda known, path: known | _read(path), paths, {})
    whole = not raw and split in ("train", "val", "test")
    ids = statements if whole else _read_ids(data / "data" / f"{_IDS.get(split, split)}_id.json")
    for name in ids:
        if name not in statements:
            raise DataSetError(f"{paths[-1]} holds no statements on {name}; get the data set anew with `{FETCH}`")
        yield paths[-1], name, statements[name]


def _read(path: Path) -> Statements:
    with reading(path, FETCH):
        return dict(json.loads(path.read_text(encoding="utf-8")))


def _read_ids(path: Path) -> list[str]:
    with reading(path, FETCH):
        return list(map(str, json.loads(path.read_text(encoding="utf-8"))))
