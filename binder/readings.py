"""How a whole column reads, decided from what its cells look like, and the SQL that reads it."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace

from binder import shapes as forms
from binder.cells import matches, quoted, tidied
from binder.shapes import Shape
from grammars.schema import Form, Kind

_MOST_DECIMALS = 9
_EXACT = 2**53  # whole numbers up to here are floats without loss
_DIGITS = "[+-]?[0-9]+"  # leading zeros too, and more digits than a float holds
_SCALES = ("b", "B")  # a unit after a number, but billions after an amount of money


@dataclass(frozen=True)
class Reading:
    """How a column's cells become values.

    Attributes:
        kind: What the values are.
        type: The DuckDB type that holds them.
        fraction: For numbers, the pattern of what follows the whole part.
        affixes: For numbers, the currency and percent signs and units that cells may carry; for timestamps, the zones.
        form: How ``5/3/1990`` (month first, if nothing tells) or ``2:00`` is read.
        plain: Whether every cell is to be spelled as its value's rendering, so that a cast is all there is to do.
        odd: Whether no cell is to be spelled so, so that a cast is not worth trying.
        wide: Whether the caller names the kind, so that cells are read for it that could also be of another:
            numbers as ``grammars.figures`` has them, ``3:45`` as minutes and seconds, ``yes`` as true.
    """

    kind: Kind
    type: str
    fraction: str = ""
    affixes: tuple[str, ...] = ()
    form: Form | None = None
    plain: bool = False
    odd: bool = False
    wide: bool = False

    def value(self, bare: str) -> str:
        """SQL for the value of a bare cell, NULL when it does not conform."""
        match self.kind:
            case Kind.TEXT:
                return tidied(bare)
            case Kind.BOOLEAN if self.wide:
                return _when((bare, forms.YES, "true"), (bare, forms.NO, "false"))
            case Kind.BOOLEAN:
                return _when((bare, "true|false", f"lower({bare}) = 'true'"))
            case Kind.INTEGER | Kind.DECIMAL | Kind.NUMBER if self.wide:
                return f"coalesce({_number(bare, self)}, {_carried(bare, self.type)})"
            case Kind.INTEGER | Kind.DECIMAL | Kind.NUMBER:
                return _number(bare, self)
            case Kind.DATE:
                return _date(bare, self.form is Form.DAY_FIRST)
            case Kind.TIMESTAMP:
                return _timestamp(bare, self)
            case Kind.TIME:
                return _when((bare, forms.CLOCK, _time(bare)))
            case Kind.DURATION if self.wide:
                return f"coalesce({_duration(bare)}, {_wide_duration(bare)})"
            case Kind.DURATION:
                return _duration(bare)


TEXT = Reading(Kind.TEXT, "VARCHAR")
_BOOLEAN = Reading(Kind.BOOLEAN, "BOOLEAN")
_DATE = Reading(Kind.DATE, "DATE")
_TIMESTAMP = Reading(Kind.TIMESTAMP, "TIMESTAMP")
_TIME = Reading(Kind.TIME, "TIME")
_DURATION = Reading(Kind.DURATION, "INTERVAL")
_INTEGER = Reading(Kind.INTEGER, "BIGINT")
_NUMBER = Reading(Kind.NUMBER, "DOUBLE", fraction=rf"(?:[.]\d+)?(?:{forms.EXPONENT})?")
_READINGS = (TEXT, _BOOLEAN, _DATE, _TIMESTAMP, _TIME, _DURATION, _INTEGER, _NUMBER)
_BY_KIND = {reading.kind: reading for reading in _READINGS}
_FORMS = {"day-first": Form.DAY_FIRST, "month-first": Form.MONTH_FIRST, "minutes": Form.MINUTES}
_BY_FORMS = (
    ({"boolean"}, _BOOLEAN),
    ({"date"}, _DATE),
    ({"date", "timestamp"}, _TIMESTAMP),
    ({"time", "clock"}, _TIME),
    ({"duration", "clock"}, _DURATION),
)


def decide(shapes: Collection[Shape]) -> Reading:
    """How a column reads whose cells have these shapes: as the one kind that they all allow, or else as text.

    Example:
        >>> decide({Shape("number", 2), Shape("number", 0, "$"), Shape("missing")}).type
        'DOUBLE'
    """
    reading = _read_as(shapes)
    if reading.kind is Kind.TEXT:
        return replace(reading, plain=all(shape.tidy for shape in shapes))
    plain = {shape.plain for shape in shapes if shape.form != "missing"}
    return replace(reading, plain=all(shape.plain for shape in shapes), odd=plain == {False})


def _read_as(shapes: Collection[Shape]) -> Reading:
    shapes = [shape for shape in shapes if shape.form != "missing"]
    seen = {shape.form.rpartition(" ")[2] for shape in shapes}
    orders = {shape.form.rpartition(" ")[0] for shape in shapes} - {""}
    if not seen or len(orders - {"either"}) > 1 or orders == {"either"}:
        return TEXT
    if seen == {"number"}:
        return _number_of(shapes)
    reading = next((reading for allowed, reading in _BY_FORMS if seen <= allowed), TEXT)
    zones = _zones(shapes)
    if len(zones) > 1 and ("" in zones or "date" in seen):
        return TEXT  # beside others, a moment without a zone could be in any
    return replace(reading, form=_form_of(shapes), affixes=zones)


def _zones(shapes: Collection[Shape]) -> tuple[str, ...]:
    """The zones that timestamps are written in, "" for none."""
    return tuple(sorted({shape.affix for shape in shapes if shape.form.endswith("timestamp")}))


def insist(kind: Kind, shapes: Collection[Shape], decimals: int = 0) -> Reading:
    """How a column reads that is said to be of a kind: every sign and unit of its cells may stand, the month comes
    before the day unless a cell shows the opposite, and what does not conform is NULL.

    Args:
        kind: What the caller says.
        shapes: What the column's cells look like.
        decimals: For a decimal, how many digits at most follow the point of the numbers that cells carry.
    """
    numbers = [shape for shape in shapes if shape.form == "number"]
    affixes = tuple(sorted({shape.affix for shape in numbers} - {"", *_SCALES}))
    if kind is Kind.DECIMAL:
        scale = min(max(decimals, *(shape.decimals for shape in numbers), 0) or 2, _MOST_DECIMALS)
        return Reading(kind, f"DECIMAL(18,{scale})", rf"(?:[.]\d{{1,{scale}}})?", affixes, wide=True)
    affixes = _zones(shapes) if kind is Kind.TIMESTAMP else affixes
    form = Form.MINUTES if kind is Kind.DURATION and not _have_hours(shapes) else _form_of(shapes)
    return replace(_BY_KIND[kind], affixes=affixes, form=form, wide=True)


def _have_hours(shapes: Collection[Shape]) -> bool:
    """Whether all cells of durations show hours, or name their units."""
    return {shape.form for shape in shapes} <= {"missing", "clock", "duration"}


def _form_of(shapes: Collection[Shape]) -> Form | None:
    """What the first of some marks on cells' shapes tells about how they are read."""
    marks = {shape.form.rpartition(" ")[0] for shape in shapes}
    return next((form for mark, form in _FORMS.items() if mark in marks), None)


