"""Questions against servers that fail: an error that names the server within the deadline, or a repaired answer."""

from __future__ import annotations

import json
import logging
import re
import threading
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas
import pytest

import binder
from binder import Binder, Drafting, Limits, Table
from binder.errors import LMUnavailable
from binder.lm import Cache, OpenAI, Request, Scripted
from binder.trace import Sample
from tests.support.fault_questions import ask_all, questions
from tests.support.fault_server import Behaviour, Reply, completion, error, in_turn, serve
from tests.support.faulty_lm import KINDS

PEAKS = Table.from_pandas(pandas.DataFrame({"name": ["K2", "Elbrus"], "country": ["Pakistan", "Russia"]}), name="peaks")
IN_ASIA = "SELECT name FROM w WHERE QA(\"map@is it in Asia?\"; country) = 'yes'"
DEADLINE = 2.0


def is_draft(body: Any) -> bool:
    return str(body["messages"][0]["content"]).startswith("You write")


def drafting(behaviour: Behaviour) -> Behaviour:
    """A server that drafts well and meets every map request as given."""
    return lambda body: completion(IN_ASIA) if is_draft(body) else behaviour(body)


def ask(url: str) -> tuple[object, ...]:
    lm = OpenAI("stub", base_url=url, timeout=60)
    with Binder(lm, drafting=Drafting(samples=1), deadline=DEADLINE) as engine:
        return engine.ask("which peaks are in Asia?", PEAKS).values


RIGHT = json.dumps({"1": "yes", "2": "no"})


@pytest.mark.parametrize(
    "behaviour",
    [
        lambda body: Reply(pause=30),
        lambda body: Reply("x" * 1000, trickle=0.2),
        lambda body: Reply(hang_up=True),
        lambda body: Reply("gone", status=500),
        lambda body: Reply("<html>hello</html>"),
        lambda body: Reply({"choices": []}),
        lambda body: completion("I do not know what you mean"),
        lambda body: completion(""),
        drafting(lambda body: Reply(pause=30)),
        drafting(lambda body: Reply(status=503)),
        drafting(lambda body: completion("maybe")),
        drafting(lambda body: completion('{"7": "yes", "8": "no"}')),
        drafting(lambda body: completion("yes\nno")),
    ],
)
def test_a_failing_server_is_an_error_in_time_never_an_answer(behaviour: Behaviour) -> None:
    with serve(behaviour) as server:
        started = time.monotonic()
        with pytest.raises(binder.BinderError) as failed:
            ask(server.url)
        assert time.monotonic() - started < DEADLINE + 1
    assert isinstance(failed.value, binder.LMError | binder.ProgramError | binder.RunError)
    assert "stub" in str(failed.value) or "no program in" in str(failed.value) or "empty" in str(failed.value)


def test_a_server_that_is_down_is_named() -> None:
    with pytest.raises(binder.LMUnavailable, match=r"127\.0\.0\.1:9"):
        ask("http://127.0.0.1:9/v1")


@pytest.mark.parametrize(
    "behaviour",
    [
        in_turn(lambda body: completion("oops"), lambda body: completion(RIGHT)),
        in_turn(lambda body: completion('{"1": "yes"}'), lambda body: completion('{"1": "no"}')),
        in_turn(lambda body: completion('{"2": "no", "1": "yes"}')),
        in_turn(lambda body: completion("```json\n" + RIGHT + "\n```")),
        in_turn(lambda body: completion("1: yes\n2: no")),
        in_turn(lambda body: Reply(status=503), lambda body: completion(RIGHT)),
        in_turn(lambda body: Reply(hang_up=True), lambda body: completion(RIGHT)),
    ],
)
def test_a_bad_reply_is_asked_again(behaviour: Behaviour) -> None:
    with serve(drafting(behaviour)) as server:
        assert ask(server.url) == ("K2",)


def test_a_context_that_is_shorter_than_said_gets_fewer_inputs_a_request() -> None:
    def behave(body: Any) -> Reply:
        numbers = re.findall(r"^(\d+): ", body["messages"][-1]["content"], re.MULTILINE)
        if len(numbers) > 5:
            return error(400, "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens")
        return completion(json.dumps(dict.fromkeys(numbers, "yes")))

    towns = Table.from_pandas(pandas.DataFrame({"name": [f"town {n}" for n in range(16)]}), name="towns")
    with serve(behave) as server, Binder(OpenAI("stub", base_url=server.url), cache=False) as engine:
        answer = engine.run("SELECT COUNT(*) FROM w WHERE QA(\"map@is it large?\"; name) = 'yes'", towns)
    assert answer.values == (16,) and len(server.bodies) == 6


