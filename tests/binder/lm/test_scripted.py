"""A function as the language model."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from contextvars import ContextVar
from typing import Any

import pandas
import pytest

from binder import Binder, Table
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


def test_a_function_that_runs_out_of_replies_says_so() -> None:
    replies = iter(["one"])
    lm = Scripted(lambda request: next(replies))
    assert texts(ask(lm)) == ["one"]
    with pytest.raises(RuntimeError, match="StopIteration"):
        ask(lm)


def test_a_function_that_blocks_holds_up_nothing_else() -> None:
    together = threading.Barrier(4, timeout=10)

    def reply(request: Request) -> str:
        return str(together.wait())

    async def four() -> list[Response]:
        lm = Scripted(reply)
        return await asyncio.gather(*(lm.complete(Request((Message("user", "?"),))) for _ in range(4)))

    assert sorted(text for response in asyncio.run(four()) for text in texts(response)) == ["0", "1", "2", "3"]


def test_the_function_sees_the_context_of_its_caller() -> None:
    who = ContextVar("who", default="nobody")
    who.set("a caller")
    assert texts(ask(Scripted(lambda request: who.get()))) == ["a caller"]


def test_a_function_that_never_ends_does_not_keep_the_process() -> None:
    code = """
import asyncio, time
from binder.lm import Message, Request, Scripted
lm = Scripted(lambda request: time.sleep(60))
try:
    asyncio.run(asyncio.wait_for(lm.complete(Request((Message("user", "?"),))), 0.1))
except TimeoutError:
    print("in time")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert (done.stdout, done.stderr, done.returncode) == ("in time\n", "", 0)


@pytest.mark.parametrize("reply", [None, 7, ["one"], ["one", 2], []])
def test_another_kind_of_reply_says_what_is_wanted(reply: object) -> None:
    with pytest.raises(LMReplyError, match="scripted: the function must return a text or a sequence of 2 texts"):
        ask(Scripted(lambda request: reply), n=2)  # type: ignore[arg-type, return-value]


async def _leaves(request: Request) -> str:
    raise SystemExit(3)


def _leaves_at_once(request: Request) -> str:
    raise SystemExit(3)


@pytest.mark.parametrize("fn", [_leaves, _leaves_at_once])
def test_a_function_that_leaves_ends_its_question_alone(fn: Any) -> None:
    table = Table.from_pandas(pandas.DataFrame({"name": ["K2"]}))
    with Binder(Scripted(fn), cache=False, deadline=20) as engine:
        with pytest.raises(RuntimeError, match="SystemExit"):
            engine.ask("which?", table, n=1)
        assert engine.run("SELECT COUNT(*) FROM w", table).values == (1,)
