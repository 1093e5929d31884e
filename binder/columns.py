"""A relation in DuckDB, to typed columns with their cells' own spelling, as one Arrow table.

Types are decided on the first rows and everything is converted in one pass. A column in which a later cell does not
conform is decided again with what that cell looks like, and converted again from what was loaded: spelling and
rendering together hold every cell's own text.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from binder.cells import bare, held, is_missing, rendering, untidy
from binder.errors import TableError
from binder.fields import Field, kind_of
from binder.headers import names_of, readable, unique
from binder.readings import TEXT, Reading, carried_decimals, decide, insist
from binder.shapes import Shape, shapes_query
from grammars.figures import TEMPORARY_MACROS
from grammars.schema import Column, Kind

if TYPE_CHECKING:
    import pyarrow
    from duckdb import DuckDBPyConnection

_SAMPLE = 1000
_TELLING = 1000


@dataclass(frozen=True)
class Wishes:
    """What the caller says about columns, each by its name or its header.

    Attributes:
        types: The kind a column is to have, such as ``{"zip": "text"}``.
        descriptions: What a column means.
    """

    types: Mapping[str, str] = dataclasses.field(default_factory=dict)
    descriptions: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True)
class Loaded:
    """A relation's columns, the name of the hidden column that numbers its rows, and its data."""

    columns: tuple[Column, ...]
    row_id: str
    data: pyarrow.Table


def load(
    connection: DuckDBPyConnection, relation: str, fields: Sequence[Field], *, read: bool, wishes: Wishes
) -> Loaded:
    """Load a relation.

    Args:
        connection: A connection of the caller's own, that can hold temporary views and macros.
        relation: What stands after FROM.
        fields: Its columns.
        read: Whether text is read for values, or is text.
        wishes: The caller's types and descriptions.

    Raises:
        TableError: A wish names no column or no kind, or a kind that none of the column's cells fits.
    """
    labels = tuple(field.header for field in fields)
    names = names_of(labels)
    kinds = {i: _kind(name) for i, name in _placed(wishes.types, names, labels, "types").items()}
    descriptions = _placed(wishes.descriptions, names, labels, "descriptions")
    chosen = {i: kinds.get(i) for i, field in enumerate(fields) if _is_read(field, kinds.get(i), read)}
    cells = _select(f"{_text(field) if i in chosen else field.sql} AS c{i}" for i, field in enumerate(fields))
    data, readings = _converted(connection, f"({cells} FROM {relation})", chosen, len(fields))
    for i in kinds:
        _require_fitting(data, i, names[i], kinds[i])
    columns = []
    for i, (field, name) in enumerate(zip(fields, names, strict=True)):
        type, form = (readings[i].type, readings[i].form) if i in readings else (field.type, None)
        described = descriptions.get(i, "")
        kind = kind_of(type)
        numbered = kind is Kind.TEXT and i in chosen and i not in kinds and _begin_with_numbers(data[f"v{i}"])
        column = Column(name, kind, type, readable(field.header), description=described, form=form, numbered=numbered)
        columns.append(column)
    return _named(data, columns)


def _is_read(field: Field, wished: Kind | None, read: bool) -> bool:
    """Whether a field's values are read from its text, rather than taken as they are."""
    if wished is None:
        return read and field.type == "VARCHAR"
    return wished is not kind_of(field.type) or (read and field.type == "VARCHAR")


def _text(field: Field) -> str:
    return f"nullif({rendering(field.sql, field.type)}, '')"


def _converted(
    connection: DuckDBPyConnection, raw: str, chosen: Mapping[int, Kind | None], width: int
) -> tuple[dict[str, pyarrow.ChunkedArray], dict[int, Reading]]:
    """The relation with its chosen columns read: ``v0``, ``v1``, … the values, ``s0``, … the spellings."""
    if not chosen:
        return _fetched(connection, _select(f"c{i} AS v{i}" for i in range(width)) + f" FROM {raw}"), {}
    sample = f"CREATE TEMP TABLE head AS SELECT * FROM {raw} LIMIT {_SAMPLE + 1}"
    ((count,),) = connection.execute(sample).fetchall()
    texts = ", ".join(f"c{i}" for i in chosen)
    seen = _shapes(connection, f"SELECT unnest({list(chosen)}) AS position, unnest([{texts}]) AS cell FROM head")
    if count > _SAMPLE:
        blank = [i for i in chosen if all(shape.form == "missing" for shape in seen.get(i, ()))]
        seen |= _shapes(connection, _telling({i: f"SELECT c{i} AS cell FROM {raw}" for i in blank}))
    else:
        raw = "head"
    if any(kind and kind.numeric for kind in chosen.values()):
        connection.execute(TEMPORARY_MACROS)
    decimals = _decimals(connection, [i for i, kind in chosen.items() if kind is Kind.DECIMAL])
    readings = {
        i: decide(seen.get(i, set())) if kind is None else insist(kind, seen.get(i, set()), decimals.get(i, 0))
        for i, kind in chosen.items()
    }
    small = count <= _SAMPLE
    data = _fetched(connection, _conversion(raw, readings, range(width), small), small)
    misjudged = [i for i, reading in readings.items() if reading.plain and not _all(data[f"p{i}"])]
    if misjudged:
        readings |= {i: replace(readings[i], plain=False) for i in misjudged}
        data |= _fetched(connection, _conversion(raw, readings, misjudged, small))
    free = {i for i, kind in chosen.items() if kind is None}
    return _reconsidered(connection, data, readings, seen, free), readings


