"""The engine's flows, with a function as the language model."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import pickle
import re
import threading
import time
from collections.abc import Awaitable, Callable
from datetime import date
from datetime import time as clock
from pathlib import Path
from typing import Any

import pandas
import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import binder
from binder import Binder, Drafting, Limits, Method, Table, Vote
from binder.console import render_answer
from binder.lm import Completion, Request, Response, Scripted, Usage
from binder.trace import Sample
from exemplars import store

PEAKS = pandas.DataFrame(
    {
        "name": ["K2", "Elbrus", "Fuji", "Aneto"],
        "country": ["Pakistan", "Russia", "Japan", "Spain"],
        "height": [8611, 5642, 3776, 3404],
    }
)
EUROPE = {"Russia", "Spain"}
IN_EUROPE = "SELECT name FROM w WHERE QA(\"map@is it in Europe?\"; country) = 'yes'"


@pytest.fixture
def peaks() -> Table:
    return Table.from_pandas(PEAKS, name="peaks")


def model(*drafts: str, log: list[Request] | None = None) -> Scripted:
    """A model that drafts these programs, one a request (the last one again and again), and knows Europe."""
    queue = list(drafts)

    def reply(request: Request) -> str | list[str]:
        if log is not None:
            log.append(request)
        if request.purpose == "draft":
            return queue.pop(0) if len(queue) > 1 else queue[0]
        if request.purpose == "ans":
            return json.dumps({"answer": "K2"})
        return json.dumps({n: "yes" if cells[0] in EUROPE else "no" for n, cells in enumerate(request.inputs, 1)})

    return Scripted(reply)


def sampled(*programs: str) -> Scripted:
    """A model whose samples are these programs."""
    return Scripted(lambda request: list(programs)[: request.n])


def test_a_question_is_answered_with_a_call_for_each_distinct_value(peaks: Table) -> None:
    log: list[Request] = []
    with Binder(model(IN_EUROPE, log=log)) as engine:
        answer = engine.ask("which peaks are in Europe?", peaks, n=1)
    assert answer.values == ("Elbrus", "Aneto")
    assert answer.texts == ("Elbrus", "Aneto")
    assert list(answer.frame["name"]) == ["Elbrus", "Aneto"]
    assert [request.purpose for request in log] == ["draft", "map"]
    assert answer.trace.usage.requests == 2
    (call,) = answer.trace.calls
    assert {reply.input[0]: reply.value for reply in call.replies} == {
        "Pakistan": "no",
        "Russia": "yes",
        "Japan": "no",
        "Spain": "yes",
    }
    document = json.loads(answer.to_json())
    assert document["values"] == ["Elbrus", "Aneto"]
    assert document["calls"][0]["inputs"] == 4


ONE_OF_EACH = """
WITH v(n, s) AS (SELECT 1, 'a' UNION ALL SELECT 2, NULL)
SELECT CASE n WHEN 1 THEN 9007199254740993 END AS big, CASE n WHEN 1 THEN high END AS truth,
       CASE n WHEN 1 THEN n + 0.5e0 END AS number, s AS text, CASE n WHEN 1 THEN day END AS date,
       CASE n WHEN 1 THEN at END AS time, CASE n WHEN 1 THEN moment END AS timestamp,
       CASE n WHEN 1 THEN took END AS duration, NULL AS nothing, n AS text
