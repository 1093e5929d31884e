"""A table to ask questions of: typed columns, the cells' own spelling beside them, in one immutable Arrow table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Self, TypedDict

from binder import sources
from binder.cells import identifier, rendering
from binder.columns import Wishes
from binder.errors import TableError
from binder.frames import nullable
from binder.spans import has_spans, with_spans
from binder.viewed import Viewed
from grammars.schema import Column, TableSchema

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Unpack

    import pandas
    import polars
    import pyarrow

    from binder.columns import Loaded


_FEW = 400  # rows that are read sooner one by one than together


class About(TypedDict, total=False):
    """What every ``Table.from_…`` may be told about its table.

    Attributes:
        name: What programs write after FROM; the file's name when not given, or ``w``.
        title: What the table is about, such as its page's title.
        types: The kinds of columns whose typing is to be overruled: ``{"zip": "text"}``. A cell that does not convert
            is NULL, with its own text kept; a kind that no cell fits is a ``TableError``.
        descriptions: What columns mean, for the prompt.
    """

    name: str | None
    title: str | None
    types: Mapping[str, str] | None
    descriptions: Mapping[str, str] | None


@dataclass(frozen=True, eq=False)
class Table(Viewed):
    """One table, loaded and typed. It never changes, so threads may share it.

    Every ``from_…`` takes the keyword arguments of ``About`` and raises ``TableError``, which says what is wrong with
    the source and what to do. Text in files without types (delimited, JSON, Excel) and in data frames is read for
    values, as ``binder.cells`` says; Parquet, Arrow and databases declare their types, and those are kept.

    Attributes:
        name: What programs write after FROM.
        title: What the table is about, or None.
        columns: The visible columns.
        row_id: The hidden column that numbers the rows from 0.
        data: The columns under their names, then for each column that has one the hidden VARCHAR column named
            ``Column.spelling`` (where it is NULL, a cell's text is ``binder.cells.rendering`` of its value), then
            ``row_id``.

    Example:
        >>> import pandas
        >>> table = Table.from_pandas(pandas.DataFrame({"city": ["Bern", "Nara"], "people": ["134,794", "n/a"]}))
        >>> [str(column.kind) for column in table.columns]
        ['text', 'integer']
        >>> table.to_pandas()["people"].tolist()
        [134794, <NA>]
    """

    name: str
    title: str | None
    columns: tuple[Column, ...]
    row_id: str
    data: pyarrow.Table

    @property
    def schema(self) -> TableSchema:
        """What programs may refer to."""
        return TableSchema(self.name, self.columns, self.title, self.row_id, self.num_rows)

    @property
    def num_rows(self) -> int:
        """How many rows there are; at least one."""
        return int(self.data.num_rows)

    def to_pandas(self, original: bool = False) -> pandas.DataFrame:
        """The visible columns as a data frame; integers and truth beside NULL stay what they are, durations are
        ``timedelta64``.

        Args:
            original: Whether to give each cell's own text instead of its value.
        """
        if original:
            return self._texts().to_pandas()
        values = self.data.select([column.name for column in self.columns])
        if has_spans(values):
            with sources.connection() as cursor:
                values = with_spans(cursor, values)
        return values.to_pandas(types_mapper=nullable)

    def cells(self, column: str, rows: Sequence[int | None]) -> list[Any]:
        """What some rows hold in a column, a visible or a hidden one; None for no row."""
        data = self.data[column]
        if len(rows) > _FEW:
            found: list[Any] = data.take(list(rows)).to_pylist()
            return found
        return [None if row is None else data[row].as_py() for row in rows]

    def _texts(self) -> pyarrow.Table:
        texts = []
        for column in self.columns:
            text = rendering(identifier(column.name), column.type)
            if column.spelling:
                text = f"coalesce({identifier(column.spelling)}, {text})"
            texts.append(f"{text} AS {identifier(column.name)}")
        with sources.connection() as cursor:
            cursor.register("source", self.data)
            return cursor.sql(f"SELECT {', '.join(texts)} FROM source").to_arrow_table()

    @classmethod
    def from_csv(
        cls,
        path: sources.Location,
        *,
        delimiter: str | None = None,
        header: bool = True,
        encoding: str | None = None,
        **about: Unpack[About],
    ) -> Self:
        """Load a delimited text file, plain or gzipped.

        A record shorter than the header is filled up with missing cells; a longer one is an error.

        Args:
            path: The file.
            delimiter: What stands between cells; found out when not given.
            header: Whether the first record names the columns.
            encoding: How the text is encoded; found out when not given (UTF-8, UTF-16 with its mark, Windows-1252).
            **about: See ``About``.
        """

        def load(wishes: Wishes) -> Loaded:
            return sources.from_delimited(path, wishes, delimiter=delimiter, header=header, encoding=encoding)

        return cls._loaded(load, _name_of(path), **about)

    @classmethod
    def from_tsv(cls, path: sources.Location, **about: Unpack[About]) -> Self:
        """Load a text file whose cells are separated by tabs."""
        return cls.from_csv(path, delimiter="\t", **about)

    @classmethod
    def from_json(cls, path: sources.Location, **about: Unpack[About]) -> Self:
        """Load a JSON file that holds an array of objects, or one object a line.

        An object inside becomes a column a field (``place.city``), a list its JSON text.
        """
        return cls._loaded(lambda wishes: sources.from_json(path, wishes), _name_of(path), **about)

    @classmethod
    def from_parquet(cls, path: sources.Location, **about: Unpack[About]) -> Self:
        """Load a Parquet file; a struct becomes a column a field (``place.city``), a list its JSON text."""
        return cls._loaded(lambda wishes: sources.from_parquet(path, wishes), _name_of(path), **about)

    @classmethod
    def from_excel(cls, path: sources.Location, *, sheet: str | int = 0, **about: Unpack[About]) -> Self:
        """Load one sheet of a workbook, by its name or number; its first row that is not empty is the header."""
        return cls._loaded(lambda wishes: sources.from_excel(path, sheet, wishes), _name_of(path), **about)

    @classmethod
    def from_pandas(cls, frame: pandas.DataFrame, **about: Unpack[About]) -> Self:
        """Load a pandas frame; the levels of a named index become columns."""
        return cls._loaded(lambda wishes: sources.from_pandas(frame, wishes), "w", **about)

    @classmethod
    def from_polars(cls, frame: polars.DataFrame, **about: Unpack[About]) -> Self:
        """Load a polars frame."""
        return cls._loaded(lambda wishes: sources.from_polars(frame, wishes), "w", **about)

    @classmethod
    def from_arrow(cls, data: Any, **about: Unpack[About]) -> Self:
        """Load an Arrow table, or anything that exports an Arrow stream."""
        return cls._loaded(lambda wishes: sources.from_arrow(data, wishes), "w", **about)

    @classmethod
    def from_records(cls, url: str, query: str, **about: Unpack[About]) -> Self:
        """Load the result of a query from any database that SQLAlchemy reaches.

        Args:
            url: Such as ``sqlite:///shop.db`` or ``postgresql://user:password@host/name``.
            query: A SELECT in the database's own SQL, sent as it stands.
            **about: See ``About``.
        """
        return cls._loaded(lambda wishes: sources.from_query(url, query, wishes), "w", **about)

    @classmethod
    def _loaded(
        cls,
        load: Callable[[Wishes], Loaded],
        default: str,
        *,
        name: str | None = None,
        title: str | None = None,
        types: Mapping[str, str] | None = None,
        descriptions: Mapping[str, str] | None = None,
    ) -> Self:
        _check(name, title, types or {}, descriptions or {})
        loaded = load(Wishes(types or {}, descriptions or {}))
        name = name or default
        if not loaded.data.num_rows:
            raise TableError(f"table {name!r} has no rows, so there is nothing to ask about")
        return cls(name, title, loaded.columns, loaded.row_id, loaded.data)


def _check(name: object, title: object, types: object, descriptions: object) -> None:
    """What was said about a table is of the kind it must be.

    Raises:
        TableError: It is not.
    """
    for what, text in (("name", name), ("title", title)):
        if text is not None and not isinstance(text, str):
            raise TableError(f"{what}={text!r:.80} is no text; give one, or leave it out")
    if isinstance(name, str) and name and not (name.strip() and name.isprintable()):
        raise TableError(f"name={name!r:.80} cannot be written in a program; give a word")
    for what, wishes in (("types", types), ("descriptions", descriptions)):
        pairs = wishes.items() if isinstance(wishes, Mapping) else [(wishes, None)]
        if any(not isinstance(part, str) for pair in pairs for part in pair):
            raise TableError(f"{what}={wishes!r:.80} is no dict of a text for a column; give one, as {{'zip': 'text'}}")


def _name_of(path: sources.Location) -> str:
    """A file's name as one that programs can write without quotes."""
    stem = sources.located(path).name.split(".")[0]
    name = re.sub(r"\W+", "_", stem).strip("_")
    return f"t_{name}" if not name or name[0].isdigit() or name.casefold() in _reserved() else name


@cache
def _reserved() -> frozenset[str]:
    with sources.connection() as cursor:
        words = cursor.sql("SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category = 'reserved'").fetchall()
    return frozenset(word for (word,) in words)
