"""bare_names: whether a column's name may stand in a program without quotes."""

from __future__ import annotations

import re
from functools import lru_cache

from sqlglot import Dialect, exp, parse_one
from sqlglot.errors import SqlglotError

_SQLITE = Dialect.get_or_raise("sqlite")
_KEYWORDS = _SQLITE.tokenizer_class.KEYWORDS
_COMMANDS = _SQLITE.tokenizer_class.COMMANDS


@lru_cache(maxsize=4096)
def stands_bare(name: str) -> bool:
    """Whether a name is a plain word that is read as a column wherever one may stand.

    Example:
        >>> [name for name in ("year", "select", "2nd", "home team") if stands_bare(name)]
        ['year']
    """
    if not re.fullmatch(r"[A-Za-z_]\w*", name):
        return False
    if name.upper() not in _KEYWORDS:
        return True
    if _KEYWORDS[name.upper()] in _COMMANDS:
        return False  # behind a semicolon, as in a call, all that follows is taken for the command's
    text = f"SELECT {name}, w.{name}, MAX({name}) FROM w WHERE {name} = 1 GROUP BY {name} ORDER BY {name}"
    try:
        tree = parse_one(text, dialect=_SQLITE)
    except SqlglotError:
        return False
    return sum(column.name.casefold() == name.casefold() for column in tree.find_all(exp.Column)) == 6
