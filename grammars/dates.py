"""Date functions as the parser gives them, SQLite's and those of MySQL and PostgreSQL, read by ``moments``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from sqlglot import exp

from . import moments
from .values import DATE, INTEGER, TEXT, TIMESTAMP, function, literal_number, string, typed


def _with_format(node: exp.Expr) -> list[exp.Expr]:
    """A function's operand, and its format if it is given one."""
    return [part for part in (node.this, node.args.get("format")) if part is not None]


def _strftime(node: exp.Expr) -> exp.Expr:
    return moments.formatted([string(node.args["format"].name), node.this])


def _date(node: exp.Expr) -> exp.Expr:
    return moments.to_date([node.this, *node.expressions] if node.this else [])


def _now(node: exp.Expr) -> exp.Expr:
    return moments.moment(string("now"))


def _field(node: exp.Expr) -> exp.Expr:
    return moments.part(type(node).__name__, node.this)


def _weekday(node: exp.Expr) -> exp.Expr:
    """MySQL's ``dayofweek(x)``: 1 is Sunday."""
    day = moments.part("dayofweek", node.this)
    return typed(exp.Paren(this=exp.Add(this=day, expression=literal_number("1"))), INTEGER)


def _spelled(node: exp.Expr) -> exp.Expr:
    """The name of a month or a weekday."""
    return function(type(node).__name__.upper(), TEXT, moments.moment(node.this))


def _moved(operator: type[exp.Binary]) -> Callable[[list[exp.Expr]], exp.Expr]:
    """``adddate(x, interval)`` and ``subdate``; a bare number is days."""

    def rewrite(arguments: list[exp.Expr]) -> exp.Expr:
        node, amount = arguments
        if isinstance(amount, exp.Interval):
            return shifted(operator, node, amount)
        return moments.shift(moments.moment(node), operator, amount.name, "day")

    return rewrite


def _days_since_monday(arguments: list[exp.Expr]) -> exp.Expr:
    """MySQL's ``weekday(x)``: 0 is Monday."""
    day = moments.part("isodow", arguments[0])
    return typed(exp.Paren(this=exp.Sub(this=day, expression=literal_number("1"))), INTEGER)


def _days_since_zero(node: exp.Expr) -> exp.Expr:
    """MySQL's ``to_days(x)``."""
    days = moments.difference("day", moments.moment_node(date(1970, 1, 1)), node.this)
    return typed(exp.Paren(this=exp.Add(this=days, expression=literal_number("719528"))), INTEGER)


def _extract(node: exp.Expr) -> exp.Expr:
    return moments.part(node.this.name, node.expression)


def _date_trunc(node: exp.Expr) -> exp.Expr:
    return moments.truncated(node.args["unit"].name, moments.moment(node.this))


def shifted(operator: type[exp.Binary], node: exp.Expr, interval: exp.Interval) -> exp.Expr:
    """A moment with an INTERVAL added or taken away."""
    amount, unit = interval.this, interval.args.get("unit")
    if isinstance(amount, exp.Literal) and unit is not None:
        return moments.shift(moments.moment(node), operator, amount.name, unit.name.lower().removesuffix("s"))
    return typed(operator(this=moments.moment(node), expression=interval), TIMESTAMP)


def _date_shift(node: exp.Expr) -> exp.Expr:
    operator = exp.Add if isinstance(node, exp.DateAdd) else exp.Sub
    if isinstance(node.expression, exp.Interval):
        return shifted(operator, node.this, node.expression)
    days = exp.Interval(this=node.expression, unit=exp.Var(this="DAY"))
    return typed(operator(this=moments.moment(node.this), expression=days), TIMESTAMP)


def _date_difference(node: exp.Expr) -> exp.Expr:
    """``datediff(end, start)`` counts days."""
    return moments.difference("day", node.expression, node.this)


def _unit_difference(arguments: list[exp.Expr]) -> exp.Expr:
    """``date_diff('unit', start, end)``, or ``date_diff(end, start)`` in days."""
    if len(arguments) == 2:
        return moments.difference("day", arguments[1], arguments[0])
    return moments.difference(arguments[0].name, arguments[1], arguments[2])


def _complete_difference(arguments: list[exp.Expr]) -> exp.Expr:
    """``timestampdiff('unit', start, end)`` counts complete units."""
    return moments.difference(arguments[0].name, arguments[1], arguments[2], complete=True)


def name_unit(node: exp.Anonymous) -> None:
    """Give ``__DATE_DIFF(day, start, end)`` the name that programs write, and its unit as a text."""
    unit, *rest = node.expressions
    node.set("this", node.name.removeprefix("__").lower())
    node.set("expressions", [exp.Literal.string(unit.name), *rest])


_CLOCK_FIELDS = (exp.Hour, exp.Minute, exp.Second)
_FIELDS = (
    exp.Year,
    exp.Quarter,
    exp.Month,
    exp.Week,
    exp.WeekOfYear,
    exp.Day,
    exp.DayOfMonth,
    exp.DayOfYear,
    *_CLOCK_FIELDS,
)

DATES: dict[type[exp.Expr], Callable[[exp.Expr], exp.Expr]] = {
    exp.TimeToStr: _strftime,
    exp.TsOrDsToTimestamp: lambda node: node.this,
    exp.Date: _date,
    exp.CurrentTimestamp: _now,
    exp.CurrentDatetime: _now,
    **dict.fromkeys(_FIELDS, _field),
    exp.DayOfWeek: _weekday,
    exp.Dayname: _spelled,
    exp.Monthname: _spelled,
    exp.LastDay: lambda node: function("LAST_DAY", DATE, moments.moment(node.this)),
    exp.CurrentTime: lambda node: moments.to_time([]),
    exp.ToDays: _days_since_zero,
    exp.Extract: _extract,
    exp.DateTrunc: _date_trunc,
    exp.DateAdd: _date_shift,
    exp.DateSub: _date_shift,
    exp.DateDiff: _date_difference,
    exp.StrToDate: lambda node: moments.from_mysql_format(_with_format(node)),
    exp.ToChar: lambda node: moments.postgres_format(_with_format(node)),
}

NAMED_DATES: dict[str, Callable[[list[exp.Expr]], exp.Expr]] = {
    "strftime": moments.formatted,
    "date": moments.to_date,
    "datetime": moments.to_timestamp,
    "time": moments.to_time,
    "julianday": moments.julian_day,
    "unixepoch": moments.unix_seconds,
    "now": lambda arguments: moments.moment(string("now")),
    "getdate": lambda arguments: moments.moment(string("now")),
    "curdate": lambda arguments: moments.to_date([]),
    "curtime": lambda arguments: moments.to_time([]),
    "from_unixtime": lambda arguments: moments.modified([*arguments[:1], string("unixepoch")]),
    "unix_timestamp": moments.unix_seconds,
    "age": moments.age,
    "weekday": _days_since_monday,
    "adddate": _moved(exp.Add),
    "subdate": _moved(exp.Sub),
    "date_format": moments.mysql_format,
    "to_date": moments.from_postgres_format,
    "date_diff": _unit_difference,
    "timestampdiff": _complete_difference,
    "date_part": lambda arguments: moments.part(arguments[0].name, arguments[1]),
    "datepart": lambda arguments: moments.part(arguments[0].name, arguments[1]),
}