def _decimals(connection: DuckDBPyConnection, positions: Sequence[int]) -> dict[int, int]:
    """How many digits at most follow the point in the first cells of columns, however these are written."""
    if not positions:
        return {}
    most = ", ".join(f"max({carried_decimals(bare(f'c{i}', few=True))})" for i in positions)
    (found,) = connection.execute(f"SELECT {most} FROM head").fetchall()
    return {i: count or 0 for i, count in zip(positions, found, strict=True)}


def _require_fitting(data: Mapping[str, pyarrow.ChunkedArray], position: int, name: str, kind: Kind) -> None:
    """Refuse a column's wished kind that no cell fits, where there is one that holds something.

    Raises:
        TableError: It is so.
    """
    values, lost = data[f"v{position}"], data.get(f"l{position}")
    if lost is None or values.null_count < len(values) or _all(lost, False):
        return
    first = data[f"s{position}"].filter(lost)[0].as_py()
    told = f"types says that column {name!r} is {kind}, but no cell of it can be read so; the first is {first!r:.80}"
    raise TableError(f"{told}; give another kind, or leave the column out of types")


def _reconsidered(
    connection: DuckDBPyConnection,
    data: dict[str, pyarrow.ChunkedArray],
    readings: dict[int, Reading],
    seen: Mapping[int, set[Shape]],
    suspects: set[int],
) -> dict[str, pyarrow.ChunkedArray]:
    """The data in which every cell conforms: a column in which one does not is decided, and read, again."""
    import pyarrow

    while suspects := {i for i in suspects if f"l{i}" in data and not _all(data[f"l{i}"], False)}:
        connection.register("loaded", pyarrow.table(data))
        lost = {i: f"SELECT s{i} AS cell FROM loaded WHERE l{i}" for i in suspects}
        texts = _select(f"coalesce(s{i}, {rendering(f'v{i}', readings[i].type)}) AS c{i}" for i in suspects)
        for i, found in _shapes(connection, _telling(lost)).items():
            known = seen.get(i, set())
            readings[i] = TEXT if found <= known else replace(decide(known | found), plain=False)
            known |= found
            del data[f"l{i}"]
        data |= _fetched(connection, _conversion(f"({texts} FROM loaded)", readings, suspects))
    return data


def _all(flags: pyarrow.ChunkedArray, value: bool = True) -> bool:
    """Whether every flag has a value."""
    import pyarrow.compute as compute

    return bool(compute.all(flags).as_py()) if value else not compute.any(flags).as_py()


def _conversion(raw: str, readings: Mapping[int, Reading], positions: Iterable[int], small: bool = False) -> str:
    """SQL that reads columns ``c0``, …: a cast where a cell is spelled as its value's rendering, patterns where not.

    Gives for each position ``v0`` and, where there is a reading, ``s0`` (the spelling) and, unless it is of text,
    ``l0`` (whether a value is lost: there is none, and no mark for a missing one). A plain reading gives ``p0``
    (whether the cell is as expected) instead of those, and ``s0`` only for a DOUBLE.
    """
    layers: list[list[str]] = [[], [], [], []]
    outputs: list[str] = []
    for i in positions:
        cell, reading = f"c{i}", readings.get(i)
        if reading is None:
            outputs.append(f"{cell} AS v{i}")
        elif reading.kind is Kind.TEXT:
            layers[0].append(f"coalesce({untidy(cell)}, false) AS u{i}")
            if reading.plain:
                outputs += [f"{cell} AS v{i}", f"NOT u{i} AS p{i}"]
            else:
                outputs.append(f"CASE WHEN u{i} THEN {reading.value(cell)} ELSE {cell} END AS v{i}")
                outputs.append(f"CASE WHEN u{i} THEN {cell} END AS s{i}")
        elif reading.plain:
            layers[0].append(f"TRY_CAST({cell} AS {reading.type}) AS f{i}")
            layers[1].append(f"{_agrees(f'f{i}', reading.type, cell)} AS p{i}")
            outputs += [f"f{i} AS v{i}", f"p{i}"] + ([f"{cell} AS s{i}"] if reading.type == "DOUBLE" else [])
        else:
            cast = "NULL" if reading.odd else f"TRY_CAST({cell} AS {reading.type})"
            layers[0].append(f"{cast} AS f{i}")
            agrees = f"{cell} IS NULL" if reading.odd else _agrees(f"f{i}", reading.type, cell)
            layers[1].append(f"{agrees} AS p{i}")
            layers[2].append(f"CASE WHEN NOT p{i} THEN {bare(cell, small)} END AS b{i}")
            layers[3].append(f"CASE WHEN p{i} THEN f{i} ELSE {reading.value(f'b{i}')} END AS v{i}")
            value = held(f"v{i}", reading.type)
            lost = f"{value} IS NULL AND b{i} IS NOT NULL AND NOT {is_missing(f'b{i}')}"
            spelling = cell if reading.type == "DOUBLE" else f"CASE WHEN NOT p{i} THEN {cell} END"
            outputs += [f"{value} AS v{i}", f"{spelling} AS s{i}", f"{lost} AS l{i}"]
    for layer in filter(None, layers):
        raw = f"({_select(['*', *layer])} FROM {raw})"
    return f"{_select(outputs)} FROM {raw}"


