"""What a reply is kept under: everything that can change it, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from binder.lm.base import Message, Request, batch_of, identity_of, working
from binder.lm.keys import CallKey, draft_keys, value_keys
from binder.lm.local import Local
from binder.lm.openai import OpenAI
from binder.lm.pins import QWEN
from binder.lm.scripted import Scripted
from exemplars import store
from grammars.reply import Expected, ReplyKind

CALL = CallKey("a model", "map", "is it in Asia?", ("country",), Expected(), "1")
REQUEST = Request((Message("system", "Answer."), Message("user", "which?")), temperature=0.4, seed=1)
CELLS = st.lists(st.none() | st.text(st.characters(exclude_categories=())), max_size=3).map(tuple)


class Plain:
    """A language model with nothing but what one must have."""

    name, context, concurrency = "plain", 1000, 1

    async def complete(self, request: Request) -> object:
        raise NotImplementedError

    async def aclose(self) -> None: ...


def test_a_model_without_the_optional_attributes_is_a_model() -> None:
    plain = Plain()
    assert (identity_of(plain), batch_of(plain), working(plain)) == (None, 16, plain)  # type: ignore[arg-type]


def test_how_many_inputs_a_request_carries_is_the_models() -> None:
    assert [batch_of(OpenAI("m", base_url="http://h/v1")), batch_of(Scripted(str)), batch_of(Local("x.gguf"))] == [
        *(16, 16, 12)
    ]


def test_a_function_is_cached_only_under_a_name() -> None:
    assert identity_of(Scripted(str)) is None
    assert identity_of(Scripted(str, identity="a")) != identity_of(Scripted(str, identity="b"))


def test_a_servers_model_is_known_by_all_that_decides_its_replies_and_not_by_the_key() -> None:
    lms = [
        OpenAI("m", base_url="http://h/v1"),
        OpenAI("n", base_url="http://h/v1"),
        OpenAI("m", base_url="http://i/v1"),
        OpenAI("m", base_url="http://h/v1", api="completions"),
        OpenAI("m", base_url="http://h/v1", context=100),
        OpenAI("m", base_url="http://h/v1", logprobs=False),
    ]
    assert len({identity_of(lm) for lm in lms}) == len(lms)
    again = OpenAI("m", base_url="http://user:secret@h/v1", api_key="other", concurrency=3, timeout=1.0, samples=2)
    assert identity_of(again) == identity_of(lms[0])


def test_an_embedded_model_is_known_by_its_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BINDER_LOCAL_MODEL", raising=False)
    assert QWEN.sha256 in (identity_of(Local()) or "")
    one, other = tmp_path / "one" / "m.gguf", tmp_path / "other" / "m.gguf"
    for path, text in ((one, b"GGUF 1"), (other, b"GGUF 2")):
        path.parent.mkdir()
        path.write_bytes(text)
    assert identity_of(Local(one)) == identity_of(Local(one)) != identity_of(Local(other))
    assert identity_of(Local(one)) != identity_of(Local(one, context=100))
    assert identity_of(Local(tmp_path / "none.gguf")) is None


@pytest.mark.parametrize(
    "change",
    [
        {"model": "another"},
        {"purpose": "ans"},
        {"question": "is it in Africa?"},
        {"labels": ("name",)},
        {"expected": Expected(ReplyKind.YES_NO)},
        {"expected": Expected(labels=("a",))},
        {"expected": Expected(labels=("a",), closed=True)},
        {"expected": Expected(many=True)},
        {"template_version": "2"},
        {"blocks": (True,)},
    ],
)
def test_whatever_can_change_a_value_changes_its_key(change: dict[str, object]) -> None:
    assert value_keys(replace(CALL, **change), [("Nepal",)]) != value_keys(CALL, [("Nepal",)])  # type: ignore[arg-type]


@given(st.lists(CELLS, unique=True, max_size=8))
def test_each_input_has_a_key_of_its_own_whatever_stands_beside_it(inputs: list[tuple[str | None, ...]]) -> None:
    keys = value_keys(CALL, inputs)
    assert len(set(keys)) == len(inputs)
    assert keys == [value_keys(CALL, [cells])[0] for cells in inputs]


@pytest.mark.parametrize(
    "change",
    [
        {"messages": REQUEST.messages[:1]},
        {"temperature": 0.0},
        {"max_tokens": 1},
        {"stop": ("x",)},
        {"schema": {"type": "object"}},
        {"seed": None},
        {"purpose": "ans"},
    ],
)
def test_whatever_can_change_a_draft_changes_its_key(change: dict[str, object]) -> None:
    assert draft_keys("m", replace(REQUEST, **change), 1) != draft_keys("m", REQUEST, 1)  # type: ignore[arg-type]
    assert draft_keys("m", REQUEST, 1) != draft_keys("another", REQUEST, 1)


def test_a_drafts_key_goes_by_the_samples_number_not_by_how_many_are_asked_for() -> None:
    many = draft_keys("m", replace(REQUEST, n=20), 20)
    assert len(set(many)) == 20
    assert draft_keys("m", replace(REQUEST, n=5), 5) == many[:5]


def test_a_key_tells_models_without_an_identity_apart_and_is_not_lasting() -> None:
    one, other = Scripted(str), Scripted(str)
    keys = [CallKey.of(lm, "map", "q", ["c"], Expected(), "1") for lm in (one, one, other)]
    assert keys[0] == keys[1] != keys[2]
    assert not keys[0].lasting
    assert CallKey.of(Scripted(str, identity="a"), "map", "q", ["c"], Expected(), "1").lasting


def test_a_users_template_or_worked_call_is_another_version(tmp_path: Path) -> None:
    packaged = store.version("map")
    assert store.version("map", tmp_path) == packaged
    for number, (name, text) in enumerate(
        [
            ("prompts/map.jinja", "{% macro system() %}Hi{% endmacro %}"),
            ("prompts/expected.jinja", "{% macro describe(expected) %}any{% endmacro %}"),
            ("map/one.toml", 'question = "q"'),
        ]
    ):
        path = tmp_path / str(number) / name
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")
        assert store.version("map", tmp_path / str(number)) != packaged
    assert store.version("ans", tmp_path / "2") == store.version("ans")
