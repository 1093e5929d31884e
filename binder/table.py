"""A table to ask questions of: typed columns, the cells' own spelling beside them, in one immutable Arrow table."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Self

from binder import sources
from binder.cells import identifier, rendering
from binder.columns import Loaded, Wishes
from binder.errors import TableError
from binder.frames import arrow_of_pandas
from grammars.schema import Column, TableSchema

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas
    import pyarrow


@dataclass(frozen=True, eq=False)
class Table:
    """One table, loaded and typed. It never changes, so threads may share it.

    Every ``from_…`` takes the same keyword arguments: ``name``, what programs write after FROM; ``title``, what the
    table is about; ``types``, the kinds that columns are to have when the typing is to be overruled
    (``{"zip": "text"}``); and ``descriptions``, what columns mean, for the prompt.

    Attributes:
        name: What programs write after FROM.
        title: What the table is about, or None.
        columns: The visible columns.
        row_id: The hidden column that numbers the rows from 0.
        data: The columns under their names, then for each column that has one the hidden VARCHAR column named
            ``Column.spelling`` (NULL where a cell's text is ``binder.cells.rendering`` of its value), then ``row_id``.

    Example:
        >>> table = Table.from_records_like  # doctest: +SKIP
    """

    name: str
    title: str | None
    columns: tuple[Column, ...]
    row_id: str
    data: pyarrow.Table

    @property
    def schema(self) -> TableSchema:
        """What programs may refer to."""
        return TableSchema(self.name, self.columns, self.title, self.row_id)

    @property
    def num_rows(self) -> int:
        """How many rows there are; at least one."""
        return int(self.data.num_rows)

    def to_pandas(self, original: bool = False) -> pandas.DataFrame:
        """The visible columns as a data frame.

        Args:
            original: Whether to give each cell's own text instead of its value.
        """
        if not original:
            return self.data.select([column.name for column in self.columns]).to_pandas()
        texts = ", ".join(f"{self._text(column)} AS {identifier(column.name)}" for column in self.columns)
        with sources.connection() as cursor:
            cursor.register("source", self.data)
            return cursor.sql(f"SELECT {texts} FROM source").to_arrow_table().to_pandas()

    @staticmethod
    def _text(column: Column) -> str:
        plain = rendering(identifier(column.name), column.type)
        return f"coalesce({identifier(column.spelling)}, {plain})" if column.spelling else plain

    @classmethod
    def from_csv(
        cls,
        path: sources.Location,
        *,
        delimiter: str | None = None,
        header: bool = True,
        encoding: str | None = None,
        name: str | None = None,
        title: str | None = None,
        types: Mapping[str, str] | None = None,
        descriptions: Mapping[str, str] | None = None,
    ) -> Self:
        """Load a delimited text file, plain or gzipped.

        Args:
            path: The file.
            delimiter: What stands between cells; found out when not given.
            header: Whether the first record names the columns.
            encoding: How the text is encoded; found out when not given (UTF-8, UTF-16 with its mark, Windows-1252).
            name: See the class.
            title: See the class.
            types: See the class.
            descriptions: See the class.

        Raises:
            TableError: The file cannot be read, has no rows, or has a record longer than its header.
        """
        wishes = Wishes(types or {}, descriptions or {})
        loaded = sources.from_delimited(path, wishes, delimiter=delimiter, header=header, encoding=encoding)
        return cls._named(loaded, name or _name_of(path), title)

    @classmethod
    def from_pandas(
        cls,
        frame: pandas.DataFrame,
        *,
        name: str = "w",
        title: str | None = None,
        types: Mapping[str, str] | None = None,
        descriptions: Mapping[str, str] | None = None,
    ) -> Self:
        """Load a pandas frame: typed columns keep their types, text columns are read for values."""
        wishes = Wishes(types or {}, descriptions or {})
        return cls._named(sources.from_arrow(arrow_of_pandas(frame), wishes, read=True), name, title)

    @classmethod
    def _named(cls, loaded: Loaded, name: str, title: str | None) -> Self:
        if not loaded.data.num_rows:
            raise TableError(f"table {name!r} has no rows, so there is nothing to ask about")
        return cls(name, title, loaded.columns, loaded.row_id, loaded.data)


def _name_of(path: sources.Location) -> str:
    """A file's name as one that programs can write without quotes."""
    stem = Path(path).name.split(".")[0]
    name = re.sub(r"\W+", "_", stem).strip("_")
    return f"t_{name}" if not name or name[0].isdigit() or name.casefold() in _reserved() else name


@cache
def _reserved() -> frozenset[str]:
    with sources.connection() as cursor:
        words = cursor.sql("SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category = 'reserved'").fetchall()
    return frozenset(word for (word,) in words)
