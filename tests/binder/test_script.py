"""Python programs through the engine: run, asked, counted, limited and voted on as SQL's are."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas
import pytest

from binder import Binder, BinderError, Drafting, LimitReached, LMUnavailable, ProgramError, RunError, Table, lm
from binder.script import Script, _result, run_script
from grammars.python import check_python
from grammars.schema import Schema

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox needs Linux's Landlock and seccomp")

RIVERS = Table.from_pandas(
    pandas.DataFrame(
        {
            "river": ["Nile", "Rhine", "Danube", "Congo", "Nile"],
            "length": ["6,650", "1,230", "2,850", "4,700", "6,650"],
            "mouth": ["Egypt", "Netherlands", "Romania", "Congo", "Egypt"],
        }
    ),
    name="rivers",
)
IN_AFRICA = """
def solve(table):
    table = qa_map(table, "is it in Africa?", "mouth")
    return table[table["is it in Africa?"] == "yes"]["river"].drop_duplicates()
"""
SQL_TWIN = "SELECT DISTINCT river FROM w WHERE QA(\"map@is it in Africa?\"; mouth) = 'yes'"


class Model:
    """Drafts given programs, says whether mouths are in Africa, and remembers what it was sent."""

    def __init__(self, *programs: str) -> None:
        self.programs = list(programs)
        self.requests: list[lm.Request] = []
        self.scripted = lm.Scripted(self.reply)

    def reply(self, request: lm.Request) -> str:
        self.requests.append(request)
        if request.purpose == "draft":
            return self.programs.pop(0) if len(self.programs) > 1 else self.programs[0]
        if request.purpose == "ans":
            return json.dumps({"answer": "Nile"})
        return json.dumps(
            {n: "yes" if cells[0] in ("Egypt", "Congo") else "no" for n, cells in enumerate(request.inputs, 1)}
        )

    @property
    def inputs(self) -> list[Any]:
        return [cells for request in self.requests if request.purpose != "draft" for cells in request.inputs]


@pytest.fixture
def model() -> Model:
    return Model(IN_AFRICA)


@pytest.fixture
def engine(model: Model) -> Iterator[Binder]:
    with Binder(lm=model.scripted, cache=False) as one:
        yield one


def test_a_program_runs_and_asks_each_distinct_input_once(engine: Binder, model: Model) -> None:
    answer = engine.run(IN_AFRICA, RIVERS)
    assert answer.texts == ("Nile", "Congo")
    assert model.inputs == [("Egypt",), ("Netherlands",), ("Romania",), ("Congo",)]
    (call,) = answer.trace.calls
    assert call.step.call == 'qa_map("is it in Africa?"; mouth)'
    assert answer.trace.usage.requests == 1
    assert json.loads(answer.to_json())["program"]["language"] == "python"


def test_both_languages_say_the_same_and_share_replies(model: Model, tmp_path: Path) -> None:
    with Binder(lm=lm.Scripted(model.reply, identity="mouths"), cache=lm.Cache(tmp_path / "said")) as engine:
        assert engine.run(SQL_TWIN, RIVERS).texts == ("Nile", "Congo")
        asked = len(model.requests)
        assert engine.run(IN_AFRICA, RIVERS).texts == ("Nile", "Congo")
        assert len(model.requests) == asked


def test_a_program_is_checked_before_anything_is_spent(engine: Binder, model: Model) -> None:
    with pytest.raises(ProgramError):
        engine.run("def solve(table):\n    return open('/etc/passwd').read()", RIVERS)
    assert engine.check(IN_AFRICA, RIVERS).language == "python"
    assert not model.requests


def test_a_program_that_was_checked_runs_as_it_is(engine: Binder) -> None:
    checked = engine.check(IN_AFRICA, RIVERS)
    assert engine.run(checked, RIVERS).texts == ("Nile", "Congo")


def test_explain_counts_what_the_code_tells_and_asks_nothing(engine: Binder, model: Model) -> None:
    explained = engine.explain(IN_AFRICA, RIVERS)
    assert not model.requests
    assert (explained.estimates[0].inputs.least, explained.estimates[0].inputs.most) == (0, 4)
    assert "at most 4 distinct inputs" in str(explained)
    analyzed = engine.explain(IN_AFRICA, RIVERS, analyze=True)
    assert "actual: 4 inputs, 1 request" in str(analyzed)
    assert json.loads(analyzed.to_json())["steps"][0]["actual"]["inputs"] == 4


def test_explain_says_where_it_cannot_count(engine: Binder) -> None:
    program = """
