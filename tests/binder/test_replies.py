from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from binder.replies import Answers, read_ans, read_bare, read_map


@pytest.mark.parametrize(
    ("text", "count", "answers"),
    [
        ('{"1": "yes", "2": null, "3": 4.50, "4": true}', 4, {1: "yes", 2: None, 3: "4.50", 4: "true"}),
        ('Here you are:\n```json\n{"1": "yes",\n "2": "no"}\n```\nHope it helps', 2, {1: "yes", 2: "no"}),
        ('{"2": "no", "1": "yes"}', 2, {1: "yes", 2: "no"}),
        ("1: yes\n2: no", 2, {1: "yes", 2: "no"}),
        ("1. yes\n2) no\n- 3 = maybe", 3, {1: "yes", 2: "no", 3: "maybe"}),
        ('"1": "yes",\n"2": "no",', 2, {1: '"yes"', 2: '"no"'}),
        ('<think>{"1": "no"}</think>{"1": "yes"}', 1, {1: "yes"}),
        # Missing, doubtful and misnumbered ones are left out.
        ('{"1": "yes"}', 2, {1: "yes"}),
        ('{"1": "yes", "1": "no", "2": "no"}', 2, {2: "no"}),
        ('{"1": "yes"} or {"1": "no"}', 1, {}),
        ('{"1": "yes"}\n{"1": "yes"}', 1, {1: "yes"}),
        ('{"0": "yes", "1": "no"}', 2, {}),
        ('{"1": "yes", "2": "no", "3": "no"}', 2, {}),
        ('{"1": ["yes"], "2": {"answer": "no"}, "3": "no"}', 3, {3: "no"}),
        ('["yes", "no"]', 2, {}),
        ("yes, no", 2, {}),
        ("yes\nno", 2, {}),
        ("3.5 million", 3, {}),
        ("at 12:30", 30, {}),
        ("", 1, {}),
        ('{"1": "yes", "2"', 2, {}),
    ],
)
def test_read_map(text: str, count: int, answers: Answers) -> None:
    assert read_map(text, count) == answers


def test_a_deep_reply_is_no_crash() -> None:
    assert read_map('{"1": ' + "[" * 100_000, 1) == {}
    assert read_map('{"a":' * 100_000, 1) == {}


@given(st.dictionaries(st.integers(1, 20), st.none() | st.text(max_size=12), max_size=20))
def test_every_json_reply_is_read_back(answers: Answers) -> None:
    assert read_map(json.dumps({str(number): text for number, text in answers.items()}), 20) == answers


@given(st.text(max_size=60))
def test_no_text_raises_or_answers_an_input_that_is_not_there(text: str) -> None:
    assert set(read_map(text, 3)) <= {1, 2, 3}
    assert read_ans(text) is None or "answer" in text


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('{"answer": "noise"}', ["noise"]),
        ('{"answer": 12.0}', ["12.0"]),
        ('{"answer": null}', [None]),
        ('{"answer": ["cumin", "clove"]}', ["cumin", "clove"]),
        ('{"answer": []}', []),
        ('Well: {"answer": "noise"} it is.', ["noise"]),
        ('{"answer": "noise"} or {"answer": "cold"}', None),
        ('{"answer": {"a": 1}}', None),
        ('{"reply": "noise"}', None),
        ("noise", None),
    ],
)
def test_read_ans(text: str, values: list[str | None] | None) -> None:
    assert read_ans(text) == values


def test_read_bare() -> None:
    assert read_bare(" `Europe`\n") == "Europe"
    assert read_bare('{"1": "yes"') is None
    assert read_bare("<html>") is None
    assert read_bare("one\ntwo") is None
    assert read_bare("x" * 201) is None
