"""What cells look like: one SQL query that tells numbers, dates and times from text."""

from __future__ import annotations

from dataclasses import dataclass

from binder.cells import bare, is_missing, matches, quoted, untidy

SIGN = "[+−–-]"
WHOLE = r"(?:0|[1-9]\d{0,2}(?:,\d{3})+|[1-9]\d*)"
EXPONENT = r"e[+-]?\d{1,3}"
CURRENCY = "[$€£¥₹₩₽]|US[$]|A[$]|C[$]|Rs[.]?"
MARKS = f"{CURRENCY}|%"
_UNIT = r" [a-zµ°²³/.'″′]+(?: [a-z²³/]+)?|[a-zµ°²³/]{2,}|°"
_NO_UNIT = "(?:thousand|[mbtr]+illion|k|m|mn|mln|bn|[ap][.]?m[.]?|b[.]?c[.]?(?:e[.]?)?|a[.]?d[.]?|c[.]?e[.]?)"

_MONTH = (
    "(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    "|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
YEAR_FIRST = r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}"
MONTH_DAY = rf"{_MONTH}[.]? \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}"
DAY_MONTH = rf"\d{{1,2}}(?:st|nd|rd|th)?[ -]{_MONTH}[.]?,?[ -]\d{{4}}"
YEAR_LAST = r"\d{1,2}[-/.]\d{1,2}[-/.]\d{4}"
MOMENT = rf"{YEAR_FIRST}[T ]\d{{1,2}}:\d{{2}}(?::\d{{2}}(?:[.]\d+)?)?"
ZONE = r"Z|[+-]\d{2}(?::?\d{2})?"
NOON = "[ap][.]?m[.]?"
CLOCK = rf"\d{{1,2}}:\d{{2}}(?::\d{{2}})?(?: ?{NOON})?"
_HOURS_MINUTES = rf"\d{{1,2}}:\d{{2}}|\d{{1,2}}:\d{{2}}(?::\d{{2}})? ?{NOON}"
_HOURS_MINUTES_SECONDS = r"(?:[01]?\d|2[0-3]):[0-5]\d:[0-5]\d"
HOURS = r"\d+:\d{2}:\d{2}(?:[.]\d{1,6})?"
MINUTES = r"\d{1,2}:\d{2}[.]\d{1,6}"
_WORDED = "(?:[0-9]+ ?(?:days?|d|hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s)(?:, | and | )?)"
WORDED_SPAN = f"{_WORDED}{{2,}}"

# What is read besides in a column whose kind the caller names.
ANY_WORDED_SPAN = f"{_WORDED}+"
MINUTES_SECONDS = r"\d{1,9}:[0-5]\d(?:[.]\d{1,6})?"
YES = "true|t|yes|y|1"
NO = "false|f|no|n|0"

_PLAIN = r"true|false|-?(?:0|[1-9]\d*)(?:[.]\d+)?|\d{4}-\d{2}-\d{2}(?: \d{2}:\d{2}:\d{2})?"

_PARTS = {
    "currency": f"{SIGN}?({CURRENCY})? ?{SIGN}?",
    "whole": f"({WHOLE}?)",
    "fraction": r"((?:[.]\d+)?)",
    "exponent": f"((?:{EXPONENT})?)",
    "affix": f"( ?(?:{MARKS})|{_UNIT})?",
    "date": f"|({YEAR_FIRST}|{MONTH_DAY}|{DAY_MONTH})",
    "moment": f"|({MOMENT}(?:{ZONE})?)",
    "first": r"|(\d{1,2})[-/.]",
    "second": r"(\d{1,2})[-/.]\d{4}",
    "clocked": f"( {CLOCK})?",
    "time": f"|({_HOURS_MINUTES})",
    "clock": f"|({_HOURS_MINUTES_SECONDS})",
    "minutes": f"|({MINUTES})",
    "duration": f"|({HOURS}|{WORDED_SPAN})",
}
"""One pattern of every form, in the order of preference; each entry holds the one group that its key names."""


@dataclass(frozen=True)
class Shape:
    """What one cell looks like.

    Attributes:
        form: ``missing``, ``text``, ``boolean``, ``number``, ``date``, ``timestamp``, ``time``, ``clock`` (a time of
            day or a duration) or ``duration``; a date or timestamp in figures with the year last is
            ``day-first``, ``month-first`` or ``either`` besides, a duration without hours ``minutes``.
        decimals: For a number, how many digits follow the point; -1 when only a DOUBLE can hold it.
        affix: For a number, its currency or percent sign or its unit; for a timestamp, its zone.
        tidy: Whether there is no space around the cell, and no no-break space in it.
        plain: Whether the cell seems to be spelled as DuckDB renders its value, were it not text.
    """

    form: str
    decimals: int = 0
    affix: str = ""
    tidy: bool = True
    plain: bool = False


def shapes_query(cells: str) -> str:
    """SQL for the distinct shapes of cells.

    Args:
        cells: SQL of a query for not too many cells; it has the columns ``position`` (which column a cell is in) and
            ``cell``.

    Returns:
        A query with the columns ``position``, ``form``, ``decimals``, ``affix``, ``tidy`` and ``plain``.
    """
    pattern = quoted(f"^(?:{''.join(_PARTS.values())})$")
    parts = f"regexp_extract(bare, {pattern}, [{', '.join(map(quoted, _PARTS))}], 'i')"
    long = "TRY_CAST(replace(whole, ',', '') AS BIGINT) IS NULL AND whole <> ''"
    order = (
        "CASE WHEN CAST(first AS INTEGER) > 12 THEN 'day-first ' WHEN CAST(second AS INTEGER) > 12 THEN 'month-first ' "
        "WHEN CAST(first AS INTEGER) = CAST(second AS INTEGER) THEN '' ELSE 'either ' END"
    )
    return f"""
        SELECT DISTINCT position,
            CASE WHEN {is_missing("bare")} THEN 'missing'
                WHEN lower(bare) IN ('true', 'false') THEN 'boolean'
                WHEN whole || fraction <> '' THEN CASE
                    WHEN {matches("trim(affix)", _NO_UNIT)} THEN 'text'
                    WHEN currency <> '' AND affix <> '' THEN 'text'
                    WHEN {long} AND fraction = '' AND NOT contains(whole, ',') THEN 'text'
                    ELSE 'number' END
                WHEN date <> '' THEN 'date'
                WHEN moment <> '' THEN 'timestamp'
                WHEN first <> '' THEN {order} || CASE WHEN clocked = '' THEN 'date' ELSE 'timestamp' END
                WHEN time <> '' THEN 'time'
                WHEN clock <> '' THEN 'clock'
                WHEN minutes <> '' THEN 'minutes duration'
                WHEN duration <> '' THEN 'duration'
                ELSE 'text' END AS form,
            CASE WHEN exponent <> '' OR {long} THEN -1
                ELSE coalesce(greatest(length(fraction) - 1, 0), 0) END AS decimals,
            CASE WHEN moment <> '' THEN regexp_extract(moment, {quoted(f"(?i)({ZONE})$")}, 1)
                ELSE coalesce(currency || trim(affix), '') END AS affix,
            NOT {untidy("cell")} AS tidy,
            {matches("cell", _PLAIN)} AS plain
        FROM (SELECT position, cell, bare, unnest(parts)
            FROM (SELECT *, {parts} AS parts
                FROM (SELECT position, cell, {bare("cell", few=True)} AS bare FROM ({cells})) WHERE bare IS NOT NULL))
        """
