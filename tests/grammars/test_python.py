"""Checks of Python programs, as pairs of a program and what becomes of it: fixtures/python_check/<rule>.txt.

An output is the program's text, with a line ``~ …`` for each mend, or a complaint ``! …`` with its place and hint; in
``kinds.txt`` it is what each call must return. ``accepted.txt`` holds programs only: they pass as they are, and run.
"""

from __future__ import annotations

import collections
import datetime
import functools
import itertools
import math
import re
import statistics
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grammars.python import CheckedPython, PythonCall, check_python
from grammars.python_allowed import BUILTINS, MEMBERS, METHODS
from grammars.schema import Schema, TableSchema
from tests.support.pairs import FIXTURES, Pair, read_pairs
from tests.support.python_attacks import ATTACKS, BOMBS, ESCAPES, Attack
from tests.support.schemas import ONE, PEAKS, TWO

RUN = ["tidy", "script", "parameters", "modern", "query", "conditions", "rows"]
ONE_TABLE = [*RUN, "names", "calls", "safety", "growth"]
ACCEPTED = (FIXTURES / "python_check" / "accepted.txt").read_text("utf-8").rstrip("\n").split("\n---\n")
MODULES = (collections, datetime, functools, itertools, math, re, statistics)


# Programs that models write use what pandas will drop, such as `inplace=True`; they are to run while it is there.
pytestmark = pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")


def outcome(text: str, schema: Schema) -> str:
    """What a check says, as the fixtures have it."""
    checked = check_python(text, schema)
    if checked.program is None:
        return "\n".join(f"! {complaint.render(checked.text)}" for complaint in checked.complaints)
    return "\n".join([str(checked.program), *(f"~ {mend}" for mend in checked.program.mends)])


def told(call: PythonCall) -> str:
    """What a call must return, as the fixtures have it."""
    expected = call.expected
    labels = f" {'one of' if expected.closed else 'like'} {', '.join(expected.labels)}" if expected.labels else ""
    columns = f" ({', '.join(call.columns)})" if call.columns is not None else ""
    returned = f"{'list of ' if expected.many else ''}{expected.kind}{labels}"
    return f"{call.line} {'map' if call.per_row else 'ans'} {call.question}{columns}: {returned}"


def namespace() -> dict[str, Any]:
    """What a program finds defined; its LM calls are answered "yes"."""
    return {
        "pd": pd,
        "np": np,
        "qa_map": lambda table, question, columns: table.assign(**{question: "yes"}),
        "qa_ans": lambda table, question, columns=None: "yes",
        **{module.__name__: module for module in MODULES},
    }


def peaks() -> pd.DataFrame:
    """Rows of the table that ``ONE`` describes."""
    return pd.DataFrame(
        {
            "Name": ["Everest", "K2", "Lhotse"],
            "country": ["Nepal", "Pakistan", "Nepal"],
            "height (m)": [8849, 8611, 8516],
            "First ascent": pd.to_datetime(["1953-05-29", "1954-07-31", "1956-05-18"]),
            "Total votes": [3, 4, 5],
        }
    )


def messages(checked: CheckedPython) -> list[str]:
    return [complaint.message for complaint in checked.complaints]


@pytest.mark.parametrize(
    "pair",
    [pair for rule in [*ONE_TABLE, "parameters_two"] for pair in read_pairs(f"python_check/{rule}.txt")],
    ids=str,
)
def test_check(pair: Pair) -> None:
    assert outcome(pair.given, TWO if "two" in pair.place else ONE) == pair.wanted


@pytest.mark.parametrize("pair", read_pairs("python_check/kinds.txt"), ids=str)
def test_kinds(pair: Pair) -> None:
    program = check_python(pair.given, ONE).program
    assert program is not None
    assert "\n".join(map(told, program.calls)) == pair.wanted


@pytest.mark.parametrize("text", ACCEPTED, ids=range(len(ACCEPTED)))
def test_ordinary_programs_pass_as_they_are_and_run(text: str) -> None:
    assert outcome(text, ONE) == text
    scope = namespace()
    exec(text, scope)
    scope["solve"](peaks())


@pytest.mark.parametrize(
    "pair",
    [pair for rule in RUN for pair in read_pairs(f"python_check/{rule}.txt") if not pair.wanted.startswith("!")],
    ids=str,
)
def test_mended_programs_run(pair: Pair) -> None:
    program = check_python(pair.given, ONE).program
    assert program is not None
    scope = namespace()
    exec(program.text, scope)
    scope["solve"](peaks())


