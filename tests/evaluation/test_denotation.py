"""The verdicts are the official evaluator's, and the lenient ones the published scripts'."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.denotation import entailment, matches, matches_leniently, normalize, read_date, read_number


@pytest.fixture(scope="module")
def oracle(data: Path) -> list[dict[str, Any]]:
    lines = (data / "wikitq_evaluator_oracle" / "oracle.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_every_verdict_is_the_official_one(oracle: list[dict[str, Any]]) -> None:
    started = time.process_time()
    wrong = [row for row in oracle if matches(row["target"], row["target_canon"], row["pred"]) != row["correct"]]
    seconds = time.process_time() - started
    assert len(oracle) == 12_000
    assert wrong == []
    assert seconds < 2.0 * len(oracle) / 4000


@pytest.mark.parametrize(
    ("target", "canon", "predicted", "right"),
    [
        (["Brașov"], None, ["brasov (Romania)"], True),
        (["Brașov"], None, ["Cluj"], False),
        (["12,467"], ["12467.0"], ["12467"], True),
        (["12,467"], None, ["12467"], False),
        (["5"], None, ["5", "5.0"], True),  # the same value twice counts once
        (["a", "b"], None, ["b", "a"], True),
        (["a", "b"], None, ["a"], False),
        (["a"], None, [], False),
        ([""], None, [""], True),
        (["May 2001"], ["2001-05-xx"], ["2001-05-xx"], True),
        (["May 2001"], ["2001-05-xx"], ["2001-05-03"], False),
        (["2001"], ["2001-xx-xx"], ["2001"], True),
    ],
)
def test_matches(target: list[str], canon: list[str] | None, predicted: list[str], right: bool) -> None:
    assert matches(target, canon, predicted) is right


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *(("+ 3", 3), ("- 3", -3), (" 7 ", 7), ("1e3", 1000.0), (".5", 0.5), ("٣", 3)),
        *(("1_8", None), ("1_8.0", None), ("+ 3.5", None), ("nan", None), ("inf", None), ("9" * 400, None), ("", None)),
    ],
)
def test_numbers_are_those_of_python_2(text: str, number: float | None) -> None:
    assert read_number(text) == number


@pytest.mark.parametrize(
    ("text", "date"),
    [
        *(("2001-05-03", (2001, 5, 3)), ("XX-05-03", (-1, 5, 3)), ("xxxx-xx-3", (-1, -1, 3))),
        *(("2001-13-03", None), ("2001-05-32", None), ("xx-xx-xx", None), ("2001-05", None), ("2001-05-xxxx", None)),
    ],
)
def test_dates_may_have_unknown_parts(text: str, date: tuple[int, int, int] | None) -> None:
    assert read_date(text) == date


@pytest.mark.parametrize(
    ("question", "target", "predicted", "right"),
    [
        ("is it tall?", ["yes"], ["1"], True),
        ("is it tall?", ["yes"], ["0"], False),
        ("did more ride by bus or train?", ["train"], ["0"], True),
        ("did more ride by bus or train?", ["bus"], ["0"], False),
        ("how long?", ["17 years"], ["17"], True),
        ("how long?", ["17 years"], ["18"], False),
        ("how many?", ["100,000"], ["100000"], True),
        ("when?", ["January 26, 1995"], ["1995-01-26 00:00:00"], True),
        ("when?", ["26 Jan 1995"], ["January 26, 1995"], True),
        ("when?", ["26 Jan 1995"], ["1995-01-27"], False),
        ("which month?", ["May 2001"], ["2001-05-09"], True),
        ("who?", ["Ann Lee"], ["Ann"], False),
        ("who?", ["a", "b"], ["b", "a"], True),
        ("who?", ["a", "b"], ["a"], False),
        ("or", ["a"], ["0"], False),
    ],
)
def test_matches_leniently(question: str, target: list[str], predicted: list[str], right: bool) -> None:
    assert matches_leniently(question, target, predicted) is right


@pytest.mark.parametrize(
    ("texts", "verdict"),
    [
        *((["1"], True), (["0"], False), (["yes"], True), (["No"], False), (["True"], True)),
        *((None, False), ([], False), ([""], False), (["lisbon"], None), (["2"], None), (["1", "0"], True)),
    ],
)
def test_entailment(texts: list[str] | None, verdict: bool | None) -> None:
    assert entailment(texts) is verdict


@given(st.lists(st.text(max_size=12), max_size=4))
def test_an_answer_matches_itself(items: list[str]) -> None:
    assert matches(items, None, items)
    assert matches_leniently("which?", items, items)


@given(st.text(max_size=20))
def test_normalizing_is_settled(text: str) -> None:
    assert normalize(text) == " ".join(normalize(text).split())