def test_a_server_that_draws_one_sample_at_a_time_is_asked_no_longer_than_the_vote_is_open() -> None:
    def spent(engine: Binder, offsets: list[int]) -> int:
        left.extend(offsets)
        return engine.ask("which peak?", PEAKS, n=20).trace.usage.requests

    left: list[int] = []
    with (
        serve(lambda body: completion(f"SELECT name FROM w LIMIT 1 OFFSET {left.pop(0)}")) as server,
        Binder(OpenAI("stub", base_url=server.url, concurrency=1), cache=False) as engine,
    ):
        assert spent(engine, [0] * 20) == 20, "the first question finds out"
        assert spent(engine, [0] * 11) == 11
        assert spent(engine, [0, 1] * 10) == 20


def test_questions_to_a_server_that_fails_now_and_then_get_the_answers_of_a_healthy_one() -> None:
    asked = questions(45)
    healthy, found = ask_all(asked, (), 0.0), ask_all(asked, KINDS, 0.2)
    refused = [one for one in found.answers if isinstance(one, Exception)]
    assert not any(isinstance(one, Exception) for one in healthy.answers)
    assert len(refused) <= 2 and all("stub" in str(error) for error in refused)
    assert all(
        isinstance(one, Exception) or one == right for one, right in zip(found.answers, healthy.answers, strict=True)
    )
    assert sum(found.injected.values()) > 10 and found.requests > healthy.requests


def test_a_stalled_try_is_given_up_and_sent_again() -> None:
    behaviour = in_turn(lambda body: Reply(pause=30), lambda body: completion("SELECT COUNT(*) FROM w"))
    started = time.monotonic()
    with serve(behaviour) as server, Binder(OpenAI("stub", base_url=server.url, stall=2), cache=False) as engine:
        assert engine.ask("how many?", PEAKS, n=1).values == (2,)
    assert time.monotonic() - started < 20 and len(server.bodies) == 2


def test_a_server_that_only_gives_pages_is_asked_no_more_often_than_one_that_fails() -> None:
    with (
        serve(lambda body: Reply("<html>Sign in</html>")) as server,
        Binder(OpenAI("stub", base_url=server.url, max_retries=1), cache=False) as engine,
        pytest.raises(binder.LMUnavailable, match=r"not JSON but '<html>.*it usually ends in /v1"),
    ):
        engine.ask("how many?", PEAKS, n=3)
    assert len(server.bodies) == 2


def test_more_than_a_small_share_of_unreadable_replies_is_an_error() -> None:
    def behave(body: Any) -> Reply:
        inputs = re.findall(r'^(\d+): "(.*)"$', body["messages"][-1]["content"], re.MULTILINE)
        return completion(json.dumps({number: "yes" if cell == "town 1" else "oui" for number, cell in inputs}))

    towns = Table.from_pandas(pandas.DataFrame({"name": [f"town {n}" for n in range(3)]}), name="towns")
    with (
        serve(behave) as server,
        Binder(OpenAI("stub", base_url=server.url), cache=False) as engine,
        pytest.raises(binder.LMReplyError, match=r"stub at .* for 2 of 3 inputs"),
    ):
        engine.run("SELECT COUNT(*) FROM w WHERE QA(\"map@is it large?\"; name) = 'yes'", towns)


class Odd:
    """A model for which some towns cannot be judged, and the rest are large; it notes what it is asked about."""

    def __init__(self, odd: Sequence[str], truth: str = "yes") -> None:
        self.asked: list[str] = []
        self.odd = odd
        self.truth = truth

    def __call__(self, request: Request) -> str:
        if request.purpose != "map":
            return LARGE
        cells = [str(cells[0]) for cells in request.inputs]
        self.asked += cells
        return json.dumps({n: "oui" if cell in self.odd else self.truth for n, cell in enumerate(cells, 1)})


LARGE = "SELECT COUNT(*) FROM w WHERE QA(\"map@is it large?\"; name) = 'yes'"
TOWNS = Table.from_pandas(pandas.DataFrame({"name": [f"town {n}" for n in range(40)]}), name="towns")