@pytest.mark.parametrize("text", ACCEPTED, ids=range(len(ACCEPTED)))
def test_a_checked_program_checks_again_as_itself(text: str) -> None:
    program = check_python(f"```python\n{text}\n```", ONE).program
    assert program is not None
    assert outcome(str(program), ONE) == str(program)


def test_a_program_knows_its_tables_in_the_order_of_its_parameters() -> None:
    program = check_python("def solve(visits, highest_peaks):\n    return len(visits)", TWO).program
    assert program is not None
    assert program.language == "python"
    assert program.tables == ("visits", "peaks")


def test_a_table_whose_name_is_no_identifier_has_a_parameter() -> None:
    schema = Schema((TableSchema("top 10 peaks", PEAKS.columns), TableSchema("2020", PEAKS.columns)))
    checked = check_python("def solve(a, b):\n    return 1", schema)
    assert checked.complaints[0].hint == "write `def solve(top_10_peaks, table_2020):`"
    program = check_python("def solve(table_2020, top_10_peaks):\n    return 1", schema).program
    assert program is not None
    assert program.tables == ("2020", "top 10 peaks")


def test_without_tables_there_is_no_program() -> None:
    assert check_python("len(df)", Schema(())).program is None


def test_every_complaint_comes_at_once_in_the_order_of_the_text() -> None:
    text = (
        'import os\ndef solve(table):\n    os.listdir(table["depth"].sum())\n'
        "    return open(nothing), qa_map(table), 9 ** 9 ** 9"
    )
    checked = check_python(text, ONE)
    assert checked.program is None
    assert messages(checked) == [
        "module os is not allowed",
        "no column 'depth'",
        "`open` is not allowed",
        "no name `nothing`",
        "qa_map is given no question",
        "this grows too large",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "there is no program, only an empty text"),
        (" \n\t\n", "there is no program, only an empty text"),
        ("def solve(table):\n    return 'a\x00b'", "the character '\\x00' cannot stand in a program"),
        ("def solve(table):\n    return '\ud800'", "the character '\\ud800' cannot stand in a program"),
        ("def solve(table):\n    return (1", "'(' was never closed"),
        ("def solve(table):\n\treturn 1\n        return 2", "inconsistent use of tabs and spaces in indentation"),
        ("def solve(table):\nreturn 1", "expected an indented block after function definition on line 1"),
        ("x = " + "1 + " * 6000 + "1", "the program has 24,005 characters, and 20,000 is the most"),
        ("x = " + "1 + " * 3000 + "1", "the program is nested too deeply"),
        ("x = " + "(" * 150 + "1" + ")" * 150 + "".join(".a" for _ in range(150)), "the program is nested too deeply"),
        ("x = " + "-" * 9000 + "1", "the program is nested too deeply"),
        ("x = " + "not " * 4000 + "1", "the program is nested too deeply"),
        ("x = " + "[" * 190 + "]" * 190, "the program is nested too deeply"),
        ("x = " + "[" * 5000, "too many nested parentheses"),
        ("x = " + "lambda: " * 2000 + "1", "the program is nested too deeply"),
        ("x = " + "1 if 1 else " * 1500 + "1", "the program is nested too deeply"),
        ("x = a" + ".b" * 9000, "the program is nested too deeply"),
        ("x = " + "9" * 5000, "exceeds the limit (4300 digits) for integer string conversion"),
        ("def solve(table):\n    break\n    return 1", "'break' outside loop"),
        ("def solve(table, table):\n    return 1", "duplicate argument 'table' in function definition"),
        ("def solve(table):\n    return *table", "can't use starred expression here"),
        ("The answer is Nepal.", "there is no program in 'The answer is Nepal.'"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_cannot_be_read_gives_one_clear_complaint(text: str, message: str) -> None:
    checked = check_python(text, ONE)
    assert checked.program is None
    assert len(checked.complaints) == 1
    assert checked.complaints[0].message.startswith(message)
    assert checked.complaints[0].hint
    assert checked.complaints[0].render(checked.text)


def test_places_are_right_after_characters_of_several_bytes() -> None:
    text = 'def solve(table):\n    return "é中😀" + open("x")'
    checked = check_python(text, ONE)
    assert checked.complaints[0].render(text).split("\n")[:3] == [
        "line 2, column 20: `open` is not allowed",
        '      return "é中😀" + open("x")',
        "  " + " " * 19 + "^^^^",
    ]


def test_a_column_of_another_name_than_its_label_is_read_by_either() -> None:
    mended = check_python('def solve(table):\n    return table["height\\n(m)"].max()', ONE).program
    assert mended is not None
    assert mended.text == 'def solve(table):\n    return table["height (m)"].max()'


def test_there_are_as_many_attacks_as_promised_each_with_a_name_of_its_own() -> None:
    assert len(ESCAPES) >= 160
    assert len(BOMBS) >= 25
    assert len({attack.id for attack in ATTACKS}) == len(ATTACKS)
    assert len({attack.program for attack in ATTACKS}) == len(ATTACKS)


@pytest.mark.parametrize("attack", ESCAPES, ids=str)
def test_an_attack_is_refused_with_a_clear_complaint(attack: Attack) -> None:
    checked = check_python(attack.against("/srv/secret.txt", "/srv/canary.txt", 40404), ONE)
    assert checked.program is None
    refusals = [complaint for complaint in checked.complaints if complaint.rule == "safety"]
    assert refusals
    for complaint in refusals:
        assert complaint.hint
        assert complaint.span is not None
        assert complaint.render(checked.text).count("^")


@pytest.mark.parametrize("attack", BOMBS, ids=str)
def test_a_bomb_is_a_plain_program(attack: Attack) -> None:
    """Only limits stop these: were they refused here, the sandbox's limits would go untested."""
    assert messages(check_python(attack.program, ONE)) == []


def _reached(path: str) -> object:
    module, _, member = path.partition(".")
    return functools.reduce(getattr, member.split("."), __import__(module))


@pytest.mark.parametrize("module", MEMBERS)
def test_what_a_module_may_be_asked_for_is_there_and_is_no_module(module: str) -> None:
    for member in MEMBERS[module]:
        assert not isinstance(_reached(f"{module}.{member}"), type(re)), member


def test_no_method_on_the_list_reaches_out() -> None:
    reaching = re.compile(
        r"_|to_(csv|json|pickle|sql|html|xml|parquet|feather|excel|hdf|stata|latex|markdown|clipboard|string|records)"
        r"|read|load|save|dump|eval|query|pipe|open|exec|compile|import|format_map|attrs|style|plot|hist|boxplot"
        r"|info\Z|tofile|view|ctypes"
        r"|data\Z|base\Z|flags|setflags|frame|globals|code\Z|func\Z|obj\Z|mro|subclasses"
    )
    assert [name for name in sorted(METHODS) if reaching.match(name) and name != "to_frame"] == []
    for name in ["open", "eval", "exec", "compile", "getattr", "setattr", "type", "vars", "object", "super", "id"]:
        assert name not in BUILTINS


WORDS = (
    "table df w row pd np qa_map qa_ans QA solve return lambda for in if else def True yes é “ 1 10**9 nonlocal break"
)
SIGNS = "( ) [ ] { } . , : ; = == + * ** ~ & @ \\ # ' \" ``` .Name .append( .query( .apply( .agg( .format( .__class__"
TEXTS = ['"Name"', '"contry"', "'height (m)'", '"map@is it big?"', "f'{row.Name}'", '"""', "inplace=True"]
PIECES = st.sampled_from([*WORDS.split(), *SIGNS.split(), *TEXTS, "\n", "\n    ", "\t", " ", "\ud800"])


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A program with a few pieces cut out, put in or doubled."""
    program = draw(st.sampled_from([*ACCEPTED, *(attack.program for attack in ATTACKS)]))
    for _ in range(draw(st.integers(1, 5))):
        start = draw(st.integers(0, len(program)))
        end = draw(st.integers(start, min(len(program), start + 12)))
        program = (
            program[:start] + draw(st.one_of(PIECES, st.just(""), st.just(program[start:end] * 2))) + program[end:]
        )
    return program


def _sound(checked: CheckedPython) -> None:
    assert (checked.program is None) == bool(checked.complaints)
    for complaint in checked.complaints:
        assert complaint.message
        complaint.render(checked.text)
    if checked.program is not None:
        compile(checked.program.text, "program", "exec")


@pytest.mark.filterwarnings("ignore")
@given(mutated())
@settings(max_examples=400, deadline=None)
def test_a_check_never_raises_on_mutated_programs(text: str) -> None:
    _sound(check_python(text, ONE))
    _sound(check_python(text, TWO))


@pytest.mark.filterwarnings("ignore")
@given(st.lists(PIECES, max_size=40).map("".join))
@settings(max_examples=400, deadline=None)
def test_a_check_never_raises_on_pieces_of_programs(text: str) -> None:
    _sound(check_python(text, ONE))


@given(st.text(max_size=200))
@settings(max_examples=200, deadline=None)
def test_a_check_never_raises_on_nonsense(text: str) -> None:
    _sound(check_python(text, ONE))
