"""What DuckDB refuses is said in a program's words, at its place, before anything is asked."""

from __future__ import annotations

import pyarrow as pa
import pytest

from binder import Binder, ProgramError, Table
from binder.lm.scripted import Scripted

CASES = [
    ("SELECT name FROM w WHERE SUM(height) > 5", "SUM(height", "WHERE looks at one row, and this is of many"),
    ("SELECT name FROM w WHERE height = MAX(height)", "MAX(height", "WHERE looks at one row, and this is of many"),
    ("SELECT SUM(MAX(height)) FROM w", "MAX(height", "an aggregate stands inside another"),
    (
        "SELECT name FROM w WHERE RANK() OVER (ORDER BY height) = 1",
        "RANK() OVER (ORDER BY height",
        "WHERE cannot hold a window function",
    ),
    ("SELECT LAG(height) FROM w", "LAG(height", "a window function needs its OVER (…)"),
    (
        "SELECT name, height FROM w UNION SELECT name FROM w",
        "name FROM w",
        "the parts of a UNION, EXCEPT or INTERSECT select different numbers of columns",
    ),
    (
        "SELECT name FROM w WHERE name IN (SELECT name, height FROM w)",
        "name, height FROM w",
        "the columns of a subquery are 2 in number, and must be 1",
    ),
    (
        "SELECT name FROM w ORDER BY 7",
        "7",
        "ORDER BY has the number of a column that the query does not select",
    ),
    ("SELECT name FROM w LIMIT height", "height", "LIMIT and OFFSET take a number, not a column"),
    (
        "SELECT a FROM (SELECT name FROM w) AS t(a, b)",
        "t(a, b",
        "the columns of `t` are 1 in number, and 2 names are listed",
    ),
    ("SELECT SUM(DISTINCT *) FROM w", "*", "`*` cannot stand here"),
    ("SELECT ROUND(name, 1, 2) FROM w", "ROUND", "the function round does not take these arguments"),
    ("SELECT EXTRACT(FOO FROM name) FROM w", "FOO", "there is no function foo"),
    ("SELECT name FROM w GROUP BY", "BY", "the database cannot read the program near BY"),
    ("SELECT name FROM w WHERE name REGEXP '('", None, "a regular expression cannot be read"),
    ("WITH c AS (SELECT 1), c AS (SELECT 2) SELECT 1 FROM c", "c", "two tables of WITH are called `c`"),
    ("SELECT * FROM (VALUES (1), (2, 3)) AS x", None, "the rows of VALUES are not of one length"),
    ("SELECT RANK() OVER w3 FROM w", "w3", "there is no window called `w3`"),
    ('SELECT name AS "" FROM w', None, "a name is empty"),
    ("SELECT name FROM w WHERE height > ALL (SELECT name FROM w)", None, "values of different kinds are compared"),
    ("SELECT name FROM w LIMIT 99999999999999999999", None, "a number is too large for where it stands"),
    ("SELECT STRFTIME('%Q', name) FROM w", None, "a date has no %Q to be written"),
    ("SELECT DATE_TRUNC('foo', name) FROM w", "foo", "a date has no part called 'foo'"),
    (
        "SELECT GROUP_CONCAT(name, height) FROM w",
        None,
        'the database will not run it: The "arg" argument in function "listagg" must be a constant expression',
    ),
]


@pytest.mark.parametrize(("program", "where", "message"), CASES, ids=[message for _, _, message in CASES])
def test_a_refusal_has_words_and_a_place(program: str, where: str | None, message: str) -> None:
    table = Table.from_arrow(pa.table({"name": ["K2", "Fuji"], "height": [8611, 3776]}))
    with pytest.raises(ProgramError) as refused:
        Binder(Scripted(lambda request: "x")).check(program, table)
    (complaint,) = refused.value.complaints
    assert (complaint.message, complaint.rule) == (message, "binding")
    assert complaint.hint
    span = complaint.span
    assert (program[span.start : span.end] if span else None) == where
    assert "Error" not in str(refused.value)
