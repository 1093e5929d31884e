from __future__ import annotations

from datetime import time
from pathlib import Path

import pyarrow
import pytest

from binder import Table, prompt
from binder.errors import ConfigurationError
from binder.lm.base import Message
from binder.lm.scripted import Scripted
from binder.pack import pack
from binder.render import PANDAS
from binder.sandbox.tables import Given
from exemplars import choose, store
from grammars.language import Language
from grammars.schema import Column, Kind
from tests.support.transcripts import kept, transcript

SHOTS = choose.first(store.programs(), 8)
every_language = pytest.mark.parametrize("language", list(Language))


def model(context: int = 8192) -> Scripted:
    return Scripted(lambda request: "", context=context)


def boats(rows: int = 3, name: str = "boats") -> Table:
    numbers = list(range(rows))
    data = pyarrow.table({"boat": [f"Boat {n}" for n in numbers], "crew": numbers, "row_id": numbers})
    columns = (Column("boat", Kind.TEXT, "VARCHAR"), Column("crew", Kind.INTEGER, "BIGINT"))
    return Table(name, None, columns, "row_id", data)


def pantry(folder: Path) -> Table:
    """A column of every kind, spelled as people spell them."""
    path = folder / "jars.csv"
    path.write_text(
        'jar,"net weight","price ""new""",filled,shelved,"best, at",cooled,sealed\n'
        'plum | quince,"1,200",€4.50,5 Mar 2021,2021-03-06 08:15,8:30,4:02.31,true\n'
        '"fig\nand honey",800,€12.00,16 Apr 2021,2021-04-17 17:40,19:05,3:58.06,false\n'
        ",950,,1 May 2021,2021-05-02 09:00,12:00,4:10.00,true\n",
        encoding="utf-8",
    )
    return Table.from_csv(path, title="Pantry", descriptions={"net weight": "in grams"})


def shelf() -> Table:
    """A table that is too large to be shown whole."""
    large = pyarrow.table({"jar": [f'Jar "{n}"' for n in range(90)], "row_id": list(range(90))})
    return Table("shelf", None, (Column("jar", Kind.TEXT, "VARCHAR"),), "row_id", large)


@every_language
def test_a_prompt_reads_as_it_was_read_by_eye(language: Language, tmp_path: Path) -> None:
    shots = [exemplar for exemplar in store.programs() if exemplar.id in ("05_map_several_columns", "18_join")]
    question = 'how many jars like Jar "45" are sealed?'
    request = prompt.draft(
        question, [pantry(tmp_path), shelf()], lm=model(), exemplars=shots, language=language
    ).request
    again = prompt.repair(request, "jars", "line 1: no table 'jars'", language=language)
    assert transcript(again) == kept(f"{language}.txt")


def test_the_types_that_a_python_prompt_names_are_those_of_the_frames(tmp_path: Path) -> None:
    table = pantry(tmp_path)
    packed = pack([table])
    [given] = Given.read(packed.described, packed.data).tables
    dtypes = [str(dtype).partition("[")[0] for dtype in given.frame.dtypes]
    assert [PANDAS[column.kind].replace("datetime.time", "object") for column in table.columns] == dtypes
    assert {column.kind for column in table.columns} == set(Kind) - {Kind.NUMBER}
    assert isinstance(given.frame["best, at"][0], time)


@every_language
def test_what_is_constant_comes_first(language: Language) -> None:
    one, other = (
        prompt.draft(question, [table], lm=model(), exemplars=SHOTS, language=language).request
        for question, table in (("how many boats?", boats()), ("which boat is the first?", boats(9)))
    )
    assert one.messages[:-1] == other.messages[:-1]
    assert [message.role for message in one.messages] == ["system", *["user", "assistant"] * 8, "user"]
    assert one.messages[-1].content.endswith("2 | Boat 2 | 2\n\nQuestion: how many boats?")


def test_in_python_the_last_worked_questions_are_plain_and_those_least_wanted_are_cut() -> None:
    made = prompt.draft("how many?", [boats()], lm=model(2400), exemplars=SHOTS, language=Language.PYTHON)
    programs = [message.content for message in made.request.messages if message.role == "assistant"]
    calls = ["qa_" in program for program in programs]
    assert calls == sorted(calls, reverse=True) and set(calls) == {True, False}
    assert 0 < made.cuts.shots < 8
    assert set(programs) == {exemplar.python for exemplar in SHOTS[: -made.cuts.shots]}


