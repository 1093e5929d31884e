"""What the planner spends, counted by a server, and whether the answers are those of a naive run."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator

import pytest

from evaluation.cases import BATCH, CASES, EVEN, KIND, Case, expected, rows, truth
from evaluation.stub import Server, answer, serve
from evaluation.trial import run


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serve(0) as running:
        yield running


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_costs_no_more_than_it_may(case: Case, server: Server) -> None:
    trial = run(case, server)
    assert trial.requests <= case.most
    assert trial.met


@pytest.mark.parametrize("case", CASES[:3], ids=lambda case: case.name)
def test_answers_are_right_and_every_request_is_seen(case: Case, server: Server) -> None:
    trial = run(case, server)
    assert trial.right
    assert trial.inputs >= trial.requests > 0


def test_the_table_is_the_one_that_the_bounds_are_for() -> None:
    table = rows()
    assert table.num_rows == 1_000
    assert len(set(table["t"].to_pylist())) == 50
    assert len(set(zip(table["t"].to_pylist(), table["u"].to_pylist(), strict=True))) == 1_000
    assert table["grp"].to_pylist()[-1] == 99
    assert BATCH == 16


def test_the_naive_run_asks_about_every_row_and_breaks_ties_by_the_rows_number() -> None:
    assert expected(f"SELECT id FROM w WHERE QA(\"map@{EVEN}\"; t) = 'yes' ORDER BY grp DESC LIMIT 3") == [
        (990,),
        (992,),
        (994,),
    ]
    assert expected(f'SELECT QA("map@{KIND}"; t; u) FROM w WHERE id = 57') == [(truth(KIND, "value 07", "part 01"),)]


def test_the_stub_answers_prompts_about_one_value() -> None:
    turn = {"role": "user", "content": [{"type": "text", "text": f"Answer yes or no: {EVEN}\nContext: value 08"}]}
    assert answer({"messages": [turn]}) == "yes"


def test_the_server_waits_logs_and_streams() -> None:
    body = {"messages": [{"role": "user", "content": f'Question: {EVEN}\nInputs, by number ("t"):\n1: "value 03"\n'}]}
    with serve(0.2) as server:
        first, streamed = (_post(server, body | {"stream": stream}) for stream in (False, True))
        taken = server.taken()
        assert (server.taken(), len(taken)) == ([], 2)
    assert json.loads(first)["choices"][0]["message"]["content"] == '{"1": "no"}'
    assert streamed.startswith("data: {") and streamed.endswith("data: [DONE]\n\n")
    assert [(one.question, one.inputs) for one in taken] == [(EVEN, (("value 03",),))] * 2
    assert taken[1].at - taken[0].at >= 0.2


def _post(server: Server, body: object) -> str:
    request = urllib.request.Request(f"{server.url}/chat/completions", json.dumps(body).encode())
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as reply:
        return reply.read().decode()
