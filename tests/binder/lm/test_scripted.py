"""A function as the language model."""

from __future__ import annotations

import asyncio

import pytest

from binder.errors import LMReplyError
from binder.lm.base import LM, Message, Request, Response
from binder.lm.scripted import Scripted


def ask(lm: Scripted, n: int = 1) -> Response:
    return asyncio.run(lm.complete(Request((Message("user", "which peaks are in Asia?"),), n=n)))


def texts(response: Response) -> list[str]:
    return [completion.text for completion in response.completions]


def test_it_is_an_lm() -> None:
    assert isinstance(Scripted(lambda request: ""), LM)


def test_one_text_serves_every_sample() -> None:
    assert texts(ask(Scripted(lambda request: request.purpose), n=3)) == ["draft"] * 3


def test_a_sequence_is_one_text_a_sample() -> None:
    assert texts(ask(Scripted(lambda request: [str(i) for i in range(request.n)]), n=3)) == ["0", "1", "2"]


def test_the_function_may_be_async() -> None:
    async def reply(request: Request) -> str:
        await asyncio.sleep(0)
        return request.prompt.upper()

    assert texts(ask(Scripted(reply))) == ["WHICH PEAKS ARE IN ASIA?"]


def test_usage_counts_one_request_and_guesses_tokens() -> None:
    usage = ask(Scripted(lambda request: "12345678"), n=2).usage
    assert (usage.requests, usage.prompt_tokens, usage.completion_tokens) == (1, 6, 4)


def test_what_the_function_raises_reaches_the_caller() -> None:
    def fail(request: Request) -> str:
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        ask(Scripted(fail))


@pytest.mark.parametrize("reply", [None, 7, ["one"], ["one", 2], []])
def test_another_kind_of_reply_says_what_is_wanted(reply: object) -> None:
    with pytest.raises(LMReplyError, match="scripted: the function must return a text or a sequence of 2 texts"):
        ask(Scripted(lambda request: reply), n=2)  # type: ignore[arg-type, return-value]
