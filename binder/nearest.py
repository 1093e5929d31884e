"""nearest: the rows and values of a table that a question seems to speak of.

Found by DuckDB over the Arrow data in one pass a table: a cell counts when it is, case ignored, a run of the
question's words, or holds some of the question's telling words. No index, no LM, no cell in Python but those shown.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from binder.cells import identifier, rendering

if TYPE_CHECKING:
    import duckdb
    import pyarrow

    from binder.table import Table
    from grammars.schema import Column

K = TypeVar("K", int, str)

# How much of a question, and how much of a table, is looked at; what is found beyond that is not.
WORDS = 100
LONGEST_RUN = 6
SCANNED_ROWS = 1_000_000
BLOCKS = 100
SCANNED_COLUMNS = 40
CANDIDATES = 200
VALUES = 3
# What it counts that a cell is a run of words; a word it holds counts 1.
RUN = 10
_COMMON = """
a about above after all also am an and any are as at be been before below between both but by can did do does each ever
first for from had has have how i if in is it its last least less list long many more most much name named next no not
number of on one only or other over per previous same she so some than that the their them then there they this those
to total under until was were what when where which while who whom whose why will with would you your he his her him we
us me my
"""
COMMON = frozenset(_COMMON.split())


@dataclass(frozen=True)
class Nearest:
    """What was found.

    Attributes:
        rows: Row numbers, the nearest first.
        values: For each column that has any, its distinct values near the question, the nearest first.
    """

    rows: tuple[int, ...]
    values: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class _Hit:
    row: int
    column: str
    value: str
    score: float


def find(table: Table, columns: Sequence[Column], question: str, n: int) -> Nearest:
    """The rows and values nearest to a question.

    Of a table of more than a million rows an even sample of that many is looked at, so time is bounded.

    Args:
        table: The table.
        columns: The columns to look in; the first 40 are.
        question: The question.
        n: How many rows at most.
    """
    words = re.findall(r"\w+", question.casefold())[:WORDS]
    telling = {word for word in words if word not in COMMON and (len(word) > 2 or word.isdigit())}
    if not telling:
        return Nearest((), ())
    hits = _hits(table, columns[:SCANNED_COLUMNS], _runs(words, telling), sorted(telling))
    rows_with = Counter((hit.column, hit.value) for hit in hits)
    scores: dict[int, float] = {}
    values: dict[str, dict[str, float]] = {}
    for hit in hits:
        # What many rows hold says little about which row is meant.
        scores[hit.row] = scores.get(hit.row, 0.0) + hit.score / rows_with[hit.column, hit.value]
        known = values.setdefault(hit.column, {})
        known[hit.value] = max(hit.score, known.get(hit.value, 0.0))
    return Nearest(
        tuple(_best(scores, n)), tuple((name, tuple(_best(found, VALUES))) for name, found in values.items())
    )


def rows(table: Table, columns: Sequence[Column], indexes: Sequence[int]) -> list[tuple[int, tuple[str | None, ...]]]:
    """Rows by number, each cell in its own spelling."""
    import pyarrow

    if len(indexes) == 0:
        return []
    data = table.data.take(pyarrow.array(indexes, pyarrow.int64()))
    texts = ", ".join(_text(column) for column in columns)
    with _cursor(data) as cursor:
        found = cursor.execute(f"SELECT {texts} FROM data").fetchall()
    return list(zip(indexes, found, strict=True))


def _hits(table: Table, columns: Sequence[Column], runs: list[str], telling: list[str]) -> list[_Hit]:
    """The best cells of each column: those that are a run of words, then those that hold most words in least text."""
    is_run = f"CASE WHEN folded IN ({', '.join('?' * len(runs))}) THEN {RUN} ELSE 0 END"
    held = " + ".join(["contains(folded, ?)::INTEGER"] * len(telling))
    row = identifier(table.row_id)
    hits: list[_Hit] = []
    with _cursor(_sample(table.data)) as cursor:
        for column in columns:
            texts = f"SELECT {row} AS row, {_text(column)} AS text FROM data"
            query = (
                f"SELECT row, text, {is_run} + ({held}) / (1 + length(folded) // 40) AS score "
                f"FROM (SELECT row, text, lower(text) AS folded FROM ({texts})) "
                f"WHERE score > 0 ORDER BY score DESC, row LIMIT {CANDIDATES}"
            )
            found = [
                _Hit(row, column.name, *rest) for row, *rest in cursor.execute(query, [*runs, *telling]).fetchall()
            ]
            # A score that no end of cells reach tells nothing, unless it is a run's.
            floor = found[-1].score if len(found) == CANDIDATES else 0.0
            hits += [hit for hit in found if hit.score > min(floor, RUN)]
    return hits


def _sample(data: pyarrow.Table) -> pyarrow.Table:
    """The rows to look at: all of them, or blocks spread evenly, which cost nothing to take."""
    import pyarrow

    if data.num_rows <= SCANNED_ROWS:
        return data
    starts = range(0, data.num_rows, -(-data.num_rows // BLOCKS))
    return pyarrow.concat_tables([data.slice(start, SCANNED_ROWS // BLOCKS) for start in starts])


def _runs(words: Sequence[str], telling: set[str]) -> list[str]:
    """Every run of up to six consecutive words that holds a telling one, as one text each."""
    lengths = range(1, LONGEST_RUN + 1)
    runs = (words[at : at + length] for length in lengths for at in range(len(words) - length + 1))
    return sorted({" ".join(run) for run in runs if not telling.isdisjoint(run)})


def _best(scores: dict[K, float], n: int) -> list[K]:
    """The n best keys, but none that is far behind the best."""
    least = max(scores.values()) / 4 if scores else 0.0
    return sorted((key for key in scores if scores[key] >= least), key=lambda key: -scores[key])[:n]


def _text(column: Column) -> str:
    """SQL for a cell in its own spelling."""
    plain = rendering(identifier(column.name), column.type)
    return plain if column.spelling is None else f"coalesce({identifier(column.spelling)}, {plain})"


@contextmanager
def _cursor(data: pyarrow.Table) -> Iterator[duckdb.DuckDBPyConnection]:
    """A cursor of the one database kept for this, in which ``data`` is a table."""
    with _database().cursor() as cursor:
        cursor.register("data", data)
        yield cursor
        cursor.unregister("data")


@cache
def _database() -> duckdb.DuckDBPyConnection:
    import duckdb

    return duckdb.connect(config={"enable_external_access": False})