def test_what_cannot_be_read_is_as_much_of_a_call_whose_other_replies_are_known(tmp_path: Path) -> None:
    odd = Odd(["town 7"])
    cache = Cache(tmp_path / "cache.sqlite")
    for _ in range(3):
        with Binder(Scripted(odd, identity="odd"), cache=cache) as engine:
            answer = engine.run(LARGE, TOWNS)
        assert answer.values == (39,) and answer.trace.unreadable == 1
    cache.close()


@pytest.mark.parametrize(
    "program",
    [
        "SELECT name FROM w WHERE QA(\"map@is it large?\"; name) = 'yes' ORDER BY name LIMIT 1",
        "SELECT EXISTS (SELECT 1 FROM w WHERE QA(\"map@is it large?\"; name) = 'yes')",
        "SELECT COUNT(*) > 1 FROM w WHERE QA(\"map@is it large?\"; name) = 'yes'",
    ],
)
@pytest.mark.parametrize("batch", [1, 2, 40])
def test_what_cannot_be_read_fails_no_wave_that_would_not_fail_the_whole(program: str, batch: int) -> None:
    odd = Odd(["town 0", "town 1"])
    with Binder(Scripted(odd, batch=batch), cache=False) as engine:
        answer = engine.run(program, TOWNS)
    assert answer.values in [("town 10",), (1,)]
    assert len(odd.asked) < 200


HALVES = """
SELECT name FROM w WHERE (n < 20 AND QA("map@is it large?"; name) = 'yes')
    OR (n >= 20 AND QA("map@is it large?"; name) = 'yes') ORDER BY n LIMIT 38
"""
NULLS = """
SELECT (SELECT COUNT(*) > 0 FROM w WHERE n < 20 AND QA("map@is it large?"; name) IS NULL),
    (SELECT COUNT(*) > 0 FROM w WHERE n >= 20 AND QA("map@is it large?"; name) = 'yes')
"""


@pytest.mark.parametrize("batch", [4, 40])
def test_a_call_that_stands_twice_in_a_program_is_asked_once_also_where_it_cannot_be_read(batch: int) -> None:
    towns = Table.from_pandas(pandas.DataFrame({"name": [f"town {n}" for n in range(40)], "n": range(40)}))
    with Binder(Scripted(Odd(["town 3", "town 23"]), batch=batch), cache=False) as engine:
        assert len(engine.run(HALVES, towns).values) == 38
        assert engine.run(NULLS, towns).values == (1, 1)


def test_what_another_program_asked_in_vain_fails_none_that_does_not_need_it() -> None:
    odd = Odd([f"town {n}" for n in range(30, 40)])
    first = "SELECT name FROM w WHERE QA(\"map@is it large?\"; name) = 'yes' ORDER BY row_id LIMIT 3"
    with Binder(Scripted(odd, batch=4), drafting=Drafting(samples=3, repairs=0), cache=False) as engine:
        for programs in ([LARGE, first, first], [first, first, LARGE], [first]):
            found = engine.decide("which are large?", TOWNS, [Sample(program) for program in programs])
            assert found.answer().values == ("town 0", "town 1", "town 2")


BOTH = "SELECT COUNT(*) FROM w WHERE QA(\"map@is it large?\"; name) = 'yes' AND QA(\"map@is it old?\"; name) = 'yes'"
OLD = "SELECT COUNT(*) FROM w WHERE QA(\"map@is it old?\"; name) = 'yes'"


def test_which_condition_came_first_decides_not_whether_a_call_fails(tmp_path: Path) -> None:
    def reply(request: Request) -> str:
        cells = [str(cells[0]) for cells in request.inputs]
        if "is it old?" in request.messages[-1].content:  # as towns 1 and 10 to 19 are
            return json.dumps({n: "yes" if cell.startswith("town 1") else "no" for n, cell in enumerate(cells, 1)})
        return json.dumps({n: "oui" if cell in ("town 1", "town 10") else "yes" for n, cell in enumerate(cells, 1)})

    cache = Cache(tmp_path / "cache.sqlite")
    for first in ((), (OLD,)):
        with Binder(Scripted(reply, identity=f"{first}"), cache=cache) as engine:
            for program in (*first, BOTH):
                answer = engine.run(program, TOWNS)
            assert answer.values == (9,)
    cache.close()