def solve(table):
    for column in list(table.columns):
        table = qa_map(table, "is it about " + column + "?", "river")
    return len(table)
"""
    assert "0 or more distinct inputs" in str(engine.explain(program, RIVERS))


def test_calls_of_a_loop_are_told_together(engine: Binder) -> None:
    program = """
def solve(table):
    for mouth in ["Egypt", "Romania"]:
        table[mouth] = len(qa_map(table[table["mouth"] == mouth], "is it in Africa?", "mouth"))
    return table.head(1)[["Egypt", "Romania"]]
"""
    explained = engine.explain(program, RIVERS, analyze=True)
    assert explained.answer is not None and explained.answer.values == (2, 1)
    assert "actual: 2 inputs, 2 requests" in str(explained)


def test_an_answer_is_asked_of_rows(engine: Binder, model: Model) -> None:
    program = "def solve(table):\n    return qa_ans(table.head(2), 'which is longest?', ['river', 'length'])"
    assert engine.run(program, RIVERS).texts == ("Nile",)
    assert '[{"river":"Nile","length":"6,650"},{"river":"Rhine","length":"1,230"}]' in str(
        model.requests[0].inputs
    ) or ("6,650" in model.requests[0].prompt)


def test_several_tables_are_given_by_name(engine: Binder) -> None:
    people = Table.from_pandas(pandas.DataFrame({"land": ["Egypt", "Romania"], "people": [100, 19]}), name="people")
    program = """
def solve(people, rivers):
    both = rivers.merge(people, left_on="mouth", right_on="land")
    return both.groupby("river")["people"].sum().sort_values().index[0]