def _number_of(shapes: Collection[Shape]) -> Reading:
    affixes = {shape.affix for shape in shapes}
    currencies = {affix for affix in affixes if re.fullmatch(forms.CURRENCY, affix, re.IGNORECASE)}
    units = affixes - currencies - {""}
    if len(currencies) > 1 or (units and (affixes != units or len({unit.removesuffix("s") for unit in units}) > 1)):
        return TEXT
    spelled = tuple(sorted(affixes - {""}))
    decimals = {shape.decimals for shape in shapes}
    scale = decimals.pop() if len(decimals) == 1 else -1
    if scale == 0:
        return replace(_INTEGER, affixes=spelled)
    if 0 < scale <= _MOST_DECIMALS:
        return Reading(Kind.DECIMAL, f"DECIMAL(18,{scale})", rf"[.]\d{{{scale}}}", spelled)
    return replace(_NUMBER, affixes=spelled)


def _number(text: str, reading: Reading) -> str:
    longest_first = sorted(reading.affixes, key=len, reverse=True)
    affix = "|".join(re.escape(affix) for affix in longest_first)
    pattern = rf"{forms.SIGN}?(?:{affix})? ?{forms.SIGN}?{forms.WHOLE}?{reading.fraction} ?(?:{affix})?"
    digits = text
    for old, new in (*((affix, "") for affix in longest_first), (",", ""), ("−", "-"), ("–", "-")):
        digits = f"replace({digits}, {quoted(old)}, '{new}')"
    return _when((text, pattern, f"TRY_CAST({digits} AS {reading.type})"))


def carried_decimals(bare: str) -> str:
    """SQL for how many digits follow the point of the number that a bare cell carries."""
    return f"length(regexp_extract(CAST(carried_number({bare}) AS VARCHAR), '^-?[0-9]+[.]([0-9]*[1-9])0*$', 1))"


