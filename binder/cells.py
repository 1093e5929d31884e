"""Cells as people write them, read as typed values in DuckDB.

Each text column is read in two steps. ``shape`` is an SQL expression that says what one cell looks like (a number with
so many decimals and that unit, a date with the day first, plain text); ``decide`` takes the shapes that a column's cells
have and says how the whole column reads, as a ``Reading``, whose ``value`` is again SQL. Nothing here touches a cell in
Python.

What a column reads as:

- Notes after a value (``12[1]``, ``12*``, ``12 (est.)``; a note in parentheses holds no digit) are left out.
- A number may have a sign, thousands separators, an exponent, a currency or percent sign (at most one sign a column, in
  some or all cells) or a unit that every cell shares. ``12%`` is 12.
- A date is written ``1990-03-05``, ``March 5, 1990``, ``5 Mar 1990``, or ``5/3/1990`` if a cell of its column shows
  which part is the day. Several ways in one column are fine.
- Leading zeros, whole numbers beyond BIGINT, ranges, scores, two-digit years and words of magnitude stay text, and so
  does a column of which one cell does not conform.
- The usual marks for a missing value are NULL where the other cells have a value that is not text.
- Text is trimmed, a no-break space is a space, and an empty cell is NULL.

The cell's own text is kept beside its value wherever ``rendering`` of the value does not give it back.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace

from grammars.schema import Kind

MISSING = (
    "n/a",
    "na",
    "n.a.",
    "-",
    "--",
    "–",
    "—",
    "−",
    "none",
    "null",
    "nan",
    "?",
    "tbd",
    "tba",
    "unknown",
    "..",
    "...",
)

_SIGN = "[+−–-]"
_CURRENCY = "[$€£¥₹₩₽]|US[$]|A[$]|C[$]|Rs[.]?"
_WHOLE = r"(?:0|[1-9]\d{0,2}(?:,\d{3})+|[1-9]\d*)"
_UNIT = r"(?: [a-zA-Zµ°²³/.'″′]+(?: [a-zA-Z²³/]+)?|[a-zA-Zµ°²³/]{2,}|°)"
_SIGNS = rf"(?:{_CURRENCY}|%)"
_NUMBER_PARTS = rf"{_SIGN}?({_CURRENCY})? ?{_SIGN}?({_WHOLE}?)((?:[.]\d+)?)((?:[eE][+-]?\d+)?)( ?{_SIGNS}|{_UNIT})?"
_NBSP = "\u00a0"
_NOTES = r"(?:\s*(?:\[[^\[\]]{1,24}\]|[*†‡§]+|\([^()\d]*\)))+$"
_MAGNITUDE = r"(?i)\s?(?:thousand|million|billion|trillion|k|m|mn|mln|bn|b[.]?c[.]?(?:e[.]?)?|a[.]?d[.]?|[ap][.]?m[.]?)"

_MONTH = (
    "(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    "|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_YEAR_FIRST = r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}"
_MONTH_DAY = rf"(?i){_MONTH}[.]? \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}"
_DAY_MONTH = rf"(?i)\d{{1,2}}(?:st|nd|rd|th)?[ -]{_MONTH}[.]?,?[ -]\d{{4}}"
_SLASHED = r"\d{1,2}[-/.]\d{1,2}[-/.]\d{4}"
_CLOCK = r"(?i)\d{1,2}:\d{2}(?::\d{2}(?:[.]\d{1,6})?)?(?: ?[ap][.]?m[.]?)?"
_ZONE = r"(?:Z|[+-]\d{2}(?::?\d{2})?)?"
_MOMENT = rf"{_YEAR_FIRST}[T ]\d{{1,2}}:\d{{2}}(?::\d{{2}}(?:[.]\d+)?)?{_ZONE}"
_SLASHED_MOMENT = rf"(?i){_SLASHED} \d{{1,2}}:\d{{2}}(?::\d{{2}})?(?: ?[ap][.]?m[.]?)?"
_HOURS = r"\d+:\d{2}:\d{2}(?:[.]\d{1,6})?"
_MINUTES = r"\d{1,2}:\d{2}[.]\d{1,6}"
_WORDED_SPAN = r"(?i)(?:\d+ ?(?:days?|d|hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s)(?:, | and | )?){2,}"


def quoted(text: str) -> str:
    """The text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


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


