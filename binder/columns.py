"""A relation in DuckDB, to typed columns with their cells' own spelling, as one Arrow table.

Types are decided on the first rows and everything is converted in one pass. A column in which a later cell does not
conform is decided again with what that cell looks like, and converted again from what was loaded: spelling and
rendering together hold every cell's own text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from binder.cells import TEXT, Reading, Shape, decide, insist, rendering, shapes
from binder.errors import TableError
from binder.fields import Field, fields_of, kind_of
from binder.headers import names_of, readable, unique
from grammars.schema import Column, Kind

if TYPE_CHECKING:
    import pyarrow
    from duckdb import DuckDBPyConnection

_SAMPLE = 2048
_TELLING = 2000


@dataclass(frozen=True)
class Wishes:
    """What the caller says about columns, each by its name or its header.

    Attributes:
        types: The kind a column is to have, such as ``{"zip": "text"}``.
        descriptions: What a column means.
    """

    types: Mapping[str, str] = field(default_factory=dict)
    descriptions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Loaded:
    """A relation's columns, the name of the hidden column that numbers its rows, and its data."""

    columns: tuple[Column, ...]
    row_id: str
    data: pyarrow.Table


def load(
    connection: DuckDBPyConnection,
    relation: str,
    *,
    headers: Iterable[str] | None = None,
    read: bool,
    wishes: Wishes,
) -> Loaded:
    """Load a relation.

    Args:
        connection: A connection of the caller's own, that can hold temporary views.
        relation: What stands after FROM.
        headers: What the source calls its columns, when the relation's own names are not that.
        read: Whether text is read for values, or is text.
        wishes: The caller's types and descriptions.

    Raises:
        TableError: A wish names no column or no kind.
    """
    fields = fields_of(connection, relation, headers)
    labels = tuple(field.header for field in fields)
    names = names_of(labels)
    kinds = {position: _kind(name) for position, name in _placed(wishes.types, names, labels, "types").items()}
    descriptions = _placed(wishes.descriptions, names, labels, "descriptions")
    chosen = {
        position: kind
        for position, field in enumerate(fields)
        if (kind := kinds.get(position)) is not kind_of(field.type)
        and (kind is not None or (read and field.type == "VARCHAR"))
    }
    raw = _select(
        f"{_text(field) if position in chosen else field.sql} AS c{position}" for position, field in enumerate(fields)
    )
    data, readings = _converted(connection, f"({raw} FROM {relation})", chosen, len(fields))
    types = {
        position: readings[position].type if position in readings else field.type
        for position, field in enumerate(fields)
    }
    return _named(data, types, readings, names, labels, descriptions)


def _text(field: Field) -> str:
    return f"nullif({rendering(field.sql, field.type)}, '')"


def _converted(
    connection: DuckDBPyConnection, raw: str, chosen: Mapping[int, Kind | None], width: int
) -> tuple[pyarrow.Table, dict[int, Reading]]:
    """The relation with its chosen columns read: ``v0``, ``v1``, … the values, ``s0``, … the spellings."""
    if not chosen:
        return connection.sql(_select(f"c{i} AS v{i}" for i in range(width)) + f" FROM {raw}").to_arrow_table(), {}
    head = connection.sql(f"SELECT * FROM {raw} LIMIT {_SAMPLE + 1}").to_arrow_table()
    whole = head.num_rows <= _SAMPLE
    connection.register("head", head)
    cells = (
        f"SELECT unnest({list(chosen)}) AS position, unnest([{', '.join(f'c{i}' for i in chosen)}]) AS cell FROM head"
    )
    seen = _shapes(connection, cells)
    if not whole:
        blank = [i for i in chosen if seen.get(i, set()) <= {Shape("missing")}]
        seen |= _shapes(connection, _telling({i: f"SELECT c{i} AS cell FROM {raw}" for i in blank}))
    readings = {i: _reading(kind, seen.get(i, set())) for i, kind in chosen.items()}
    data = connection.sql(_conversion("head" if whole else raw, readings, range(width))).to_arrow_table()
    return _reconsidered(connection, data, readings, seen, {i for i, kind in chosen.items() if kind is None})


def _reading(kind: Kind | None, shapes: set[Shape]) -> Reading:
    return decide(shapes) if kind is None else insist(kind, shapes)


def _reconsidered(
    connection: DuckDBPyConnection,
    data: pyarrow.Table,
    readings: dict[int, Reading],
    seen: Mapping[int, set[Shape]],
    suspects: set[int],
) -> tuple[pyarrow.Table, dict[int, Reading]]:
    """The data in which every cell conforms to its column's reading: columns in which one does not are read again."""
    while suspects := {i for i in suspects if _has_lost(data, i, readings[i])}:
        connection.register("loaded", data)
        lost = {i: f"SELECT s{i} AS cell FROM loaded WHERE v{i} IS NULL AND s{i} IS NOT NULL" for i in suspects}
        found = _shapes(connection, _telling(lost))
        suspects = {i for i, shapes in found.items() if shapes - {Shape("missing")}}
        if not suspects:
            break
        texts = {i: f"coalesce(s{i}, {rendering(f'v{i}', readings[i].type)})" for i in suspects}
        for i in suspects:
            known = seen.get(i, set())
            readings[i] = TEXT if found[i] <= known else decide(known | found[i])
            known |= found[i]
        again = {i: readings[i] for i in suspects}
        columns = _select(f"{text} AS c{i}" for i, text in texts.items())
        fresh = connection.sql(_conversion(f"({columns} FROM loaded)", again, suspects)).to_arrow_table()
        for name in fresh.column_names:
            data = data.set_column(data.column_names.index(name), name, fresh[name])
    return data, readings