def _agrees(value: str, type: str, cell: str) -> str:
    """SQL for whether a cell is spelled as its value's rendering, or is missing as its value is.

    Rendering a DOUBLE costs more than all else together, so that such a column keeps every cell's spelling instead.
    """
    if type == "DOUBLE":
        return f"coalesce(isfinite({value}), {cell} IS NULL)"
    return f"({rendering(held(value, type), type)} IS NOT DISTINCT FROM {cell})"


def _telling(cells: Mapping[int, str]) -> str:
    """SQL for enough of some columns' cells to tell what they are, as ``shapes_query`` wants them."""
    return " UNION ALL ".join(
        f"SELECT {i} AS position, cell FROM (SELECT DISTINCT cell FROM ({query}) LIMIT {_TELLING})"
        for i, query in cells.items()
    )


def _shapes(connection: DuckDBPyConnection, cells: str) -> dict[int, set[Shape]]:
    found: dict[int, set[Shape]] = {}
    for position, form, decimals, affix, *looks in connection.execute(shapes_query(cells)).fetchall() if cells else ():
        kept = affix if form == "number" or form.endswith("timestamp") else ""
        shape = Shape(form, decimals if form == "number" else 0, kept, *looks)
        found.setdefault(position, set()).add(shape)
    return found


def _fetched(connection: DuckDBPyConnection, query: str, small: bool = False) -> dict[str, pyarrow.ChunkedArray]:
    """A query's result by column; a small one through a table, since ``sql`` plans a long query several times."""
    if small:
        connection.execute(f"CREATE TEMP TABLE small AS {query}")
        query = "FROM small"
    table = connection.sql(query).to_arrow_table()
    return dict(zip(table.column_names, table.columns, strict=True))


def _select(expressions: Iterable[str]) -> str:
    return "SELECT " + ", ".join(expressions)


def _named(data: Mapping[str, pyarrow.ChunkedArray], columns: Sequence[Column]) -> Loaded:
    """The loaded data under the names programs use, without the spelling columns that hold nothing."""
    import pyarrow

    names = [column.name for column in columns]
    values = [data[f"v{i}"] for i in range(len(columns))]
    length = len(values[0])
    visible: list[Column] = []
    hidden: dict[str, pyarrow.ChunkedArray | pyarrow.Array] = {}
    for i, column in enumerate(columns):
        if f"s{i}" in data and data[f"s{i}"].null_count < length:
            spelling = unique(f"{column.name} (spelling)", (*names, *hidden))
            hidden[spelling] = data[f"s{i}"]
            column = replace(column, spelling=spelling)
        visible.append(replace(column, missing=values[i].null_count))
    row_id = unique("row_id", (*names, *hidden))
    hidden[row_id] = pyarrow.arange(0, length)
    return Loaded(tuple(visible), row_id, pyarrow.table([*values, *hidden.values()], names=[*names, *hidden]))


_BEGINS = re.compile(
    r"(?:about |over |approx[.]? |circa |ca?[.]? ?)?[T=]?(?:[A-Z]{0,2}[$€£¥₹₩₽])?[\W_]*[0-9]", re.IGNORECASE
)
_MOST = 0.75


def _begin_with_numbers(texts: pyarrow.ChunkedArray) -> bool:
    """Whether most of a column's first texts begin with a number; ``T3`` is a tie for the third place."""
    sample = [text for text in texts.slice(0, _SAMPLE).to_pylist() if text is not None]
    numbered = sum(_BEGINS.match(text) is not None for text in sample)
    return numbered > 0 and numbered >= _MOST * len(sample)


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
