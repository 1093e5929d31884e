"""WikiTableQuestions in the layout of its official release: splits, tables, titles, canonical answers."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from binder.table import Table
from evaluation.example import DataSetError, Example, make_table, reading

FETCH = "git clone https://github.com/ppasupat/WikiTableQuestions"
FIELDS = ["id", "utterance", "context", "targetValue"]
TITLES = Path("misc", "table-metadata.tsv")
_ESCAPED = {r"\n": "\n", r"\p": "|", r"\\": "\\"}


def examples(data: Path, split: str) -> tuple[Example, ...]:
    """The questions of a split, in the order of its file.

    Args:
        data: The folder of the data set.
        split: A file's name in ``data/`` without its ending, such as ``random-split-1-dev``.

    Raises:
        DataSetError: A file is missing or damaged, or there is no such split.
    """
    path = data / "data" / f"{split}.tsv"
    known = sorted(file.stem for file in path.parent.glob("*.tsv"))
    if known and split not in known:
        raise DataSetError(f"there is no split {split!r} in {path.parent}; there are {', '.join(known)}")
    titles, canon = _titles(data / TITLES), _canon(data / "tagged" / "data", split)
    return tuple(
        Example(
            id=row["id"],
            question=row["utterance"],
            source=_table_file(data / row["context"]),
            title=titles.get(row["context"]),
            target=_items(row["targetValue"]),
            canon=canon.get(row["id"]),
        )
        for row in _records(path, FIELDS)
    )


def rows(source: Path) -> list[list[str]]:
    """The rows of a table's file, ``.csv`` or ``.tsv``, the header first.

    Raises:
        DataSetError: The file is missing or damaged.
    """
    with reading(source, FETCH), source.open(encoding="utf-8", newline="") as file:
        if source.suffix == ".tsv":
            lines = file.read().removesuffix("\n").split("\n")
            return [[unescape(cell) for cell in line.removesuffix("\r").split("\t")] for line in lines]
        return list(csv.reader(file, escapechar="\\", doublequote=False, strict=True))


def table(example: Example) -> Table:
    """An example's table; raises as ``rows`` does."""
    cells = rows(example.source)
    with reading(example.source, FETCH):
        return make_table(cells, example.title)


def write(folder: Path, split: str, items: Sequence[tuple[Example, Sequence[Sequence[str]]]]) -> None:
    """Write examples, each with the rows of a table of its own, in the release's layout."""
    for part in ("data", "csv/0-csv", "misc"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    questions, titles = [FIELDS], [["contextId", "title"]]
    for example, cells in items:
        context = f"csv/0-csv/{example.id}.tsv"
        lines = ("\t".join(map(escape, row)) + "\n" for row in cells)
        (folder / context).write_text("".join(lines), encoding="utf-8")
        questions.append([example.id, example.question, context, "|".join(map(escape, example.target))])
        titles.append([context, example.title or ""])
    for path, records in ((folder / "data" / f"{split}.tsv", questions), (folder / TITLES, titles)):
        path.write_text("".join("\t".join(record) + "\n" for record in records), encoding="utf-8")


def escape(text: str) -> str:
    """A text as the release's ``.tsv`` files spell it."""
    return text.replace("\\", r"\\").replace("\n", r"\n").replace("|", r"\p").replace("\t", " ")


def unescape(text: str) -> str:
    """A text as it is, from its spelling in a ``.tsv`` file.

    Example:
        >>> unescape(r"a\\pb")
        'a|b'
    """
    return re.sub(r"\\[np\\]", lambda found: _ESCAPED[found[0]], text) if "\\" in text else text


def _items(field: str) -> tuple[str, ...]:
    return tuple(map(unescape, field.split("|")))


def _records(path: Path, fields: Sequence[str]) -> Iterator[dict[str, str]]:
    """The lines of a file with a header, as records."""
    with reading(path, FETCH), path.open(encoding="utf-8", newline="\n") as file:
        header = next(file, "").rstrip("\r\n").split("\t")
        if missing := [field for field in fields if field not in header]:
            raise ValueError(f"its header lacks {', '.join(missing)}")
        for number, line in enumerate(file, 2):
            cells = line.rstrip("\r\n").split("\t")
            if len(cells) != len(header):
                raise ValueError(f"line {number} has {len(cells)} fields where the header has {len(header)}")
            yield dict(zip(header, cells, strict=True))


def _titles(path: Path) -> dict[str, str | None]:
    return {row["contextId"]: row["title"] or None for row in _records(path, ("contextId", "title"))}


def _canon(folder: Path, split: str) -> dict[str, tuple[str, ...]]:
    """Canonical answers by id: the split's own, or those of the training data it is a part of; none without a file."""
    parts = ("training",) if split.startswith(("random-split", "training")) else ()
    path = next((path for name in (split, *parts) if (path := folder / f"{name}.tagged").exists()), None)
    return (
        {} if path is None else {row["id"]: _items(row["targetCanon"]) for row in _records(path, ("id", "targetCanon"))}
    )


def _table_file(path: Path) -> Path:
    """The file of a table: as the split names it, or its ``.tsv`` twin.

    Raises:
        DataSetError: There is neither.
    """
    found = next((file for file in (path, path.with_suffix(".tsv")) if file.exists()), None)
    if found is None:
        raise DataSetError(f"the table {path} is missing; get the data set with `{FETCH}` and name its folder")
    return found