def _carried(text: str, type: str) -> str:
    """The number that a text carries, NULL where its type has it not exactly. A one-item list holds it, so that it is
    found once."""
    if type == "DOUBLE":
        exact = "isfinite(n)"
    else:
        scale = 0 if type == "BIGINT" else type.rpartition(",")[2].rstrip(")")
        exact = f"abs(n) <= {_EXACT} AND n = round(n, {scale})"
    number = f"list_transform([carried_number({text})], lambda n: CASE WHEN {exact} THEN TRY_CAST(n AS {type}) END)[1]"
    if type != "BIGINT":
        return number
    return f"CASE WHEN {matches(text, _DIGITS)} THEN TRY_CAST({text} AS BIGINT) ELSE {number} END"


def _date(text: str, day_first: bool) -> str:
    return _when(
        (text, forms.MONTH_DAY, _worded(text, r"([a-z]{3})[a-z.]* (\d+)[a-z]*,? (\d+)", r"\2 \1 \3")),
        (text, forms.DAY_MONTH, _worded(text, r"(\d+)[a-z]*[ -]([a-z]{3})[a-z.]*,?[ -](\d+)", r"\1 \2 \3")),
        (text, forms.YEAR_FIRST, _separated(text, "%Y-%m-%d")),
        (text, forms.YEAR_LAST, _separated(text, "%d-%m-%Y" if day_first else "%m-%d-%Y")),
    )


def _separated(text: str, order: str) -> str:
    return f"CAST(try_strptime(replace(replace({text}, '/', '-'), '.', '-'), '{order}') AS DATE)"


def _worded(text: str, pattern: str, order: str) -> str:
    return f"CAST(try_strptime(regexp_replace({text}, {quoted(pattern)}, '{order}', 'i'), '%d %b %Y') AS DATE)"


def _time(text: str) -> str:
    of_twelve = f"replace(replace(upper({text}), '.', ''), ' ', '')"
    return (
        f"CASE WHEN ends_with({of_twelve}, 'M') "
        f"THEN CAST(try_strptime({of_twelve}, ['%I:%M%p', '%I:%M:%S%p']) AS TIME) ELSE TRY_CAST({text} AS TIME) END"
    )


def _timestamp(text: str, reading: Reading) -> str:
    """Moments of one zone, or none, as they are written; of several, as they are in UTC."""
    day_first = reading.form is Form.DAY_FIRST
    day, clock = f"split_part({text}, ' ', 1)", f"substr({text}, instr({text}, ' ') + 1)"
    moment = f"regexp_replace({text}, '^([0-9]+)[/.]([0-9]+)[/.]', '\\1-\\2-')"
    zone = "|".join(map(re.escape, reading.affixes))
    if len(reading.affixes) > 1:
        in_utc = f"TRY_CAST({moment} AS TIMESTAMPTZ) AT TIME ZONE 'UTC'"
        return _when((text, f"{forms.MOMENT}(?:{forms.ZONE})", in_utc))
    return _when(
        (text, f"{forms.MOMENT}(?:{zone})", f"TRY_CAST({moment} AS TIMESTAMP)"),
        (text, f"{forms.YEAR_LAST} {forms.CLOCK}", f"{_date(day, day_first)} + {_time(clock)}"),
        (text, ".*", f"CAST({_date(text, day_first)} AS TIMESTAMP)"),
    )


def _duration(text: str) -> str:
    words = f"regexp_replace({text}, ',? and |, ', ' ', 'g')"
    return _when(
        (text, forms.HOURS, f"TRY_CAST({text} AS INTERVAL)"),
        (text, forms.MINUTES, f"TRY_CAST('00:' || {text} AS INTERVAL)"),
        (text, forms.WORDED_SPAN, f"TRY_CAST({words} AS INTERVAL)"),
    )


def _wide_duration(text: str) -> str:
    """``3:45`` and ``105:30`` as minutes and seconds, and a single unit."""
    minutes, seconds = (f"split_part({text}, ':', {part})" for part in (1, 2))
    words = f"regexp_replace({text}, ',? and |, ', ' ', 'g')"
    return _when(
        (text, forms.MINUTES_SECONDS, f"to_minutes(CAST({minutes} AS BIGINT)) + to_seconds(CAST({seconds} AS DOUBLE))"),
        (text, forms.ANY_WORDED_SPAN, f"TRY_CAST({words} AS INTERVAL)"),
    )


def _when(*ways: tuple[str, str, str]) -> str:
    """SQL for the value that goes with the first pattern that a text matches; each way is text, pattern, value."""
    return "CASE " + " ".join(f"WHEN {matches(text, pattern)} THEN {value}" for text, pattern, value in ways) + " END"
