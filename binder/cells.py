"""Cells as people write them, and the rules by which DuckDB reads them as typed values.

Nothing touches a cell in Python: ``binder.shapes`` makes the SQL that says what cells look like, ``binder.readings``
decides from that how a whole column reads and makes the SQL of its values, and this module holds what both share.

What a column reads as:

- Notes after a value (``12[1]``, ``12*``, ``12 (est.)``; a note in parentheses holds no digit) are left out.
- A number may have a sign, thousands separators, an exponent, a currency sign (one a column, in some or all cells), or
  a percent sign or unit that every cell shares. ``12%`` is 12.
- A date is ``1990-03-05``, ``March 5, 1990``, ``5 Mar 1990``, or ``5/3/1990`` if a cell of its column shows which part
  is the day. Several ways in one column are fine, and so is a time after the date. Times of one zone (``10:20+02:00``)
  are read as they are written, those of several zones in UTC; beside these, one without a zone makes its column text.
- ``3:45``, ``3:45:10`` and ``3:45 pm`` are times of day; ``1:45.32``, ``26:45:00`` and ``1h 5m`` are durations.
- Leading zeros, whole numbers beyond BIGINT, ranges, scores, two-digit years and words of magnitude stay text, and so
  does a column of which one cell does not conform.
- What Python has no value for (``24:00``, a date of the year 0, a span of 300 years) makes its column text.
- The usual marks for a missing value are NULL where the column's other cells have values that are not text.
- Text is trimmed, a no-break space is a space, and an empty cell is NULL.

The cell's own text is kept beside its value wherever ``rendering`` of the value does not give it back (in a DOUBLE
column always: rendering a million of those to see costs more than loading them); an empty cell's is NULL too.
"""

from __future__ import annotations

_MISSING = r"|n/?a|n[.]a[.]|nan|none|null|nil|unknown|tb[acd]|[–—−]|-{1,3}|[?/…]|[.]{1,3}"
_NBSP = "\u00a0"
_NOTES = r"(?:\s*(?:\[[^\[\]]{1,24}\]|[*†‡§^]+|\([^()\d]*\)))+$"
_NOTE_ENDS = "])*†‡§^"
_RANGES = {
    "DATE": ("0001-01-01", "9999-12-31"),
    "TIMESTAMP": ("0001-01-01 00:00:00", "9999-12-31 23:59:59.999999"),
    "TIME": ("00:00:00", "23:59:59.999999"),
    "INTERVAL": ("-106751 days", "106751 days"),
}
"""The first and the last value of a type that Python, and for spans Arrow, has too; DuckDB has more."""


def quoted(text: str) -> str:
    """The text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """The name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def rendering(column: str, type: str) -> str:
    """SQL for the plain text of a value: what DuckDB's cast to VARCHAR gives, and for a whole DOUBLE no ``.0``.

    Args:
        column: SQL for the value.
        type: Its DuckDB type.

    Example:
        >>> rendering('"year"', "BIGINT")
        'CAST("year" AS VARCHAR)'
    """
    if type == "VARCHAR":
        return column
    if type == "DOUBLE":
        return (
            f"CASE WHEN {column} = trunc({column}) AND abs({column}) < 1e15 "
            f"THEN CAST(CAST({column} AS BIGINT) AS VARCHAR) ELSE CAST({column} AS VARCHAR) END"
        )
    return f"CAST({column} AS VARCHAR)"


def in_range(value: str, type: str) -> str | None:
    """SQL for whether a value is one that Python has too; None if all of its type are.

    Example:
        >>> print(in_range("opens", "TIME"))
        opens BETWEEN TIME '00:00:00' AND TIME '23:59:59.999999'
    """
    if type not in _RANGES:
        return None
    first, last = (f"{type} {quoted(bound)}" for bound in _RANGES[type])
    return f"{value} BETWEEN {first} AND {last}"


def held(value: str, type: str) -> str:
    """SQL for a value, NULL where Python has none like it."""
    test = in_range(value, type)
    return f"CASE WHEN {test} THEN {value} END" if test else value


def tidied(cell: str) -> str:
    """SQL for a cell's text without space around it, no-break spaces as spaces, and NULL when nothing is left."""
    return rf"nullif(trim(replace({cell}, '{_NBSP}', ' '), e' \t\r\n'), '')"


def untidy(cell: str) -> str:
    """SQL for whether ``tidied`` changes a cell."""
    return f"({cell} < '!' OR {cell}[-1] < '!' OR contains({cell}, '{_NBSP}'))"


def bare(cell: str, few: bool = False) -> str:
    """SQL for a cell without space around it and without the notes after its value.

    Args:
        cell: SQL for the cell.
        few: Whether there are few cells, so that a query that is planned sooner, though it runs slower, is better.
    """
    without_notes = "regexp_replace({}, {}, '')"
    notes, tidy = quoted(_NOTES), tidied(cell)
    if few:
        return without_notes.format(tidy, notes)
    return (
        f"CASE WHEN {untidy(cell)} THEN {without_notes.format(tidy, notes)} "
        f"WHEN contains({quoted(_NOTE_ENDS)}, {cell}[-1]) THEN {without_notes.format(cell, notes)} ELSE {cell} END"
    )


def is_missing(bare: str) -> str:
    """SQL for whether a bare cell is one of the usual marks for a missing value, or nothing but notes."""
    return matches(bare, _MISSING)


def matches(text: str, pattern: str) -> str:
    """SQL for whether the whole of a text matches a pattern, case ignored."""
    return f"regexp_full_match({text}, {quoted(pattern)}, 'i')"
