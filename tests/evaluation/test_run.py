"""Runs over a small data set: both phases, the modes, programs from files, and what ends or refuses a run."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from binder.errors import ConfigurationError, LimitReached, LMUnavailable
from binder.lm import Budget, Limited, Request, Scripted
from binder.trace import Sample
from evaluation import published, tabfact, wikitq
from evaluation.example import DataSetError, Example
from evaluation.models import Absent
from evaluation.records import read
from evaluation.run import JOURNAL, RESULTS, Phase, drafted, run
from evaluation.settings import Mode, Settings, kept, select
from tests.evaluation import knowing

Results = dict[str, dict[str, Any]]


@pytest.fixture
def settings(farm: Path) -> Settings:
    return Settings("wikitq", str(farm), "dev", "knowing", samples=1, repairs=0)


@pytest.fixture
def examples(farm: Path) -> tuple[Example, ...]:
    return wikitq.examples(farm, "dev")


def results(out: Path) -> Results:
    return {record["id"]: record for record in read(out / RESULTS)}


def test_a_run_scores_every_example(settings: Settings, examples: tuple[Example, ...], tmp_path: Path) -> None:
    seen: list[str] = []
    run(tmp_path, settings, examples, Scripted(knowing.answer), seen=lambda record: seen.append(record["id"]))
    found = results(tmp_path)
    assert sorted(seen) == sorted(found) == sorted(example.id for example in examples)
    assert Counter((record["status"], record["kind"]) for record in found.values()) == {
        ("right", "map"): 8,
        ("right", "plain"): 8,
        ("refused", "none"): 8,
    }
    big = found["x-3"]
    assert (big["answer"], big["gold"], big["rows"], big["columns"]) == (["yak 1", "elk 1"], ["yak 1", "elk 1"], 8, 3)
    assert {reply[0][0]: reply[2] for reply in big["calls"][0]["replies"]}["yak 1"] == "yes"
    assert big["usage"]["requests"] == 2
    assert {"draft", "load", "check", "run", "lm", "execute"} <= big["seconds"].keys()
    assert "no column 'kind'" in found["x-5"]["candidates"][0]["error"]


def test_the_phases_can_be_separated(settings: Settings, examples: tuple[Example, ...], tmp_path: Path) -> None:
    purposes: list[str] = []

    def answer(request: Request) -> str:
        purposes.append(request.purpose)
        return knowing.answer(request)

    with pytest.raises(ConfigurationError, match="24 examples have no programs yet"):
        run(tmp_path, settings, examples, Scripted(answer), phase=Phase.EXECUTE)
    run(tmp_path, settings, examples, Scripted(answer), phase=Phase.ANNOTATE)
    assert set(purposes) == {"draft"}
    assert len(drafted(tmp_path)) == 24
    assert results(tmp_path) == {}
    run(tmp_path, settings, examples, Scripted(answer), phase=Phase.EXECUTE)
    assert Counter(purposes) == {"draft": 24, "map": 8}
    assert sum(record["right"] for record in results(tmp_path).values()) == 16


def test_repairs_are_asked_for_in_the_second_phase(
    settings: Settings, examples: tuple[Example, ...], tmp_path: Path
) -> None:
    def answer(request: Request) -> str:
        return "SELECT 'none'" if "cannot run" in request.messages[-1].content else knowing.answer(request)

    run(tmp_path, replace(settings, repairs=1), examples, Scripted(answer))
    dragon = results(tmp_path)["x-2"]
    assert (dragon["right"], dragon["usage"]["requests"], len(dragon["candidates"])) == (True, 2, 2)


def test_plain_sql_takes_no_calls(settings: Settings, examples: tuple[Example, ...], tmp_path: Path) -> None:
    run(tmp_path, replace(settings, mode=Mode.SQL), examples, Scripted(knowing.answer))
    found = results(tmp_path)
    assert found["x-0"]["status"] == "refused"
    assert "LM calls" in found["x-0"]["candidates"][0]["error"]
    assert found["x-1"]["right"]


def test_the_model_answers_from_the_whole_table(
    settings: Settings, examples: tuple[Example, ...], tmp_path: Path
) -> None:
    log: list[Request] = []

    def answer(request: Request) -> str:
        log.append(request)
        return knowing.answer(request)

    run(tmp_path, replace(settings, mode=Mode.QA), examples, Scripted(answer))
    found = results(tmp_path)
    assert Counter(record["right"] for record in found.values()) == {True: 8, False: 16}
    assert {request.purpose for request in log} == {"ans"}
    assert all("ape" in request.prompt for request in log)
    with pytest.raises(ConfigurationError, match="nothing to annotate"):
        run(tmp_path / "other", replace(settings, mode=Mode.QA), examples, Scripted(answer), phase=Phase.ANNOTATE)


def test_statements_are_judged(tmp_path: Path) -> None:
    rows = [["rower", "boats"], ["ann", "3"], ["bo", "1"]]
    statements = [("ann has 3 boats", "1"), ("bo has 3 boats", "0"), ("cy has 3 boats", "0")]
    items = [
        (Example(f"a.html.csv#{n}", text, tmp_path, "boats", (gold,)), rows)
        for n, (text, gold) in enumerate(statements)
    ]
    tabfact.write(tmp_path, "val", items)

    def answer(request: Request) -> str:
        name = request.messages[-1].content.rpartition("Question: ")[2].split()[0]
        return (
            knowing.answer(request) if request.purpose == "ans" else f"SELECT boats = 3 FROM w WHERE rower = '{name}'"
        )

    settings = Settings("tabfact", str(tmp_path), "val", "some", exemplars="tabfact", samples=1, repairs=0)
    for mode, right in ((Mode.BINDER, 3), (Mode.QA, 1)):
        out = tmp_path / mode
        run(out, replace(settings, mode=mode), tabfact.examples(tmp_path, "val"), Scripted(answer))
        assert sum(record["right"] for record in results(out).values()) == right


def test_samples_are_counted_and_weighed(settings: Settings, examples: tuple[Example, ...], tmp_path: Path) -> None:
    counts = ["SELECT COUNT(*) FROM w", "SELECT 7", "SELECT 7"]
    run(tmp_path, replace(settings, samples=3), examples[1:2], Scripted(lambda request: counts))
    (record,) = results(tmp_path).values()
    assert (record["answer"], record["confidence"], record["winner"]) == (["7"], round(2 / 3, 6), 1)
    assert [candidate["samples"] for candidate in record["candidates"]] == [1, 2]


def test_a_folder_holds_one_run(settings: Settings, examples: tuple[Example, ...], tmp_path: Path) -> None:
    run(tmp_path, settings, examples[:2], Scripted(knowing.answer))
    with pytest.raises(ConfigurationError, match="shots was 8 and is 3"):
        run(tmp_path, replace(settings, shots=3), examples[:2], Scripted(knowing.answer))
    assert kept(tmp_path) == settings
    run(tmp_path, settings, examples[:5], Scripted(knowing.answer))
    assert len(results(tmp_path)) == 5


def test_a_model_out_of_reach_ends_the_run_and_what_was_done_is_kept(
    settings: Settings, examples: tuple[Example, ...], tmp_path: Path
) -> None:
    left = iter(range(9))

    def answer(request: Request) -> str:
        if next(left, None) is None:
            raise LMUnavailable("the server is down")
        return knowing.answer(request)

    with pytest.raises(LMUnavailable, match="the server is down"):
        run(tmp_path, settings, examples, Scripted(answer), concurrency=1)
    assert len(read(tmp_path / JOURNAL)) == 9
    assert 0 < len(results(tmp_path)) < 9
    run(tmp_path, settings, examples, Scripted(knowing.answer))
    assert len(results(tmp_path)) == 24


@pytest.mark.parametrize("mode", list(Mode))
def test_a_limit_ends_the_run_once_and_what_was_done_is_kept(
    settings: Settings, examples: tuple[Example, ...], tmp_path: Path, mode: Mode
) -> None:
    settings = replace(settings, mode=mode)
    limited = Limited(Scripted(knowing.answer), Budget(requests=9))
    with pytest.raises(LimitReached, match="9 requests"):
        run(tmp_path, settings, examples, limited)
    assert len(read(tmp_path / JOURNAL)) == 9
    assert len(results(tmp_path)) < 24
    assert "crashed" not in {record["status"] for record in results(tmp_path).values()}
    asked = Limited(Scripted(knowing.answer), Budget())
    run(tmp_path, settings, examples, asked)
    whole = tmp_path / "whole"
    run(whole, settings, examples, Scripted(knowing.answer))
    assert asked.spent.requests == len(read(whole / JOURNAL)) - 9
    answers, wanted = ({name: one["answer"] for name, one in results(out).items()} for out in (tmp_path, whole))
    assert answers == wanted


def test_a_setting_that_cannot_work_ends_the_run(
    settings: Settings, examples: tuple[Example, ...], tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match="no exemplar set 'nowhere'"):
        run(tmp_path, replace(settings, exemplars="nowhere"), examples, Scripted(knowing.answer))


def test_an_example_whose_line_is_damaged_is_done_again(
    settings: Settings, examples: tuple[Example, ...], tmp_path: Path
) -> None:
    run(tmp_path, settings, examples, Scripted(knowing.answer))
    path = tmp_path / RESULTS
    before = path.read_bytes()
    lines = before.splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:4], lines[4][:40] + b"\n", *lines[5:]]))
    lm = Limited(Scripted(knowing.answer), Budget(requests=0))  # its replies are in the journal
    with pytest.warns(UserWarning, match="results.jsonl, line 5, is damaged"):
        run(tmp_path, settings, examples, lm)
    again = [json.loads(line) | {"seconds": 0} for line in path.read_bytes().splitlines()]
    assert again == [json.loads(line) | {"seconds": 0} for line in lines]


def test_a_damaged_table_ends_the_run(settings: Settings, examples: tuple[Example, ...], tmp_path: Path) -> None:
    examples[3].source.write_text("a\tb\n1\n", encoding="utf-8")
    with pytest.raises(DataSetError, match="row 2 has 1 cells"):
        run(tmp_path, settings, examples, Scripted(knowing.answer))


def test_programs_come_from_a_file_and_go_to_one(
    settings: Settings, examples: tuple[Example, ...], tmp_path: Path
) -> None:
    path, again = tmp_path / "programs.json", tmp_path / "again.json"
    content = {
        "1": {"generations": [["SELECT COUNT(*) FROM w", -0.5], ["SELECT 9", -0.1]]},
        "77": {"nsqls": [["SELECT COUNT(*) FROM w", -1]], "ori_data_item": {"id": "x-4"}},
        "0": {"generations": [["SELECT animal FROM w WHERE QA(\"map@is it big?\"; animal) = 'yes'", None]]},
        "2": {"generations": []},
    }
    path.write_text(json.dumps(content), encoding="utf-8")
    programs = published.load(path, examples)
    assert programs["x-1"] == (Sample("SELECT COUNT(*) FROM w", -0.5), Sample("SELECT 9", -0.1))
    run(tmp_path / "out", settings, [e for e in examples if e.id in programs], Absent(), programs=programs)
    found = results(tmp_path / "out")
    assert {name: record["status"] for name, record in found.items()} == {
        "x-0": "failed",
        "x-1": "wrong",
        "x-2": "refused",
        "x-4": "right",
    }
    assert "--lm" in found["x-0"]["candidates"][0]["error"]
    published.save(again, examples, drafted(tmp_path / "out"))
    assert published.load(again, examples) == programs


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "not in the published"),
        ("[]", "it holds a list where an object should be"),
        ('"x"', "it holds a text where"),
        ("5", "it holds a number where"),
        ('{"0": 5}', "entry '0' has neither generations nor nsqls"),
        ('{"0": {"nsqls": 5}}', "the nsqls of entry '0' are a number, not a list"),
        ('{"0": {"nsqls": [["SELECT 1"]]}}', r'holds \["SELECT 1"\] where \[program, log-probability'),
        ('{"0": {"nsqls": [["SELECT 1", "hot"]]}}', "where .program, log-probability. should be"),
        ('{"x": {"nsqls": [["SELECT 1", 0]]}}', "entry 'x' is about no example: the split's are 0 to 23"),
        ('{"0": {"programs": []}}', "neither generations nor nsqls"),
        ('{"0": {"nsqls": ["SELECT 1"]}}', "not in the published"),
        ('{"99": {"nsqls": [["SELECT 1", 0]]}}', "entry '99' is about no example: the split's are 0 to 23"),
    ],
)
def test_another_file_is_refused(examples: tuple[Example, ...], tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "programs.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataSetError, match=said) as raised:
        published.load(path, examples)
    assert str(path) in str(raised.value)


def test_examples_are_selected_in_their_order(examples: tuple[Example, ...]) -> None:
    def ids(**options: Any) -> list[str]:
        return [example.id for example in select(examples, **options)]

    assert ids(limit=2) == ["x-0", "x-1"]
    assert ids(ids=["x-9", "x-3"]) == ["x-3", "x-9"]
    drawn = ids(limit=5, seed=7)
    assert drawn == ids(limit=5, seed=7) != ids(limit=5, seed=8)
    assert drawn == sorted(drawn, key=lambda name: int(name[2:]))
    with pytest.raises(ConfigurationError, match="holds no y-1"):
        ids(ids=["x-1", "y-1"])


def test_the_published_programs_run(data: Path, tmp_path: Path) -> None:
    folder = data / "WikiTableQuestions"
    examples = wikitq.examples(folder, "pristine-unseen-tables")
    programs = published.load(data / "binder_programs" / "binder_program_wikitq_test_chatgpt.json", examples)
    settings = Settings("wikitq", str(folder), "pristine-unseen-tables", "none", repairs=0)
    run(tmp_path, settings, examples, Absent(), programs=programs)
    found = results(tmp_path)
    assert len(found) == 100
    assert [record["id"] for record in found.values() if record["status"] == "crashed"] == []
    assert sum(record["right"] for record in found.values()) >= 50
