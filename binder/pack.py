"""pack: tables as Python programs get them: typed cells that pandas knows, and the cells' own texts beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from binder import sources
from binder.cells import rendering
from binder.database import quoted
from binder.sandbox.host import Packed, packed_tables
from grammars.schema import Column

if TYPE_CHECKING:
    import pyarrow

    from binder.table import Table

_packed: WeakKeyDictionary[Table, tuple[bytes, bytes]] = WeakKeyDictionary()
_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")


def pack(tables: Sequence[Table]) -> Packed:
    """Tables for the sandbox; each is packed once."""
    for table in tables:
        if table not in _packed:
            _packed[table] = _streams(table.data, table.columns)
    return packed_tables([(table.name, *_packed[table]) for table in tables])


def _streams(data: pyarrow.Table, columns: Sequence[Column]) -> tuple[bytes, bytes]:
    """A table as two Arrow streams: its visible columns, and the texts of those that are no text."""
    import pyarrow

    cells = [f"{_cell(column)} AS {quoted(column.name)}" for column in columns]
    texts = [f"{_text(column)} AS {quoted(column.name)}" for column in columns if column.type != "VARCHAR"]
    with sources.connection() as cursor:
        cursor.register("source", data)
        typed = cursor.sql(f"SELECT {', '.join(cells)} FROM source").to_arrow_table()
        spelled = cursor.sql(f"SELECT {', '.join(texts)} FROM source").to_arrow_table() if texts else pyarrow.table({})
    for at, column in enumerate(columns):
        if column.type == "INTERVAL":
            typed = typed.set_column(at, column.name, typed.column(at).cast(pyarrow.duration("us")))
    return _stream(typed), _stream(spelled)


def _cell(column: Column) -> str:
    """SQL for a cell as a type that pandas knows."""
    name = quoted(column.name)
    if column.type == "INTERVAL":
        return f"epoch_us({name})"
    if column.kind.numeric and column.type not in (*_INTEGERS, "DOUBLE", "FLOAT"):
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
