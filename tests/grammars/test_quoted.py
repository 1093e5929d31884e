"""A shortened header in double quotes is the header where a literal says nothing, and a literal beside a column."""

from __future__ import annotations

import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlglot import exp

from grammars.check import check
from grammars.program import Program
from grammars.schema import Column, Kind, Schema, TableSchema
from grammars.scope import ROW_ID_NAMES

TAKEN = {"yes", "true", "false", "row", *ROW_ID_NAMES}  # answers, and what names a row's number
WORDS = st.text(string.ascii_lowercase, min_size=3, max_size=9).filter(lambda word: word not in TAKEN)
NAMES = [
    'SELECT AVG("{0}") FROM w',
    'SELECT COUNT(*) FROM w GROUP BY "{0}"',
    'SELECT zz FROM w WHERE "{0}" > 5 ORDER BY "{0}" DESC',
    "SELECT zz FROM w WHERE '5' < \"{0}\" OR \"{0}\" IN ('a', 'b') OR \"{0}\" IS NULL",
    'SELECT "{0}", "{0}" * 2 FROM w',
    'SELECT zz FROM w WHERE "{0}" = (SELECT MIN("{0}") FROM w)',
    'SELECT QA("map@is it?"; "{0}") FROM w',
]
LITERALS = [
    'SELECT zz FROM w WHERE zz = "{0}" OR "{0}" <> zz',
    'SELECT zz FROM w WHERE zz IN ("{0}", "b") OR "{0}" IN (SELECT zz FROM w) OR zz LIKE "%{0}%"',
    'SELECT CASE zz WHEN "{0}" THEN "{0}" ELSE \'{0}\' END, zz || "{0}" FROM w',
    "SELECT COUNT('{0}') FROM w WHERE '{0}' = 'x'",
    'SELECT "{0}", COUNT(*) FROM w UNION SELECT "{0}", 2',
]


def checked(program: str, word: str) -> tuple[Program, str]:
    """A program over a table that has a header with the word in it."""
    header = f"{word} (10 yards)"
    columns = (Column("zz", Kind.TEXT, "VARCHAR"), Column(header, Kind.INTEGER, "BIGINT"))
    found = check(program.format(word), Schema((TableSchema("w", columns),))).program
    assert found is not None
    return found, header


def texts(program: Program) -> set[str]:
    """The texts of a program that are literals; a call's question is none."""
    return {node.name for node in program.tree.find_all(exp.Literal)} - {"is it?"}


@pytest.mark.parametrize("program", NAMES)
@given(word=WORDS)
@example(word="from")
def test_where_a_literal_says_nothing_it_is_the_header(program: str, word: str) -> None:
    found, header = checked(program, word)
    assert header in {column.name for column in found.tree.find_all(exp.Column)}
    assert word not in texts(found)
    assert set(found.mends) == {f"column `{word}` read as `{header}`"}


@pytest.mark.parametrize("program", LITERALS)
@given(word=WORDS)
def test_beside_a_column_it_is_a_text(program: str, word: str) -> None:
    found, _ = checked(program, word)
    assert {column.name for column in found.tree.find_all(exp.Column)} <= {"zz"}
    assert word in texts(found)
    assert not found.mends
