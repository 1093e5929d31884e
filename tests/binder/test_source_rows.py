"""The rows that an answer came from: which they are, that nothing is asked or done for them before they are wanted."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pandas
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings

from binder import Binder, Table, source_rows
from binder.lm import Request, Scripted
from binder.trace import Sample
from tests.binder.test_plan_meaning import answers, programs, tables
from tests.support.naive import comparable

IN_ASIA = "QA(\"map@is it in Asia?\"; land) = 'yes'"


def reply(request: Request) -> str:
    if request.purpose == "ans":
        return json.dumps({"answer": "K2"})
    numbered = enumerate(request.inputs, 1)
    if "how high" in request.messages[-1].content:
        return json.dumps({n: {"Nepal": "3", "Peru": "9"}.get(str(cells[0]), "5") for n, cells in numbered})
    return json.dumps({n: "yes" if cells[0] in ("Nepal", "Pakistan") else "no" for n, cells in numbered})


@pytest.fixture(scope="module")
def given_tables() -> list[Table]:
    peaks = pandas.DataFrame(
        {
            "name": ["Everest", "K2", "Lhotse", "Huascarán", "Fuji"],
            "height": ["8,849", "8,611", "8,516", "6,768", "n/a"],
            "land": ["Nepal", "Pakistan", "Nepal", "Peru", "Japan"],
        }
    )
    lands = pandas.DataFrame({"land": ["Nepal", "Peru", "Chile"], "capital": ["Kathmandu", "Lima", "Santiago"]})
    return [Table.from_pandas(peaks, name="peaks"), Table.from_pandas(lands, name="lands")]


@pytest.fixture(scope="module")
def engine() -> Iterator[Binder]:
    with Binder(lm=Scripted(reply), cache=False) as one:
        yield one


@pytest.mark.parametrize(
    ("program", "wanted", "compared"),
    [
        ("SELECT name FROM peaks WHERE height > 8600", {"peaks": (0, 1)}, {}),
        ("SELECT name FROM peaks ORDER BY height DESC LIMIT 1", {"peaks": (0,)}, {}),
        ("SELECT name FROM peaks ORDER BY height DESC, name LIMIT 1 OFFSET 1", {"peaks": (1,)}, {}),
        ("SELECT name FROM peaks ORDER BY height LIMIT 1", {"peaks": (4,)}, {}),  # the planner looks at the least too
        ("SELECT COUNT(*) FROM peaks", {"peaks": (0, 1, 2, 3, 4)}, {}),
        ("SELECT COUNT(*) FROM peaks WHERE land = 'Nepal'", {"peaks": (0, 2)}, {}),
        ("SELECT MAX(height) FROM peaks", {"peaks": (0,)}, {}),
        ("SELECT name, MIN(height) FROM peaks", {"peaks": (3,)}, {}),
        ("SELECT MAX(height) - MIN(height) FROM peaks", {"peaks": (0, 3)}, {}),
        ("SELECT MAX(height), COUNT(*) FROM peaks WHERE land = 'Nepal'", {"peaks": (0, 2)}, {}),
        ("SELECT land FROM peaks GROUP BY land ORDER BY COUNT(*) DESC LIMIT 1", {"peaks": (0, 2)}, {}),
        ("SELECT land, MAX(height) FROM peaks WHERE height > 0 GROUP BY land", {"peaks": (0, 1, 3)}, {}),
        ("SELECT DISTINCT land FROM peaks WHERE height > 8000", {"peaks": (0, 1, 2)}, {}),
        (
            "SELECT (SELECT height FROM peaks WHERE name = 'K2') - (SELECT height FROM peaks WHERE name = 'Lhotse')",
            {"peaks": (1, 2)},
            {},
        ),
        (
            "SELECT p.name, l.capital FROM peaks p JOIN lands l ON p.land = l.land",
            {"peaks": (0, 2, 3), "lands": (0, 1)},
            {},
        ),
        (
            "SELECT p.name FROM peaks p LEFT JOIN lands l ON p.land = l.land",
            {"peaks": (0, 1, 2, 3, 4), "lands": (0, 1)},
            {},
        ),
        ("SELECT land FROM peaks UNION SELECT land FROM lands LIMIT 1", {"lands": (2,)}, {}),
        ("SELECT land FROM peaks EXCEPT SELECT land FROM lands", {"peaks": (1, 4)}, {}),
        ("SELECT land FROM peaks INTERSECT SELECT land FROM lands", {"peaks": (0, 2, 3), "lands": (0, 1)}, {}),
        ("SELECT name FROM peaks WHERE land IN (SELECT land FROM lands)", {"peaks": (0, 2, 3)}, {"lands": (0, 1)}),
        ("SELECT capital FROM lands WHERE land NOT IN (SELECT land FROM peaks)", {"lands": (2,)}, {}),
        ("SELECT name FROM peaks WHERE height = (SELECT MAX(height) FROM peaks)", {"peaks": (0,)}, {}),
        (
            "SELECT name FROM peaks WHERE height > (SELECT AVG(height) FROM peaks)",
            {"peaks": (0, 1, 2)},
            {"peaks": (3, 4)},
        ),
        ("WITH a AS (SELECT * FROM peaks WHERE land = 'Nepal') SELECT MIN(height) FROM a", {"peaks": (2,)}, {}),
        ("WITH peaks AS (SELECT * FROM peaks WHERE land = 'Nepal') SELECT MIN(height) FROM peaks", {"peaks": (2,)}, {}),
        (
            "WITH lands AS (SELECT * FROM peaks WHERE land = 'Peru') SELECT name FROM lands",
            {"peaks": (3,)},
            {},
        ),
        (f"WITH peaks AS (SELECT * FROM peaks WHERE {IN_ASIA}) SELECT COUNT(*) FROM peaks", {"peaks": (0, 1, 2)}, {}),
        (f"WITH lands AS (SELECT land FROM peaks) SELECT land FROM lands WHERE {IN_ASIA} LIMIT 1", {"peaks": (0,)}, {}),
        (
            "SELECT a.name, b.name FROM peaks a JOIN peaks b ON a.land = b.land AND a.height > b.height",
            {"peaks": (0, 2)},
            {},
        ),
        ("SELECT (SELECT MAX(height) FROM peaks), (SELECT MIN(height) FROM peaks)", {"peaks": (0, 3)}, {}),
        ("SELECT n FROM (SELECT land, COUNT(*) AS n FROM peaks GROUP BY land) d WHERE n > 1", {"peaks": (0, 2)}, {}),
        ("SELECT 1", {}, {}),
        (f"SELECT name FROM peaks WHERE {IN_ASIA}", {"peaks": (0, 1, 2)}, {}),
        (f"SELECT name FROM peaks WHERE {IN_ASIA} LIMIT 1", {"peaks": (0,)}, {}),
        ('SELECT name FROM peaks ORDER BY QA("map@how high?"; land) DESC LIMIT 1', {"peaks": (3,)}, {}),
        ('SELECT QA("ans@which?"; (SELECT name FROM peaks WHERE height > 8600))', {"peaks": (0, 1)}, {}),
    ],
)
def test_the_rows_of_an_answer(
    engine: Binder,
    given_tables: list[Table],
    program: str,
    wanted: dict[str, tuple[int, ...]],
    compared: dict[str, tuple[int, ...]],
) -> None:
    rows = engine.run(program, given_tables).source_rows
    assert rows.untold is None
    assert {one.table.name: one.numbers for one in rows.tables if not one.compared} == wanted
    assert {one.table.name: one.numbers for one in rows.tables if one.compared} == compared


@pytest.mark.parametrize(
    ("program", "rows", "texts"),
    [
        (
            "SELECT a.name, b.name, a.height, b.height FROM peaks a, peaks b WHERE a.name = 'K2' AND b.name = 'Lhotse'",
            [("K2", "Lhotse", 8611, 8516)],
            (("K2", "Lhotse", "8,611", "8,516"),),
        ),
        (
            "SELECT MAX(height) AS n, MIN(height) AS n, COUNT(*) AS n FROM peaks",
            [(8849, 6768, 5)],
            (("8,849", "6,768", "5"),),
        ),
        (
            "SELECT height AS n, height AS n, name AS n FROM peaks WHERE name = 'K2' UNION ALL SELECT 1, 2, 'x'",
            [(8611, 8611, "K2"), (1, 2, "x")],
            (("8,611", "8,611", "K2"), ("1", "2", "x")),
        ),
        (
            "WITH peaks AS (SELECT name, height FROM peaks) SELECT peaks.name, lands.land FROM peaks, lands LIMIT 1",
            [("Everest", "Nepal")],
            (("Everest", "Nepal"),),
        ),
    ],
)
def test_values_texts_and_frame_of_outputs_with_one_name(
    engine: Binder, given_tables: list[Table], program: str, rows: list[tuple[Any, ...]], texts: tuple[Any, ...]
) -> None:
    answer = engine.run(program, given_tables)
    assert list(answer.result.rows) == rows
    assert answer.result.texts == texts
    assert [tuple(row) for row in answer.frame.itertuples(index=False, name=None)] == rows


def test_rows_are_shown_as_they_are_spelled_with_the_columns_the_program_names(
    engine: Binder, given_tables: list[Table]
) -> None:
    (rows,) = engine.run(
        f"SELECT name FROM peaks WHERE height < 7000 OR ({IN_ASIA} AND 1 = 0)", given_tables
    ).source_rows.tables
    assert rows.texts() == [("Huascarán", "6,768", "Peru")]
    assert rows.used == {"name", "height", "land"}
    assert (rows.count, rows.whole) == (1, False)


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("WITH RECURSIVE q AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM q WHERE n < 3) SELECT n FROM q", "recursive"),
        ("def solve(peaks, lands):\n    return peaks['name'].tolist()\n", "Python"),
    ],
)
def test_what_cannot_be_told_says_why(engine: Binder, given_tables: list[Table], program: str, reason: str) -> None:
    rows = engine.run(program, given_tables).source_rows
    assert rows.tables == () and reason in str(rows.untold)


def test_a_window_function_is_noted(engine: Binder, given_tables: list[Table]) -> None:
    rows = engine.run("SELECT name, RANK() OVER (ORDER BY height DESC) FROM peaks LIMIT 1", given_tables).source_rows
    assert rows.note is not None and "window" in rows.note


def test_a_look_asks_nothing_and_works_after_the_engine_is_closed(given_tables: list[Table]) -> None:
    requests: list[Request] = []

    def counted(request: Request) -> str:
        requests.append(request)
        return reply(request)

    with Binder(lm=Scripted(counted), cache=False) as engine:
        answer = engine.run(f"SELECT name FROM peaks WHERE {IN_ASIA}", given_tables)
        samples = [Sample(f"SELECT land FROM peaks WHERE {IN_ASIA} AND height > {n}") for n in (8000, 8550, 8550)]
        voted = engine.decide("which?", given_tables, samples).answer()
    asked = len(requests)
    assert pickle.loads(pickle.dumps(answer)).source_rows.tables[0].numbers == (0, 1, 2)
    assert voted.source_rows.tables[0].numbers == (0, 1)
    assert len(requests) == asked
    assert "origin" not in repr(answer.result) and "source_rows" not in answer.to_json()


def test_nothing_is_looked_for_before_it_is_wanted(
    engine: Binder, given_tables: list[Table], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("looked for")

    monkeypatch.setattr("binder.answer.source_rows", fail)
    answer = engine.run("SELECT name FROM peaks", given_tables)
    answer.to_json()
    with pytest.raises(AssertionError, match="looked for"):
        _ = answer.source_rows


def test_few_rows_of_many_are_told_and_all_are_counted() -> None:
    table = Table.from_arrow(pa.table({"n": list(range(3000))}))
    with Binder() as engine:
        (rows,) = engine.run("SELECT n FROM w WHERE n >= 1000", table).source_rows.tables
    assert rows.count == 2000
    assert rows.numbers == tuple(range(1000, 1000 + source_rows.MOST))


def test_a_look_keeps_to_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_rows, "SECONDS", 0.05)
    table = Table.from_arrow(pa.table({"n": list(range(20_000))}))
    program = "SELECT COUNT(*) FROM w a JOIN w b ON a.n < b.n + 20000"
    with Binder() as engine:
        answer = engine.run(program, table)
    assert "looking for them failed" in str(answer.source_rows.untold)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(rows=tables, text=programs().filter(lambda text: "OVER" not in text and "OFFSET" not in text))
def test_a_program_over_its_rows_alone_gives_its_answer(rows: list[tuple[Any, ...]], text: str) -> None:
    g, t, n = zip(*rows, strict=True)
    data = pa.table({"g": pa.array(g, pa.string()), "t": pa.array(t, pa.string()), "n": pa.array(n, pa.int64())})
    table = Table.from_arrow(data, name="w")
    with Binder(lm=Scripted(answers, batch=2), cache=False) as engine:
        answer = engine.run(text, table)
        found = answer.source_rows
        assert found.untold is None, text
        numbers = sorted({number for one in found.tables for number in one.numbers})
        again = engine.run(text, replace(table, data=table.data.take(pa.array(numbers, pa.int64()))))
    ordered = "ORDER BY" in text
    assert comparable(list(again.result.rows), ordered) == comparable(list(answer.result.rows), ordered), text
