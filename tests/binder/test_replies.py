from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from binder.replies import Answers, read_ans, read_bare, read_map
from grammars.reply import Expected, ReplyKind

NUMBER = Expected(ReplyKind.NUMBER)
YES_NO = Expected(ReplyKind.YES_NO, ("yes", "no"))


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


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('["cumin", "clove"]', ["cumin", "clove"]),
        ('Here you are:\n```json\n[\n  "cumin",\n  null,\n  4.50\n]\n```\nHope it helps', ["cumin", None, "4.50"]),
        ("[]", []),
        ("- cumin\n- clove", ["cumin", "clove"]),
        ("* cumin", ["cumin"]),
        ("Two of them:\n\n1. cumin\n2. clove \n\nEnjoy!", ["cumin", "clove"]),
        ("1) cumin\n2) clove", ["cumin", "clove"]),
        ("<think>- salt</think>- cumin", ["cumin"]),
        ('{"answer": ["cumin"]}\n- clove', ["cumin"]),
        # Which of the lines are the list would be a guess.
        ("cumin\nclove", None),
        ("cumin, clove", None),
        ("2. cumin\n3. clove", None),
        ("1. cumin\n1. clove", None),
        ("1. Spices\n- cumin\n- clove", None),
        ("- Spices\n  - cumin", None),
        ("-40", None),
        ('["cumin"]\n["clove"]', None),
        ('[["cumin"]]', None),
        ('[{"name": "cumin"}]', None),
        ("[1] Smith, 2004", None),
        ('["cumin", "clo', None),
        ('{"answer": "noise"} or {"answer": "cold"}\n- noise', None),
    ],
)
def test_read_ans_where_a_list_is_wanted(text: str, values: list[str | None] | None) -> None:
    assert read_ans(text, many=True) == values


@pytest.mark.parametrize("text", ['["cumin"]', "- cumin", "1. cumin\n2. clove"])
def test_a_list_is_read_only_where_one_is_wanted(text: str) -> None:
    assert read_ans(text) is None


@given(st.lists(st.none() | st.text(max_size=12), max_size=8), st.none() | st.integers(0, 2))
def test_every_json_array_is_read_back(values: list[str | None], indent: int | None) -> None:
    assert read_ans(json.dumps(values, indent=indent), many=True) == values


@pytest.mark.parametrize("text", ["[" * 100_000, "[\n" * 100_000, "- a" + " " * 100_000 + "b\n1. c"])
def test_a_long_reply_that_is_no_list_is_no_crash_and_no_wait(text: str) -> None:
    started = time.thread_time()
    assert read_ans(text, many=True) is None
    assert time.thread_time() - started < 1


def test_the_lines_of_an_object_without_its_end_are_not_read() -> None:
    assert read_map('{\n "1": "Rhine",\n "2": "Ama', 2) == {}


@pytest.mark.parametrize("sentence", ["No, I'm sorry, but I can't help with that.", "Yes, one of the 2 it has"])
def test_a_sentence_is_no_bare_reply(sentence: str) -> None:
    assert read_bare(sentence, YES_NO) is None


def test_a_key_that_is_no_inputs_number_makes_all_doubtful() -> None:
    assert read_map(f'{{"1": "yes", "{"1" * 5000}": "no"}}', 2) == {}


def test_read_bare() -> None:
    assert read_bare(" `12`\n", NUMBER) == "12"
    assert read_bare("'No'", YES_NO) == "'No'"
    assert read_bare("No, sorry.", Expected(ReplyKind.YES_NO)) is None
    assert read_bare("Europe", Expected()) is None
    assert read_bare('{"1": "yes"', YES_NO) is None
    assert read_bare("<html>", NUMBER) is None
    assert read_bare("one\ntwo", NUMBER) is None
    assert read_bare("1" * 201, NUMBER) is None
