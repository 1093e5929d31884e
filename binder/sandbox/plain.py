"""plain: values as JSON has them, and back: what JSON has not is a pair of its type's name and its text."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

_WRITE: dict[type, tuple[str, Callable[[Any], str]]] = {
    datetime: ("timestamp", datetime.isoformat),  # before date, which it is a kind of
    date: ("date", date.isoformat),
    time: ("time", time.isoformat),
    timedelta: ("seconds", lambda value: repr(value.total_seconds())),
    Decimal: ("decimal", str),
}
_DEEP = 8  # lists in lists
_DIGITS = 308  # as a float has them
_READ: dict[str, Callable[[str], Any]] = {
    "timestamp": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "seconds": lambda text: timedelta(seconds=float(text)),
    "decimal": lambda text: _bounded(Decimal(text)),
    "number": float,
}


def _bounded(value: Decimal) -> Decimal:
    """A number that can be written out.

    Raises:
        ValueError: It has more than some hundred digits.
    """
    if not value.is_finite() or abs(value.adjusted()) > _DIGITS:
        raise ValueError(f"{value} is not finite, or too long")
    return value


def portable(value: Any) -> Any:
    """A value as JSON has it.

    Raises:
        TypeError: It is no value of a table.

    Example:
        >>> portable(date(2024, 2, 29)), portable(3.5), portable(float("inf"))
        (['date', '2024-02-29'], 3.5, ['number', 'inf'])
    """
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, (list, tuple)):
        return ["list", [portable(part) for part in value]]
    if isinstance(value, float):
        return value if math.isfinite(value) else ["number", repr(value)]
    for kind, (name, write) in _WRITE.items():
        if isinstance(value, kind):
            return [name, write(value)]
    raise TypeError(f"a {type(value).__name__} is no value of a table; give a text, a number, a date or None")


def restored(value: Any, depth: int = _DEEP) -> Any:
    """The value that ``portable`` made plain; lists stand in each other to a depth.

    Raises:
        ValueError: It is none.

    Example:
        >>> restored(["date", "2024-02-29"])
        datetime.date(2024, 2, 29)
    """
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    try:
        name, text = value
        if name == "list" and depth:
            return [restored(part, depth - 1) for part in text]
        return _READ[name](text)
    except (TypeError, KeyError, ValueError, ArithmeticError):
        raise ValueError(f"{value!r:.80} is no plain value") from None
