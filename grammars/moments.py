"""Dates and times with SQLite's functions, and with those of MySQL and PostgreSQL that LMs fall into.

SQLite keeps dates as text; here they are typed, so ``date(x)`` is a DATE and ``datetime(x)`` a TIMESTAMP, which compare
and print like SQLite's text. A date in arithmetic is its year, since SQLite reads the digits its text begins with;
adding an INTERVAL, which SQLite lacks, gives a date.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, date, datetime, time
from decimal import Decimal

from sqlglot import exp

from .schema import Form, Kind
from .values import (
    DATE,
    DURATION,
    INTEGER,
    NUMBER,
    TEXT,
    TIME,
    TIMESTAMP,
    bare,
    cast,
    function,
    is_text_literal,
    kind,
    literal_number,
    null,
    real,
    string,
    text,
    typed,
)

UNITS = ("year", "quarter", "month", "week", "day", "hour", "minute", "second")
# Of what part of a unit is that many seconds; a month's and a year's parts are SQLite's.
_SECONDS = {"year": 365 * 86_400, "month": 30 * 86_400, "week": 7 * 86_400, "day": 86_400, "hour": 3600, "minute": 60}

_DATE_FORMATS = ("%Y %m %d", "%B %d %Y", "%b %d %Y", "%d %B %Y", "%d %b %Y")
_MONTH_FIRST, _DAY_FIRST = "%m %d %Y", "%d %m %Y"
_TIME_FORMATS = ("%H:%M:%S", "%H:%M", "%H:%M:%S.%f", "%I:%M %p", "%I:%M:%S %p", "%I %p")


@dataclass(frozen=True)
class Period:
    """A year or a month that a literal names: its text, the format that spells it, its first day and the next's.

    No day comes after the year 9999.
    """

    text: str
    format: str
    start: exp.Expr
    end: exp.Expr | None


def period(node: exp.Expr) -> Period | None:
    """The year (``'1990'``) or month (``'1990-03'``) a text literal names, or None."""
    if not is_text_literal(node):
        return None
    found = re.fullmatch(r"(\d{4})(?:-(0[1-9]|1[0-2]))?", node.name.strip())
    if found is None or found[1] == "0000":
        return None
    year, month = int(found[1]), int(found[2] or 0)
    following = (year, month + 1) if 0 < month < 12 else (year + 1, 1)
    end = moment_node(date(*following, 1)) if following[0] <= MAXYEAR else None
    return Period(found[0], "%Y-%m" if month else "%Y", moment_node(date(year, month or 1, 1)), end)


def moment_node(moment: date | datetime | time) -> exp.Expr:
    """A literal of type DATE, TIMESTAMP or TIME."""
    type_ = TIMESTAMP if isinstance(moment, datetime) else TIME if isinstance(moment, time) else DATE
    return cast(string(str(moment)), type_)


def moment_literal(spelled: str, wanted: Kind, form: Form | None = None) -> exp.Expr | None:
    """The moment a text spells, as a literal fit for a column of a kind, or None when it spells none.

    Args:
        spelled: The text.
        wanted: The column's kind.
        form: How the column's own cells are read where they could be read in two ways.

    Example:
        >>> moment_literal("March 5, 1990", Kind.DATE).sql("duckdb")
        "CAST('1990-03-05' AS DATE)"
        >>> moment_literal("2:00", Kind.DURATION, Form.MINUTES).sql("duckdb")
        "CAST('00:02:00' AS INTERVAL)"
    """
    if wanted is Kind.DURATION:
        return _duration(spelled, form)
    if wanted is Kind.TIME:
        at = _clock(spelled)
        return moment_node(at.time()) if at else None
    moment = _moment(spelled, form) if wanted.temporal else None
    if moment is None:
        return None
    return moment_node(moment.date() if moment.time() == time() else moment)


def _duration(spelled: str, form: Form | None) -> exp.Expr | None:
    """The span that ``1:02:03``, ``2:03.5`` or ``1h 5m`` spells; ``2:03`` is hours unless the cells show minutes."""
    spelled = spelled.strip()
    found = re.fullmatch(r"(?:(\d+):)?(\d+):([0-5]\d(?:\.\d{1,6})?)", spelled)
    if found is None:
        words = re.sub(",? and |, ", " ", spelled)
        return cast(string(words), DURATION, safe=True) if re.fullmatch(_WORDED_SPAN, words, re.I) else None
    if found[1] is None and form is not Form.MINUTES and "." not in found[3]:
        hours, minutes, seconds = int(found[2]), int(found[3]), "00"
    else:
        more, minutes = divmod(int(found[2]), 60)
        hours, seconds = int(found[1] or 0) + more, found[3]
    return cast(string(f"{hours:02}:{minutes:02}:{seconds}"), DURATION)


_WORDED_SPAN = "(?:[0-9]+ ?(?:days?|d|hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s) ?)+"


def _moment(spelled: str, form: Form | None) -> datetime | None:
    """The date, with a time or without, that a text spells in one of the usual ways."""
    found = re.fullmatch(r"(.*\d)(?:T| +)(\d{1,2}:\d\d.*?)Z?", spelled.strip())
    day, clock = found.groups() if found else (spelled, None)
    read, at = _date(day, form), _clock(clock) if clock else datetime.min
    return datetime.combine(read.date(), at.time()) if read and at else None


def _date(spelled: str, form: Form | None) -> datetime | None:
    """A date; the column's cells tell the order of ``5/3/1990``, or else the sign between (``5.3.1990``: day first)."""
    orders = [_DAY_FIRST, _MONTH_FIRST]
    if form is Form.MONTH_FIRST or (form is None and "/" in spelled):
        orders.reverse()
    bare = re.sub(r"(?<=\d)(?:st|nd|rd|th)\b", "", spelled, flags=re.IGNORECASE)
    words = re.sub(r"[-/.,\s]+", " ", re.sub(r"\bsept\b", "Sep", bare, flags=re.IGNORECASE))
    return _read(words, (*_DATE_FORMATS, *orders))