TWICE = """
SELECT v.name FROM v WHERE QA("map@is it large?"; v.name) = 'yes'
    AND n < (SELECT COUNT(*) FROM w WHERE QA("map@is it large?"; w.name) = 'yes') ORDER BY n LIMIT 3
"""
COUNTED = [
    "(SELECT COUNT(*) FROM w WHERE QA(\"map@is it large?\"; w.name) = 'yes')",
    "(SELECT COUNT(*) FROM v WHERE QA(\"map@is it large?\"; v.name) = 'yes')",
]


def test_a_calls_inputs_are_counted_wherever_it_stands() -> None:
    large = Table.from_pandas(pandas.DataFrame({"name": [f"town {n}" for n in range(200)]}), name="w")
    few = Table.from_pandas(pandas.DataFrame({"name": [f"lake {n}" for n in range(10)], "n": range(10)}), name="v")
    with Binder(Scripted(Odd([f"town {n}" for n in range(11)])), cache=False) as engine:
        assert engine.run(TWICE, [few, large]).values == ("lake 0", "lake 1", "lake 2")
    with Binder(Scripted(Odd(["lake 3", "lake 4"])), cache=False) as engine:
        assert engine.run(f"SELECT {', '.join(COUNTED)}", [few, large]).values == (200, 8)
        assert engine.run(f"SELECT {', '.join(reversed(COUNTED))}", [few, large]).values == (8, 200)


AT_ONCE = """
def solve(table):
    table = qa_map(table, "is it large?", "name")
    return len(table[table["is it large?"] == "yes"])
"""
ONE_BY_ONE = """
def solve(table):
    large = 0
    for name in list(table["name"]):
        one = qa_map(table[table["name"] == name], "is it large?", "name")
        large = large + len(one[one["is it large?"] == "yes"])
    return large
"""
FEW_FIRST = """
def solve(table):
    first = qa_map(table.head(5), "is it large?", "name")
    rest = qa_map(table, "is it large?", "name")
    return len(first[first["is it large?"] == "yes"]) + len(rest[rest["is it large?"] == "yes"])
"""


@pytest.mark.parametrize(("program", "value"), [(AT_ONCE, 39), (ONE_BY_ONE, 39), (FEW_FIRST, 43)])
def test_a_python_programs_calls_are_judged_together(program: str, value: int) -> None:
    with Binder(Scripted(Odd(["town 3"])), cache=False) as engine:
        assert engine.run(program, TOWNS).values == (value,)
    with (
        Binder(Scripted(Odd([f"town {n}" for n in range(5)])), cache=False) as engine,
        pytest.raises(binder.LMReplyError, match="for 5 of 40 inputs"),
    ):
        engine.run(program, TOWNS)


HIGHEST = 'SELECT name FROM w ORDER BY QA("map@how high is it?"; name) DESC LIMIT 1'


def test_texts_have_no_place_among_numbers_that_are_known_from_before(tmp_path: Path) -> None:
    def reply(request: Request) -> str:
        cells = [str(cells[0]) for cells in request.inputs]
        return json.dumps({n: f"as a {cell}" if cell < "m" else cell[4:] for n, cell in enumerate(cells, 1)})

    def table(*numbers: range) -> Table:
        hills, towns = numbers
        names = [*(f"hill {'abc'[n]}" for n in hills), *(f"town {n}" for n in towns)]
        return Table.from_pandas(pandas.DataFrame({"name": names}), name="w")

    whole = table(range(3), range(30))
    for number, part in enumerate((None, table(range(0), range(30)), table(range(3), range(0)))):
        cache = Cache(tmp_path / f"{number}.sqlite")
        with Binder(Scripted(reply, identity="hills"), cache=cache) as engine:
            before = engine.run(HIGHEST, part).trace if part is not None else None
            answer = engine.run(HIGHEST, whole)
            assert (answer.values, answer.trace.unreadable) == (("town 29",), 3)
        cache.close()
        with Binder(Scripted(reply), cache=False) as engine:
            assert engine.run(HIGHEST, whole, replies=before).values == ("town 29",)


