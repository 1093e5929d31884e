"""source_rows: the rows of the tables that an answer's values came from.

``grammars.provenance`` has the rule, and rewrites the query so that it gathers them. Here that query is run, in a
database of its own, when somebody looks: with the replies that the answer was given, so nothing is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from binder.database import Database
from binder.errors import RunError
from binder.execute import put_replies
from grammars.program import Program
from grammars.provenance import ROWS, Untold, with_rows
from grammars.schema import Schema
from grammars.used import used_columns

if TYPE_CHECKING:
    from binder.execute import Origin
    from binder.table import Table
    from grammars.language import AnyProgram

MOST = 500
"""The most rows of a table that are told one by one."""
SECONDS = 3.0
"""The longest they are looked for, since a view of the answer waits for them."""

_PYTHON = "a Python program does not say which rows its values came from"
_LOST = "the tables are not kept with this answer; run its program again"
_WINDOW = "a window function looked at other rows beside each of these"


@dataclass(frozen=True)
class TableRows:
    """Rows of one table.

    Attributes:
        table: The table.
        numbers: Their numbers from 0, the first ``MOST`` at most.
        count: How many there are.
        compared: Whether they are no part of the answer: a condition's subquery read them to decide about rows.
        used: The columns that the program names.
    """

    table: Table
    numbers: tuple[int, ...]
    count: int
    compared: bool
    used: frozenset[str]

    @property
    def whole(self) -> bool:
        """Whether these are all rows of a table that has several."""
        return self.count == self.table.num_rows > 1

    def texts(self, most: int = MOST) -> list[tuple[str | None, ...]]:
        """The cells of the first rows as they are spelled; None for what is missing."""
        some = replace(self.table, data=self.table.data.take(list(self.numbers[:most])))
        cells = some.to_pandas(original=True)
        return list(cells.astype(object).where(cells.notna(), None).itertuples(index=False, name=None))


@dataclass(frozen=True)
class SourceRows:
    """The rows that an answer came from.

    Attributes:
        tables: The rows of each table that gave any; those that a condition only compared with come after the others.
        untold: Why they cannot be told, or None.
        note: What is not among them, or None.
    """

    tables: tuple[TableRows, ...] = ()
    untold: str | None = None
    note: str | None = None


def source_rows(program: AnyProgram, origin: Origin | None) -> SourceRows:
    """The rows that the values of a program came from.

    Args:
        program: The program.
        origin: What its result was made from.

    Example:
        Of ``SELECT name FROM w ORDER BY height DESC LIMIT 1`` it is the row of the highest.
    """
    if not isinstance(program, Program):
        return SourceRows(untold=_PYTHON)
    if origin is None or origin.plan.tree is None or program.translated is None:
        return SourceRows(untold=_LOST)
    schema = Schema(tuple(table.schema for table in origin.tables))
    try:
        query, apart = with_rows(origin.plan.tree, schema)
        found = _found((query, *apart), origin)
    except Untold as error:
        return SourceRows(untold=str(error))
    except RunError as error:
        return SourceRows(untold=f"looking for them failed: {error}")
    used = used_columns(program.translated, schema)
    tables = [
        TableRows(table, numbers, count, compared, used[table.name])
        for table, numbers, count, compared in _decoded(found, origin.tables)
    ]
    note = _WINDOW if tables and program.translated.find(exp.Window) else None
    return SourceRows(tuple(tables), note=note)


def _found(queries: Iterable[exp.Expr], origin: Origin) -> list[tuple[Any, ...]]:
    """For each table and whether a condition alone read them: how many rows, and the codes of the first.

    Raises:
        RunError: The query failed or ran past a limit.
    """
    kinds = len(origin.tables)
    each = (f'SELECT UNNEST("{ROWS}") AS code FROM ({query.sql("duckdb")})' for query in queries)
    codes = " UNION ".join(each)
    rows = f"SELECT ABS(code) AS code, MAX(code) < 0 AS compared FROM ({codes}) WHERE code IS NOT NULL GROUP BY 1"
    counted = f"SELECT (code - 1) % {kinds}, compared, COUNT(*), MIN(code, {MOST}) FROM ({rows}) GROUP BY 1, 2"
    database = Database(replace(origin.limits, seconds=min(SECONDS, origin.limits.seconds)), origin.tables)
    try:
        database.load()
        with database.session() as session:
            for step in {step.table: step for step in origin.plan.steps}.values():
                put_replies(session, step, list(origin.replies[step.table].values()))
            return session.rows(f"{counted} ORDER BY 2, 1")
    finally:
        database.close()


def _decoded(
    found: list[tuple[Any, ...]], tables: tuple[Table, ...]
) -> Iterator[tuple[Table, tuple[int, ...], int, bool]]:
    for place, compared, count, codes in found:
        yield tables[place], tuple((code - 1) // len(tables) for code in codes), count, compared
