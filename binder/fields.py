"""The columns of a source as DuckDB describes them, brought to the few types that tables have.

A source that has types is trusted: its integers become BIGINT, its timestamps with a zone UTC, its structs one column a
field (``place.city``), its lists and maps JSON text. NaN is NULL. A timestamp column that is all midnights, which is
how pandas has to write dates, becomes dates. A column with a moment or a span that Python has no value for becomes
text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from binder.cells import identifier, in_range, quoted
from grammars.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from duckdb import DuckDBPyConnection
    from duckdb.sqltypes import DuckDBPyType


@dataclass(frozen=True)
class Field:
    """One column of a source.

    Attributes:
        header: What the source calls it.
        sql: The expression that gives its value.
        type: The DuckDB type of that value: one that ``kind_of`` knows.
    """

    header: str
    sql: str
    type: str


def fields_of(connection: DuckDBPyConnection, relation: str, headers: Iterable[str] | None = None) -> tuple[Field, ...]:
    """The fields of a relation, structs taken apart.

    Args:
        connection: Where the relation is.
        relation: What stands after FROM.
        headers: What the source calls the relation's columns, when their names there are not that.
    """
    described = connection.sql(f"SELECT * FROM {relation} LIMIT 0")
    fields: list[Field] = []
    for header, name, type in zip(headers or described.columns, described.columns, described.types, strict=True):
        fields += _flat(header, identifier(name), type)
    return _narrowed(connection, relation, fields)


def kind_of(type: str) -> Kind:
    """The kind of a field's type."""
    return Kind.DECIMAL if type.startswith("DECIMAL") else _KINDS[type]


_KINDS = {
    "BIGINT": Kind.INTEGER,
    "DOUBLE": Kind.NUMBER,
    "DATE": Kind.DATE,
    "TIME": Kind.TIME,
    "TIMESTAMP": Kind.TIMESTAMP,
    "INTERVAL": Kind.DURATION,
    "BOOLEAN": Kind.BOOLEAN,
    "VARCHAR": Kind.TEXT,
}
_SMALL_INTEGERS = {"tinyint", "smallint", "integer", "bigint", "utinyint", "usmallint", "uinteger"}
_LARGE_INTEGERS = {"ubigint", "hugeint", "uhugeint"}
_ZONED = {"timestamp with time zone", "timestamptz_ns"}
_NESTED = {"list", "array", "map", "union"}


def _flat(header: str, sql: str, type: DuckDBPyType) -> Iterator[Field]:
    if type.id == "struct":
        for name, child in cast("list[tuple[str, DuckDBPyType]]", type.children):
            yield from _flat(f"{header}.{name}", f"struct_extract({sql}, {quoted(name)})", child)
    else:
        yield Field(header, *_plain(sql, type))


def _plain(sql: str, type: DuckDBPyType) -> tuple[str, str]:
    """The expression and type that stand for a value of any DuckDB type."""
    name = type.id
    if name in _SMALL_INTEGERS:
        return (sql if name == "bigint" else f"CAST({sql} AS BIGINT)"), "BIGINT"
    if name in _LARGE_INTEGERS:
        return f"CAST({sql} AS DECIMAL(38,0))", "DECIMAL(38,0)"
    if name == "float":
        return f"CAST(CASE WHEN NOT isnan({sql}) THEN CAST({sql} AS VARCHAR) END AS DOUBLE)", "DOUBLE"
    if name == "double":
        return f"CASE WHEN NOT isnan({sql}) THEN {sql} END", "DOUBLE"
    if name == "decimal":
        return sql, str(type)
    if str(type) == "JSON":
        return f"json_extract_string({sql}, '$')", "VARCHAR"
    if name in _ZONED:
        return f"(CAST({sql} AS TIMESTAMPTZ) AT TIME ZONE 'UTC')", "TIMESTAMP"
    for plain in ("timestamp", "time"):
        if name.startswith(plain):
            return f"CAST({sql} AS {plain.upper()})", plain.upper()
    if name.upper() in _KINDS:
        return sql, name.upper()
    if name in _NESTED:
        return f"CAST(to_json({sql}) AS VARCHAR)", "VARCHAR"
    return f"CAST({sql} AS VARCHAR)", "VARCHAR"


def _narrowed(connection: DuckDBPyConnection, relation: str, fields: list[Field]) -> tuple[Field, ...]:
    """The fields, with whole numbers that fit a BIGINT and timestamps that are dates given those types, and with what
    Python has no values for as text."""
    narrower = {at: test for at, field in enumerate(fields) if (test := _narrowing(field)) is not None}
    ranges = {at: held for at, field in enumerate(fields) if (held := in_range(field.sql, field.type)) is not None}
    every = [f"bool_and({test})" for test, _ in narrower.values()]
    beyond = [f"count(*) FILTER (NOT ({held}))" for held in ranges.values()]  # half the time of bool_and
    if every or beyond:
        (found,) = connection.execute(f"SELECT {', '.join(every + beyond)} FROM {relation}").fetchall()
        for fit, (at, (_, type)) in zip(found, narrower.items(), strict=False):
            if fit:
                fields[at] = Field(fields[at].header, f"CAST({fields[at].sql} AS {type})", type)
        for count, at in zip(found[len(narrower) :], ranges, strict=True):
            if count:
                text = f"replace(CAST({fields[at].sql} AS VARCHAR), ' (BC)', ' BC')"  # not to be taken for a note
                fields[at] = Field(fields[at].header, text, "VARCHAR")
    return tuple(fields)


def _narrowing(field: Field) -> tuple[str, str] | None:
    if field.type.startswith("DECIMAL") and field.type.endswith(",0)"):
        return f"TRY_CAST({field.sql} AS BIGINT) IS NOT NULL OR {field.sql} IS NULL", "BIGINT"
    if field.type == "TIMESTAMP":
        return f"{field.sql} = CAST({field.sql} AS DATE)", "DATE"
    return None
