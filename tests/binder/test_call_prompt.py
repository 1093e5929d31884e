from __future__ import annotations

import pytest

from binder.call_prompt import ans, encode, map_values, shorten
from binder.lm.scripted import Scripted
from binder.prompt import tokens
from exemplars import store
from exemplars.exemplar import Part
from grammars.reply import Expected, ReplyKind


@pytest.mark.parametrize(
    ("expected", "said", "schema"),
    [
        (Expected(), "a word or a few", {"type": ["string", "null"]}),
        (Expected(labels=("Asia",)), 'of the same sort as "Asia"', {"type": ["string", "null"]}),
        (Expected(labels=("a", "b"), closed=True), 'one of "a", "b"', {"type": "string", "enum": ["a", "b"]}),
        (Expected(ReplyKind.NUMBER), "a number", {"type": ["number", "null"]}),
        (Expected(ReplyKind.DATE), "YYYY-MM-DD", {"type": ["string", "null"]}),
        (Expected(ReplyKind.YES_NO), '"yes" or "no"', {"type": "string", "enum": ["yes", "no"]}),
        (Expected(ReplyKind.ORDERED), "to sort by", {"type": ["number", "string", "null"]}),
    ],
)
def test_a_map_asks_for_the_kind_it_needs(expected: Expected, said: str, schema: dict[str, object]) -> None:
    request = map_values("what is it?", ["a"], [("x",), ("y",)], expected)
    assert said in request.messages[-1].content
    assert request.schema is not None
    assert request.schema["properties"] == {"1": schema, "2": schema}
    assert request.schema["required"] == ["1", "2"]


def test_requests_of_a_map_share_all_but_their_inputs() -> None:
    one, other = (
        map_values("what is it?", ["a"], [(cell,)], Expected(), exemplars=store.maps()) for cell in ("first", "second")
    )
    assert one.prompt.removesuffix('"first"') == other.prompt.removesuffix('"second"')
    made_once = zip(one.messages[:-1], other.messages[:-1], strict=True)
    assert all(message is same for message, same in made_once)


def test_an_ans_asks_about_its_parts() -> None:
    parts = (Part(("a", "the b"), (("x", None),)), Part(("c",), (("y",), ("z",))))
    request = ans("which?", parts, Expected(many=True), lm=model(8192)).request
    turn = request.messages[-1].content
    assert 'Rows of a, `the b`:\n{"a": "x", "the b": null}\nRows of c:\n"y"\n"z"' in turn
    assert "Question: which?\nAnswer: a list, each a word or a few" in turn
    assert request.inputs == (("x", None), ("y", "z"))
    assert request.schema is not None
    assert request.schema["properties"]["answer"]["type"] == "array"


def model(context: int) -> Scripted:
    return Scripted(lambda request: "", context=context)


def test_an_ans_shows_as_many_rows_as_fit() -> None:
    long = Part(("a",), tuple((f"row {n}",) for n in range(1000)))
    made = ans("which?", (long, Part(("b",), (("short",),))), Expected(), lm=model(1500), exemplars=store.answers()[:3])
    shown = len(made.request.inputs[0])
    assert 10 < shown < 1000 and made.cuts.rows == 1000 - shown
    assert made.request.inputs[1] == ("short",)
    assert f"({1000 - shown} more rows are not shown)" in made.request.prompt
    assert tokens(*made.request.messages) + made.request.max_tokens <= 1500


def test_a_row_too_long_for_an_ans_is_cut_and_said() -> None:
    made = ans("which?", (Part(("a", "b"), (("x" * 50_000, "short"),)),), Expected(), lm=model(1500))
    [[long, short]] = made.request.inputs
    assert long is not None and long.endswith("x…") and short == "short"
    assert made.cuts.cells == 1 and made.cuts.rows == 0
    assert tokens(*made.request.messages) + made.request.max_tokens <= 1500


def test_only_the_longest_cells_are_shortened() -> None:
    short, long = shorten(("a" * 20, "b" * 4000), ["x", "y"], 100)
    assert short == "a" * 20 and long is not None and long.endswith("b…")
    assert tokens(encode((short, long), ["x", "y"])) <= 100
    assert shorten((None, "c"), ["x", "y"], 100) == (None, "c")