@pytest.mark.parametrize("readable", [0, 1])
def test_a_model_that_can_answer_next_to_nothing_is_soon_given_up(readable: int) -> None:
    odd = Odd([f"town {n}" for n in range(readable, 2000)])
    towns = Table.from_pandas(pandas.DataFrame({"name": [f"town {n}" for n in range(2000)]}), name="towns")
    with Binder(Scripted(odd), cache=False) as engine, pytest.raises(binder.LMReplyError, match="of 2,000"):
        engine.run(LARGE, towns)
    assert len(odd.asked) < (500 if not readable else 2500)


def test_a_model_that_answers_the_first_inputs_in_vain_is_asked_about_the_others() -> None:
    towns = Table.from_pandas(pandas.DataFrame({"name": [f"town {n}" for n in range(2000)]}), name="w")
    odd = Odd([f"town {n}" for n in range(100)])
    program = """
def solve(table):
    judged = qa_map(table, "is it large?", "name")
    return len(judged[judged["is it large?"] == "yes"])
"""
    with Binder(Scripted(odd, concurrency=1, batch=10), cache=False) as engine:
        answer = engine.run(program, towns)
    assert (answer.values, answer.trace.unreadable) == ((1900,), 100)


def test_inputs_that_nobody_was_asked_about_are_said_to_be_so() -> None:
    towns = Table.from_pandas(pandas.DataFrame({"name": [f"town {n}" for n in range(2000)]}), name="w")
    odd = Odd([f"town {n}" for n in range(2000)])
    with (
        Binder(Scripted(odd, concurrency=1, batch=10), cache=False) as engine,
        pytest.raises(
            binder.LMReplyError, match=r"for 2,000 of 2,000 inputs in 5 attempts; 1,8\d\d of them were not asked"
        ),
    ):
        engine.run(LARGE, towns)


@pytest.mark.parametrize("rows", [100, 100_000])
def test_waves_are_judged_however_many_rows_may_be_read_at_once(rows: int) -> None:
    towns = Table.from_pandas(pandas.DataFrame({"name": [f"town {n}" for n in range(150)], "n": range(150)}), name="w")
    program = "SELECT name FROM w WHERE QA(\"map@is it large?\"; name) = 'yes' ORDER BY n LIMIT 30"
    odd = Odd([f"town {n}" for n in range(0, 150, 3)])
    with (
        Binder(Scripted(odd, concurrency=2, batch=10), cache=False, limits=Limits(rows=rows)) as engine,
        pytest.raises(binder.LMReplyError, match="of 150 inputs"),
    ):
        engine.run(program, towns)


