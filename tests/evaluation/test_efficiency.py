"""The efficiency report: pace, overhead and peers, measured small, and how it is written."""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec

import pytest
from typer.testing import CliRunner

from evaluation import efficiency, overhead, pace, peers
from evaluation.__main__ import app
from evaluation.cases import CASES
from evaluation.efficiency import Figure, Other, document, table
from evaluation.peer_blendsql import spelled
from evaluation.peers import Peer
from evaluation.stub import serve


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(efficiency, "CASES", CASES[:2])
    monkeypatch.setattr(efficiency, "SLOW", 0.02)
    monkeypatch.setattr(pace, "VALUES", 200)
    monkeypatch.setattr(overhead, "ROWS", 20_000)


@pytest.mark.usefixtures("small")
def test_everything_is_in_one_table_or_in_json() -> None:
    done = CliRunner().invoke(app, ["efficiency"])
    assert done.exit_code == 0, done.output
    assert done.stdout.count("\n| ") == 1 + 2 + 3 + 2
    assert "wrong" not in done.stdout
    assert "duckdb" in done.stdout.splitlines()[-1]
    said = json.loads(CliRunner().invoke(app, ["efficiency", "--json"]).stdout)
    assert [figure["what"].rpartition(": ")[2] for figure in said["figures"]] == [
        *("requests", "requests", "requests", "s", "requests/s", "s", "MiB added, loading included")
    ]
    assert said["figures"][4]["beside"][0]["name"] == "bare client"


def test_each_request_is_sent_again_by_the_bare_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "VALUES", 640)
    measured = pace.measure(0.1)
    assert measured.requests >= 640 / 16
    assert min(measured.seconds, measured.bare) >= 0.1 * -(-measured.requests // pace.IN_FLIGHT)


def test_the_overhead_is_without_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overhead, "ROWS", 100_000)
    measured = overhead.measure()
    assert measured.right
    assert measured.seconds > 0 < measured.duckdb
    assert measured.memory is None or 2**20 < measured.memory < 2**30


def test_a_bound_is_kept_by_right_answers_only() -> None:
    figures = [
        Figure("a", 4, 4),
        Figure("b", 5, 4, beside=(Other("x", 50), Other("y", None), Other("z", 4, right=False))),
        Figure("c", 4, 4, right=False),
        Figure("d", 0.5),
        Figure("e", None, 1024),
    ]
    assert [figure.met for figure in figures] == [True, False, False, None, None]
    written = table(figures, "here")
    assert "| b | 5 | 4 | **no** |  | right | x 50 (10.00); y fails; z 4 (0.80), another answer |" in written
    assert "| c | 4 | 4 | **no** |  | **wrong** |  |" in written
    assert [figure["met"] for figure in json.loads(document(figures, "here"))["figures"]] == [
        *(True, False, False, None, None)
    ]


def test_a_peer_that_is_not_there_is_left_out_and_one_that_fails_says_so() -> None:
    if find_spec("blendsql") is None:
        assert peers.find(None) == []
    with serve(0) as server:
        assert Peer("broken", "no-such-python").run(CASES[0], server) is None
        assert Peer("broken", sys.executable).run(CASES[0], server) is None


def test_an_interpreter_without_a_peer_is_a_mistake_that_is_said() -> None:
    done = CliRunner().invoke(app, ["efficiency", "--peer-python", "no-such-python"])
    assert (done.exit_code, "has no BlendSQL" in done.output, "Traceback" in done.output) == (2, True, False)


def test_calls_are_spelled_as_blendsql_has_them() -> None:
    assert spelled(CASES[14].programs[0]) == "SELECT id, {{LLMMap('what kind is it?', w.t, w.u)}} FROM w"
