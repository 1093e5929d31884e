"""A program just as long as it may be is checked soon; a longer one is refused before anything is done with it."""

from __future__ import annotations

import time

import pandas
import pytest

from binder.accept import schema_of
from binder.table import Table
from grammars.check import check
from grammars.schema import Schema
from grammars.size import CALLS, CHARACTERS, WORDS

SOON = 20.0  # seconds, on a busy machine; about one on an idle one


@pytest.fixture(scope="module")
def schema() -> Schema:
    return schema_of((Table.from_pandas(pandas.DataFrame({"name": ["K2"], "height (m)": [8611], "n": [1]})),))


def calls(count: int) -> str:
    """So many calls, each of which is asked about the rows that those before it leave."""
    return "SELECT name FROM w WHERE " + " AND ".join(f"QA(\"map@is it {n}?\"; name) = 'yes'" for n in range(count))


def conditions(words: int) -> str:
    """About so many words and signs, in chains no longer than can be read."""
    each = " OR ".join(f"n = {n}" for n in range(20))
    return "SELECT name FROM w WHERE n IN (" + ", ".join(["1"] * (words // 2)) + f") AND ({each})"


def wrong_names(words: int) -> str:
    """About so many words and signs, half of them names that are none."""
    return "SELECT " + ", ".join(f"nmae{n}" for n in range((words - 3) // 2)) + " FROM w"


def doubled(times: int) -> str:
    """Queries each of which gives the columns of the one before it twice."""
    ctes = ", ".join(f"a{i} AS (SELECT x.*, y.* FROM a{i - 1} x, a{i - 1} y)" for i in range(1, times))
    return f"WITH a0 AS (SELECT * FROM w), {ctes} SELECT 1 FROM a{times - 1}"


@pytest.mark.parametrize("times", [14, 50])
def test_columns_that_multiply_are_counted_before_they_are_made(times: int, schema: Schema) -> None:
    (complaint,) = check(doubled(times), schema).complaints
    assert "columns in all" in complaint.message


@pytest.mark.parametrize(
    "text",
    [
        doubled(6),
        "SELECT *, (SELECT COUNT(*) FROM w) FROM (SELECT * FROM w) d JOIN w ON w.n = d.n",
        "SELECT * FROM w WHERE n IN (SELECT n FROM w UNION SELECT 1) AND EXISTS (SELECT * FROM w)",
        "(SELECT * FROM w) UNION SELECT * FROM w ORDER BY 1",
    ],
)
def test_other_stars_are_taken(text: str, schema: Schema) -> None:
    assert not [one for one in check(text, schema).complaints if one.rule == "size"]


def literal(characters: int) -> str:
    begin, end = "SELECT name FROM w WHERE name = '", "'"
    return begin + "a" * (characters - len(begin) - len(end)) + end


@pytest.mark.parametrize(
    ("program", "fine"),
    [
        pytest.param(calls(CALLS), True, id="calls"),
        pytest.param(conditions(WORDS - 120), True, id="conditions"),
        pytest.param(wrong_names(WORDS), False, id="wrong names"),
        pytest.param(literal(CHARACTERS), True, id="literal"),
        pytest.param("height (m) " * (CHARACTERS // 11), False, id="headers"),
        pytest.param("'" * CHARACTERS, False, id="quotation marks"),
        pytest.param("SELECT name FROM w;" * (CHARACTERS // 19), False, id="statements"),
    ],
)
def test_a_program_within_the_limits_is_checked_soon(program: str, fine: bool, schema: Schema) -> None:
    started = time.monotonic()
    checked = check(program, schema)
    assert time.monotonic() - started < SOON
    assert (checked.program is not None) is fine
    assert not any(complaint.rule == "size" for complaint in checked.complaints if fine)


@pytest.mark.parametrize(
    ("program", "told"),
    [
        (calls(CALLS + 1), "there are 61 LM calls, and a program may hold 60"),
        (conditions(WORDS), "words and signs, and may have 10,000 at most"),
        (literal(CHARACTERS + 1), "the text has 100,001 characters, and a program 100,000 at most"),
    ],
    ids=["calls", "words", "characters"],
)
def test_a_program_beyond_a_limit_is_refused(program: str, told: str, schema: Schema) -> None:
    (complaint,) = check(program, schema).complaints
    assert complaint.rule == "size"
    assert told in complaint.message
