"""What each rule of the planner saves, as pairs of a program and what it asks: fixtures/optimise/<rule>.sql.

An output is how many inputs are asked about, of how many where each call asks about every row, and in how many
requests of at most four. The answer must be that of asking everything.
"""

from __future__ import annotations

import re

import pyarrow as pa
import pytest

from binder import Binder, Table
from binder.lm import Request, Scripted
from tests.support.naive import comparable, naive_inputs, naive_rows, reply_of
from tests.support.pairs import Pair, read_pairs

RULES = [
    *("plain_first", "joins", "distinct", "and_order", "or_case_guards", "limit", "limit_order"),
    *("exists", "count", "shared", "null"),
]
BATCH = 4


def truth(question: str, cells: tuple[str | None, ...]) -> str | None:
    """The model: it goes by the numbers in an input; of nothing it says nothing."""
    numbers = [int(found) for cell in cells if cell is not None for found in re.findall(r"\d+", cell)]
    if not numbers:
        return None
    judged = {"is it even?": numbers[0] % 2 == 0, "is it under 3?": numbers[0] < 3, "is it over 99?": numbers[0] > 99}
    return ("yes" if judged[question] else "no") if question in judged else f"kind {sum(numbers) % 3}"


@pytest.fixture(scope="module")
def tables() -> list[Table]:
    """24 rows with 12 cities, every third without a note; and visits to five of them."""
    ids = range(24)
    rows = {
        "id": list(ids),
        "grp": [number // 4 for number in ids],
        "city": [f"city {(number * 5 + 1) % 12}" for number in ids],
        "note": [f"note {number % 5}" if number % 3 else None for number in ids],
    }
    visits = {"id": [1, 1, 4, 7, 20], "year": [2000, 2001, 2000, 2001, 2001]}
    return [Table.from_arrow(pa.table(rows), name="w"), Table.from_arrow(pa.table(visits), name="visits")]


def outcome(text: str, tables: list[Table]) -> str:
    """What a program asks, as the fixtures have it."""
    log: list[Request] = []

    def reply(request: Request) -> str:
        log.append(request)
        return reply_of(truth, request)

    with Binder(Scripted(reply, batch=BATCH), cache=False) as engine:
        found = engine.run(text, tables).result.rows
    wanted = naive_rows(text, tables, truth)
    ordered = "ORDER BY" in text or "JOIN" not in text
    assert comparable(found, ordered) == comparable(wanted, ordered)
    assert all(len(request.inputs) <= BATCH for request in log)
    asked = sum(len(request.inputs) for request in log)
    return f"{asked} of {naive_inputs(text, tables, truth)} inputs, {len(log)} request{'s' * (len(log) != 1)}"


@pytest.mark.parametrize("pair", [pair for rule in RULES for pair in read_pairs(f"optimise/{rule}.sql")], ids=str)
def test_optimise(pair: Pair, tables: list[Table]) -> None:
    assert outcome(pair.given, tables) == pair.wanted
