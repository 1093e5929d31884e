"""mishaps: what DuckDB says of a query that failed while it ran, or a file it could not read, in words of ours.

Its own words follow as a detail, without the name of its class of error.
"""

from __future__ import annotations

import re

_KIND = re.compile(r"^(?:[A-Z]\w*|of)(?: (?:[A-Z]\w*|of))* Error: ")

# What DuckDB says, and what that means; a group may be repeated.
_KNOWN = (
    (r"Overflow (?:in|on) (\w+)", r"a number grows beyond 64 bits (\1); use smaller ones, or 1.0 * to count roughly"),
    (r"value is out of range for the destination", "a number is too large for where it stands"),
    (r"Could not convert string '(.*)' to (\w+)", r"the text '\1' is no value of the kind that is wanted there"),
    (r"Escape string must be", "ESCAPE takes one character"),
    (r"Substring offset outside", "a place in a text is too large; count characters from 1"),
    (r"Argument index .* out of range", "the pattern has more places than it is given values"),
    (r"ntile must be greater", "NTILE takes a number above 0"),
    (r"Window (\w+) (\w+) expression cannot be negative", r"the bound of \1 \2 cannot be negative"),
    (r"(?:Left|Right)-shift", "a number is shifted by more bits than it has"),
    (r"Malformed JSON", "a text that is read as JSON is none"),
    (r'specifier "(.*)" not recognized', r"a date has no part called '\1'"),
)


def detail(said: str) -> str:
    """The first line of what DuckDB says, without its class of error.

    Example:
        >>> detail("Out of Range Error: Overflow in addition!")
        'Overflow in addition!'
    """
    return _KIND.sub("", (said.strip().splitlines() or ["nothing"])[0])


def mishap(said: str) -> str:
    """What went wrong while a program ran.

    Example:
        >>> mishap("Invalid Input Error: Argument for ntile must be greater than zero")
        'NTILE takes a number above 0 (the database says: Argument for ntile must be greater than zero)'
    """
    words = detail(said)
    for pattern, meaning in _KNOWN:
        if found := re.search(pattern, words):
            return f"{found.expand(meaning)} (the database says: {words})"
    return f"the database says: {words}"
