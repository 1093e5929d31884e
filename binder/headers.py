"""Headers as a source spells them, to names that programs can write.

A name is one line, never empty, holds no control character, and is unique in its table when case is ignored. What the
source wrote is kept beside it as the column's label.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]")
_LONGEST = 200


def names_of(headers: Iterable[str]) -> tuple[str, ...]:
    """The column names for a source's headers, in order.

    Example:
        >>> names_of(["Chart-Positions\\nUK", "Year", "year", ""])
        ('Chart-Positions UK', 'Year', 'year 2', 'column_4')
    """
    names: list[str] = []
    for position, header in enumerate(headers, start=1):
        names.append(unique(tidy(header) or f"column_{position}", names))
    return tuple(names)


def tidy(header: str) -> str:
    """One header as a single line of printable text without space around it, cut at 200 characters."""
    printable = _UNPRINTABLE.sub(" ", readable(header))
    return " ".join(printable.split())[:_LONGEST].rstrip()


def readable(text: str) -> str:
    """The text with each lone surrogate, which no database can hold, replaced by U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def unique(name: str, taken: Iterable[str]) -> str:
    """The name, or the first of ``name 2``, ``name 3``, … that is not taken when case is ignored."""
    folded = {other.casefold() for other in taken}
    candidate, count = name, 1
    while candidate.casefold() in folded:
        count += 1
        candidate = f"{name} {count}"
    return candidate
