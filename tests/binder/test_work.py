"""Questions cost what their vote needs, programs what is not known yet, and limits end what they must."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pandas
import pytest

from binder import Binder, ConfigurationError, LimitReached, LMUnavailable, Method, Table, Vote
from binder.answer import Outcome
from binder.console import render_answer
from binder.lm import Budget, Cache, Price, Request, Scripted
from binder.trace import Sample
from evaluation.execute import _candidate
from tests.support.naive import question_of, reply_of

BATCH = 4
EVEN = 'QA("map@is it even?"; name)'
SMALL = 'QA("map@is it under 3?"; name)'
FIRST = "SELECT id FROM w WHERE id = 0"
ASK_EVEN = f"SELECT COUNT(*) FROM w WHERE {EVEN} = 'yes'"
ASK_SMALL = f"SELECT COUNT(*) FROM w WHERE {SMALL} = 'yes'"


@pytest.fixture(scope="module")
def table() -> Table:
    """Sixteen rows, each with a name of its own: four requests a call."""
    return Table.from_pandas(pandas.DataFrame({"id": range(16), "name": [f"name {id}" for id in range(16)]}), name="w")


class Log:
    """A model that goes by the number in a name, and what it was asked."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.requests: list[Request] = []
        self.lock = threading.Lock()

    def __call__(self, request: Request) -> str:
        with self.lock:
            self.requests.append(request)
        time.sleep(self.seconds)
        return reply_of(judge, request)

    @property
    def asked(self) -> list[tuple[str, str | None]]:
        """Every input of every request, with its question."""
        return [(question_of(one), cells[0]) for one in self.requests for cells in one.inputs]

    def lm(self, identity: str | None = "log") -> Scripted:
        return Scripted(self, identity=identity, batch=BATCH)


def judge(question: str, cells: tuple[str | None, ...]) -> str:
    number = int(re.findall(r"\d+", str(cells[0]))[0])
    return "yes" if (number % 2 == 0 if "even" in question else number < 3) else "no"


def decide(table: Table, *programs: tuple[str, int], vote: Vote | None = None) -> tuple[Outcome, Log]:
    """What comes of programs, each sampled so often."""
    log = Log()
    with Binder(log.lm(), vote=vote, cache=False) as engine:
        samples = [Sample(text) for text, times in programs for _ in range(times)]
        return engine.decide("which?", table, samples), log


def statuses(outcome: Outcome) -> list[str]:
    return ["run" if one.result else "skipped" if one.skipped else "failed" for one in outcome.candidates]


def test_programs_without_calls_run_first_and_may_decide(table: Table) -> None:
    outcome, log = decide(table, (ASK_EVEN, 2), (FIRST, 3))
    assert (statuses(outcome), log.requests) == (["skipped", "run"], [])
    assert outcome.answer().values == (0,)
    assert outcome.confidence == pytest.approx(3 / 5)


@pytest.mark.parametrize(
    ("programs", "vote", "wanted"),
    [
        ([(ASK_EVEN, 2), (FIRST, 2)], None, ["run", "run"]),  # they may tie
        ([(ASK_EVEN, 3), (ASK_SMALL, 2), (FIRST, 4)], None, ["run", "run", "run"]),
        ([(ASK_EVEN, 5), (ASK_SMALL, 2), (FIRST, 1)], None, ["run", "skipped", "run"]),
        ([(ASK_EVEN, 2), (FIRST, 3)], Vote(Method.CALLS, weight=2), ["run", "run"]),
        ([(ASK_EVEN, 2), (FIRST, 3)], Vote(Method.ANSWER, "8", weight=2), ["run", "run"]),  # it may come, and does
        ([(ASK_EVEN, 2), (FIRST, 3)], Vote(Method.ANSWER, "0", weight=2), ["skipped", "run"]),
        ([(ASK_EVEN, 2), (FIRST, 3)], Vote(Method.PROBABILITY), ["skipped", "run"]),
    ],
)
def test_programs_run_while_they_may_change_the_answer(
    table: Table, programs: Sequence[tuple[str, int]], vote: Vote | None, wanted: list[str]
) -> None:
    outcome, log = decide(table, *programs, vote=vote)
    assert statuses(outcome) == wanted
    assert ("is it even?" in dict(log.asked)) is (wanted[0] == "run")


def test_the_favoured_answer_wins_though_it_comes_last(table: Table) -> None:
    outcome, _ = decide(table, (ASK_EVEN, 2), (FIRST, 3), vote=Vote(Method.ANSWER, "8", weight=2))
    assert outcome.answer().values == (8,)


def test_programs_that_ask_the_same_share_requests_and_cost_nothing_more(table: Table) -> None:
    same = [f"SELECT MAX(id) + {n} FROM w WHERE {EVEN} = 'yes'" for n in range(10)]
    outcome, log = decide(table, *((text, 1) for text in same))
    assert statuses(outcome) == ["run"] * 10
    assert (len(log.requests), len(set(log.asked)), len(log.asked)) == (4, 16, 16)
    assert outcome.trace.usage.requests == 4


def test_a_candidate_that_was_not_run_says_so_and_is_no_failure(table: Table) -> None:
    outcome, _ = decide(table, (ASK_EVEN, 2), (FIRST, 3))
    skipped = outcome.candidates[0]
    assert (skipped.result, skipped.error) == (None, "not run: the vote was decided without it")
    assert _candidate(skipped)["status"] == "skipped"
    answer = outcome.answer()
    assert '"error": "not run: the vote was decided without it"' in answer.to_json()
    assert "vote      60% of 5 samples, 2 distinct programs" in render_answer(answer)


