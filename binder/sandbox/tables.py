"""tables: a question's tables as a program gets them, and the texts of their cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd
import pyarrow as pa

from binder.sandbox import values


@dataclass(frozen=True)
class GivenTable:
    """One table.

    Attributes:
        name: What programs call it.
        frame: Its typed cells.
        spelled: The texts of its cells, for those columns whose cells are no text.
    """

    name: str
    frame: pd.DataFrame
    spelled: pd.DataFrame


@dataclass(frozen=True)
class Given:
    """The tables of a question.

    A cell keeps its own spelling as long as it can be found again: by its row where a column still has the rows'
    numbers, else by its value where all cells of that value are spelled alike.
    """

    tables: tuple[GivenTable, ...]

    @classmethod
    def read(cls, described: Sequence[dict[str, Any]], data: bytes) -> Given:
        """The tables, from Arrow streams that follow each other."""
        tables, start = [], 0
        for table in described:
            frames = []
            for size in table["sizes"]:
                with pa.ipc.open_stream(pa.py_buffer(data[start : start + size])) as stream:
                    frames.append(stream.read_all().to_pandas(use_threads=False, date_as_object=False))
                start += size
            tables.append(GivenTable(table["name"], frames[0], frames[1]))
        return cls(tuple(tables))

    def texts(self, series: pd.Series) -> list[str | None]:
        """The text of each value of a column: a cell's own spelling where it is a cell, else the plain rendering."""
        named = [table for table in self.tables if series.name in table.spelled.columns]
        for table in named:
            if _is_of(series, table.frame[series.name]):
                return values.texts(table.spelled[series.name].reindex(series.index))
        spelled: dict[Any, str] = {}
        for table in named:
            spelled |= self._by_value(table, series.name)
        return [spelled.get(value, text) for value, text in zip(series, values.texts(series), strict=True)]

    def text(self, value: Any) -> str | None:
        """The text of a date, a time or a duration that is a cell; None for anything else."""
        return self._moments.get(value) if isinstance(value, values.MOMENTS) and not pd.isna(value) else None

    @cached_property
    def _moments(self) -> dict[Any, str | None]:
        found: dict[Any, str | None] = {}
        for table in self.tables:
            for name in table.spelled.columns:
                if table.frame[name].dtype.kind in "mMO":
                    found |= self._by_value(table, name)
        return found

    def _by_value(self, table: GivenTable, name: Any) -> dict[Any, str]:
        """What the cells of each value of a column are spelled like, where they are all spelled alike."""
        pairs = pd.DataFrame({"value": table.frame[name], "text": table.spelled[name]}).dropna().drop_duplicates()
        alone = pairs[~pairs["value"].duplicated(keep=False)]
        return dict(zip(alone["value"], alone["text"], strict=True))


def _is_of(series: pd.Series, own: pd.Series) -> bool:
    """Whether a column's values are a table's own, in rows that still have their numbers."""
    index = series.index
    return bool(index.isin(own.index).all()) and own.reindex(index).equals(series)