@dataclass(frozen=True)
class Shape:
    """What one cell looks like.

    Attributes:
        form: ``missing``, ``text``, ``number``, ``date``, ``day-first date`` and so on; see ``shape``.
        decimals: For a number, how many digits follow the point; -1 when only a DOUBLE can hold it.
        affix: For a number, its currency sign, percent sign or unit.
    """

    form: str
    decimals: int = 0
    affix: str = ""


@dataclass(frozen=True)
class Reading:
    """How a column's cells become values.

    Attributes:
        kind: What the values are.
        type: The DuckDB type that holds them.
        fraction: For numbers, the pattern of what follows the whole part.
        affixes: For numbers, the currency and percent signs and units that cells may carry.
        day_first: For dates, whether ``5/3/1990`` is in March.
    """

    kind: Kind
    type: str
    fraction: str = ""
    affixes: tuple[str, ...] = ()
    day_first: bool = False

    def plain(self, cell: str) -> str:
        """SQL for the value of a cell that may be spelled as its value's rendering: fast, and not to be trusted alone."""
        if self.kind is Kind.TEXT:
            return f"CASE WHEN NOT ({_untidy(cell)}) THEN {cell} END"
        cast = f"TRY_CAST({cell} AS {self.type})"
        return f"CASE WHEN isfinite({cast}) THEN {cast} END" if self.type == "DOUBLE" else cast

    def value(self, bare: str) -> str:
        """SQL for the value of a cell without its notes (see ``bare``), NULL when the cell does not conform."""
        match self.kind:
            case Kind.TEXT:
                return bare
            case Kind.INTEGER | Kind.DECIMAL | Kind.NUMBER:
                return self._number(bare)
            case Kind.DATE:
                return _date(bare, self.day_first)
            case Kind.TIMESTAMP:
                return _moment(bare, self.day_first)
            case Kind.TIME:
                return _when(bare, _CLOCK, _time(bare))
            case Kind.DURATION:
                return _span(bare)
            case Kind.BOOLEAN:
                return _when(bare, "(?i)true|false", f"TRY_CAST({bare} AS BOOLEAN)")

    def bare(self, cell: str) -> str:
        """SQL for a cell without space around it and, unless it is text, without notes after its value."""
        return tidied(cell) if self.kind is Kind.TEXT else bare(cell)

    def _number(self, bare: str) -> str:
        affix = "|".join(re.escape(affix) for affix in sorted(self.affixes, key=len, reverse=True))
        pattern = rf"{_SIGN}?(?:{affix})? ?{_SIGN}?{_WHOLE}?{self.fraction} ?(?:{affix})?"
        digits = bare
        for removed in sorted(self.affixes, key=len, reverse=True):
            digits = f"replace({digits}, {quoted(removed)}, '')"
        for old, new in ((",", ""), ("−", "-"), ("–", "-")):
            digits = f"replace({digits}, '{old}', '{new}')"
        return _when(bare, pattern, f"TRY_CAST({digits} AS {self.type})")


TEXT = Reading(Kind.TEXT, "VARCHAR")
_BOOLEAN = Reading(Kind.BOOLEAN, "BOOLEAN")
_DATE = Reading(Kind.DATE, "DATE")
_TIMESTAMP = Reading(Kind.TIMESTAMP, "TIMESTAMP")
_TIME = Reading(Kind.TIME, "TIME")
_DURATION = Reading(Kind.DURATION, "INTERVAL")
_INTEGER = Reading(Kind.INTEGER, "BIGINT")
_NUMBER = Reading(Kind.NUMBER, "DOUBLE", fraction=r"(?:[.]\d+)?(?:[eE][+-]?\d+)?")
_READINGS = (TEXT, _BOOLEAN, _DATE, _TIMESTAMP, _TIME, _DURATION, _INTEGER, _NUMBER)
_MOST_DECIMALS = 9