def _clock(spelled: str) -> datetime | None:
    """A time of day."""
    return _read(re.sub(r"[\s.]*([ap])[.]?m[.]?\s*$", r" \1m", spelled, flags=re.IGNORECASE), _TIME_FORMATS)


def _read(spelled: str, formats: Sequence[str]) -> datetime | None:
    for format_ in formats:
        try:
            return datetime.strptime(spelled.strip(), format_)
        except ValueError:
            continue
    return None


def moment(node: exp.Expr) -> exp.Expr:
    """A node as a moment: text that spells one, a Julian day number, a time of 2000-01-01."""
    match kind(node):
        case Kind.TEXT if is_text_literal(node):
            if node.name.strip().lower() == "now":
                return cast(exp.Anonymous(this="NOW"), TIMESTAMP)
            at = moment_literal(node.name, Kind.TIME)
            return moment(at) if at else moment_literal(node.name, Kind.DATE) or cast(null(), TIMESTAMP)
        case Kind.TEXT:
            return cast(node, TIMESTAMP, safe=True)
        case Kind.TIME:
            return typed(exp.Add(this=moment_node(date(2000, 1, 1)), expression=node), TIMESTAMP)
        case Kind.INTEGER | Kind.NUMBER | Kind.DECIMAL:
            days = exp.Paren(this=exp.Sub(this=node, expression=literal_number("2440587.5")))
            micros = exp.Mul(this=days, expression=literal_number("86400000000"))
            return function("MAKE_TIMESTAMP", TIMESTAMP, cast(micros, INTEGER, safe=True))
        case _:
            return node


def modified(arguments: list[exp.Expr]) -> exp.Expr:
    """SQLite's ``time-value, modifier, …`` as one moment; no argument is now."""
    first, *modifiers = arguments or [string("now")]
    if any(is_text_literal(modifier) and modifier.name.lower() == "unixepoch" for modifier in modifiers):
        node = function("MAKE_TIMESTAMP", TIMESTAMP, cast(_micros(real(first)), INTEGER, safe=True))
    else:
        node = moment(first)
    for modifier in modifiers:
        node = _modify(node, modifier)
    return node


def _micros(seconds: exp.Expr) -> exp.Expr:
    return exp.Mul(this=exp.Paren(this=seconds), expression=literal_number("1000000"))


def _modify(node: exp.Expr, modifier: exp.Expr) -> exp.Expr:
    if not is_text_literal(modifier):
        interval = cast(function("LTRIM", TEXT, text(modifier), string("+")), DURATION)
        return typed(exp.Add(this=node, expression=interval), TIMESTAMP)
    name = modifier.name.strip().lower()
    if found := re.fullmatch(r"start of (year|month|day)", name):
        return truncated(found[1], node)
    if found := re.fullmatch(r"([+-]?)(\d+(?:\.\d*)?|\.\d+) (second|minute|hour|day|month|year)s?", name):
        operator = exp.Sub if found[1] == "-" else exp.Add
        return (_shift_months if found[3] in ("month", "year") else shift)(node, operator, found[2], found[3])
    if found := re.fullmatch(r"weekday ([0-6])", name):
        wanted = literal_number(str(int(found[1]) + 7))
        ahead = exp.Paren(this=exp.Sub(this=wanted, expression=function("DAYOFWEEK", INTEGER, node)))
        days = exp.Paren(this=exp.Mod(this=ahead, expression=literal_number("7")))
        return typed(exp.Add(this=cast(node, DATE), expression=cast(days, exp.DataType.build("INT"))), DATE)
    if name in ("unixepoch", "utc", "localtime", "auto", "julianday", "subsec"):
        return node
    return cast(null(), TIMESTAMP)


