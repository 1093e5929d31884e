"""pack: tables as Python programs get them: typed cells that pandas knows, and the cells' own texts beside them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from binder import sources
from binder.cells import rendering
from binder.database import quoted
from binder.sandbox.host import Packed, packed_tables
from binder.spans import with_spans
from grammars.schema import Column

if TYPE_CHECKING:
    import pyarrow
    from duckdb import DuckDBPyConnection

    from binder.table import Table

_packed: WeakKeyDictionary[Table, tuple[bytes, ...]] = WeakKeyDictionary()
_DIGITS = 18  # of what is read from text; a float holds 15 of them exactly


def pack(tables: Sequence[Table]) -> Packed:
    """Tables for the sandbox; each is packed once."""
    for table in tables:
        if table not in _packed:
            _packed[table] = _streams(table.data, table.columns)
    return packed_tables([(table.name, _packed[table]) for table in tables])


def _streams(data: pyarrow.Table, columns: Sequence[Column]) -> tuple[bytes, ...]:
    """A table as Arrow streams: its visible columns; the texts of those that are no text; and the spellings of those
    whose cells have their own, missing where they have not."""
    typed = [column for column in columns if column.type != "VARCHAR"]
    spelled = [column for column in columns if column.spelling]
    wanted = (
        [(_cell(column), column) for column in columns],
        [(_text(column), column) for column in typed],
        [(quoted(column.spelling or ""), column) for column in spelled],
    )
    with sources.connection() as cursor:
        cursor.register("source", data)
        cells, *texts = [_selected(cursor, each) for each in wanted]
        cells = with_spans(cursor, cells)
    return tuple(map(_stream, (cells, *texts)))


def _selected(cursor: DuckDBPyConnection, wanted: Sequence[tuple[str, Column]]) -> pyarrow.Table:
    """Columns of the table as Arrow; none at all where none is wanted."""
    import pyarrow

    named = ", ".join(f"{sql} AS {quoted(column.name)}" for sql, column in wanted)
    return cursor.sql(f"SELECT {named} FROM source").to_arrow_table() if wanted else pyarrow.table({})


def _cell(column: Column) -> str:
    """SQL for a cell as a type that pandas knows."""
    name = quoted(column.name)
    digits = re.match(r"DECIMAL\((\d+)", column.type)
    if digits and int(digits[1]) <= _DIGITS:
        return f"CAST({name} AS DOUBLE)"
    return name


def _text(column: Column) -> str:
    text = rendering(quoted(column.name), column.type)
    return f"coalesce({quoted(column.spelling)}, {text})" if column.spelling else text


def _stream(data: pyarrow.Table) -> bytes:
    import pyarrow

    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, data.schema) as writer:
        writer.write_table(data)
    return bytes(sink.getvalue().to_pybytes())
