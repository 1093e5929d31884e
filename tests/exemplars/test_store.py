from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import UndefinedError

from binder.coerce import coerce
from exemplars import store
from exemplars.exemplar import MapExemplar, ProgramExemplar
from grammars.reply import ReplyKind


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_what_the_worked_questions_cover() -> None:
    tags = {tag for exemplar in store.programs() for tag in exemplar.tags}
    programs = " ".join(exemplar.program for exemplar in store.programs())
    assert len(store.programs()) >= 16
    assert {"sql", "map", "ans", "where", "select", "order by", "group by", "several maps", "several columns"} <= tags
    assert {"subquery", "arithmetic", "next row", "previous row", "count", "superlative", "difference", "join"} <= tags
    assert any(exemplar.program.startswith('QA("ans@') for exemplar in store.programs())
    assert "`" in programs
    facts = store.programs("tabfact")
    assert {exemplar.answer for exemplar in facts if "entailed" in exemplar.tags} == {("1",)}
    assert {exemplar.answer for exemplar in facts if "refuted" in exemplar.tags} == {("0",)}


def test_the_worked_calls_are_many_and_of_every_kind() -> None:
    assert len(store.maps()) >= 10 and len(store.answers()) >= 10
    assert {exemplar.expected.kind for exemplar in store.maps()} == set(ReplyKind)
    assert any(exemplar.expected.many for exemplar in store.answers())


@pytest.mark.parametrize("exemplar", [*store.maps(), *store.answers()], ids=lambda exemplar: exemplar.id)
def test_each_worked_reply_is_one_that_would_be_accepted(exemplar: MapExemplar) -> None:
    for reply in exemplar.replies:
        assert reply is None or str(coerce(reply, exemplar.expected)) == reply


def test_ids_are_unique_and_ordered() -> None:
    ids = [exemplar.id for exemplar in store.programs()]
    assert ids == sorted(set(ids))


def test_a_users_set_is_used_instead(tmp_path: Path) -> None:
    write(
        tmp_path / "wikitq" / "one.toml",
        """
        question = "how many?"
        program = "SELECT COUNT(*) FROM w"
        answer = ["1"]
        [[tables]]
        name = "w"
        title = "Boats"
        header = ["boat"]
        kinds = ["text"]
        rows = [["Ada"]]
        """,
    )
    [exemplar] = store.programs(folder=tmp_path)
    assert isinstance(exemplar, ProgramExemplar) and exemplar.tables[0].rows == (("Ada",),)
    assert store.programs("tabfact", tmp_path) == store.programs("tabfact")


PYTHON = """
question = "how many?"
program = "SELECT COUNT(*) FROM w"
python = '''
def solve(table):
    return len(table)
'''
answer = ["1"]
[[tables]]
name = "w"
title = "Boats"
header = ["boat"]
kinds = ["text"]
rows = [["Ada"]]
"""


def test_a_worked_question_is_written_in_both_languages_or_in_sql_alone(tmp_path: Path) -> None:
    write(tmp_path / "both" / "one.toml", PYTHON)
    write(tmp_path / "sql" / "one.toml", PYTHON[: PYTHON.index("python")] + PYTHON[PYTHON.index("answer") :])
    [both], [alone] = store.programs("both", tmp_path), store.programs("sql", tmp_path)
    assert both.written_in("python") == "def solve(table):\n    return len(table)"
    assert both.written_in("sql") == alone.written_in("sql") == "SELECT COUNT(*) FROM w"
    assert alone.written_in("python") is None


def test_every_packaged_question_is_written_in_both_languages() -> None:
    assert all(exemplar.python for name in ("wikitq", "tabfact") for exemplar in store.programs(name))


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("def solve(table)", r"python, line 1: expected ':'"),
        ("def answer(table): return 1", r"python defines no function 'solve'; begin it with def solve\(table\):"),
    ],
)
def test_a_python_program_that_cannot_be_read_is_named(tmp_path: Path, program: str, message: str) -> None:
    write(tmp_path / "wikitq" / "one.toml", PYTHON.replace("def solve(table):\n    return len(table)", program))
    with pytest.raises(ValueError, match=r"one\.toml: not an exemplar: " + message):
        store.programs(folder=tmp_path)


def test_a_users_template_is_used_instead(tmp_path: Path) -> None:
    write(tmp_path / "prompts" / "repair.jinja", "{% macro turn(complaints) %}Again: {{ complaints }}{% endmacro %}")
    module = store.templates(tmp_path).get_template("repair.jinja").module
    assert str(module.turn(complaints="no column")) == "Again: no column"  # type: ignore[attr-defined]
    assert store.templates(tmp_path).get_template("map.jinja").module.system()  # type: ignore[attr-defined]


def test_a_template_that_names_an_unknown_value_fails(tmp_path: Path) -> None:
    write(tmp_path / "prompts" / "repair.jinja", "{% macro turn(complaints) %}{{ complaint }}{% endmacro %}")
    with pytest.raises(UndefinedError, match="'complaint' is undefined"):
        str(store.templates(tmp_path).get_template("repair.jinja").module.turn(complaints=""))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("question = ", r"one\.toml: not an exemplar: Invalid value"),
        ('question = "how many?"', r"one\.toml: an exemplar needs the key 'tables'"),
        (
            'question = "q"\nprogram = "p"\nanswer = []\ntables = [{name = "w", title = "t", header = ["a", "b"],'
            ' kinds = ["text", "text"], rows = [["x"]]}]',
            r"one\.toml: not an exemplar: table 'w': kinds and every row need 2 items",
        ),
    ],
)
def test_a_file_that_is_no_exemplar_is_named(tmp_path: Path, text: str, message: str) -> None:
    write(tmp_path / "wikitq" / "one.toml", text)
    with pytest.raises(ValueError, match=message):
        store.programs(folder=tmp_path)


def test_a_set_that_is_nowhere_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no exemplar set 'mine': no \.toml file in .*mine"):
        store.programs("mine", tmp_path)