def _shift_months(node: exp.Expr, operator: type[exp.Binary], amount: str, unit: str) -> exp.Expr:
    """A moment moved by months; days that a month lacks go into the next, where an INTERVAL cuts them off."""
    whole, seconds = _split(amount, unit)
    start = function("DATE_TRUNC", TIMESTAMP, string("month"), node)
    since = exp.Paren(this=exp.Sub(this=node.copy(), expression=start.copy()))
    ahead = typed(exp.Add(this=shift(start, operator, whole, unit), expression=since), TIMESTAMP)
    moved = cast(ahead, DATE) if kind(node) is Kind.DATE else typed(exp.Paren(this=ahead), TIMESTAMP)
    return shift(moved, operator, seconds, "second") if seconds else moved


def _split(amount: str, unit: str) -> tuple[str, str]:
    """An amount's whole units and the seconds of the part beyond them, or no text: DuckDB's intervals drop such a part.

    Example:
        >>> _split("1.5", "day"), _split("2", "day"), _split("1.5", "second")
        (('1', '43200'), ('2', ''), ('1.5', ''))
    """
    if unit not in _SECONDS or not re.fullmatch(r"[+-]?\d*\.\d*", amount):
        return amount, ""
    number = Decimal(amount)
    seconds = round(number % 1 * _SECONDS[unit], 3)
    return str(int(number)), f"{seconds.normalize():f}" if seconds else ""


def truncated(unit: str, node: exp.Expr) -> exp.Expr:
    """The start of the unit a moment lies in."""
    start = function("DATE_TRUNC", TIMESTAMP, string(unit.lower()), node)
    return cast(start, DATE) if kind(node) is Kind.DATE else start


def shift(node: exp.Expr, operator: type[exp.Binary], amount: str, unit: str) -> exp.Expr:
    """A moment moved by so many units; a date moved by whole days stays a date."""
    whole, seconds = _split(amount, unit)
    interval = exp.Interval(this=exp.Literal.string(whole), unit=exp.Var(this=unit.upper()))
    moved = typed(operator(this=node, expression=interval), TIMESTAMP)
    if seconds:
        return shift(typed(exp.Paren(this=moved), TIMESTAMP), operator, seconds, "second")
    return cast(exp.Paren(this=moved), DATE) if kind(node) is Kind.DATE and unit in UNITS[:5] else moved


def to_date(arguments: list[exp.Expr]) -> exp.Expr:
    """``date(…)``."""
    node = modified(arguments)
    return node if kind(node) is Kind.DATE else cast(node, DATE)


def counted_in_days(node: exp.Expr) -> exp.Expr:
    """A date as PostgreSQL has it, written ``DATE '…'`` or cast, neither of which SQLite knows: less another, days."""
    type_ = DATE.copy()
    type_.meta["days"] = True
    return typed(node, type_)


def days_between(later: exp.Expr, earlier: exp.Expr) -> exp.Expr | None:
    """``later - earlier`` in days where either is a date counted in days and the other a moment too; else None."""
    sides = (later, earlier)
    moments = all(kind(side) in (Kind.DATE, Kind.TIMESTAMP) or is_text_literal(side) for side in sides)
    if not moments or not any(side.type and side.type.meta.get("days") for side in sides):
        return None
    days = difference("day", earlier, later)
    type_ = INTEGER.copy()
    type_.meta["days"] = True  # PostgreSQL reads the days of such a difference, which is the difference
    return typed(days, type_)


def days_later(operator: type[exp.Binary], node: exp.Expr, count: exp.Expr) -> exp.Expr | None:
    """``node ± count`` where a date counted in days meets a whole number; else None."""
    if not (node.type and node.type.meta.get("days") and kind(node) is Kind.DATE and kind(count) is Kind.INTEGER):
        return None
    return counted_in_days(exp.Paren(this=operator(this=node, expression=cast(count, exp.DataType.build("INT")))))


def age(arguments: list[exp.Expr]) -> exp.Expr:
    """PostgreSQL's ``age(later, earlier)`` as a span of whole days; ``part`` reads years and months from it."""
    later, earlier = arguments if len(arguments) == 2 else (to_date([]), arguments[0])
    span = typed(exp.Sub(this=to_timestamp([later]), expression=to_timestamp([earlier])), DURATION)
    return typed(exp.Paren(this=span), DURATION)


def _as_age(node: exp.Expr) -> exp.Expr:
    """A span between two moments as its years, months and days."""
    span = bare(node)
    between = isinstance(span, exp.Sub) and kind(span.left) is kind(span.right) is Kind.TIMESTAMP
    return function("AGE", DURATION, span.this, span.expression) if between else node


