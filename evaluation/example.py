"""One example of a benchmark: a question or statement, its table, and its gold answer."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from binder.errors import BinderError, TableError
from binder.table import Table


class DataSetError(BinderError):
    """A data set is not where it should be, or a file of it is damaged."""


@dataclass(frozen=True)
class Example:
    """A question about a table, or a statement to check, with its gold answer.

    Attributes:
        id: Unique in its split.
        question: The question or the statement.
        source: The table's file.
        title: What the table is about, or None.
        target: The gold answer's items; for a statement ``1`` (entailed) or ``0`` (refuted).
        canon: Their canonical forms, or None where the data set gives none.
    """

    id: str
    question: str
    source: Path
    title: str | None
    target: tuple[str, ...]
    canon: tuple[str, ...] | None = None


@contextmanager
def reading(path: Path, fetch: str) -> Iterator[None]:
    """Says of a file that is absent or damaged which one it is, and the command that fetches the data set."""
    if not path.exists():
        raise DataSetError(f"{path} is missing; get the data set with `{fetch}` and name its folder")
    try:
        yield
    except DataSetError:
        raise
    except (ValueError, KeyError, IndexError, TypeError, OSError, csv.Error) as error:
        raise DataSetError(f"{path} is damaged ({error}); get the data set anew with `{fetch}`") from error


def make_table(rows: Sequence[Sequence[str]], title: str | None) -> Table:
    """A table called ``w`` of texts, the header first, its columns read for values.

    Raises:
        ValueError: A row is not as wide as the header, or there is none.
    """
    if not rows:
        raise ValueError("there is no header")
    header, *body = rows
    odd = next((number for number, row in enumerate(body, 2) if len(row) != len(header)), None)
    if odd is not None:
        raise ValueError(f"row {odd} has {len(body[odd - 2])} cells where the header has {len(header)}")
    import pandas

    try:
        return Table.from_pandas(pandas.DataFrame(body, columns=list(header)), title=title)
    except TableError as error:
        raise ValueError(str(error)) from error