def test_a_program_that_fails_beside_others_ends_nothing(table: Table) -> None:
    broken = f"SELECT (SELECT id FROM w) / 0, CAST('x' AS INTEGER) FROM w WHERE {EVEN} = 'yes' AND 1 = 2"
    outcome, _ = decide(table, ("SELECT nothing FROM w", 1), (broken, 1), (ASK_EVEN, 3))
    assert outcome.answer().values == (8,)


@pytest.mark.parametrize("programs", [(ASK_EVEN,), (ASK_EVEN, ASK_SMALL)])
@pytest.mark.parametrize("most", [0, 1, 3])
def test_a_limit_ends_the_question_and_a_larger_one_asks_only_what_is_missing(
    table: Table, tmp_path: Path, programs: Sequence[str], most: int
) -> None:
    log = Log(seconds=0.02)
    samples = [Sample(text) for text in programs]

    def run(budget: Budget | None) -> Outcome:
        with Binder(log.lm(), cache=Cache(tmp_path / "replies.sqlite"), question_budget=budget) as engine:
            return engine.decide("how many?", table, samples)

    with pytest.raises(LimitReached, match=f"limit of {most} requests.*Raise requests= .*and run again"):
        run(Budget(requests=most))
    assert len(log.requests) == most
    outcome = run(None)
    assert statuses(outcome) == ["run"] * len(programs)
    assert len(log.asked) == len(set(log.asked)) == 16 * len(programs)
    assert len(log.requests) == 4 * len(programs)


def test_a_run_that_reached_its_limit_goes_on_where_it_was(table: Table, tmp_path: Path) -> None:
    log = Log()
    cache = tmp_path / "replies.sqlite"
    for _ in range(2):
        with Binder(log.lm(), cache=Cache(cache), question_budget=Budget(requests=3)) as engine:
            try:
                assert engine.run(ASK_EVEN, table).values == (8,)
            except LimitReached as error:
                assert (error.limit, error.spent.requests) == ("requests", 3)
    assert (len(log.requests), len(set(log.asked))) == (4, 16)


def test_an_engines_budget_lasts_and_a_questions_does_not(table: Table) -> None:
    log = Log()
    with Binder(log.lm(), cache=False, question_budget=Budget(requests=4), budget=Budget(requests=8)) as engine:
        assert engine.run(ASK_EVEN, table).values == engine.run(ASK_EVEN, table).values == (8,)
        with pytest.raises(LimitReached):
            engine.run(ASK_EVEN, table)
    assert len(log.requests) == 8


def test_dollars_need_a_price(table: Table) -> None:
    log = Log()
    engine = Binder(log.lm(), cache=False, budget=Budget(dollars=1))
    with engine, pytest.raises(ConfigurationError, match="needs the model's price: Price"):
        engine.run(ASK_EVEN, table)
    engine = Binder(log.lm(), cache=False, budget=Budget(dollars=1e-9), price=Price(1, 1))
    with engine, pytest.raises(LimitReached, match=r"Raise dollars= and run again"):
        engine.run(ASK_EVEN, table)
    assert log.requests == []


def test_what_was_answered_before_the_model_went_away_is_not_asked_again(table: Table, tmp_path: Path) -> None:
    log = Log()

    def failing(request: Request) -> str:
        if len(log.requests) == 2:
            raise LMUnavailable("gone; start it again")
        return log(request)

    path = tmp_path / "replies.sqlite"
    lm = Scripted(failing, identity="log", batch=BATCH, concurrency=1)
    with Binder(lm, cache=Cache(path)) as engine, pytest.raises(LMUnavailable, match="gone; start it again"):
        engine.run(ASK_EVEN, table)
    with Binder(log.lm(), cache=Cache(path)) as engine:
        assert engine.run(ASK_EVEN, table).values == (8,)
    assert (len(log.requests), len(log.asked)) == (4, len(set(log.asked)))


@pytest.mark.parametrize(
    ("identity", "kept", "wanted"), [("log", True, 4), ("log", False, 8), (None, True, 8), (None, False, 8)]
)
def test_replies_are_kept_where_a_cache_and_an_identity_say_so(
    table: Table, tmp_path: Path, identity: str | None, kept: bool, wanted: int
) -> None:
    log = Log()
    for _ in range(2):
        with Binder(log.lm(identity), cache=Cache(tmp_path / "replies.sqlite") if kept else False) as engine:
            assert engine.run(ASK_EVEN, table).values == (8,)
    assert len(log.requests) == wanted


def test_the_users_own_cache_is_used_by_default(table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BINDER_CACHE", str(tmp_path))
    log = Log()
    for cache in (True, True, False):
        with Binder(log.lm(), cache=cache) as engine:
            engine.run(ASK_EVEN, table)
    assert len(log.requests) == 8
    assert list(tmp_path.iterdir())


def test_engines_at_work_at_once_ask_a_value_once(table: Table) -> None:
    log = Log(seconds=0.1)
    lm = log.lm()

    async def both(*engines: Binder) -> list[tuple[object, ...]]:
        return [answer.values for answer in await asyncio.gather(*(one.arun(ASK_EVEN, table) for one in engines))]

    with Binder(lm) as one, Binder(lm) as other:
        assert asyncio.run(both(one, other)) == [(8,), (8,)]
    assert (len(log.requests), len(log.asked)) == (4, 16)


def test_a_cancelled_question_sends_nothing_more(table: Table) -> None:
    log = Log(seconds=0.05)
    lm = Scripted(log, batch=1, concurrency=1)

    async def cancelled(engine: Binder) -> int:
        task = asyncio.create_task(engine.arun(ASK_EVEN, table))
        while not log.requests:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return len(log.requests)

    with Binder(lm, cache=False) as engine:
        sent = asyncio.run(cancelled(engine))
        time.sleep(0.2)
        assert len(log.requests) <= sent < 16
