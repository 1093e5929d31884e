"""Which table a name after FROM means, when no table is called so.

The only table of a question is meant by ``w``, by what anyone calls a table (``data``, ``table1``), by a name nearly
its own or its title's, and by one that shares a word with its name, its title or a header. Of several tables, each is
meant only by what is nearly its name or title. A name of a database's own (``sqlite_master``), a file's, or any other
is none: a program over another table would run and answer another question.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from grammars.nearest import nearest
from grammars.schema import Schema, TableSchema

_FILE = re.compile(r"[/\\]|\.\w{2,8}\Z")
_SYSTEM = re.compile(r"(sqlite|pragma|pg|duckdb|information_schema|sys)(_|\Z)", re.IGNORECASE)
_ANY_TABLE = re.compile(
    r"(the|my|this|input|given)?_?(w|t|tbl|tab|table|data|dataset|dataframe|df|sheet|records?|rows?)_?\d*"
)


def meant(written: str, schema: Schema, alone: bool) -> TableSchema | None:
    """The table that a name stands for, or None.

    Args:
        written: The name; no table is called so.
        schema: The tables there are.
        alone: Whether the program names no other table.

    Example:
        >>> schema = Schema((TableSchema("peaks", (), "Highest peaks of Asia"),))
        >>> [bool(meant(name, schema, True)) for name in ("my_table", "asian_peaks", "orders", "sqlite_master")]
        [True, True, False, False]
    """
    if _FILE.search(written) or _SYSTEM.match(written):
        return None
    names = {name: table.name for table in schema for name in (table.name, table.title) if name}
    found, _ = nearest(written, names)
    if found:
        return schema.table(found)
    if len(schema.tables) > 1 or not alone:
        return None
    table = schema.tables[0] if schema.tables else None
    return table if table and (_ANY_TABLE.fullmatch(written.casefold()) or _shares_word(written, table)) else None


def _shares_word(written: str, table: TableSchema) -> bool:
    headers = (column.name for column in table.columns)
    return bool(_words([written]) & _words([table.name, table.title or "", *headers]))


def _words(names: Iterable[str]) -> set[str]:
    """The words of some names, in the singular."""
    words = re.findall(r"[^\W\d_]{3,}", " ".join(names).casefold())
    return {re.sub(r"(?<=[^s])s\Z", "", re.sub(r"ies\Z", "y", word)) for word in words} - {"the", "and"}
