"""tables: a question's tables as a program gets them, and the texts of their cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from binder.sandbox import values

_EXACT = 2**53  # integers up to here are floats without loss


@dataclass(frozen=True)
class GivenTable:
    """One table.

    Attributes:
        name: What programs call it.
        frame: Its typed cells.
        texts: The texts of its cells, for those columns whose cells are no text.
        spelled: The cells' own spellings, for those columns in which some cell has one that is not its plain text.
    """

    name: str
    frame: pd.DataFrame
    texts: pd.DataFrame
    spelled: pd.DataFrame

    def owns(self, series: pd.Series, among: pd.DataFrame) -> bool:
        """Whether a column is one of some, its values the table's own, in rows that still have their numbers."""
        if not isinstance(series.name, str) or series.name not in among.columns:
            return False
        own, index = self.frame[series.name], series.index
        return own.dtype == series.dtype and bool(index.isin(own.index).all()) and own.reindex(index).equals(series)


@dataclass(frozen=True)
class Given:
    """The tables of a question.

    A cell keeps its text as long as it can be found again: by its row's number, where a column still has them. A date,
    a time or a duration is also found by its value, where all cells of that value are spelled alike. A number is not:
    a count or a rank may be the same number as a cell.
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
                    frames.append(_frame(stream.read_all()))
                start += size
            tables.append(GivenTable(table["name"], *frames))
        return cls(tuple(tables))

    def texts(self, series: pd.Series) -> list[str | None]:
        """The text of each value of a column, as the LM is to see it."""
        for table in self.tables:
            if table.owns(series, table.texts):
                return values.texts(table.texts[series.name].reindex(series.index))
        return [self.spelling(value) or values.text_of(value) for value in series]

    def spellings(self, series: pd.Series) -> list[str | None]:
        """The cells' own spelling of each value of a column; None where there is none."""
        for table in self.tables:
            if table.owns(series, table.spelled):
                return values.texts(table.spelled[series.name].reindex(series.index))
            if table.owns(series, table.frame):
                return [None] * len(series)
        return [self.spelling(value) for value in series]

    def spelling(self, value: Any) -> str | None:
        """The spelling of a date, a time or a duration that is a cell; None for anything else."""
        if not isinstance(value, values.MOMENTS) or pd.isna(value):
            return None
        return self._moments.get(value)

    @cached_property
    def _moments(self) -> dict[Any, str | None]:
        """What the cells of each moment are spelled like, where they are all spelled alike."""
        found: dict[Any, str | None] = {}
        for table in self.tables:
            for name in table.texts.columns:
                if table.frame[name].dtype.kind in "mMO":
                    for value, text in zip(table.frame[name], table.texts[name], strict=True):
                        if not pd.isna(value):
                            found[value] = text if found.get(value, text) == text else None
        return found


def _frame(data: pa.Table) -> pd.DataFrame:
    """A frame with the types that programs expect; integers beside missing ones are floats, where those lose none."""
    frame = data.to_pandas(use_threads=False, date_as_object=False)
    for at, field in enumerate(data.schema):
        column = data.column(at)
        if pa.types.is_integer(field.type) and column.null_count and _is_long(column):
            frame[field.name] = column.to_pandas(types_mapper={field.type: pd.Int64Dtype()}.get)
    return frame


def _is_long(column: pa.ChunkedArray) -> bool:
    values = column.drop_null().to_numpy()
    return bool(len(values)) and int(np.abs(values.astype("float64")).max()) > _EXACT
