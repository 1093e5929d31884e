"""Checks, as pairs of a program and what becomes of it: fixtures/check/<rule>.sql.

An output is the program as it is printed, with a line ``~ …`` for each mend, or a complaint ``! …`` with its place and
hint; in ``kinds.sql`` it is what each call must return.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from grammars import functions, safety
from grammars.calls import Spelling, find_calls
from grammars.check import check
from grammars.schema import Schema
from grammars.sql import Unparsable, parse
from tests.support.pairs import Pair, read_pairs
from tests.support.schemas import ONE, TWO

RULES = ["tidy", "asked", "names", "quoted", "joins", "safety", "arity", "growth", "fuzzed", "withs"]


def outcome(text: str, schema: Schema) -> str:
    """What a check says, as the fixtures have it."""
    checked = check(text, schema)
    if checked.program is None:
        return "\n".join(f"! {complaint.render(checked.text)}" for complaint in checked.complaints)
    return "\n".join([checked.program.sql(), *(f"~ {mend}" for mend in checked.program.mends)])


def kinds(text: str, schema: Schema) -> str:
    """What each call must return, as the fixtures have it."""
    program = check(text, schema).program
    assert program is not None
    lines = []
    for call in find_calls(program.tree):
        expected = call.expected
        labels = f" {'one of' if expected.closed else 'like'} {', '.join(expected.labels)}" if expected.labels else ""
        lines.append(f"{call.question}: {'list of ' if expected.many else ''}{expected.kind}{labels}")
    return "\n".join(lines)


@pytest.mark.parametrize("pair", [pair for rule in RULES for pair in read_pairs(f"check/{rule}.sql")], ids=str)
def test_check(pair: Pair) -> None:
    schema = TWO if "joins" in pair.place else ONE
    assert outcome(pair.given, schema) == pair.wanted


@pytest.mark.parametrize("pair", read_pairs("check/kinds.sql"), ids=str)
def test_kinds(pair: Pair) -> None:
    assert kinds(pair.given, ONE) == pair.wanted


@pytest.mark.parametrize("pair", read_pairs("identity.sql"), ids=str)
def test_both_spellings_survive_printing_and_parsing(pair: Pair) -> None:
    program = check(pair.given, ONE).program
    assert program is not None
    assert program.sql() == pair.wanted
    for spelling in Spelling:
        again = check(program.sql(spelling), ONE).program
        assert again is not None
        assert again.sql() == program.sql()
        assert again.sql(Spelling.FUNCTION) == program.sql(Spelling.FUNCTION)


def test_every_complaint_comes_at_once() -> None:
    checked = check("SELECT depth, getenv(country) FROM w WHERE mayor = 'x'", ONE)
    assert [complaint.rule for complaint in checked.complaints] == ["names", "safety", "names"]
    assert [complaint.message for complaint in checked.complaints] == [
        "no column 'depth'",
        "function GETENV is not allowed",
        "no column 'mayor'",
    ]


def test_what_is_no_query_is_not_mended_into_one() -> None:
    with pytest.raises(Unparsable) as refused:
        parse("CREATE TABLE t AS SELECT Name FROM w", ONE)
    assert refused.value.statement
    assert check("CREATE TABLE t AS SELECT Name FROM w", ONE).program is None


def test_a_check_never_raises_on_nonsense() -> None:
    for text in ["(((((", "QA(", 'QA("', "SELECT", ";;;", "\x00", "SELECT \ud800", "QA(map@x; y)", "SELECT QA()", "))"]:
        checked = check(text, ONE)
        assert checked.program is not None or checked.complaints


def test_half_a_character_is_refused_where_it_stands() -> None:
    for text in ("SELECT \udcff FROM w", "SELECT Name FROM w WHERE Name = '\ud800'", "\udcff"):
        checked = check(text, ONE)
        [complaint] = checked.complaints
        assert checked.program is None and "half a character" in complaint.message
        assert complaint.span is not None and text[complaint.span.start] in "\ud800\udcff"
        complaint.render(checked.text).encode()  # it can be printed


def test_deep_nesting_is_refused_not_crashed_on() -> None:
    checked = check("SELECT " + "(" * 3000 + "1" + ")" * 3000, ONE)
    assert checked.program is None
    assert "nested too deeply" in checked.complaints[0].message


FUNCTIONS = sorted(safety.ALLOWED_FUNCTIONS | {name.lower() for name in safety.ALLOWED} | set(functions.NAMED))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_with_any_arguments_is_read_or_refused(function: str) -> None:
    arguments = ["country", "'a'", "population", "2", "'%Y'"]
    for count in range(len(arguments) + 1):
        for turned in (arguments[:count], arguments[::-1][:count]):
            checked = check(f"SELECT {function}({', '.join(turned)}) FROM w", ONE)
            assert checked.complaints or (checked.program and checked.program.translated)


@pytest.mark.parametrize(
    "text", [f"SELECT {'+'.join('1' * 2000)} FROM w", f"SELECT 1 FROM w WHERE {' OR '.join(['1 = 1'] * 2000)}"]
)
def test_a_long_chain_is_refused_not_an_exception(text: str) -> None:
    checked = check(text, ONE)
    assert checked.program or [one.message for one in checked.complaints] == ["the program is nested too deeply"]


def test_what_sqlglot_thinks_of_a_program_is_not_printed(root: Path) -> None:
    read = "from grammars.check import check; from grammars.schema import Schema; "
    code = read + "check(\"SELECT 'a' -> '$['\", Schema(()))"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stderr == ""
