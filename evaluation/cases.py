"""cases: what a planner is judged by: a table, programs over it, and the most requests each may cost.

What the stub of a language model says is a pure function of a question and a value's number, so the answer that a
program must give is known: it is that of the same query run by DuckDB with that function, row by row.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow

ROWS = 1_000
BATCH = 16

EVEN = "is its number even?"
HALF = "is half of its number even?"
MOST = "is its last digit other than 3?"
FEW = "is its last digit 0?"
ONE = "is it number 7?"
NONE = "is its number above a million?"
KIND = "what kind is it?"

_FILTERS: dict[str, Callable[[int], bool]] = {
    EVEN: lambda number: number % 2 == 0,
    HALF: lambda number: number // 2 % 2 == 0,
    MOST: lambda number: number % 10 != 3,
    FEW: lambda number: number % 10 == 0,
    ONE: lambda number: number == 7,
    NONE: lambda number: number > 1_000_000,
}
QUESTIONS = (*_FILTERS, KIND)

_NUMBER = re.compile(r"\d+")
_CALL = re.compile(r'QA\("map@([^"]+)"; ([\w; ]+)\)')
_ORDER = re.compile(r"(ORDER BY .+?)(?= LIMIT|$)")


@dataclass(frozen=True)
class Case:
    """What is run, and what it may cost.

    Attributes:
        name: What the report calls it.
        programs: A program; or several, the candidates of one vote.
        most: The most requests it may cost.
        before: Programs that the same engine runs first, uncounted.
        cached: Whether the engine keeps replies.
    """

    name: str
    programs: tuple[str, ...]
    most: int
    before: tuple[str, ...] = ()
    cached: bool = False

    @property
    def again(self) -> Case:
        """The case once more with its replies kept, which must cost nothing."""
        return replace(self, name=f"{self.name}, again", most=0, before=self.programs, cached=True)


def truth(question: str, *cells: str | None) -> str | None:
    """What the stub says of one input.

    Example:
        >>> truth("is its number even?", "value 07"), truth("what kind is it?", "value 07", "part 02")
        ('no', 'kind 9')
    """
    numbers = [int(found) for cell in cells if cell is not None for found in _NUMBER.findall(cell)]
    if not numbers:
        return None
    if question in _FILTERS:
        return "yes" if _FILTERS[question](numbers[0]) else "no"
    return f"kind {sum(numbers) % 11}"


def rows() -> pyarrow.Table:
    """The table of every case: 50 distinct texts in ``t``, 1,000 distinct pairs in ``t`` and ``u``."""
    import pyarrow

    ids = range(ROWS)
    return pyarrow.table(
        {
            "id": list(ids),
            "grp": [id // 10 for id in ids],
            "t": [f"value {id % 50:02}" for id in ids],
            "u": [f"part {id // 50:02}" for id in ids],
        }
    )


def expected(program: str) -> list[tuple[Any, ...]]:
    """The rows that a program must give: DuckDB's, asking about every row and breaking ties by the row's number."""
    import duckdb
    from duckdb.func import SPECIAL
    from duckdb.sqltypes import VARCHAR

    with duckdb.connect() as connection:
        for arity in (1, 2):
            texts: list[Any] = [VARCHAR] * (arity + 1)
            connection.create_function(f"truth{arity}", _of(arity), texts, VARCHAR, null_handling=SPECIAL)
        connection.register("rows", rows())
        connection.execute("CREATE TABLE w AS SELECT * FROM rows")
        return connection.execute(naive(program)).fetchall()


def naive(program: str) -> str:
    """A program with its calls as calls of a DuckDB function.

    Example:
        >>> naive("SELECT id FROM w WHERE QA(\\"map@is it so?\\"; t; u) = 'yes' ORDER BY grp LIMIT 5")
        "SELECT id FROM w WHERE truth2('is it so?', t, u) = 'yes' ORDER BY grp, rowid LIMIT 5"
    """

    def called(match: re.Match[str]) -> str:
        columns = match[2].split("; ")
        return f"truth{len(columns)}('{match[1]}', {', '.join(columns)})"

    return _ORDER.sub(r"\1, rowid", _CALL.sub(called, program))


def _of(arity: int) -> Callable[..., str | None]:
    """The truth as a function with so many cells; DuckDB counts a function's parameters."""
    return (lambda question, a: truth(question, a)) if arity == 1 else (lambda question, a, b: truth(question, a, b))


def _filter(question: str) -> str:
    return f"QA(\"map@{question}\"; t) = 'yes'"


_MAP = f'QA("map@{KIND}"; t)'
_DEAR_ORDER = f"SELECT id FROM w WHERE {_filter(MOST)} AND {_filter(FEW)}"
_EVENS = f"SELECT id FROM w WHERE {_filter(EVEN)}"

# Together the candidates ask about all 50 values.
_CANDIDATES = tuple(f"SELECT id FROM w WHERE grp = {group} AND {_filter(EVEN)}" for group in range(20))

_COLD = (
    Case("map over all rows", (f"SELECT id, {_MAP} FROM w",), 4),
    Case("filter over all rows", (_EVENS,), 4),
    Case("plain predicate leaving 10 rows, then map", (f"SELECT id, {_MAP} FROM w WHERE grp = 3",), 1),
    Case("CASE branch with 10 distinct values", (f"SELECT id, CASE WHEN grp = 3 THEN {_MAP} END FROM w",), 1),
    Case("filter with LIMIT 5", (f"{_EVENS} LIMIT 5",), 1),
    Case("map with LIMIT 5", (f"SELECT id, {_MAP} FROM w LIMIT 5",), 1),
    Case("filter, ORDER BY a plain column, LIMIT 5", (f"{_EVENS} ORDER BY grp DESC LIMIT 5",), 2),
    Case("two filters, each true for half", (f"{_EVENS} AND {_filter(HALF)}",), 6),
    Case("two filters, 90 % and 10 %, dear order, statistics warm", (_DEAR_ORDER,), 5, before=(_DEAR_ORDER,)),
    Case("EXISTS", (f"SELECT EXISTS (SELECT 1 FROM w WHERE {_filter(EVEN)})",), 1),
    Case("COUNT(*) >= 1", (f"SELECT COUNT(*) >= 1 FROM w WHERE {_filter(EVEN)}",), 1),
    Case("EXISTS, all false", (f"SELECT EXISTS (SELECT 1 FROM w WHERE {_filter(NONE)})",), 4),
    Case("COUNT(*) >= 1, all false", (f"SELECT COUNT(*) >= 1 FROM w WHERE {_filter(NONE)}",), 4),
    Case("COUNT(*) > 200, true for 1 value in 50", (f"SELECT COUNT(*) > 200 FROM w WHERE {_filter(ONE)}",), 3),
    Case("map over two columns, 1,000 distinct pairs", (f'SELECT id, QA("map@{KIND}"; t; u) FROM w',), 63),
    Case("20 candidate programs that share a map", _CANDIDATES, -(-50 // BATCH)),
)
_KNOWN = (f"{_EVENS} LIMIT 5", f"{_EVENS} AND id < 20")

CASES = (
    *_COLD,
    *(case.again for case in _COLD),
    Case("LIMIT 10 after LIMIT 5, the values known", (f"{_EVENS} LIMIT 10",), 0, before=_KNOWN, cached=True),
)
