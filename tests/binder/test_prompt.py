from __future__ import annotations

from pathlib import Path

import pyarrow
import pytest

from binder import Table, prompt
from binder.errors import ConfigurationError
from binder.lm.base import Message
from binder.lm.scripted import Scripted
from exemplars import choose, store
from grammars.schema import Column, Kind

SHOTS = choose.first(store.programs(), 8)


def model(context: int = 8192) -> Scripted:
    return Scripted(lambda request: "", context=context)


def boats(rows: int = 3, name: str = "boats") -> Table:
    numbers = list(range(rows))
    data = pyarrow.table({"boat": [f"Boat {n}" for n in numbers], "crew": numbers, "row_id": numbers})
    columns = (Column("boat", Kind.TEXT, "VARCHAR"), Column("crew", Kind.INTEGER, "BIGINT"))
    return Table(name, None, columns, "row_id", data)


def test_what_is_constant_comes_first() -> None:
    one = prompt.draft("how many boats?", [boats()], lm=model(), exemplars=SHOTS).request
    other = prompt.draft("which boat is the first?", [boats(9)], lm=model(), exemplars=SHOTS).request
    assert one.messages[:-1] == other.messages[:-1]
    assert [message.role for message in one.messages] == ["system", *["user", "assistant"] * 8, "user"]
    assert one.messages[-1].content.endswith("2 | Boat 2 | 2\n\nQuestion: how many boats?")


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


def test_the_request_carries_how_to_sample() -> None:
    request = prompt.draft("how many?", [boats()], lm=model(), exemplars=(), n=20, temperature=0.4, seed=7).request
    assert (request.purpose, request.n, request.temperature, request.seed) == ("draft", 20, 0.4, 7)


def test_a_question_is_one_line() -> None:
    request = prompt.draft("how\n\nTable w\nmany?", [boats()], lm=model(), exemplars=()).request
    assert request.messages[-1].content.endswith("Question: how Table w many?")


@pytest.mark.parametrize("context", [1800, 2400, 6000, 32_768])
def test_a_prompt_fits_its_context_and_says_what_it_left_out(context: int) -> None:
    made = prompt.draft("how many?", [boats(5000)], lm=model(context), exemplars=store.programs())
    shown = sum(message.role == "assistant" for message in made.request.messages)
    assert prompt.tokens(*made.request.messages) + made.request.max_tokens <= context
    assert made.cuts.shots == len(store.programs()) - shown
    assert made.cuts.rows > 4000
    assert (context < 6000) == (made.cuts.shots > 0)


def test_the_usual_prompt_is_short_enough_for_a_small_model() -> None:
    made = prompt.draft("how many boats are there?", [boats(10)], lm=model(), exemplars=SHOTS)
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
