"""Waves: what is asked first, how they grow, and that they end as soon as the rows decide the answer."""

from __future__ import annotations

import re
from pathlib import Path

import pandas
import pytest

from binder import Binder, Table
from binder.lm import Cache, Request, Scripted
from binder.waves import stop_of
from grammars.check import check
from grammars.schema import Schema
from tests.support.naive import reply_of

ABOVE = 'QA("map@is it above {}?"; name)'


@pytest.fixture(scope="module")
def table() -> Table:
    """64 rows, each with a name of its own, and four groups."""
    rows = {"id": range(64), "grp": [id // 16 for id in range(64)], "name": [f"name {id:02}" for id in range(64)]}
    return Table.from_pandas(pandas.DataFrame(rows), name="w")


def judge(question: str, cells: tuple[str | None, ...]) -> str:
    bound, number = (int(re.findall(r"\d+", text)[0]) for text in (question, str(cells[0])))
    return "yes" if number > bound else "no"


def waves(
    program: str, table: Table, cache: Cache | bool = False, batch: int = 4
) -> tuple[list[int], tuple[object, ...]]:
    """How many inputs each wave held, and the answer."""
    log: list[int] = []

    def reply(request: Request) -> str:
        log.append(len(request.inputs))
        return reply_of(judge, request)

    with Binder(Scripted(reply, identity="waves", batch=batch), cache=cache) as engine:
        return log, engine.run(program, table).values


def above(number: int) -> str:
    return f"{ABOVE.format(number)} = 'yes'"


def test_a_wave_is_a_request_and_each_next_one_holds_twice_as_much(table: Table) -> None:
    log, values = waves(f"SELECT id FROM w WHERE {above(20)} LIMIT 1", table)
    assert values == (21,)
    assert log == [4] + [4] * 2 + [4] * 4  # 4, 8, 16


def test_the_first_wave_holds_as_many_as_limit_needs(table: Table) -> None:
    log, values = waves(f"SELECT id FROM w WHERE id > 9 AND {above(5)} LIMIT 10", table)
    assert (sum(log), values) == (10, tuple(range(10, 20)))


def test_rows_are_asked_about_in_the_order_wanted(table: Table) -> None:
    log, values = waves(f"SELECT id FROM w WHERE {above(50)} ORDER BY id DESC LIMIT 2", table)
    assert (log, values) == ([4], (63, 62))


def test_rows_that_tie_are_asked_about_in_their_own_order(table: Table) -> None:
    log, values = waves(f"SELECT id FROM w WHERE {above(53)} ORDER BY grp DESC, id LIMIT 1", table)
    assert values == (54,)
    assert sum(log) == 12  # the seventh of group 3: 4, then 8


def test_two_conditions_take_turns(table: Table) -> None:
    log, values = waves(f"SELECT id FROM w WHERE {above(1)} AND {above(2)} LIMIT 1", table)
    assert values == (3,)
    assert log == [4, 2]


def test_the_same_again_and_less_of_it_cost_nothing(table: Table, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "replies.sqlite")
    first, values = waves(f"SELECT id FROM w WHERE {above(20)} LIMIT 3", table, cache)
    again, same = waves(f"SELECT id FROM w WHERE {above(20)} LIMIT 3", table, cache)
    less, _ = waves(f"SELECT id FROM w WHERE {above(20)} LIMIT 1", table, cache)
    assert (again, less, same) == ([], [], values) and first


def test_what_is_known_decides_without_a_request(table: Table, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "replies.sqlite")
    waves(f"SELECT id FROM w WHERE id > 30 AND id < 35 AND {above(32)}", table, cache)
    log, values = waves(f"SELECT id FROM w WHERE id > 30 AND {above(32)} LIMIT 2", table, cache)
    assert (log, values) == ([], (33, 34))


@pytest.mark.parametrize(
    ("program", "clause"),
    [
        ("SELECT id FROM w WHERE {} LIMIT 1", "LIMIT"),
        ("SELECT id FROM w WHERE {} ORDER BY grp LIMIT 1 OFFSET 2", "LIMIT"),
        ("SELECT COUNT(*) > 1 FROM w WHERE {}", "COUNT"),
        ("SELECT COUNT(*) > 1 AND 5 >= COUNT(id) FROM w WHERE {}", "COUNT"),
        ("SELECT id FROM w WHERE {}", None),
        ("SELECT COUNT(*) FROM w WHERE {}", None),
        ("SELECT COUNT(*) + 1 > 2 FROM w WHERE {}", None),
        ("SELECT COUNT(*) > 1, SUM(id) > 3 FROM w WHERE {}", None),
        ("SELECT COUNT(*) > 1 FROM w WHERE {} LIMIT 1", None),
        ("SELECT COUNT(*) > COUNT(grp) FROM w WHERE {}", None),
        ("SELECT DISTINCT grp FROM w WHERE {} LIMIT 1", None),
        ("SELECT grp FROM w WHERE {} GROUP BY grp LIMIT 1", None),
        ("SELECT SUM(id) OVER () FROM w WHERE {} LIMIT 1", None),
    ],
)
def test_when_a_query_is_decided_early(table: Table, program: str, clause: str | None) -> None:
    found = check(program.format(above(1)), Schema((table.schema,))).program
    assert found is not None and found.translated is not None
    stop = stop_of(found.translated)  # type: ignore[arg-type]
    assert (stop.clause if stop is not None else None) == clause