def _has_lost(data: pyarrow.Table, position: int, reading: Reading) -> bool:
    """Whether some cell of a column has a spelling and no value, though the column is not text."""
    values, spellings = data[f"v{position}"], data[f"s{position}"]
    return reading.kind is not Kind.TEXT and 0 < values.null_count and spellings.null_count < len(spellings)


def _conversion(raw: str, readings: Mapping[int, Reading], positions: Iterable[int]) -> str:
    """SQL that reads columns: a cheap cast where the cell is plain, the reading's patterns where it is not."""
    cast = "".join(f", {reading.plain(f'c{i}')} AS f{i}" for i, reading in readings.items())
    plain = "".join(f", {rendering(f'f{i}', reading.type)} = c{i} AS p{i}" for i, reading in readings.items())
    bare = "".join(
        f", CASE WHEN NOT p{i} OR p{i} IS NULL THEN {reading.bare(f'c{i}')} END AS b{i}"
        for i, reading in readings.items()
    )
    outputs = []
    for i in positions:
        if i in readings:
            outputs.append(f"CASE WHEN p{i} THEN f{i} ELSE {readings[i].value(f'b{i}')} END AS v{i}")
            outputs.append(f"CASE WHEN p{i} THEN NULL ELSE c{i} END AS s{i}")
        else:
            outputs.append(f"c{i} AS v{i}")
    inner = f"(SELECT *{bare} FROM (SELECT *{plain} FROM (SELECT *{cast} FROM {raw})))"
    return f"{_select(outputs)} FROM {inner}"


def _telling(cells: Mapping[int, str]) -> str:
    """SQL for enough of some columns' cells to tell what they are, as ``shapes`` wants them."""
    return " UNION ALL ".join(
        f"SELECT {i} AS position, cell FROM (SELECT DISTINCT cell FROM ({query}) LIMIT {_TELLING})"
        for i, query in cells.items()
    )


def _shapes(connection: DuckDBPyConnection, cells: str) -> dict[int, set[Shape]]:
    found: dict[int, set[Shape]] = {}
    for position, *shape in connection.sql(shapes(cells)).fetchall() if cells else ():
        found.setdefault(position, set()).add(Shape(*shape))
    return found


def _select(expressions: Iterable[str]) -> str:
    return "SELECT " + ", ".join(expressions)


def _named(
    data: pyarrow.Table,
    types: Mapping[int, str],
    readings: Mapping[int, Reading],
    names: tuple[str, ...],
    labels: tuple[str, ...],
    descriptions: Mapping[int, str],
) -> Loaded:
    """The loaded data under the names programs use, without the spelling columns that hold nothing."""
    import pyarrow

    columns: list[Column] = []
    values = [data[f"v{i}"] for i in range(len(names))]
    hidden: dict[str, pyarrow.ChunkedArray | pyarrow.Array] = {}
    for i, (name, label) in enumerate(zip(names, labels, strict=True)):
        spelling = None
        if i in readings and data[f"s{i}"].null_count < data.num_rows:
            spelling = unique(f"{name} (spelling)", (*names, *hidden))
            hidden[spelling] = data[f"s{i}"]
        columns.append(Column(name, kind_of(types[i]), types[i], readable(label), spelling, descriptions.get(i, "")))
    row_id = unique("row_id", (*names, *hidden))
    hidden[row_id] = pyarrow.arange(0, data.num_rows)
    return Loaded(tuple(columns), row_id, pyarrow.table([*values, *hidden.values()], names=[*names, *hidden]))


def _placed(wishes: Mapping[str, str], names: tuple[str, ...], labels: tuple[str, ...], what: str) -> dict[int, str]:
    """The wishes by the column's position."""
    positions = {label.casefold(): i for i, label in reversed(list(enumerate(labels)))}
    positions |= {name.casefold(): i for i, name in enumerate(names)}
    unknown = [name for name in wishes if name.casefold() not in positions]
    if unknown:
        raise TableError(f"{what} names no column {unknown[0]!r}; the columns are {', '.join(map(repr, names))}")
    return {positions[name.casefold()]: wish for name, wish in wishes.items()}


def _kind(name: str) -> Kind:
    try:
        return Kind(name)
    except ValueError:
        raise TableError(f"types names no kind {name!r}; the kinds are {', '.join(Kind)}") from None
