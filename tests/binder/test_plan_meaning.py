"""A planned program gives what the same program gives when DuckDB calls the model for every row it evaluates.

The oracle registers the model as a DuckDB function and replaces each LM call by a call of it: no plan, no look-up
tables, no narrowing of inputs, no waves. The model is a pure function of question and input. Requests carry two inputs
at most, so that small tables need several waves.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from binder import Binder, Table
from binder.lm.base import Request
from binder.lm.scripted import Scripted
from tests.support.naive import comparable, naive_inputs, naive_rows, reply_of

COLOURS = ["red", "blue", "green"]


def judge(question: str, cells: tuple[str | None, ...]) -> Any:
    """The model: what it says depends on the question and the cells alone. Missing altogether gives None."""
    if all(cell is None for cell in cells):
        return None
    digest = hashlib.blake2b(json.dumps([question, cells]).encode(), digest_size=4).digest()[0]
    if digest % 11 == 0:
        return None if not question.startswith("is") else "no"
    if question.startswith("is"):
        return "yes" if digest % 2 else "no"
    if question.startswith("how many"):
        return digest % 7
    return COLOURS[digest % 3]


def answers(request: Request) -> str:
    return reply_of(judge, request)


tables = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c", None]),
        st.sampled_from(["x", "y", "z", "X", "it's", None]),
        st.integers(-3, 6) | st.none(),
    ),
    min_size=1,
    max_size=12,
)


def maps(*, alias: str = "") -> st.SearchStrategy[tuple[str, str]]:
    """A call and the sort of its value: ``yes``, ``number`` or ``colour``."""
    columns = st.sampled_from(["g", "t", "n", "g; t", "t; n"]).map(
        lambda names: "; ".join(f"{alias}{name}" for name in names.split("; "))
    )
    sorts = st.sampled_from([("yes", "is it so"), ("number", "how many"), ("colour", "what colour")])
    return st.tuples(sorts, st.sampled_from(["", " now"]), columns).map(
        lambda parts: (f'QA("map@{parts[0][1]}{parts[1]}?"; {parts[2]})', parts[0][0])
    )


def conditions(alias: str = "") -> st.SearchStrategy[str]:
    def asked(call_and_sort: tuple[str, str], number: int, negated: bool) -> str:
        call, sort = call_and_sort
        if sort == "yes":
            return f"NOT {call}" if negated else f"{call} = 'yes'"
        if sort == "number":
            return f"{call} {'<=' if negated else '>'} {number}"
        return f"{call} {'NOT IN' if negated else 'IN'} ('Red', 'green')"

    plain = st.sampled_from(["n > 1", "g = 'a'", "t IS NULL", "n IS NOT NULL", "g <> 'B'", "n < 3"]).map(
        lambda text: alias + text
    )
    unknown = st.builds(lambda call, null: f"{call[0]} IS {null} NULL", maps(alias=alias), st.sampled_from(["", "NOT"]))
    nested = st.just(f'QA("map@is it so?"; QA("map@what colour?"; {alias}t)) = \'yes\'')
    leaf = plain | st.builds(asked, maps(alias=alias), st.integers(0, 6), st.booleans()) | unknown | nested
    return st.recursive(
        leaf,
        lambda inner: st.tuples(inner, st.sampled_from(["AND", "OR"]), inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        max_leaves=4,
    )


@st.composite
def programs(draw: st.DrawFn) -> str:
    where = draw(st.just("") | conditions().map(lambda text: f" WHERE {text}"))
    call, _ = draw(maps())
    other = draw(conditions())
    of_b = draw(conditions("b."))
    limit = draw(st.sampled_from(["", " LIMIT 1", " LIMIT 3", " LIMIT 2 OFFSET 1"]))
    compared = f"{draw(st.sampled_from(['>', '>=', '<', '<=', '=', '<>']))} {draw(st.integers(0, 4))}"
    forms = [
        f"SELECT g, n FROM w{where}{limit}",
        f"SELECT {call} FROM w{where}{limit}",
        f"SELECT g, {call} AS v FROM w{where} ORDER BY n, t{limit}",
        f"SELECT n FROM w{where} ORDER BY {call}, n{limit}",
        f"SELECT DISTINCT {call} FROM w{where} ORDER BY 1",
        f"SELECT COUNT(*) FROM w{where}",
        f"SELECT COUNT(*), MAX(n) FROM w WHERE {other} HAVING COUNT(*) > 1",
        f"SELECT {call}, COUNT(*) FROM w{where} GROUP BY {call} ORDER BY COUNT(*) DESC, 1",
        f"SELECT g, COUNT(*) FROM w{where} GROUP BY g HAVING QA(\"map@is it so?\"; g) = 'yes' ORDER BY g",
        f'SELECT g, QA("map@how many?"; MAX(n)) FROM w{where} GROUP BY g ORDER BY g',
        f"SELECT CASE WHEN n > 2 THEN 'high' WHEN {other} THEN 'picked' ELSE {call} END FROM w",
        f"SELECT n FROM w a WHERE EXISTS (SELECT 1 FROM w b WHERE b.g = a.g AND b.n > a.n AND {of_b})",
        f"SELECT n FROM w WHERE g IN (SELECT g FROM w WHERE {other})",
        f"SELECT (SELECT COUNT(*) FROM w WHERE {other}) - (SELECT COUNT(*) FROM w{where})",
        f"SELECT a.n, b.n FROM w a JOIN w b ON a.g = b.g AND {of_b} ORDER BY a.n, b.n, a.t, b.t",
        f"SELECT a.n, b.n FROM w a LEFT JOIN w b ON a.n < b.n AND {draw(conditions('a.'))} ORDER BY a.n, b.n",
        f"WITH p AS (SELECT g AS h, {call} AS v FROM w{where}) SELECT v, COUNT(*) FROM p GROUP BY v ORDER BY v",
        f"SELECT v FROM (SELECT {call} AS v, n FROM w{where}) AS d WHERE d.n > 0",
        f'SELECT QA("map@what colour?"; {call}) FROM w{where}',
        f"SELECT n, ROW_NUMBER() OVER (PARTITION BY {call} ORDER BY n, row_id) FROM w{where}",
        f"SELECT SUM(CASE WHEN {other} THEN 1 ELSE 0 END) FROM w{where}",
        f"SELECT g, t FROM w{where} ORDER BY n DESC, 1{limit}",
        f"SELECT n + 1 AS m, g FROM w WHERE {other} ORDER BY m{limit}",
        f"SELECT {call} FROM w WHERE {other} ORDER BY t DESC{limit}",
        f"SELECT n FROM w WHERE {other} AND QA(\"map@is it so?\"; t) = 'yes'{limit}",
        f"SELECT a.n, b.t FROM w a JOIN w b ON a.g = b.g WHERE {of_b} ORDER BY b.n, a.n, a.t, b.t{limit}",
        f"SELECT COUNT(*) {compared} FROM w WHERE {other}",
        f"SELECT COUNT(t) {compared}, {draw(st.integers(0, 3))} < COUNT(*) FROM w WHERE {other}",
        f"SELECT COUNT(DISTINCT g) {compared} FROM w{where}",
        f"SELECT CASE WHEN COUNT(*) {compared} THEN 'many' ELSE 'few' END FROM w WHERE {other}",
        f"SELECT (SELECT COUNT(*) FROM w WHERE {other}) {compared}",
        f"SELECT n FROM w WHERE (SELECT COUNT(*) FROM w{where}) {compared} AND {other}",
        f"SELECT EXISTS (SELECT 1 FROM w WHERE {other}), NOT EXISTS (SELECT n FROM w{where})",
        f"SELECT n FROM w WHERE n > 0 AND EXISTS (SELECT 1 FROM w WHERE {other}){limit}",
        f"SELECT v FROM (SELECT g AS v, n FROM w WHERE {other} ORDER BY n, t LIMIT 2) AS d",
        f"WITH p AS (SELECT * FROM w WHERE n > 0) SELECT g, n FROM p WHERE {other} ORDER BY n, g, t LIMIT 2",
        f"WITH w AS (SELECT t AS g, g AS t, n FROM w WHERE {other}) SELECT {call}, g, n FROM w{where} ORDER BY n, g, t",
        f"SELECT a.n, b.n FROM (SELECT COUNT(*) AS n FROM w WHERE {other}) a, (SELECT COUNT(*) AS n FROM w{where}) b",
        f"SELECT g FROM w{where} UNION SELECT {call} FROM w WHERE {other} ORDER BY 1",
    ]
    return draw(st.sampled_from(forms))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(rows=tables, text=programs())
def test_planned_equals_naive_and_asks_no_more(rows: list[tuple[Any, ...]], text: str) -> None:
    g, t, n = zip(*rows, strict=True)
    data = pa.table({"g": pa.array(g, pa.string()), "t": pa.array(t, pa.string()), "n": pa.array(n, pa.int64())})
    table = Table.from_arrow(data, name="w")
    log: list[Request] = []
    lm = Scripted(lambda request: log.append(request) or answers(request), batch=2)  # type: ignore[func-returns-value]
    with Binder(lm=lm) as engine:
        got = engine.run(text, table)
    wanted = naive_rows(text, [table], judge)
    ordered = "ORDER BY" in text or "JOIN" not in text
    assert comparable(list(got.result.rows), ordered) == comparable(wanted, ordered), text
    first = [request for request in log if request.seed is None]  # texts to sort by that are all alike are asked again
    assert sum(len(request.inputs) for request in first) <= naive_inputs(text, [table], judge), text
