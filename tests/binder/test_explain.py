"""What explain says would be asked, beside what is asked."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pandas
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings

from binder import Binder, Explanation, Table
from binder.lm import Cache, Price, Request, Scripted
from tests.binder.test_plan_meaning import answers, programs, tables

YES = "= 'yes'"
ASIA = 'QA("map@is it in Asia?"; country)'
LARGE = 'QA("map@is it large?"; city)'
COUNTRIES, CITIES, ROWS = 50, 37, 1000


@pytest.fixture(scope="module")
def places() -> Table:
    frame = pandas.DataFrame(
        {
            "id": range(ROWS),
            "country": [f"country {row % COUNTRIES}" for row in range(ROWS)],
            "city": [f"city {row % CITIES}" for row in range(ROWS)],
        }
    )
    return Table.from_pandas(frame, name="places")


def reply(request: Request) -> str:
    if request.purpose == "ans":
        return json.dumps({"answer": "city 1"})
    return json.dumps({n: "no" if cells[0] is None else "yes" for n, cells in enumerate(request.inputs, 1)})


def refuse(request: Request) -> str:
    raise AssertionError("asked")


def explained(program: str, table: Table, lm: Scripted | None = None, **options: Any) -> Explanation:
    with Binder(lm=lm or Scripted(refuse), cache=False) as engine:
        return engine.explain(program, table, **options)


@pytest.mark.parametrize(
    ("program", "inputs", "requests"),
    [
        (f"SELECT id FROM w WHERE {ASIA} {YES}", [(50, 50)], [(4, 4)]),
        (f"SELECT id FROM w WHERE id < 10 AND {ASIA} {YES}", [(10, 10)], [(1, 1)]),
        (f"SELECT {ASIA} FROM w WHERE {LARGE} {YES}", [(37, 37), (0, 50)], [(3, 3), (0, 4)]),
        (f"SELECT {ASIA} FROM w WHERE {LARGE} {YES} AND id < 20", [(20, 20), (0, 20)], [(2, 2), (0, 2)]),
        (f"SELECT {ASIA} FROM w WHERE {ASIA} {YES}", [(50, 50), (0, 0)], [(4, 4), (0, 0)]),
        (f"SELECT {ASIA} FROM w WHERE id < 10 UNION SELECT {ASIA} FROM w", [(10, 10), (40, 40)], [(1, 1), (3, 3)]),
        (f'SELECT QA("map@who rules it?"; {ASIA}) FROM w', [(50, 50), (0, 50)], [(4, 4), (0, 4)]),
        (f"SELECT EXISTS (SELECT 1 FROM w WHERE {ASIA} {YES})", [(16, 50)], [(1, 4)]),
        (f"SELECT COUNT(*) > 5 FROM w WHERE {ASIA} {YES}", [(16, 50)], [(1, 4)]),
        (f"SELECT COUNT(*) > 5 FROM w WHERE id < 3 AND {ASIA} {YES}", [(0, 0)], [(0, 0)]),
        (
            f"SELECT (SELECT COUNT(*) > 5 FROM w WHERE id < 3 AND {ASIA} {YES}), {ASIA} FROM w WHERE id < 2",
            [(0, 0), (2, 2)],
            [(0, 0), (1, 1)],
        ),
        (f"SELECT COUNT(*) > 5 FROM w WHERE id < 10 AND {ASIA} {YES}", [(10, 10)], [(1, 1)]),
        (f'SELECT QA("ans@which?"; (SELECT city FROM w WHERE {ASIA} {YES}))', [(50, 50), (0, 1)], [(4, 4), (0, 1)]),
        ('SELECT QA("ans@which?"; (SELECT city FROM w))', [(1, 1)], [(1, 1)]),
        (
            f'SELECT country, QA("map@how many?"; MAX(id)) FROM w WHERE {LARGE} {YES} GROUP BY country',
            [(37, 37), (0, 50)],
            [(3, 3), (0, 4)],
        ),
        (
            f'SELECT v FROM (SELECT {ASIA} AS v FROM w WHERE id < 99) AS d WHERE QA("map@is it a word?"; v) {YES}',
            [(50, 50), (0, 99)],
            [(4, 4), (0, 7)],
        ),
    ],
)
def test_inputs_and_requests(
    places: Table, program: str, inputs: list[tuple[int, int]], requests: list[tuple[int, int]]
) -> None:
    explanation = explained(program, places)
    assert [(one.inputs.least, one.inputs.most) for one in explanation.estimates] == inputs
    assert [(one.cost.requests.least, one.cost.requests.most) for one in explanation.estimates] == requests


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(rows=tables, text=programs())
def test_what_is_asked_lies_in_the_estimate(rows: list[tuple[Any, ...]], text: str) -> None:
    g, t, n = zip(*rows, strict=True)
    data = pa.table({"g": pa.array(g, pa.string()), "t": pa.array(t, pa.string()), "n": pa.array(n, pa.int64())})
    log: list[Request] = []
    lm = Scripted(lambda request: log.append(request) or answers(request), batch=2)  # type: ignore[func-returns-value]
    with Binder(lm=lm, cache=False) as engine:
        table = Table.from_arrow(data, name="w")
        explanation = engine.explain(text, table)
        assert not log
        explanation = explanation.beside(engine.run(text, table))
    for call, one in zip(explanation.actual, explanation.estimates, strict=True):
        assert call is not None
        assert one.inputs.most is not None and one.cost.requests.most is not None
        assert one.inputs.least <= len(call.replies) <= one.inputs.most, (text, call.step.call)
        assert one.cost.requests.least <= call.usage.requests <= one.cost.requests.most, (text, call.step.call)
        if one.inputs.exact:
            # Waves share inputs out among requests in another order, and each request's tokens are rounded.
            off = abs(call.usage.prompt_tokens - (one.cost.read.most or 0))
            assert off <= (call.usage.requests if call.step.next_inputs else 0), (text, call.step.call)
    assert explanation.cost.requests.least <= len(log) <= (explanation.cost.requests.most or 0)


def test_what_is_known_is_not_asked(places: Table, tmp_path: Path) -> None:
    log: list[Request] = []
    lm = Scripted(lambda request: log.append(request) or reply(request), identity="yes")  # type: ignore[func-returns-value]
    with Binder(lm=lm, cache=Cache(tmp_path / "replies.sqlite")) as engine:
        engine.run(f"SELECT id FROM w WHERE id < 20 AND {ASIA} {YES}", places)
        asked = len(log)
        explanation = engine.explain(f"SELECT id FROM w WHERE {ASIA} {YES}", places)
        assert len(log) == asked == 2
        (one,) = explanation.estimates
        assert (one.inputs.most, one.known, one.cost.requests.most) == (50, 20, 2)
        assert "50 distinct inputs, 20 of them known" in str(explanation)
        actual = engine.explain(f"SELECT id FROM w WHERE {ASIA} {YES}", places, analyze=True).actual[0]
        assert actual is not None and (len(actual.replies), actual.usage.requests) == (50, 2)
        assert engine.explain(f"SELECT id FROM w WHERE {ASIA} {YES}", places).cost.requests.most == 0


def test_a_small_context_takes_more_requests(places: Table) -> None:
    explanation = explained(f"SELECT id FROM w WHERE {ASIA} {YES}", places, Scripted(reply, context=1200), analyze=True)
    assert explanation.actual[0] is not None
    assert explanation.cost.requests.most == explanation.actual[0].usage.requests > 4


def test_many_inputs_are_sampled() -> None:
    table = Table.from_pandas(pandas.DataFrame({"id": [f"number {row}" for row in range(25_000)]}), name="w")
    (one,) = explained('SELECT QA("map@which?"; id) FROM w', table).estimates
    assert (one.starts_from, one.cost.requests.most, one.sampled) == (25_000, 1563, True)


def test_no_model_is_needed(places: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("binder.lm.default", None)
    with Binder() as engine:
        assert engine.explain(f"SELECT id FROM w WHERE {ASIA} {YES}", places).cost.requests.most == 4


def test_the_tree(places: Table) -> None:
    program = f"SELECT city FROM w WHERE {ASIA} {YES} AND {LARGE} {YES} LIMIT 5"
    lines = str(explained(program, places, price=Price(read=0.4, written=1.6))).splitlines()
    assert lines[2:9] == [
        "plan      the final query",
        "          └─ in waves, until the rows that LIMIT keeps are decided",
        '             step 1: QA("map@is it in Asia?"; country) → yes/no',
        "               50 distinct inputs, 16 to 50 needed",
        lines[6],
        '             step 2: QA("map@is it large?"; city) → yes/no',
        "               at most 37 distinct inputs",
    ]
    assert lines[6].strip().startswith("1 to 13 requests; tokens: ")
    assert lines[6].endswith(" written; $0.00022 to $0.0018")


def test_a_step_stands_under_the_one_that_waits_for_it(places: Table) -> None:
    lines = [line.lstrip() for line in str(explained(f"SELECT {ASIA} FROM w WHERE {LARGE} {YES}", places)).splitlines()]
    assert [line for line in lines if "step" in line] == [
        '└─ step 2: QA("map@is it in Asia?"; country) → text',
        '└─ step 1: QA("map@is it large?"; city) → yes/no',
    ]
    alone = str(explained("SELECT MAX(id) FROM w", places))
    assert "plan      the final query alone; no model is asked" in alone and "total" not in alone


@pytest.mark.parametrize("analyze", [False, True])
def test_lines_fit_a_terminal(places: Table, analyze: bool) -> None:
    long = f'QA("map@is it {"far " * 40}away?"; country)'
    program = f"SELECT {long} FROM w WHERE {LARGE} {YES} AND id IN (SELECT id FROM w WHERE {ASIA} {YES})"
    text = str(explained(program, places, Scripted(reply), price=Price(0.4, 1.6), analyze=analyze))
    assert max(map(len, text.splitlines())) <= 100
    assert '…"; country) → text' in text


def test_control_characters_are_escaped(places: Table) -> None:
    assert "\x1b" not in str(explained('SELECT QA("map@is it \x1b[31mred?"; country) FROM w', places))


def test_json(places: Table) -> None:
    program = f"SELECT {ASIA} FROM w WHERE {LARGE} {YES} AND id < 100 LIMIT 3"
    document = json.loads(explained(program, places, Scripted(reply), price=Price(1, 2), analyze=True).to_json())
    assert document["stages"] == [
        {"steps": [0], "waits_for": [], "waves_until_decided": "LIMIT"},
        {"steps": [1], "waits_for": [0], "waves_until_decided": None},
    ]
    first, second = document["steps"]
    assert (first["inputs"], second["inputs"]) == (37, None)
    assert first["estimate"]["inputs"] == {"least": 16, "most": 37}
    assert second["estimate"]["dollars"]["least"] == 0 < second["estimate"]["dollars"]["most"]
    assert (first["actual"]["inputs"], first["actual"]["requests"]) == (16, 1)
    assert document["actual"]["rows"] == 3
    assert document["total"]["requests"]["least"] <= document["actual"]["requests"]


def test_async_callers(places: Table) -> None:
    async def notebook() -> Explanation:
        with Binder(lm=Scripted(reply), cache=False) as engine:
            return await engine.aexplain(f"SELECT id FROM w WHERE {ASIA} {YES}", places, analyze=True)

    explanation = asyncio.run(notebook())
    assert explanation.answer is not None and len(explanation.answer.result.rows) == ROWS
