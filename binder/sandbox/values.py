"""values: what a program gives, as plain data that can be sent; and the other way round."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sized
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from binder.sandbox import plain

if TYPE_CHECKING:
    from binder.sandbox.tables import Given

MOMENTS = (date, time, timedelta, np.datetime64, np.timedelta64)


def described(result: Any, given: Given, most: int) -> dict[str, Any]:
    """A program's result as columns, rows of values, and rows of the texts that cells have for them.

    Args:
        result: A value, a list, a dict, a Series or a frame.
        given: The tables, which know how their cells are spelled.
        most: The most rows it may have.

    Raises:
        ValueError: It has more rows.
        TypeError: It is none of those.
    """
    if isinstance(result, np.ndarray) and not result.ndim:
        result = result.item()
    if isinstance(result, Sized) and not isinstance(result, str) and len(result) > most:
        raise ValueError(f"the program gives {len(result):,} rows, more than {most:,}; select fewer")
    frame = _framed(result)
    columns = [frame.iloc[:, at] for at in range(frame.shape[1])]
    known = isinstance(result, (pd.Series, pd.DataFrame))
    texts = [given.spellings(each) if known else [given.spelling(value) for value in each] for each in columns]
    return {
        "columns": [str(name) for name in frame.columns],
        "rows": list(zip(*([portable(value) for value in column] for column in columns), strict=True)),
        "texts": list(zip(*texts, strict=True)),
    }


def _framed(result: Any) -> pd.DataFrame:
    """A result as a frame; a named index, such as that of groups, comes first."""
    if isinstance(result, pd.Index):
        result = result.to_series(index=range(len(result)))
    if isinstance(result, (np.ndarray, pd.api.extensions.ExtensionArray)):
        result = result.tolist()
    if isinstance(result, pd.Series):
        named = [name for name in result.index.names if name is not None]
        frame = result.to_frame("value" if result.name is None or result.name in named else result.name)
        return frame.reset_index() if named else frame
    if isinstance(result, pd.DataFrame):
        named = [name for name in result.index.names if name is not None]
        return result.reset_index(drop=not set(named).isdisjoint(result.columns)) if named else result
    if isinstance(result, Mapping):
        return _rows(result.items())
    if isinstance(result, Iterable) and not isinstance(result, (str, bytes)):
        items = list(result)
        return pd.DataFrame(items) if items and all(isinstance(item, Mapping) for item in items) else _rows(items)
    return _rows([result])


def _rows(items: Iterable[Any]) -> pd.DataFrame:
    """A list as one column; a list of equally long tuples or lists as several."""
    rows = [tuple(item) if isinstance(item, (tuple, list)) else (item,) for item in items]
    width = max(map(len, rows), default=1)
    names = [f"value{at}" if at else "value" for at in range(width)]
    padded = [row + (None,) * (width - len(row)) for row in rows]
    series = {name: pd.Series([row[at] for row in padded], dtype=object) for at, name in enumerate(names)}
    return pd.DataFrame(series, columns=names)


def portable(value: Any) -> Any:
    """A value of a frame as ``plain.portable`` gives it; a missing one is None.

    Raises:
        TypeError: It is no value of a table.
    """
    if isinstance(value, np.datetime64):
        value = pd.Timestamp(value)
    elif isinstance(value, np.timedelta64):
        value = pd.Timedelta(value)
    elif isinstance(value, np.generic):
        value = value.item()
    elif isinstance(value, (list, tuple, np.ndarray, pd.Series, pd.api.extensions.ExtensionArray)):
        return plain.portable([plain.restored(portable(part)) for part in value])
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        midnight = value.tz is None and value == value.normalize()
        value = value.date() if midnight else value.to_pydatetime(warn=False)
    elif isinstance(value, pd.Timedelta):
        value = value.to_pytimedelta()
    elif isinstance(value, (pd.Period, pd.Interval, Fraction)):
        value = str(value)
    return plain.portable(value)


def texts(series: pd.Series) -> list[str | None]:
    """The plain rendering of each value."""
    return [text_of(value) for value in series]


def text_of(value: Any) -> str | None:
    """The plain rendering of a value, as ``binder.execute.text_of`` gives it; None for a missing one."""
    sent = portable(value)
    if sent is None:
        return None
    if isinstance(sent, list):
        parts = plain.restored(sent)
        return ", ".join(text_of(part) or "" for part in parts) if sent[0] == "list" else str(parts)
    if isinstance(sent, bool):
        return str(int(sent))
    if isinstance(sent, float):
        return str(int(sent)) if sent.is_integer() and abs(sent) < 1e15 else f"{sent:.15g}"
    return str(sent)


def column(answers: pd.Series) -> pd.Series:
    """Replies as a column of the type that suits them."""
    present = answers.dropna()
    if len(present) and present.map(lambda value: isinstance(value, (date, datetime))).all():
        return pd.to_datetime(answers)
    if len(present) and present.map(lambda value: isinstance(value, (int, float))).all():
        return pd.to_numeric(answers)
    return answers.astype("str").where(answers.notna())