def to_timestamp(arguments: list[exp.Expr]) -> exp.Expr:
    """``datetime(…)``."""
    node = modified(arguments)
    return cast(node, TIMESTAMP) if kind(node) is Kind.DATE else node


def to_time(arguments: list[exp.Expr]) -> exp.Expr:
    """``time(…)``."""
    if len(arguments) == 1 and kind(arguments[0]) is Kind.TIME:
        return arguments[0]
    return cast(cast(modified(arguments), TIMESTAMP), TIME)


def julian_day(arguments: list[exp.Expr]) -> exp.Expr:
    """``julianday(…)``; SQLite's days begin at noon."""
    days = exp.Sub(this=function("JULIAN", NUMBER, modified(arguments)), expression=literal_number("0.5"))
    return typed(exp.Paren(this=days), NUMBER)


def unix_seconds(arguments: list[exp.Expr]) -> exp.Expr:
    """``unixepoch(…)``."""
    return cast(function("EPOCH", NUMBER, modified(arguments)), INTEGER)


def formatted(arguments: list[exp.Expr]) -> exp.Expr:
    """``strftime(format, …)``."""
    format_, *rest = arguments
    if not is_text_literal(format_):
        return function("STRFTIME", TEXT, modified(rest), format_)
    if format_.name == "%s":
        return text(unix_seconds(rest))
    if format_.name == "%J":
        return function("PRINTF", TEXT, string("%.16g"), julian_day(rest))
    return function("STRFTIME", TEXT, modified(rest), string(re.sub("%f", "%S.%g", format_.name)))


_MYSQL_FORMAT = {"%i": "%M", "%M": "%B", "%s": "%S", "%e": "%-d", "%c": "%-m", "%T": "%H:%M:%S", "%h": "%I", "%W": "%A"}
_POSTGRES_FORMAT = {
    "YYYY": "%Y", "YY": "%y", "Month": "%B", "MONTH": "%B", "Mon": "%b", "MM": "%m", "DD": "%d",
    "HH24": "%H", "MI": "%M", "SS": "%S", "Day": "%A", "FM": "",
}  # fmt: skip


def _reformat(format_: str, table: dict[str, str]) -> str:
    return re.sub("|".join(sorted(table, key=len, reverse=True)), lambda found: table[found[0]], format_)


def mysql_format(arguments: list[exp.Expr]) -> exp.Expr:
    """MySQL's ``date_format(x, format)``."""
    node, format_ = arguments
    return function("STRFTIME", TEXT, moment(node), string(_reformat(format_.name, _MYSQL_FORMAT)))


def postgres_format(arguments: list[exp.Expr]) -> exp.Expr:
    """PostgreSQL's ``to_char(x, format)``; anything but a moment is just text."""
    node, *format_ = arguments
    if not format_ or (kind(node) and kind(node) is not Kind.DATE and kind(node) is not Kind.TIMESTAMP):
        return text(node)
    return function("STRFTIME", TEXT, node, string(_reformat(format_[0].name, _POSTGRES_FORMAT)))


def parsed(arguments: list[exp.Expr], formats: dict[str, str]) -> exp.Expr:
    """A text read as a date by a format."""
    node, *format_ = arguments
    if not format_ or kind(node) is not Kind.TEXT:
        return to_date([node])
    return cast(function("TRY_STRPTIME", TIMESTAMP, node, string(_reformat(format_[0].name, formats))), DATE)


def from_mysql_format(arguments: list[exp.Expr]) -> exp.Expr:
    """MySQL's ``str_to_date(text, format)``."""
    return parsed(arguments, _MYSQL_FORMAT)


def from_postgres_format(arguments: list[exp.Expr]) -> exp.Expr:
    """PostgreSQL's ``to_date(text, format)``."""
    return parsed(arguments, _POSTGRES_FORMAT)


def part(unit: str, node: exp.Expr) -> exp.Expr:
    """A field of a moment, such as its year; a bare number given for a moment is taken for its year."""
    known, unit = kind(node), {"dow": "dayofweek", "doy": "dayofyear"}.get(unit.lower(), unit)
    if known is Kind.INTEGER and unit.lower() == "day" and node.type and node.type.meta.get("days"):
        return node
    if known is not None and known.numeric and unit.lower() == "year":
        return node
    if known is Kind.TIME and unit.lower() in ("hour", "minute", "second"):
        return function(unit.upper(), INTEGER, node)
    return function(unit.upper(), INTEGER, moment(_as_age(node)))


def difference(unit: str, start: exp.Expr, end: exp.Expr, complete: bool = False) -> exp.Expr:
    """How many units lie between two moments: boundaries crossed, or complete units."""
    return function("DATE_SUB" if complete else "DATE_DIFF", INTEGER, string(unit.lower()), moment(start), moment(end))