def shapes(cells: str) -> str:
    """SQL for the distinct shapes of cells.

    Args:
        cells: SQL of a query with the columns ``position`` (which column a cell is in) and ``cell``.

    Returns:
        A query with the columns ``position``, ``form``, ``decimals`` and ``affix``.
    """
    forms = [
        (f"bare = '' OR lower(bare) IN ({', '.join(map(quoted, MISSING))})", "'missing'"),
        ("lower(bare) IN ('true', 'false')", "'boolean'"),
        (r"length(bare) > 60 OR NOT regexp_matches(bare, '\d')", "'text'"),
        (_matches("bare", _NUMBER_PARTS), "'number'"),
        (_matches("bare", f"{_YEAR_FIRST}|{_MONTH_DAY}|{_DAY_MONTH}"), "'date'"),
        (_matches("bare", _SLASHED), f"{_day_order('bare')} || 'date'"),
        (_matches("bare", _MOMENT), "'timestamp'"),
        (_matches("bare", _SLASHED_MOMENT), f"{_day_order('bare')} || 'timestamp'"),
        (_matches("bare", _CLOCK), f"CASE WHEN {_matches('bare', _HOURS)} THEN 'clock' ELSE 'time' END"),
        (_matches("bare", f"{_HOURS}|{_MINUTES}|{_WORDED_SPAN}"), "'duration'"),
    ]
    cases = " ".join(f"WHEN {condition} THEN {form}" for condition, form in forms)
    parts = f"regexp_extract(bare, {quoted(_NUMBER_PARTS)}, ['before', 'whole', 'fraction', 'exponent', 'after'])"
    fits = "TRY_CAST(replace(whole, ',', '') AS BIGINT) IS NOT NULL OR whole = ''"
    return (
        "SELECT DISTINCT position, "
        f"CASE WHEN form <> 'number' THEN form WHEN {_matches('after', _MAGNITUDE)} THEN 'text' "
        "WHEN before <> '' AND after <> '' OR whole = '' AND fraction = '' THEN 'text' "
        f"WHEN exponent <> '' OR {fits} OR contains(whole, ',') THEN 'number' ELSE 'text' END AS form, "
        "CASE WHEN form <> 'number' THEN 0 "
        f"WHEN exponent <> '' OR NOT ({fits}) THEN -1 ELSE greatest(length(fraction) - 1, 0) END AS decimals, "
        "CASE WHEN form <> 'number' THEN '' ELSE before || after END AS affix "
        "FROM (SELECT position, form, unnest(parts) "
        f"FROM (SELECT position, form, CASE WHEN form = 'number' THEN {parts} END AS parts "
        f"FROM (SELECT position, bare, CASE {cases} ELSE 'text' END AS form "
        f"FROM (SELECT position, {bare('cell')} AS bare FROM ({cells}) WHERE cell IS NOT NULL))))"
    )


def decide(shapes: Collection[Shape]) -> Reading:
    """How a column reads whose cells have these shapes.

    Example:
        >>> decide({Shape("number", 2), Shape("number", 0, "$"), Shape("missing")}).type
        'DOUBLE'
    """
    seen = {shape.form for shape in shapes} - {"missing"}
    order = {"day-first", "month-first"} & {form.split()[0] for form in seen}
    forms = {form.rpartition(" ")[2] for form in seen}
    if any(form.startswith("either") for form in seen) and len(order) != 1:
        return TEXT
    if len(order) > 1 or not seen:
        return TEXT
    if forms == {"number"}:
        return _decide_number([shape for shape in shapes if shape.form == "number"])
    for reading, allowed in _DECISIONS:
        if forms <= allowed:
            return replace(reading, day_first=order == {"day-first"})
    return TEXT


_DECISIONS = (
    (_BOOLEAN, {"boolean"}),
    (_DATE, {"date"}),
    (_TIMESTAMP, {"date", "timestamp"}),
    (_TIME, {"time", "clock"}),
    (_DURATION, {"duration", "clock"}),
)


def _decide_number(shapes: list[Shape]) -> Reading:
    affixes = {shape.affix for shape in shapes}
    signs = {affix for affix in affixes if re.fullmatch(_SIGNS, affix)}
    units = affixes - signs - {""}
    if units and (len({unit.removesuffix("s") for unit in units}) > 1 or affixes != units):
        return TEXT
    if len(signs) > 1:
        return TEXT
    spelled = tuple(sorted(affixes - {""}))
    decimals = {shape.decimals for shape in shapes}
    if decimals == {0}:
        return replace(_INTEGER, affixes=spelled)
    if len(decimals) == 1 and 0 < min(decimals) <= _MOST_DECIMALS:
        return replace(_decimal(min(decimals)), affixes=spelled)
    return replace(_NUMBER, affixes=spelled)


def insist(kind: Kind, shapes: Collection[Shape]) -> Reading:
    """How a column reads that is said to be of a kind: what its cells agree on is kept, and the rest becomes NULL."""
    numbers = [shape for shape in shapes if shape.form == "number"]
    affixes = tuple(sorted({shape.affix for shape in numbers} - {""}))
    day_first = any(shape.form.startswith("day-first") for shape in shapes)
    scale = max((shape.decimals for shape in numbers), default=2)
    if kind is Kind.DECIMAL:
        scale = min(max(scale, 0), _MOST_DECIMALS)
        return replace(_decimal(scale), fraction=rf"(?:[.]\d{{1,{scale}}})?" if scale else "", affixes=affixes)
    reading = next(reading for reading in _READINGS if reading.kind is kind)
    return replace(reading, affixes=affixes, day_first=day_first)