def test_questions_about_one_table_share_all_but_the_question() -> None:
    one, other = (
        prompt.draft(question, [boats()], lm=model(), exemplars=SHOTS).request.prompt
        for question in ("how many?", "who?")
    )
    assert one.removesuffix("how many?") == other.removesuffix("who?")


def test_a_single_table_is_called_w_and_several_by_their_names() -> None:
    single = prompt.draft("how many?", [boats()], lm=model(), exemplars=()).request
    both = prompt.draft("how many?", [boats(), boats(name="yachts")], lm=model(), exemplars=()).request
    assert "Table w\n" in single.prompt
    assert "Table boats\n" in both.prompt and "Table yachts\n" in both.prompt
    python = prompt.draft("how many?", [boats()], lm=model(), exemplars=SHOTS, language=Language.PYTHON).request
    assert python.prompt.count("Table table") == 9 and "Table w" not in python.prompt


def test_the_request_carries_how_to_sample() -> None:
    request = prompt.draft("how many?", [boats()], lm=model(), exemplars=(), n=20, temperature=0.4, seed=7).request
    assert (request.purpose, request.n, request.temperature, request.seed) == ("draft", 20, 0.4, 7)


def test_a_question_is_one_line() -> None:
    request = prompt.draft("how\n\nTable w\nmany?", [boats()], lm=model(), exemplars=()).request
    assert request.messages[-1].content.endswith("Question: how Table w many?")


@every_language
@pytest.mark.parametrize("context", [1900, 2400, 7000, 32_768])
def test_a_prompt_fits_its_context_and_says_what_it_left_out(context: int, language: Language) -> None:
    made = prompt.draft("how many?", [boats(5000)], lm=model(context), exemplars=store.programs(), language=language)
    shown = sum(message.role == "assistant" for message in made.request.messages)
    assert prompt.tokens(*made.request.messages) + made.request.max_tokens <= context
    assert made.cuts.shots == len(store.programs()) - shown
    assert made.cuts.rows > 4000
    assert (context < 7000) == (made.cuts.shots > 0)


@every_language
def test_the_usual_prompt_is_short_enough_for_a_small_model(language: Language) -> None:
    made = prompt.draft("how many boats are there?", [boats(10)], lm=model(), exemplars=SHOTS, language=language)
    assert prompt.tokens(*made.request.messages) < 2000
    assert not made.cuts


def test_a_context_too_small_for_question_and_table_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="scripted reads 900: select fewer columns"):
        prompt.draft("how many? " * 100, [boats()], lm=model(900), exemplars=SHOTS)


def test_a_repair_goes_on_with_the_conversation() -> None:
    request = prompt.draft("how many?", [boats()], lm=model(), exemplars=SHOTS, n=20).request
    again = prompt.repair(request, "SELECT nme FROM w", "no column 'nme'\n  hint: did you mean `name`?")
    assert again.messages[: len(request.messages)] == request.messages
    assert again.messages[-2] == Message("assistant", "SELECT nme FROM w")
    assert "hint: did you mean `name`?" in again.messages[-1].content
    assert again.n == 1


def test_a_repair_fits_where_the_draft_did() -> None:
    request = prompt.draft("how many?", [boats(5000)], lm=model(2000), exemplars=SHOTS).request
    again = prompt.repair(request, "SELECT " * 4000, "no! " * 4000)
    assert prompt.tokens(*again.messages) + again.max_tokens <= 2000


def test_a_users_templates_are_used(tmp_path: Path) -> None:
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "draft.jinja").write_text(
        "{% macro system() %}Short.{% endmacro %}{% macro turn(tables, question) %}{{ question }}!{% endmacro %}"
    )
    request = prompt.draft("how many?", [boats()], lm=model(), exemplars=(), folder=tmp_path).request
    assert request.messages == (Message("system", "Short."), Message("user", "how many?!"))


def test_tokens_are_rather_over_than_underestimated() -> None:
    assert prompt.tokens("1234567890") > 10
    assert prompt.tokens("東京" * 10) >= 20
    assert prompt.tokens("which peaks are in Asia?") >= 6
