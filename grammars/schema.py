"""What a program may refer to: tables, their columns, and the columns' kinds.

A schema is plain data. It knows names and types, and may know counts, but holds no cell, so that a program can be
checked without its tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a column's cells are, whatever their spelling."""

    INTEGER = "integer"
    DECIMAL = "decimal"
    NUMBER = "number"
    DATE = "date"
    TIME = "time"
    TIMESTAMP = "timestamp"
    DURATION = "duration"
    BOOLEAN = "boolean"
    TEXT = "text"

    @property
    def numeric(self) -> bool:
        """Whether values of this kind add and compare as numbers."""
        return self in (Kind.INTEGER, Kind.DECIMAL, Kind.NUMBER)

    @property
    def temporal(self) -> bool:
        """Whether values of this kind are points in time."""
        return self in (Kind.DATE, Kind.TIME, Kind.TIMESTAMP)


class Form(StrEnum):
    """How a column's cells spell moments that could be read in two ways; texts compared with it are read alike."""

    DAY_FIRST = "d/m"
    MONTH_FIRST = "m/d"
    MINUTES = "m:ss"


@dataclass(frozen=True)
class Column:
    """One column as programs see it.

    Attributes:
        name: What programs write; unique in its table when case is ignored, one line, never empty.
        kind: What the cells are.
        type: The DuckDB type that holds them, such as ``BIGINT`` or ``DECIMAL(18,2)``.
        label: The header as the source spells it (``name`` when the source gives none).
        spelling: The hidden column that keeps a cell's own text where it differs from the value's plain rendering
            (NULL elsewhere), or None when no cell of the column does.
        description: What the column means, for the prompt.
        form: How ``5/3/1990`` or ``2:00`` is read beside the column, where its cells tell.
        missing: How many of its cells are NULL, where that is known.
        numbered: Whether it is text though most of its cells begin with a number; they sort by it.
    """

    name: str
    kind: Kind
    type: str
    label: str = ""
    spelling: str | None = None
    description: str = ""
    form: Form | None = None
    missing: int | None = None
    numbered: bool = False


@dataclass(frozen=True)
class TableSchema:
    """One table's name and columns.

    Attributes:
        name: What programs write after FROM.
        columns: The visible columns, in order.
        title: What the table is about, such as its page's title; also accepted for the name.
        row_id: The hidden column that numbers the rows from 0 in the source's order. Programs may use it; ``*`` leaves
            it out.
        rows: How many rows it has, where that is known.
    """

    name: str
    columns: tuple[Column, ...]
    title: str | None = None
    row_id: str = "row_id"
    rows: int | None = None

    def column(self, name: str) -> Column | None:
        """The visible column of that name, case ignored, or None."""
        folded = name.casefold()
        return next((column for column in self.columns if column.name.casefold() == folded), None)


@dataclass(frozen=True)
class Schema:
    """The tables that one question spans. A single table also answers to the name ``w``."""

    tables: tuple[TableSchema, ...]

    def __iter__(self) -> Iterator[TableSchema]:
        return iter(self.tables)

    def table(self, name: str) -> TableSchema | None:
        """The table of that name, case ignored (``w`` names a single table), or None."""
        folded = name.casefold()
        for table in self.tables:
            if table.name.casefold() == folded:
                return table
        return self.tables[0] if len(self.tables) == 1 and folded == "w" else None
