"""spans: durations as pandas knows them, which reads DuckDB's intervals as offsets that neither compare nor add up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from binder.cells import identifier

if TYPE_CHECKING:
    import pyarrow
    from duckdb import DuckDBPyConnection


def has_spans(data: pyarrow.Table) -> bool:
    """Whether a column of a table holds intervals."""
    return bool(_spans(data))


def with_spans(connection: DuckDBPyConnection, data: pyarrow.Table) -> pyarrow.Table:
    """A table whose intervals are Arrow's durations, ``timedelta64`` in pandas; a month is 30 days."""
    import pyarrow

    names = _spans(data)
    if not names:
        return data
    connection.register("spans", data)
    micros = ", ".join(f"epoch_us({identifier(name)}) AS {identifier(name)}" for name in names)
    found = connection.sql(f"SELECT {micros} FROM spans").to_arrow_table()
    for name in names:
        at = data.column_names.index(name)
        data = data.set_column(at, name, found[name].cast(pyarrow.duration("us")))
    return data


def _spans(data: pyarrow.Table) -> list[str]:
    import pyarrow

    return [field.name for field in data.schema if field.type == pyarrow.month_day_nano_interval()]