def _decimal(scale: int) -> Reading:
    return Reading(Kind.DECIMAL, f"DECIMAL(18,{scale})", fraction=rf"[.]\d{{{scale}}}")


def tidied(cell: str) -> str:
    """SQL for a cell's text without space around it, no-break spaces as spaces, and NULL when nothing is left."""
    return rf"nullif(trim(replace({cell}, '{_NBSP}', ' '), e' \t\r\n'), '')"


def bare(cell: str) -> str:
    """SQL for a cell without space around it and without the notes after its value."""
    return f"trim(regexp_replace({tidied(cell)}, {quoted(_NOTES)}, ''))"


def _untidy(cell: str) -> str:
    last = f"right({cell}, 1)"
    return f"{cell} < '!' OR {last} < '!' OR contains({cell}, '{_NBSP}')"


def _matches(text: str, pattern: str) -> str:
    return f"regexp_full_match({text}, {quoted(pattern)})"


def _when(text: str, pattern: str, value: str) -> str:
    return f"CASE WHEN {_matches(text, pattern)} THEN {value} END"


def _day_order(text: str) -> str:
    parts = f"regexp_split_to_array({text}, '[-/. ]')"
    first, second = f"CAST({parts}[1] AS INTEGER)", f"CAST({parts}[2] AS INTEGER)"
    return (
        f"CASE WHEN {first} = {second} THEN '' WHEN {first} > 12 THEN 'day-first ' "
        f"WHEN {second} > 12 THEN 'month-first ' ELSE 'either ' END"
    )


def _date(text: str, day_first: bool) -> str:
    ways = (
        (_YEAR_FIRST, _separated(text, "%Y-%m-%d")),
        (_SLASHED, _separated(text, "%d-%m-%Y" if day_first else "%m-%d-%Y")),
        (_MONTH_DAY, _worded(text, r"(?i)([a-z]{3})[a-z.]* (\d+)[a-z]*,? (\d+)", r"\2 \1 \3")),
        (_DAY_MONTH, _worded(text, r"(?i)(\d+)[a-z]*[ -]([a-z]{3})[a-z.]*,?[ -](\d+)", r"\1 \2 \3")),
    )
    return "CASE " + " ".join(f"WHEN {_matches(text, pattern)} THEN {value}" for pattern, value in ways) + " END"


def _separated(text: str, order: str) -> str:
    return f"CAST(try_strptime(replace(replace({text}, '/', '-'), '.', '-'), '{order}') AS DATE)"


def _worded(text: str, pattern: str, order: str) -> str:
    return f"CAST(try_strptime(regexp_replace({text}, {quoted(pattern)}, '{order}'), '%d %b %Y') AS DATE)"


def _time(text: str) -> str:
    noon = f"replace(replace(upper({text}), '.', ''), ' ', '')"
    return (
        f"CASE WHEN regexp_matches({text}, '(?i)m') THEN CAST(try_strptime({noon}, ['%I:%M%p', '%I:%M:%S%p']) AS TIME) "
        f"ELSE TRY_CAST({text} AS TIME) END"
    )


def _moment(text: str, day_first: bool) -> str:
    day, clock = f"split_part({text}, ' ', 1)", f"substr({text}, instr({text}, ' ') + 1)"
    return (
        f"CASE WHEN {_matches(text, _MOMENT)} THEN TRY_CAST(replace({text}, '/', '-') AS TIMESTAMP) "
        f"WHEN {_matches(text, _SLASHED_MOMENT)} THEN {_date(day, day_first)} + {_time(clock)} "
        f"ELSE CAST({_date(text, day_first)} AS TIMESTAMP) END"
    )


def _span(text: str) -> str:
    words = rf"TRY_CAST(regexp_replace({text}, ',? and |, ', ' ', 'g') AS INTERVAL)"
    return (
        f"CASE WHEN {_matches(text, _HOURS)} THEN TRY_CAST({text} AS INTERVAL) "
        f"WHEN {_matches(text, _MINUTES)} THEN TRY_CAST('00:' || {text} AS INTERVAL) "
        f"WHEN {_matches(text, _WORDED_SPAN)} THEN {words} END"
    )
