"""Of several LM conditions the one that rules out most for what it costs is asked first."""

from __future__ import annotations

import re
from pathlib import Path

import pandas
import pytest
import sqlglot
from sqlglot import exp

from binder import Binder, Table
from binder.filters import Selectivity, truth_of
from binder.lm import Cache, Request, Scripted
from grammars.calls import is_call
from grammars.check import check
from grammars.schema import Schema
from tests.support.naive import question_of, reply_of

MANY = 'QA("map@is it above 3?"; name)'
FEW = 'QA("map@is it above 36?"; name)'
BOTH = f"SELECT id FROM w WHERE {MANY} = 'yes' AND {FEW} = 'yes'"


@pytest.fixture(scope="module")
def table() -> Table:
    """Forty rows, each with a name of its own; 36 are above 3, and three above 36."""
    return Table.from_pandas(pandas.DataFrame({"id": range(40), "name": [f"name {id}" for id in range(40)]}), name="w")


def judge(question: str, cells: tuple[str | None, ...]) -> str:
    bound, number = (int(re.findall(r"\d+", text)[0]) for text in (question, str(cells[0])))
    return "yes" if number > bound else "no"


def model(log: list[tuple[str, int]]) -> Scripted:
    """Notes the question and the number of inputs of each request."""

    def reply(request: Request) -> str:
        log.append((question_of(request), len(request.inputs)))
        return reply_of(judge, request)

    return Scripted(reply, identity="bounds", batch=40)


def test_what_rules_out_most_is_asked_first_once_that_is_known(table: Table) -> None:
    log: list[tuple[str, int]] = []
    with Binder(model(log), cache=False) as engine:
        first = engine.run(BOTH, table)
        assert log == [("is it above 3?", 40), ("is it above 36?", 36)]
        log.clear()
        assert engine.run(BOTH, table).values == first.values == (37, 38, 39)
    assert log == [("is it above 36?", 40), ("is it above 3?", 3)]


def test_while_nothing_is_known_the_programs_own_order_stands(table: Table) -> None:
    log: list[tuple[str, int]] = []
    with Binder(model(log), cache=False) as engine:
        engine.run(f"SELECT id FROM w WHERE {FEW} = 'yes' AND {MANY} = 'yes'", table)
    assert [question for question, _ in log] == ["is it above 36?", "is it above 3?"]


def test_another_test_of_the_same_reply_is_another_condition(table: Table) -> None:
    log: list[tuple[str, int]] = []
    with Binder(model(log), cache=False) as engine:
        engine.run(BOTH, table)
        log.clear()
        engine.run(f"SELECT id FROM w WHERE {MANY} = 'yes' AND {FEW} = 'no'", table)
    assert log == [
        ("is it above 36?", 40),
        ("is it above 3?", 37),
    ]  # a half, where nothing is known, is less than 9 in 10


def test_what_need_not_be_asked_comes_first_though_it_rules_out_less(table: Table, tmp_path: Path) -> None:
    log: list[tuple[str, int]] = []
    with Binder(model(log), cache=Cache(tmp_path / "replies.sqlite")) as engine:
        engine.run(f"SELECT COUNT(*) FROM w WHERE {MANY} = 'yes'", table)
        engine.run(f"SELECT COUNT(*) FROM w WHERE id > 35 AND {FEW} = 'yes'", table)
        log.clear()
        engine.run(BOTH, table)
    assert log == [("is it above 36?", 32)]


@pytest.mark.parametrize(
    ("held", "of", "wanted"), [(0, 0, 0.5), (8, 8, 0.9), (0, 8, 0.1), (1, 2, 0.5)], ids=["new", "all", "none", "half"]
)
def test_a_share_is_never_taken_for_all_or_none(held: int, of: int, wanted: float) -> None:
    known = Selectivity()
    known.note("q", "t", held, of)
    assert known.of("q", "t") == pytest.approx(wanted)
    assert known.cost("q", "t") == pytest.approx(1 / (1 - wanted))


def test_what_costs_nothing_is_cheapest_whatever_it_rules_out() -> None:
    known = Selectivity({("dear", "t"): (0, 98), ("free", "t"): (98, 98)}, {("free", "t"): 0.0})
    assert known.cost("free", "t") < known.cost("dear", "t")


@pytest.mark.parametrize(
    ("where", "wanted"),
    [
        (f"{MANY} = 'yes'", "value"),
        (f"NOT {MANY} = 'yes'", "value"),
        (f"{MANY} = 'yes' AND id > 3", "value"),
        (f"{MANY} = 'yes' OR id > 3", None),  # the column decides too
        (f"{MANY} = name", None),
        (f"{MANY} = {FEW}", None),
        (f"{MANY} IN (SELECT name FROM w)", None),
    ],
)
def test_the_test_of_a_value_is_what_the_query_filters_by(table: Table, where: str, wanted: str | None) -> None:
    program = check(f"SELECT id FROM w WHERE {where}", Schema((table.schema,))).program
    assert program is not None and program.translated is not None
    call = next(node for node in program.translated.walk() if is_call(node))
    truth = truth_of(call)
    assert (truth is not None) is (wanted is not None)
    if truth is not None:
        columns = sqlglot.parse_one(truth, dialect="duckdb").find_all(exp.Column)
        assert {column.name for column in columns} == {wanted}
