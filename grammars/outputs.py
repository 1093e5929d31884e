"""What a query calls its outputs: an alias, a column's name, or else the expression's text, as in SQLite."""

from __future__ import annotations

import re

from sqlglot import ErrorLevel, exp


def output_name(item: exp.Expr) -> str:
    """What an item of a select list is called.

    Example:
        >>> from sqlglot import parse_one
        >>> [output_name(item) for item in parse_one("SELECT max( n ), n, n + 1 AS m FROM w").selects]
        ['MAX(n)', 'n', 'm']
    """
    if isinstance(item, exp.Alias | exp.Column):
        return str(item.alias_or_name)
    return item.sql("sqlite", unsupported_level=ErrorLevel.IGNORE)


def same_expression(one: str, other: str) -> bool:
    """Whether two names are one expression's text, but for case, spacing and quotation marks."""
    return _bare(one) == _bare(other)


def _bare(name: str) -> str:
    return re.sub(r"[\s\"`\[\]]+", "", name).casefold()