"""
    assert engine.run(program, [RIVERS, people]).texts == ("Danube",)


def test_ask_drafts_in_python(engine: Binder, model: Model) -> None:
    answer = engine.ask("which rivers end in Africa?", RIVERS, n=2, language="python")
    assert answer.texts == ("Nile", "Congo")
    assert all("def solve" in request.prompt for request in model.requests if request.purpose == "draft")
    assert answer.confidence == 1.0


def test_auto_drafts_in_both_and_all_vote() -> None:
    def reply(request: lm.Request) -> str:
        if request.purpose == "draft":
            return "def solve(table):\n    return 'Nile'" if "def solve" in request.prompt else "SELECT 'nile'"
        raise AssertionError(request)

    with Binder(lm=lm.Scripted(reply), cache=False, drafting=Drafting(samples=3, language="auto")) as engine:
        answer = engine.ask("which river is longest?", RIVERS)
    assert [(one.language, one.samples) for one in answer.candidates] == [("sql", 2), ("python", 2)]
    assert answer.confidence == 1.0


def test_a_refused_program_is_sent_back_in_its_own_language() -> None:
    model = Model("def solve(table):\n    return table['lenght'].max(", IN_AFRICA)
    with Binder(lm=model.scripted, cache=False, drafting=Drafting(samples=1, language="python")) as engine:
        answer = engine.ask("which rivers end in Africa?", RIVERS)
    assert answer.texts == ("Nile", "Congo")
    sent_back = model.requests[1].prompt
    assert "def solve" in sent_back and "SELECT" not in model.requests[1].messages[-1].content


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(BinderError, match=r"no language 'cobol'.*sql, python or auto"):
        Drafting(language="cobol")


def test_limits_hold(model: Model) -> None:
    with Binder(lm=model.scripted, cache=False, question_budget=lm.Budget(requests=0)) as engine:
        with pytest.raises(LimitReached):
            engine.run(IN_AFRICA, RIVERS)
        assert engine.run("def solve(table):\n    return len(table)", RIVERS).values == (5,)
    assert not model.requests


def test_a_deadline_ends_a_program(model: Model) -> None:
    with Binder(lm=model.scripted, cache=False, deadline=0.7) as engine:
        with pytest.raises(RunError, match=r"within 0\.7 s; a program was running"):
            engine.run("def solve(table):\n    while True:\n        pass\n    return 1", RIVERS)
        assert engine.run("def solve(table):\n    return 1", RIVERS, deadline=30).values == (1,)


def test_a_model_that_is_gone_ends_the_question() -> None:
    with Binder(lm=lm.OpenAI("m", base_url="http://127.0.0.1:9/v1", api_key="x"), cache=False, deadline=20) as engine:
        with pytest.raises(LMUnavailable):
            engine.run(IN_AFRICA, RIVERS)
        assert engine.run("def solve(table):\n    return 1", RIVERS).values == (1,)


HOSTILE_CALLS: list[Any] = [
    {},
    {"per_row": True},
    {"per_row": 1, "question": "q", "labels": ["a"], "inputs": [["x"]], "block": False},
    {"per_row": True, "question": "", "labels": ["a"], "inputs": [["x"]], "block": False},
    {"per_row": True, "question": "q", "labels": [], "inputs": [[]], "block": False},
    {"per_row": True, "question": "q", "labels": ["a"], "inputs": [["x", "y"]], "block": False},
    {"per_row": True, "question": "q", "labels": ["a"], "inputs": [[None]], "block": False},
    {"per_row": True, "question": "q", "labels": ["a"], "inputs": [[{"x": 1}]], "block": False},
    {"per_row": True, "question": "q", "labels": ["a"], "inputs": "x", "block": False},
    ["per_row"],
    None,
]


@pytest.mark.parametrize("call", HOSTILE_CALLS)
def test_what_is_no_call_is_refused(call: Any) -> None:
    class Hostile:
        async def run(self, program: str, tables: Any, ask: Any) -> dict[str, Any]:
            return dict(await ask(call))

    class Desk:
        def working(self) -> Any:
            import contextlib

            return contextlib.nullcontext()

    checked = check_python(IN_AFRICA, Schema((RIVERS.schema,))).program
    assert checked is not None
    running = run_script(Script(checked), None, Hostile(), Desk(), lambda trace: None)  # type: ignore[arg-type]
    with pytest.raises(RunError, match="cannot be read"):
        asyncio.run(running)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"columns": ["a"], "rows": [[1, 2]], "texts": [[None, None]]},
        {"columns": ["a"], "rows": [[1]], "texts": []},
        {"columns": ["a"], "rows": [[["date", "no date"]]], "texts": [[None]]},
        {"columns": ["a"], "rows": [[["decimal", "1e999999999"]]], "texts": [[None]]},
        {"columns": ["a"], "rows": [[["seconds", "1e300"]]], "texts": [[None]]},
        {"columns": ["a"], "rows": [[{"b": 1}]], "texts": [[None]]},
        {"columns": 3, "rows": [], "texts": []},
    ],
)
def test_what_is_no_answer_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(RunError, match="no answer"):
        _result(given)


@pytest.mark.parametrize(
    ("condition", "rivers", "mends"),
    [
        ('table["river"] == "nile"', ("Nile", "Nile"), 1),
        ('table["mouth"] == "Netherland"', ("Rhine",), 1),
        ('table["river"].isin(["NILE", "Congo"])', ("Nile", "Congo", "Nile"), 1),
        ('table["river"] == "Nile"', ("Nile", "Nile"), 0),
        ('table["river"] == "Amazon"', (), 0),
        ('table["river"].str.upper() == "NILE"', ("Nile", "Nile"), 0),
    ],
)
def test_a_text_that_no_cell_is_is_mended_to_the_one_it_means(
    engine: Binder, condition: str, rivers: tuple[str, ...], mends: int
) -> None:
    answer = engine.run(f'def solve(table):\n    return table[{condition}]["river"]', RIVERS)
    assert answer.texts == rivers
    assert len(answer.program.mends) == mends


def test_texts_are_left_alone_where_that_is_wished(model: Model) -> None:
    with Binder(lm=model.scripted, cache=False, mend_values=False) as engine:
        answer = engine.run('def solve(table):\n    return table[table["river"] == "nile"]["river"]', RIVERS)
    assert answer.texts == () and not answer.program.mends