FROM v, w ORDER BY n
"""


def test_the_frame_keeps_types_beside_null() -> None:
    cells = {
        "high": "true",
        "day": "2024-02-29",
        "at": "12:30:00",
        "moment": "2024-02-29 12:30:00",
        "took": "1:30:05.5",
    }
    table = Table.from_pandas(pandas.DataFrame([cells]), types={"took": "duration"})
    with Binder(model("")) as engine:
        frame = engine.run(ONE_OF_EACH, table).frame
    assert frame.columns.tolist() == [
        *("big", "truth", "number", "text", "date", "time", "timestamp", "duration", "nothing", "text")
    ]
    assert [str(kind) for kind in frame.dtypes] == [
        *("Int64", "boolean", "float64", "str", "object", "object", "datetime64[us]", "timedelta64[us]", "object"),
        "Int64",
    ]
    assert frame.iloc[0].tolist() == [
        *(2**53 + 1, True, 1.5, "a", date(2024, 2, 29), clock(12, 30), pandas.Timestamp("2024-02-29 12:30")),
        *(pandas.Timedelta("1:30:05.5"), None, 1),
    ]
    assert frame.iloc[1].isna().tolist() == [True] * 9 + [False]


@pytest.mark.parametrize("program", ["SELECT name, height FROM w WHERE 1 = 0", "SELECT name, height FROM w LIMIT 0"])
def test_the_frame_of_no_rows_has_its_columns(peaks: Table, program: str) -> None:
    with Binder(model("")) as engine:
        frame = engine.run(program, peaks).frame
    assert (frame.columns.tolist(), len(frame)) == (["name", "height"], 0)


def test_plain_conditions_narrow_what_is_asked(peaks: Table) -> None:
    log: list[Request] = []
    with Binder(model("", log=log)) as engine:
        engine.run(IN_EUROPE + " AND height > 5000", peaks)
    assert [request.inputs for request in log] == [(("Pakistan",), ("Russia",))]


def test_a_program_without_calls_needs_no_model(peaks: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    with Binder() as engine:
        assert engine.run("SELECT MAX(height) FROM w", peaks).values == (8611,)


def test_a_refused_draft_goes_back_with_its_complaint(peaks: Table) -> None:
    log: list[Request] = []
    with Binder(model("SELECT altitude FROM w", "SELECT MAX(height) FROM w", log=log)) as engine:
        answer = engine.ask("how high is the highest?", peaks, n=1)
    assert answer.values == (8611,)
    assert len(log) == 2
    assert "no column 'altitude'" in log[1].messages[-1].content
    assert [sample.repairs for sample in answer.trace.samples] == [None, "SELECT altitude FROM w"]


def test_an_empty_answer_goes_back_with_what_the_cells_hold(peaks: Table) -> None:
    log: list[Request] = []
    with Binder(model("SELECT name FROM w WHERE country = 'Europe'", IN_EUROPE, log=log)) as engine:
        answer = engine.ask("which peaks are in Europe?", peaks, n=1)
    assert answer.values == ("Elbrus", "Aneto")
    assert "no cell of `country` is 'Europe'" in log[1].messages[-1].content


def test_an_empty_answer_stands_when_nothing_better_comes(peaks: Table) -> None:
    with Binder(model("SELECT name FROM w WHERE height > 9000")) as engine:
        assert engine.ask("which peaks are above 9000 m?", peaks, n=1).values == ()


def test_a_question_that_no_program_answers_says_why(peaks: Table) -> None:
    with Binder(model("I cannot do that")) as engine, pytest.raises(binder.ProgramError, match="no program in"):
        engine.ask("why?", peaks, n=3)


def test_the_majority_of_the_samples_wins(peaks: Table) -> None:
    programs = ["SELECT 'a'", "SELECT 'b'", "SELECT 'b' AS other", "nonsense", "SELECT 'a' FROM nowhere.x"]
    with Binder(sampled(*programs)) as engine:
        answer = engine.ask("which?", peaks, n=5)
    assert answer.values == ("b",)
    assert answer.confidence == pytest.approx(2 / 5)
    assert sum(candidate.samples for candidate in answer.candidates) == 5
    assert [candidate.error is None for candidate in answer.candidates] == [True, True, True, False, False]


def test_half_a_program_is_not_run(peaks: Table) -> None:
    class Cut(Logged):
        async def complete(self, request: Request) -> Response:
            half = Completion("SELECT name FROM w WHERE name IN ('K2', 'Fuji'", finished=len(request.messages) > 30)
            return Response((half,), Usage(requests=1))

    with Binder(Cut()) as engine, pytest.raises(binder.ProgramError, match="stopped before"):
        engine.ask("which?", peaks, n=1)


class Logged:
    """A model whose samples have log-probabilities."""

    name, context, concurrency = "logged", 8192, 4

    def __init__(self, *samples: tuple[str, float]) -> None:
        self.samples = samples

    async def complete(self, request: Request) -> Response:
        return Response(tuple(Completion(text, logprob) for text, logprob in self.samples), Usage(requests=1))

    async def aclose(self) -> None:
        """Nothing to release."""


@pytest.mark.parametrize(
    ("vote", "wanted"),
    [
        (Vote(), "a"),
        (Vote(Method.PROBABILITY), "b"),
        (Vote(Method.ANSWER, favoured="B", weight=3), "b"),
        (Vote(Method.CALLS, weight=3), "K2"),
    ],
)
def test_votes_are_weighed_as_asked(peaks: Table, vote: Vote, wanted: str) -> None:
    ans = 'SELECT QA("ans@which?"; name) FROM w'

    class Mixed(Logged):
        async def complete(self, request: Request) -> Response:
            if request.purpose == "ans":
                return Response((Completion('{"answer": "K2"}'),), Usage(requests=1))
            return await super().complete(request)

    lm = Mixed(("SELECT 'a'", -9.0), ("SELECT 'a'", -9.0), ("SELECT 'b'", -1.0), (ans, -8.0))
    with Binder(lm, vote=vote) as engine:
        assert engine.ask("which?", peaks, n=4).values == (wanted,)


@pytest.mark.parametrize("order", ["seat", "2", "seat, name", "QA('map@where does its parliament sit?'; country)"])
def test_rows_are_sorted_by_an_output_that_holds_a_call_before_they_are_limited(peaks: Table, order: str) -> None:
    call = "QA('map@where does its parliament sit?'; country)"
    program = f"SELECT country, {call} AS seat FROM w ORDER BY {order} LIMIT 1"

    def backwards(request: Request) -> str:
        return json.dumps({n: "zyx"[min(2, n - 1)] for n in range(1, len(request.inputs) + 1)})

    with Binder(lm=Scripted(backwards)) as engine:
        answer = engine.run(program, peaks)
        every = engine.run(f"SELECT country, {call} FROM w", peaks)
    assert answer.values[1] == min(every.values[1::2])


def test_half_an_emoji_in_a_reply_can_be_shown(peaks: Table) -> None:
    program = "SELECT QA('map@what is it like?'; country) FROM w"
    with Binder(lm=Scripted(lambda request: '{"1": "\\ud83d fine"}'), drafting=Drafting(repairs=0)) as engine:
        answer = engine.run(program, peaks)
    for shown in (answer._repr_html_(), answer.to_json(), str(answer)):
        shown.encode()


def test_several_tables_join(peaks: Table) -> None:
    visits = Table.from_pandas(pandas.DataFrame({"peak": ["Fuji", "K2"], "visitors": [300000, 40]}), name="visits")
    with Binder(model("")) as engine:
        answer = engine.run("SELECT name, visitors FROM peaks JOIN visits ON peak = name ORDER BY 2", [peaks, visits])
    assert answer.values == ("K2", 40, "Fuji", 300000)


def test_checks_and_explanations_ask_nothing(peaks: Table) -> None:
    def refuse(request: Request) -> str:
        raise AssertionError("asked")

    with Binder(Scripted(refuse)) as engine:
        assert str(engine.check(IN_EUROPE, peaks)).startswith("SELECT name FROM peaks")
        explanation = engine.explain(IN_EUROPE + " AND height > 5000", peaks)
        assert explanation.inputs == (2,)
        assert "2 distinct inputs" in str(explanation)
        assert json.loads(explanation.to_json())["steps"][0]["inputs"] == 2
        with pytest.raises(binder.ProgramError, match="no column 'altitude'"):
            engine.check("SELECT altitude FROM w", peaks)


def test_what_duckdb_would_refuse_is_refused_before_anything_is_asked(peaks: Table) -> None:
    log: list[Request] = []
    with Binder(model("", log=log)) as engine, pytest.raises(binder.ProgramError) as refused:
        engine.run('SELECT strftime(name, country, height) FROM w WHERE QA("map@in Europe?"; country)', peaks)
    assert log == []
    assert refused.value.complaints


def test_it_works_where_an_event_loop_is_running(peaks: Table) -> None:
    async def notebook() -> tuple[tuple[object, ...], tuple[object, ...]]:
        with Binder(model(IN_EUROPE)) as engine:
            plain = engine.ask("which peaks are in Europe?", peaks, n=1)
            awaited = await engine.aask("which peaks are in Europe?", peaks, n=1)
        return plain.values, awaited.values

    assert asyncio.run(notebook()) == (("Elbrus", "Aneto"), ("Elbrus", "Aneto"))


def test_threads_share_an_engine(peaks: Table) -> None:
    answers: list[tuple[object, ...]] = []
    with Binder(model(IN_EUROPE)) as engine:
        threads = [
            threading.Thread(target=lambda: answers.append(engine.ask("which?", peaks, n=1).values)) for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers == [("Elbrus", "Aneto")] * 8


async def hanging(request: Request) -> str:
    await asyncio.sleep(30)
    return "SELECT 1"


def blocking(request: Request) -> str:
    time.sleep(30)
    return "SELECT 1"


@pytest.mark.parametrize("slow", [hanging, blocking])
def test_a_deadline_ends_a_question_and_names_the_model(
    peaks: Table, slow: Callable[[Request], str | Awaitable[str]]
) -> None:
    started = time.monotonic()
    lm = Scripted(slow, name="slow model")
    with Binder(lm) as engine, pytest.raises(binder.LMUnavailable, match="slow model"):
        engine.ask("which?", peaks, n=1, deadline=0.3)
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    "program",
    [
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT MAX(i) FROM n",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000) "
        "SELECT COUNT(*) FROM n a, n b WHERE (a.i * b.i) % 7 = 3",
    ],
)
def test_a_runaway_program_is_stopped_and_the_next_one_runs(peaks: Table, program: str) -> None:
    with Binder(model(""), limits=Limits(seconds=0.5)) as engine:
        with pytest.raises(binder.RunError, match=r"longer than 0\.5 s"):
            engine.run(program, peaks)
        assert engine.run("SELECT COUNT(*) FROM w", peaks).values == (4,)


def test_too_many_rows_are_refused(peaks: Table) -> None:
    with Binder(model(""), limits=Limits(rows=3)) as engine, pytest.raises(binder.RunError, match="more than 3 rows"):
        engine.run("SELECT name FROM w", peaks)


def test_a_slip_in_a_value_is_mended_and_recorded_unless_switched_off(peaks: Table) -> None:
    program = "SELECT height FROM w WHERE country = 'Pakistann'"
    with Binder(model("")) as engine:
        answer = engine.run(program, peaks)
    assert answer.values == (8611,)
    assert answer.program.mends == ("'Pakistann' read as 'Pakistan', the value of `country` nearest to it",)
    with Binder(model(""), mend_values=False) as engine:
        assert engine.run(program, peaks).values == ()


def test_a_letter_a_numeral_or_a_title_is_no_slip_in_a_value() -> None:
    table = Table.from_pandas(pandas.DataFrame({"x": ["Group A", "World War I", "Mr. Bean", "King's Cross"]}), name="w")
    with Binder(model("")) as engine:
        for text in ("Group B", "World War II", "Ms. Bean", "Mrs. Bean"):
            assert engine.run(f"SELECT x FROM w WHERE x = '{text}'", table).values == ()
        assert engine.run("SELECT x FROM w WHERE x = 'Kings Cros'", table).values == ("King's Cross",)


@pytest.mark.parametrize("text", ["Fiji", "K3", "Elbrus 2", "Mount"])
def test_what_may_be_another_value_is_not_mended(peaks: Table, text: str) -> None:
    with Binder(model("")) as engine:
        assert engine.run(f"SELECT height FROM w WHERE name = '{text}'", peaks).values == ()


def test_unusable_settings_are_said_at_once(peaks: Table) -> None:
    with Binder(model("SELECT 1")) as engine:
        with pytest.raises(binder.ConfigurationError, match="no table"):
            engine.ask("which?", [])
        with pytest.raises(binder.ConfigurationError, match="two tables are named 'peaks'"):
            engine.ask("which?", [peaks, peaks])
        with pytest.raises(binder.ConfigurationError, match="question is empty"):
            engine.ask(" ", peaks)
        with pytest.raises(binder.ConfigurationError, match="0 samples"):
            engine.ask("which?", peaks, n=0)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda engine, peaks: engine.ask(None, peaks), "a question is a text, not None"),
        (lambda engine, peaks: engine.run(b"SELECT 1", peaks), "a program is a text, not b'SELECT 1'"),
        (lambda engine, peaks: engine.check(None, peaks), "a program is a text, not None"),
        (
            lambda engine, peaks: engine.run("SELECT 1", peaks.to_pandas()),
            "DataFrame); binder.Table.from_pandas(…)",
        ),
        (lambda engine, peaks: engine.run("SELECT 1", [peaks.to_pandas()]), "binder.Table.from_pandas(…) makes one"),
        (lambda engine, peaks: engine.run("SELECT 1", peaks.data), "binder.Table.from_arrow(…) makes one"),
        (lambda engine, peaks: engine.run("SELECT 1", "a/p.tsv"), "str); binder.Table.from_tsv('a/p.tsv') makes one"),
        (lambda engine, peaks: engine.run("SELECT 1", [Path("p.xlsx")]), "binder.Table.from_excel('p.xlsx') makes one"),
        (lambda engine, peaks: engine.run("SELECT 1", 3), "(given: int); binder.Table.from_… makes one"),
        (lambda engine, peaks: engine.ask("which?", peaks, n="3"), "'3' samples"),
        (lambda engine, peaks: engine.ask("which?", peaks, deadline="x"), "deadline is 'x'"),
        (lambda engine, peaks: engine.ask("which?", peaks, deadline=0), "deadline is 0"),
        (lambda engine, peaks: engine.ask("which?", peaks, deadline=True), "deadline is True"),
        (lambda engine, peaks: engine.ask("which?", peaks, n=True), "True samples"),
        (lambda engine, peaks: Binder(deadline=-1), "deadline is -1"),
        (lambda engine, peaks: Binder("gpt-4"), "lm='gpt-4' is no language model"),
        (lambda engine, peaks: Binder(vote=binder.Vote("most")), "no method 'most'; the methods are majority"),
    ],
)
def test_what_is_no_question_table_or_model_is_said_at_once(
    call: Callable[[Binder, Table], object], told: str, peaks: Table
) -> None:
    with Binder(model("SELECT 1")) as engine, pytest.raises(binder.ConfigurationError, match=re.escape(told)):
        call(engine, peaks)


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"memory": "lots"}, "memory is 'lots'; give an amount"),
        ({"memory": ""}, "memory is ''"),
        ({"memory": "4"}, "memory is '4'"),
        ({"memory": 4}, "memory is 4;"),
        ({"memory": "80%"}, "memory is '80%'"),
        ({"memory": "-4GB"}, "memory is '-4GB'"),
        ({"memory": "1MB"}, "of 16 MB or more"),
        ({"memory": "99999999999TB"}, "memory is"),
        ({"seconds": 0}, "seconds is 0; give a number above 0"),
        ({"seconds": -1}, "seconds is -1"),
        ({"seconds": float("nan")}, "seconds is nan"),
        ({"seconds": float("inf")}, "seconds is inf"),
        ({"seconds": "30"}, "seconds is '30'"),
        ({"seconds": True}, "seconds is True"),
        ({"rows": 0}, "rows is 0; give a whole number of 1 or more"),
        ({"rows": True}, "rows is True"),
        ({"rows": 2.5}, r"rows is 2\.5"),
        ({"rows": None}, "rows is None"),
    ],
)
def test_a_limit_that_cannot_be_kept_is_refused_as_it_is_given(limits: dict[str, Any], said: str) -> None:
    with pytest.raises(binder.ConfigurationError, match=said):
        Limits(**limits)


@pytest.mark.parametrize("memory", ["16MB", "1.5 GiB", "2tb"])
def test_a_program_runs_within_a_limit_that_can_be_kept(peaks: Table, memory: str) -> None:
    with Binder(model(""), limits=Limits(seconds=5, memory=memory, rows=1)) as engine:
        assert engine.run("SELECT COUNT(*) FROM w", peaks).values == (4,)


def test_a_table_that_does_not_fit_is_said_each_time_and_spoils_no_other(peaks: Table) -> None:
    large = Table.from_arrow(pyarrow.table({"text": [str(n) * 8 for n in range(1_000_000)]}), name="large")
    with Binder(model(""), limits=Limits(memory="16MB")) as engine:
        for _ in range(2):
            with pytest.raises(binder.RunError, match="table 'large' does not fit into 16MB of memory; allow more"):
                engine.run("SELECT COUNT(*) FROM peaks, large", [peaks, large])
        assert engine.run("SELECT COUNT(*) FROM w", peaks).values == (4,)


def test_drafts_can_be_decided_later_and_by_another_engine(peaks: Table) -> None:
    programs = [
        "SELECT MAX(height) FROM w",
        "SELECT height FROM w",
        "SELECT MAX(height) FROM w",
        "SELECT altitude FROM w",
    ]
    with Binder(sampled(*programs), drafting=Drafting(samples=4)) as engine:
        drafts = engine.draft("how high is the highest?", peaks)
    assert [sample.text for sample in drafts.samples] == programs
    assert drafts.usage.requests == 1
    log: list[Request] = []
    with Binder(model("", log=log)) as engine:
        outcome = engine.decide("how high is the highest?", peaks, drafts.samples)
    assert outcome.answer().values == (8611,)
    assert [candidate.samples for candidate in outcome.candidates] == [2, 1, 1]
    assert "no column 'altitude'" in (outcome.candidates[2].error or "")
    assert log == []
    assert {"load", "check", "run"} <= outcome.trace.steps.keys()
    assert sum(outcome.trace.steps.values()) <= outcome.trace.seconds


def test_an_outcome_without_an_answer_keeps_its_candidates_and_what_it_cost(peaks: Table) -> None:
    with Binder(model("SELECT altitude FROM w")) as engine:
        outcome = engine.decide("how high?", peaks, [Sample("SELECT depth FROM w")])
    assert outcome.winner is None
    assert [candidate.text for candidate in outcome.candidates] == ["SELECT depth FROM w", "SELECT altitude FROM w"]
    assert outcome.trace.usage.requests == 2
    with pytest.raises(binder.ProgramError, match="no column 'depth'"):
        outcome.answer()


def test_plain_sql_is_asked_for_and_nothing_else_taken(peaks: Table) -> None:
    log: list[Request] = []
    drafting = Drafting(samples=1, repairs=1, calls=False)
    with Binder(model(IN_EUROPE, "SELECT name FROM w WHERE height < 6000", log=log), drafting=drafting) as engine:
        answer = engine.ask("which peaks are in Europe?", peaks)
    assert answer.texts == ("Elbrus", "Fuji", "Aneto")
    assert "QA(" not in log[0].prompt
    assert "write plain SQL" in log[1].messages[-1].content


def test_the_worked_questions_may_be_those_nearest_to_the_question(peaks: Table) -> None:
    log: list[Request] = []
    question = store.programs()[-1].question
    for nearest in (False, True):
        with Binder(model("SELECT 1", log=log), drafting=Drafting(samples=1, shots=1, nearest=nearest)) as engine:
            engine.draft(question, peaks)
    assert [request.prompt.count(question) for request in log] == [1, 2]


def test_a_folder_of_ones_own_shapes_every_prompt(peaks: Table, tmp_path: Path) -> None:
    (tmp_path / "prompts").mkdir()
    macro = "{% macro system() %}NAME of my own{% endmacro %}{% macro turn() %}{{ kwargs | length }}{% endmacro %}"
    for name in ("draft", "map", "ans"):
        (tmp_path / "prompts" / f"{name}.jinja").write_text(macro.replace("NAME", name))
    log: list[Request] = []
    program = IN_EUROPE + ' AND name <> QA("ans@which?"; name)'
    with Binder(model(program, log=log), drafting=Drafting(samples=1, folder=tmp_path)) as engine:
        assert engine.ask("which?", peaks).values == ("Elbrus", "Aneto")
    assert {request.purpose: request.messages[0].content for request in log} == {
        "draft": "draft of my own",
        "map": "map of my own",
        "ans": "ans of my own",
    }


def test_what_a_prompt_left_out_is_said() -> None:
    wide = Table.from_pandas(pandas.DataFrame({"name": [f"peak {n}" for n in range(500)]}), name="peaks")
    with Binder(model("SELECT COUNT(*) FROM w")) as engine:
        answer = engine.ask("how many peaks are there?", wide, n=1)
    assert answer.trace.left_out[0].startswith("the drafting prompt left out ")
    assert "rows" in answer.trace.left_out[0]
    assert answer.trace.left_out[0] in render_answer(answer)
    assert json.loads(answer.to_json())["left_out"] == list(answer.trace.left_out)


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT MAX(i) FROM n"


def test_a_deadline_that_plain_sql_runs_past_is_the_programs(peaks: Table) -> None:
    with Binder(model("")) as engine, pytest.raises(binder.RunError, match=r"within 0\.5 s; a program was running"):
        engine.run(ENDLESS, peaks, deadline=0.5)


IN_TIME: list[tuple[str, type[binder.BinderError], str]] = [
    ("drafting", binder.LMUnavailable, "slow model was drafting programs"),
    ("checking", binder.RunError, "a program was being checked"),
    ("running", binder.RunError, "a program was running"),
    ("asking", binder.LMUnavailable, "waiting for slow model"),
]


@pytest.mark.parametrize(("slow", "kind", "told"), IN_TIME, ids=[slow for slow, _, _ in IN_TIME])
def test_a_deadline_blames_what_was_under_way(
    peaks: Table, monkeypatch: pytest.MonkeyPatch, slow: str, kind: type[binder.BinderError], told: str
) -> None:
    async def reply(request: Request) -> str:
        if slow == ("drafting" if request.purpose == "draft" else "asking"):
            await asyncio.sleep(30)
        if request.purpose == "draft":
            return ENDLESS if slow == "running" else IN_EUROPE
        return "{}"

    if slow == "checking":
        monkeypatch.setattr("binder.work.accept", lambda *_: time.sleep(1.0))
    with Binder(Scripted(reply, name="slow model")) as engine, pytest.raises(kind, match=told) as caught:
        engine.ask("which?", peaks, n=1, deadline=0.6)
    assert "no answer within 0.6 s" in str(caught.value)
    assert ("slow model" in str(caught.value)) is (kind is binder.LMUnavailable)


@pytest.mark.parametrize("purpose", ["draft", "map"])
def test_a_models_own_timeout_is_not_the_deadline(peaks: Table, purpose: str) -> None:
    def reply(request: Request) -> str:
        if request.purpose == purpose:
            raise TimeoutError("the line is dead")
        return IN_EUROPE

    told = r"^my model ran past a time limit of its own \(the line is dead\)"
    with Binder(Scripted(reply, name="my model")) as engine, pytest.raises(binder.LMUnavailable, match=told):
        engine.ask("which?", peaks, n=1)


def test_a_malformed_call_costs_nothing(peaks: Table) -> None:
    log: list[Request] = []
    with Binder(model("", log=log)) as engine:
        for program in ('SELECT QA("map@is it?") FROM w', 'SELECT QA("map@"; name) FROM w'):
            with pytest.raises(binder.ProgramError):
                engine.run(program, peaks)
    assert log == []


def test_a_second_table_that_is_not_there_is_refused(peaks: Table) -> None:
    with Binder(model("")) as engine, pytest.raises(binder.ProgramError, match="no table 'v'"):
        engine.check("SELECT w.name, v.height FROM w, v", peaks)


class OneAtATime(Scripted):
    """A model that draws its samples, which are these programs in turn, one by one."""

    def __init__(self, *programs: str, samples: int | None = 1) -> None:
        super().__init__(lambda request: "never called", concurrency=4)
        self.programs = programs
        self.samples = samples
        self.drafts: list[int] = []
        self.maps = 0

    async def complete(self, request: Request) -> Response:
        if request.purpose != "draft":
            self.maps += 1
            return Response((Completion(json.dumps(dict.fromkeys(range(1, len(request.inputs) + 1), "yes"))),))
        drawn = sum(self.drafts)
        self.drafts.append(request.n)
        written = [self.programs[number % len(self.programs)] for number in range(drawn, drawn + request.n)]
        return Response(tuple(map(Completion, written)), Usage(requests=-(-request.n // (self.samples or request.n))))


def limit(number: int) -> str:
    return f"SELECT name FROM w LIMIT 1 OFFSET {number}"


def asked(lm: OneAtATime, peaks: Table, n: int = 20, vote: Vote | None = None) -> binder.Answer:
    with Binder(lm, vote=vote, cache=False) as engine:
        return engine.ask("which peak?", peaks, n=n)


def test_sampling_stops_when_the_vote_cannot_change(peaks: Table) -> None:
    answer = asked(OneAtATime(limit(1)), peaks)
    assert answer.values == ("Elbrus",) and answer.confidence == 11 / 20
    assert (answer.trace.usage.requests, len(answer.trace.samples), answer.trace.undrawn) == (11, 11, 9)
    assert "vote      55% of 20 samples, 1 distinct program, 9 not drawn" in render_answer(answer)


@pytest.mark.parametrize("answers", [2, 4])
def test_samples_that_disagree_are_all_drawn(peaks: Table, answers: int) -> None:
    lm = OneAtATime(*map(limit, range(answers)))
    assert asked(lm, peaks).trace.undrawn == 0
    assert sum(lm.drafts) == 20


def test_samples_that_cannot_be_run_decide_nothing(peaks: Table) -> None:
    lm = OneAtATime("SELECT", "DROP TABLE w")
    with Binder(lm, cache=False, drafting=Drafting(repairs=0)) as engine, pytest.raises(binder.ProgramError):
        engine.ask("which peak?", peaks, n=20)
    assert sum(lm.drafts) == 20


def test_only_so_many_more_are_drawn_as_could_decide(peaks: Table) -> None:
    lm = OneAtATime(*[limit(0)] * 9, *[limit(1)] * 2, *[limit(0)] * 9)
    answer = asked(lm, peaks)
    assert lm.drafts == [1] * 13 and answer.values == ("K2",) and answer.confidence == 11 / 20


def test_a_program_with_calls_that_later_samples_make_win_is_run(peaks: Table) -> None:
    calls = "SELECT name FROM w WHERE QA(\"map@is it?\"; name) = 'yes' LIMIT 1 OFFSET 3"
    lm = OneAtATime(*[limit(0)] * 7, *[calls] * 13)
    answer = asked(lm, peaks)
    assert answer.values == ("Aneto",) and lm.drafts == [1] * 18 and lm.maps == 1


@pytest.mark.parametrize(("samples", "drafts"), [(None, [20]), (20, [20]), (4, [4, 4, 4]), (7, [7, 7])])
def test_a_prompt_is_not_read_twice_where_once_would_do(peaks: Table, samples: int | None, drafts: list[int]) -> None:
    lm = OneAtATime(limit(0), samples=samples)
    asked(lm, peaks)
    assert lm.drafts == drafts


@pytest.mark.parametrize(
    ("vote", "drawn"),
    [
        (Vote(Method.PROBABILITY), 20),
        (Vote(Method.CALLS, weight=3), 16),
        (Vote(Method.ANSWER, favoured="K2", weight=2), 11),
        (Vote(Method.ANSWER, favoured="Fuji", weight=2), 14),
    ],
)
def test_samples_to_come_are_feared_as_much_as_they_may_weigh(peaks: Table, vote: Vote, drawn: int) -> None:
    lm = OneAtATime(limit(0))
    asked(lm, peaks, vote=vote)
    assert sum(lm.drafts) == drawn


@given(st.lists(st.integers(0, 3), min_size=1, max_size=12), st.sampled_from([1, 2, 3]))
@settings(max_examples=25, deadline=None)
def test_the_answer_is_that_of_all_samples(numbers: list[int], samples: int) -> None:
    peaks = Table.from_pandas(PEAKS, name="peaks")
    programs = [limit(number) for number in numbers]
    some, all_of_them = (
        asked(OneAtATime(*programs, samples=at_once), peaks, n=len(programs)) for at_once in (samples, None)
    )
    assert some.values == all_of_them.values and some.confidence <= all_of_them.confidence


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"cache": "/tmp/replies"}, "is no cache; give cache=binder.lm.Cache(path)"),
        ({"vote": "majority"}, "is no way to vote; give vote=binder.Vote"),
        ({"limits": {"rows": 3}}, "are no limits; give limits=binder.Limits"),
        ({"drafting": 5}, "is no way to draft; give drafting=binder.Drafting"),
        ({"budget": 5}, "is no budget; give binder.lm.Budget"),
        ({"question_budget": {"requests": 5}}, "is no budget; give binder.lm.Budget"),
        ({"price": 0.4}, "is no price; give price=binder.lm.Price"),
    ],
)
def test_settings_of_another_type_are_refused_at_once(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(binder.ConfigurationError, match=re.escape(said)):
        Binder(**settings)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"samples": 0}, "samples is 0; give a whole number of 1 or more"),
        ({"samples": "5"}, "samples is '5'"),
        ({"temperature": -1}, "temperature is -1; give a number of 0 or more"),
        ({"temperature": math.nan}, "temperature is nan"),
        ({"temperature": math.inf}, "temperature is inf"),
        ({"temperature": "hot"}, "temperature is 'hot'"),
        ({"shots": -1}, "shots is -1; give a whole number of 0 or more"),
        ({"shots": 1.5}, "shots is 1.5"),
        ({"repairs": -1}, "repairs is -1"),
        ({"repairs": True}, "repairs is True"),
        ({"seed": "x"}, "seed is 'x'; give a whole number"),
        ({"exemplars": 5}, "exemplars is 5; give a text"),
        ({"folder": 5}, "folder is 5; give a path, or None"),
        ({"folder": "nowhere/at/all"}, "there is no such folder"),
    ],
)
def test_drafting_that_cannot_be_is_refused_at_once(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(binder.ConfigurationError, match=re.escape(said)):
        Drafting(**settings)


def test_a_folder_of_exemplars_may_be_a_text(tmp_path: Path) -> None:
    folder: Any = str(tmp_path)
    assert Drafting(folder=folder).folder == tmp_path
    assert Drafting(seed=-1, shots=0, repairs=0, temperature=0).folder is None


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"method": Method.ANSWER}, "needs one: favoured="),
        ({"favoured": "K2"}, "goes with the method 'answer'"),
        ({"method": Method.CALLS, "weight": -1}, "weight is -1; give a number of 0 or more"),
        ({"method": Method.CALLS, "weight": math.inf}, "weight is inf"),
    ],
)
def test_a_vote_that_cannot_be_is_refused_at_once(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(binder.ConfigurationError, match=re.escape(said)):
        Vote(**settings)


def anything(request: Request) -> str:
    return "SELECT 1"


OWN: Any = binder.lm.OpenAI
NEAR: dict[str, Any] = {"model": "m", "base_url": "http://localhost:1/v1"}


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Scripted("x"), "'x' is no function"),
        (lambda: Scripted(anything, concurrency=0), "concurrency is 0; give a whole number of 1 or more"),
        (lambda: Scripted(anything, batch="x"), "batch is 'x'"),
        (lambda: OWN(**NEAR | {"model": ""}), "model is ''; give a text"),
        (lambda: OWN(**NEAR | {"base_url": 8080}), "base_url is 8080; give a text"),
        (lambda: OWN(**NEAR, api_key=12345678), "api_key is no text"),
        (lambda: OWN(**NEAR, concurrency=0), "concurrency is 0"),
        (lambda: OWN(**NEAR, timeout=0), "timeout is 0; give a number above 0"),
        (lambda: OWN(**NEAR, max_retries=-1), "max_retries is -1; give a whole number of 0 or more"),
        (lambda: OWN(**NEAR, samples=0), "samples is 0"),
        (lambda: OWN(**NEAR, api="chats"), "api is 'chats'; give 'chat' or 'completions'"),
        (lambda: binder.lm.Local(5), "5 is no path of a GGUF file"),
        (lambda: binder.lm.Local(threads=0), "threads is 0"),
        (lambda: binder.lm.Limited("x", binder.lm.Budget()), "'x' is no LM"),
        (lambda: binder.lm.Limited(Scripted(anything), 5), "5 is no Budget"),
        (lambda: binder.lm.Limited(Scripted(anything), binder.lm.Budget(), 5), "5 is no Price"),
        (lambda: binder.lm.Cache(5), "5 is no path of a cache"),
        (lambda: binder.lm.Cache("x", -1), "most_bytes is -1"),
    ],
)
def test_models_and_caches_that_cannot_be_are_refused_at_once(make: Callable[[], Any], said: str) -> None:
    with pytest.raises(binder.ConfigurationError, match=re.escape(said)) as refused:
        make()
    assert "12345678" not in str(refused.value)


@pytest.mark.parametrize("samples", [None, "SELECT 1", ["SELECT 1"], [Sample("SELECT 1"), 5]])
def test_what_are_no_samples_is_refused(samples: Any, peaks: Table) -> None:
    with Binder(Scripted(anything)) as engine, pytest.raises(binder.ConfigurationError, match="are no samples; give"):
        engine.decide("which?", peaks, samples)


def test_a_cache_may_be_given_as_a_text(tmp_path: Path) -> None:
    assert binder.lm.Cache(str(tmp_path / "x.sqlite")).info().path == tmp_path / "x.sqlite"


def test_a_call_may_ask_about_an_aggregate_without_columns() -> None:
    table = Table.from_pandas(pandas.DataFrame({"g": ["a", "a", "b", None], "n": [1, 2, 3, 4]}))
    lm = Scripted(lambda request: json.dumps({str(n): "/".join(map(str, c)) for n, c in enumerate(request.inputs, 1)}))
    with Binder(lm) as engine:
        one = engine.run('SELECT g, QA("map@what?"; COUNT(*)) FROM w GROUP BY g ORDER BY g', table)
        two = engine.run('SELECT g, QA("map@what?"; COUNT(*); g) FROM w GROUP BY g ORDER BY g', table)
    assert one.values == (None, "1", "a", "2", "b", "1")
    assert two.values == (None, "1/None", "a", "2/a", "b", "1/b")


def test_what_is_mended_refused_sent_back_and_given_up_is_in_the_log(
    peaks: Table, caplog: pytest.LogCaptureFixture
) -> None:
    drafts = iter(["SELECT nme FROM w WHERE 1 = 0", "SELECT name FROM nowhere.there", "SELECT name FROM w LIMIT 1"])
    with caplog.at_level("INFO", "binder"), Binder(Scripted(lambda request: next(drafts)), cache=False) as engine:
        answer = engine.ask("which?", peaks, n=1)
    assert len(answer.values) == 1
    told = [record.getMessage() for record in caplog.records]
    assert [line.split("'")[0].strip() for line in told] == [
        *("mended in", "1 programs go back to scripted with what is wrong with them"),
        *("refused", "1 programs go back to scripted with what is wrong with them"),
    ]


def test_no_control_character_reaches_the_log(caplog: pytest.LogCaptureFixture) -> None:
    drafts = iter(["SELECT `nmae\x1b[31m` FROM w", "SELECT x\x1b[31m FROM w", "SELECT 'a\x1b' FROM w WHERE name = 'b'"])
    odd = Table.from_pandas(pandas.DataFrame({"name\x1b[31m": ["K2"]}))
    lm = Scripted(lambda request: next(drafts), name="model\x1b[31m")
    with caplog.at_level("INFO", "binder"), Binder(lm, cache=False) as engine:
        with contextlib.suppress(binder.BinderError):
            engine.run("SELECT `nmae\x1b[31m` FROM w", odd)
        with contextlib.suppress(binder.BinderError):
            engine.ask("which?\x1b[31m", Table.from_pandas(PEAKS), n=1)
    told = [record.getMessage() for record in caplog.records]
    assert any(line.startswith("mended in") for line in told), told
    assert any("go back to" in line for line in told), told
    assert [line for line in told if not line.isprintable()] == []


@pytest.mark.parametrize(
    "program", ["SELECT MAX(height) FROM w", "def solve(table):\n    return table['height'].max()"]
)
@pytest.mark.parametrize("looked_at", [False, True])
def test_an_answer_that_is_kept_still_has_its_texts(program: str, looked_at: bool) -> None:
    table = Table.from_pandas(pandas.DataFrame({"name": ["K2", "Fuji"], "height": ["8,611 m", "3,776 m"]}), name="w")
    with Binder() as engine:
        answer = engine.run(program, table)
    assert not looked_at or answer.texts == ("8,611 m",)
    kept = pickle.loads(pickle.dumps(answer))
    assert (kept.values, kept.texts) == (answer.values, ("8,611 m",))


@pytest.mark.parametrize(
    "program",
    [
        "SELECT n FROM (" * 150 + "SELECT n FROM w" + ")" * 150,
        "WITH "
        + ", ".join(f"t{i + 1} AS (SELECT n FROM {f't{i}' if i else 'w'})" for i in range(250))
        + " SELECT n FROM t250",
        " UNION ALL ".join(["SELECT n FROM w"] * 400),
        "SELECT " + "(" * 400 + "n" + ")" * 400 + " FROM w",
    ],
    ids=["subqueries", "WITH tables", "UNION ALL", "parentheses"],
)
def test_a_deep_program_runs_or_is_refused(program: str) -> None:
    table = Table.from_pandas(pandas.DataFrame({"n": [1]}), name="w")
    with Binder() as engine:
        try:
            assert set(engine.run(program, table).values) == {1}
        except binder.ProgramError as error:
            assert "nested too deeply" in str(error) or "too long" in str(error), error