def test_a_deadline_holds_for_work_that_waits_for_a_thread() -> None:
    numbers = Table.from_pandas(pandas.DataFrame({"n": range(4000)}), name="w")
    endless = "SELECT SUM(a.n * b.n % (c.n + {})) FROM w a, w b, w c"
    seconds: list[float] = []

    def run(number: int) -> None:
        started = time.perf_counter()
        with pytest.raises(binder.RunError, match="no answer within 1 s"):
            engine.run(endless.format(number), numbers, deadline=1)
        seconds.append(time.perf_counter() - started)

    with Binder(limits=Limits(seconds=100)) as engine:
        threads = [threading.Thread(target=run, args=(number,)) for number in range(1, 17)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(seconds) == 16 and max(seconds) < 30


def test_waves_end_soon_where_nothing_can_be_read() -> None:
    odd = Odd([f"town {n}" for n in range(1000)])
    towns = Table.from_pandas(pandas.DataFrame({"name": odd.odd}), name="towns")
    program = "SELECT name FROM w WHERE QA(\"map@is it large?\"; name) = 'yes' ORDER BY name LIMIT 1"
    with (
        Binder(Scripted(odd, batch=10), cache=False) as engine,
        pytest.raises(binder.LMReplyError, match="150 of 1,000"),
    ):
        engine.run(program, towns)
    assert len(odd.asked) < 500


def test_a_call_that_failed_is_not_asked_again_by_other_programs() -> None:
    odd = Odd([f"town {n}" for n in range(40)])
    programs = [LARGE, f"{LARGE} AND name <> 'x'", LARGE.replace("COUNT(*)", "name")]
    with Binder(Scripted(odd), drafting=Drafting(samples=3, repairs=0), cache=False) as engine:
        outcome = engine.decide("how many are large?", TOWNS, [Sample(program) for program in programs])
        asked = len(odd.asked)
        assert all(one.result is None and "40 of 40 inputs" in str(one.error) for one in outcome.candidates)
    with Binder(Scripted(odd), cache=False) as engine, pytest.raises(binder.LMReplyError, match=r"the last was .*oui"):
        engine.run(LARGE, TOWNS)
    assert len(odd.asked) == 2 * asked


def test_what_was_retried_asked_again_and_given_up_is_logged_without_the_key(caplog: pytest.LogCaptureFixture) -> None:
    def behave(body: Any) -> Reply:
        inputs = re.findall(r'^(\d+): "(.*)"$', body["messages"][-1]["content"], re.MULTILINE)
        return completion(json.dumps({number: "oui" if cell == "town 7" else "yes" for number, cell in inputs}))

    towns = Table.from_pandas(pandas.DataFrame({"name": [f"town {n}" for n in range(12)]}), name="towns")
    failing = in_turn(lambda body: error(503, "busy, sk-secret-key", None, Retry_After="0"), behave)
    caplog.set_level(logging.DEBUG, logger="binder")
    with (
        serve(failing) as server,
        Binder(OpenAI("stub", base_url=server.url, api_key="sk-secret-key"), cache=False) as engine,
    ):
        answer = engine.run("SELECT COUNT(*) FROM w WHERE QA(\"map@is it large?\"; name) = 'yes'", towns)
    assert answer.values == (11,) and answer.trace.unreadable == 1
    assert "sk-secret-key" not in caplog.text
    for said in (
        "status 503 (busy, [key])",
        "1 of 12 replies",
        "attempt 1 of 5",
        "for 1 of 12 inputs in 5 attempts; their values are NULL",
    ):
        assert said in caplog.text


def test_an_error_says_what_is_kept_and_the_same_again_asks_for_the_rest(tmp_path: Path) -> None:
    def yes(body: Any) -> Reply:
        asked = len(re.findall(r"^\d+: ", body["messages"][-1]["content"], re.MULTILINE))
        return completion(json.dumps(dict.fromkeys(range(1, asked + 1), "yes")))

    table = Table.from_pandas(pandas.DataFrame({"name": [f"peak {n:02}" for n in range(40)]}), name="peaks")
    program = "SELECT COUNT(*) FROM w WHERE QA(\"map@is it high?\"; name) = 'yes'"
    refuses = in_turn(yes, lambda body: error(401, "no more"), yes)
    with serve(refuses) as server, Binder(lm_at(server.url), cache=Cache(tmp_path / "replies.sqlite")) as engine:
        with pytest.raises(LMUnavailable, match=r"refused the key.*Its 14 replies by then are kept; ask again"):
            engine.run(program, table)
        asked = len(server.bodies)
        assert engine.run(program, table).values == (40,)
        assert len(server.bodies) == asked + 2


def lm_at(url: str) -> OpenAI:
    return OpenAI("stub", base_url=url, concurrency=1, max_retries=0)


@pytest.mark.parametrize("file", ["replies.sqlite", "plain/replies.sqlite"])
def test_only_replies_that_could_be_written_are_told_as_kept(file: str, tmp_path: Path) -> None:
    def reply(request: Request) -> str:
        if not request.inputs or ("town 19",) in request.inputs:
            raise LMUnavailable("down")
        return json.dumps(dict.fromkeys(range(1, len(request.inputs) + 1), "yes"))

    (tmp_path / "plain").write_text("")
    large = Table.from_pandas(pandas.DataFrame({"name": [f"town {n}" for n in range(20)]}), name="w")
    lm = Scripted(reply, identity="towns", batch=10, concurrency=1)
    with warnings.catch_warnings(), Binder(lm, cache=Cache(tmp_path / file)) as engine:
        warnings.simplefilter("ignore")
        with pytest.raises(LMUnavailable) as failed:
            engine.run("SELECT COUNT(*) FROM w WHERE QA(\"map@is it large?\"; name) = 'yes'", large)
    assert bool(failed.value.kept) == ("are kept" in str(failed.value)) == (file == "replies.sqlite")


def test_a_deadline_tells_what_the_server_did_before() -> None:
    busy = error(429, "slow down", **{"Retry_After": "30"})
    with serve(drafting(lambda body: busy)) as server, pytest.raises(LMUnavailable) as caught:
        ask(server.url)
    told = str(caught.value)
    assert f"no answer within {DEADLINE:g} s; waiting for stub" in told
    assert "Before, stub at" in told and "the server asks for fewer requests (slow down)" in told
