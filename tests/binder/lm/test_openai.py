"""An OpenAI-compatible server that works, works in part, or fails: what comes back, and how soon."""

from __future__ import annotations

import asyncio
import base64
import gc
import json
import logging
import re
import socket
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import openai  # noqa: F401 (loaded before anything is timed)
import pytest

from binder.errors import ConfigurationError, LMError, LMOverflow, LMReplyError, LMUnavailable
from binder.lm.base import LM, Message, Request, Response, Usage
from binder.lm.budget import Budget
from binder.lm.limits import Limited
from binder.lm.openai import OpenAI
from binder.loop import await_on, wait_for
from tests.support.fault_server import Reply, completion, error, in_turn, serve

if TYPE_CHECKING:
    from collections.abc import Callable

    from binder.lm.wire import Api
    from tests.support.fault_server import Behaviour, Body, FaultServer

SCHEMA = {"type": "object", "properties": {"1": {"type": "string"}}}
TIMEOUT = 20.0  # longer than any request takes on a busy machine, and shorter than what is to be given up


def request(**options: Any) -> Request:
    return Request((Message("system", "Answer."), Message("user", "which peaks are in Asia?")), **options)


def ask(lm: LM, *requests: Request) -> list[Response]:
    """Every request in turn, on one loop, and the connections closed."""

    async def all_of_them() -> list[Response]:
        try:
            return [await lm.complete(each) for each in requests]
        finally:
            await lm.aclose()

    return asyncio.run(all_of_them())


def client(server: FaultServer, **options: Any) -> OpenAI:
    return OpenAI("stub", base_url=server.url, **({"timeout": TIMEOUT, "api_key": "sk-secret-key"} | options))


def texts(response: Response) -> list[str]:
    return [each.text for each in response.completions]


def works(body: Body) -> Reply:
    return completion(*(f"reply {i}" for i in range(body.get("n", 1))))


def one_at_a_time(body: Body) -> Reply:
    """Ignores ``n``."""
    return completion(f"seed {body.get('seed')}")


def refuses(field: str, message: str) -> Behaviour:
    return lambda body: error(400, message) if field in body else works(body)


def test_it_is_an_lm() -> None:
    assert isinstance(OpenAI("stub", base_url="http://localhost:1/v1"), LM)


def test_the_request_is_sent_whole() -> None:
    with serve(works) as server:
        lm = client(server)
        [response] = ask(lm, request(n=2, temperature=0.5, max_tokens=9, stop=("\n\n",), schema=SCHEMA, seed=7))
    assert texts(response) == ["reply 0", "reply 1"]
    assert server.bodies == [
        {
            "model": "stub",
            "messages": [
                {"role": "system", "content": "Answer."},
                {"role": "user", "content": "which peaks are in Asia?"},
            ],
            "n": 2,
            "temperature": 0.5,
            "max_tokens": 9,
            "stop": ["\n\n"],
            "seed": 7,
            "logprobs": True,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "reply", "schema": SCHEMA, "strict": True},
            },
        }
    ]


@pytest.mark.parametrize("api", ["chat", "completions"])
def test_the_key_is_sent(api: Api) -> None:
    with serve(works) as server:
        ask(client(server, api=api), request())
    assert server.keys == ["Bearer sk-secret-key"]


@pytest.mark.parametrize(
    ("key", "said", "told"),
    [
        ("a", "a bad API key: 'a'", "a bad API key: '[key]'"),
        ("a", "a key at all is what that needs", "a key at all is what that needs"),
        ("x", "Incorrect API key provided: x. Authorization: Bearer x", "provided: [key]. Authorization: Bearer [key]"),
        ("ollama", "ollama is no ollama-key, api_key=ollama", "ollama is no ollama-key, api_key=[key]"),
        ("sk-secret-key", "is sk-secret-key one, or sk-secret-k…?", "is [key] one, or sk-secret-k…?"),
        ("sk-a-Key-of-many-characters", "is sk-a-Key-of-m… one?", "is [key]… one?"),
        ("ollama-local-server-key", "no model ollama-local-7", "no model ollama-local-7"),
    ],
)
def test_the_key_is_taken_out_of_messages_and_nothing_else(key: str, said: str, told: str) -> None:
    with serve(lambda body: error(401, said)) as server, pytest.raises(LMUnavailable) as caught:
        ask(client(server, api_key=key), request())
    assert told in str(caught.value)


def test_text_completions() -> None:
    def behave(body: Body) -> Reply:
        logprobs = {"token_logprobs": [-0.5, -0.25]}
        return Reply({"choices": [{"text": body["prompt"], "finish_reason": "length", "logprobs": logprobs}]})

    with serve(behave) as server:
        [response] = ask(client(server, api="completions"), request())
    [reply] = response.completions
    assert (reply.text, reply.logprob, reply.finished) == ("Answer.\n\nwhich peaks are in Asia?", -0.75, False)


def test_log_probabilities_are_summed_over_the_reply() -> None:
    tokens = {"content": [{"token": "a", "logprob": -0.5}, {"token": "b", "logprob": -1.0}]}
    choice = {"message": {"content": "ab"}, "finish_reason": "stop", "logprobs": tokens}
    with serve(lambda body: Reply({"choices": [choice]})) as server:
        [response] = ask(client(server), request())
    assert response.completions[0].logprob == -1.5
    assert response.completions[0].finished


def test_the_servers_usage_is_used() -> None:
    with serve(lambda body: completion("a", usage={"prompt_tokens": 30, "completion_tokens": 4})) as server:
        [response] = ask(client(server), request())
    assert response.usage == Usage(1, 30, 4, response.usage.seconds)
    assert 0 < response.usage.seconds < TIMEOUT


def test_usage_that_is_missing_is_estimated() -> None:
    with serve(lambda body: completion("12345678")) as server:
        [response] = ask(client(server), request())
    assert (response.usage.prompt_tokens, response.usage.completion_tokens) == (9, 2)


def test_usage_of_one_choice_for_several_is_put_right() -> None:
    tokens = {"content": [{"token": "a", "logprob": -0.5}] * 3}
    choices = [{"message": {"content": "aaa"}, "logprobs": tokens}] * 4
    reply = Reply({"choices": choices, "usage": {"prompt_tokens": 5, "completion_tokens": 3}})
    with serve(lambda body: reply) as server:
        [response] = ask(client(server), request(n=4))
    assert response.usage.completion_tokens == 12


def test_a_reply_ends_at_a_stop_text_that_the_server_ignored() -> None:
    with serve(lambda body: completion("SELECT 1;\n\nQ: another")) as server:
        [response] = ask(client(server), request(stop=("\n\n", "Q:")))
    assert texts(response) == ["SELECT 1;"]


def test_that_a_server_gives_one_sample_a_request_is_remembered() -> None:
    with serve(one_at_a_time) as server:
        lm = client(server)
        said = ask(lm, request(n=3, seed=10), request(n=2, seed=11), request(n=2, seed=12))
    assert list(map(texts, said)) == [["seed 10"], ["seed 11"], ["seed 12"]]
    assert lm.samples == 1
    assert [body.get("n") for body in server.bodies] == [3, 2, None]


def test_more_samples_than_asked_for_are_left() -> None:
    with serve(lambda body: completion("a", "b", "c")) as server:
        [response] = ask(client(server), request(n=2))
    assert texts(response) == ["a", "b"]


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("n", "n must be at most 1"),
        ("n", "Only one completion choice is allowed"),
        ("logprobs", "logprobs is not supported by this model"),
        ("response_format", "This response_format type is unavailable now"),
        ("temperature", "Unsupported value: 'temperature' does not support 0.5 with this model."),
        ("stop", "Unsupported parameter: 'stop' is not supported with this model."),
        ("seed", "unknown field seed"),
    ],
)
def test_what_a_server_refuses_is_left_out_and_remembered(field: str, message: str) -> None:
    asked = request(n=2, temperature=0.5, stop=("\n\n",), schema=SCHEMA, seed=7)
    with serve(refuses(field, message)) as server:
        first, second = ask(client(server), asked, asked)
    assert len(first.completions) == len(second.completions) == (1 if field == "n" else 2)
    assert [field in body for body in server.bodies].count(True) == 1
    assert all("max_tokens" in body for body in server.bodies)


def test_the_limit_of_a_reply_goes_by_its_newer_name() -> None:
    message = "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead."
    with serve(refuses("max_tokens", message)) as server:
        ask(client(server), request(max_tokens=9), request(max_tokens=9))
    limits = [(body.get("max_tokens"), body.get("max_completion_tokens")) for body in server.bodies]
    assert limits == [(9, None), (None, 9), (None, 9)]


def test_several_refusals_are_met_one_after_another() -> None:
    def behave(body: Body) -> Reply:
        refused = next((field for field in ("temperature", "logprobs", "n") if field in body), None)
        return error(400, "invalid request", param=refused) if refused else works(body)

    with serve(behave) as server:
        first, second = ask(client(server), request(n=2), request(n=2))
    assert first.usage.requests == 4
    assert second.usage.requests == 1


def test_a_refusal_about_something_else_is_said_and_nothing_is_forgotten() -> None:
    message = "max_completion_tokens leaves too little"
    with serve(in_turn(lambda body: error(400, message), lambda body: error(400, message), works)) as server:
        lm = client(server)
        with pytest.raises(LMUnavailable, match=message):
            ask(lm, request())
        ask(lm, request())
    assert "max_tokens" in server.bodies[-1]


@pytest.mark.parametrize(
    "refusal",
    [
        error(400, "This model's maximum context length is 4096 tokens; max_completion_tokens leaves too little"),
        error(400, "the request exceeds the available context size, try increasing it"),
        error(400, "Your prompt is too long: 9000 tokens > 8192 maximum"),
        error(422, "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000"),
        error(500, "Context size has been exceeded."),
        Reply({"error": {"message": "invalid request", "code": "context_length_exceeded"}}, 400),
        Reply("", 413),
    ],
)
def test_a_request_longer_than_the_context_is_not_sent_again(refusal: Reply) -> None:
    with serve(lambda body: refusal) as server, pytest.raises(LMOverflow, match=r"^stub at .* Lower the LM's context="):
        ask(client(server), request(schema=SCHEMA, n=2))
    assert len(server.bodies) == 1


@pytest.mark.parametrize("said", ["prompt not allowed", "Context: who are you?", "max_tokens must be at least 1"])
def test_other_refusals_are_no_overflow(said: str) -> None:
    with serve(lambda body: error(400, said)) as server, pytest.raises(LMUnavailable) as caught:
        ask(client(server), request())
    assert not isinstance(caught.value, LMOverflow)


def test_a_moments_failure_is_waited_out() -> None:
    busy = error(429, "slow down", **{"Retry_After": "0.1"})
    with serve(in_turn(lambda body: busy, lambda body: Reply(hang_up=True), works)) as server:
        started = time.perf_counter()
        [response] = ask(client(server, timeout=10), request())
    assert response.usage.requests == 3
    assert time.perf_counter() - started > 0.1


def test_a_wait_longer_than_the_timeout_is_not_begun() -> None:
    with serve(lambda body: error(429, "slow down", **{"Retry_After": "30"})) as server:
        started = time.perf_counter()
        with pytest.raises(LMUnavailable, match="asks for fewer requests"):
            ask(client(server), request())
    assert time.perf_counter() - started < 10
    assert len(server.bodies) == 1


def test_a_date_says_how_long_to_wait() -> None:
    busy = error(503, "back soon", **{"Retry_After": "Wed, 21 Oct 2015 07:28:00 GMT"})
    with serve(in_turn(lambda body: busy, works)) as server:
        [response] = ask(client(server), request())
    assert response.usage.requests == 2


BAD: dict[str, tuple[Behaviour, type[LMError], str]] = {
    "stalls": (
        lambda body: Reply(pause=30),
        LMUnavailable,
        r"did not answer within 1 s|the connection stalled: nothing came for 1 s \(stall=",
    ),
    "trickles": (lambda body: Reply("{" + " " * 999, trickle=0.05), LMUnavailable, "did not answer within 1 s"),
    "hangs up": (lambda body: Reply(hang_up=True), LMUnavailable, "the connection broke"),
    "fails": (lambda body: error(500, "out of memory"), LMUnavailable, r"status 500 \(out of memory\)"),
    "fails in HTML": (lambda body: Reply("<html>Bad gateway</html>", 502), LMUnavailable, "status 502 .*Bad gateway"),
    "is busy": (lambda body: error(429, "quota used up"), LMUnavailable, "quota used up.*concurrency="),
    "refuses the key": (lambda body: error(401, "bad key sk-secret-key"), LMUnavailable, "Set OPENAI_API_KEY"),
    "does not know the model": (
        *(lambda body: error(404, "no such model"), LMUnavailable),
        r"no model 'stub'.*\(BINDER_MODEL.*--lm.*\(OPENAI_BASE_URL\).*end",
    ),
    "refuses the size": (lambda body: Reply("", 413), LMUnavailable, "too large"),
    "refuses": (lambda body: error(400, "prompt not allowed"), LMUnavailable, "prompt not allowed"),
    "answers HTML": (lambda body: Reply("<html>Hello</html>"), LMUnavailable, "not JSON but '<html>.*ends in /v1"),
    "answers nothing": (lambda body: Reply(""), LMUnavailable, "not JSON but empty"),
    "answers half": (lambda body: Reply('{"choices": [{"mess'), LMUnavailable, "not JSON"),
    "answers a list": (lambda body: Reply([1]), LMUnavailable, "no choices"),
    "answers an error": (
        lambda body: Reply({"error": {"message": "no credit"}}),
        LMUnavailable,
        r"is an error \('no credit'\)",
    ),
    "answers an error's text": (lambda body: Reply({"error": "no credit"}), LMUnavailable, r"an error \('no credit'\)"),
    "answers no choice": (lambda body: completion(), LMUnavailable, "choices is empty"),
    "answers null": (lambda body: completion(None, None), LMReplyError, "no text"),
    "answers other shapes": (lambda body: Reply({"choices": [7, {"message": 3}]}), LMReplyError, "no text"),
}


NO_COMPLETIONS = [
    "<html>Hello</html>",
    "",
    '{"choices": [{"mess',
    [1],
    {"error": {"message": "no credit"}},
    {"choices": []},
]


@pytest.mark.parametrize("body", NO_COMPLETIONS)
def test_a_response_that_is_no_completion_is_a_moments_failure(body: Any, caplog: pytest.LogCaptureFixture) -> None:
    with serve(in_turn(lambda asked: Reply(body), works)) as server, caplog.at_level("WARNING"):
        [response] = ask(client(server), request(seed=1))
    assert (texts(response), response.usage.requests) == (["reply 0"], 2)
    assert server.bodies[0] == server.bodies[1]
    assert "Asked again in" in caplog.text and "(1 of 4)" in caplog.text


def test_a_reply_without_text_is_the_models_own_and_is_not_asked_for_again() -> None:
    refusal = {"message": {"role": "assistant", "content": None, "refusal": "I can't"}, "finish_reason": "stop"}
    with (
        serve(lambda body: Reply({"choices": [refusal]})) as server,
        pytest.raises(LMReplyError, match="the model refused"),
    ):
        ask(client(server), request())
    assert len(server.bodies) == 1


@pytest.mark.parametrize("name", BAD)
def test_a_bad_server_is_named_in_time(name: str) -> None:
    behaviour, kind, message = BAD[name]
    timeout = 1.0 if "within 1 s" in message else TIMEOUT
    with serve(behaviour) as server:
        started = time.perf_counter()
        with pytest.raises(kind, match=message) as caught:
            ask(client(server, max_retries=1, timeout=timeout, stall=TIMEOUT), request(n=2))
        seconds = time.perf_counter() - started
    assert str(caught.value).startswith(f"stub at {server.url}: ") or "did not answer" in str(caught.value)
    assert server.url in str(caught.value)
    assert "sk-secret-key" not in str(caught.value)
    assert seconds < 10


def test_one_sample_without_text_does_not_lose_the_others() -> None:
    with serve(lambda body: completion("a", None)) as server:
        [response] = ask(client(server), request(n=2))
    assert texts(response) == ["a", ""]


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_server_that_is_down_is_said_at_once() -> None:
    url = f"http://127.0.0.1:{closed_port()}/v1"
    started = time.perf_counter()
    with pytest.raises(LMUnavailable, match=rf"stub at {url}: no connection .*Start the server"):
        ask(OpenAI("stub", base_url=url, timeout=20), request())
    assert time.perf_counter() - started < 5  # with four waits it were longer


def test_requests_are_sent_only_so_many_at_once() -> None:
    async def flood(lm: OpenAI) -> None:
        await asyncio.gather(*(lm.complete(request()) for _ in range(6)))
        await lm.aclose()

    with serve(lambda body: Reply(completion("a").body, pause=0.4)) as server:
        started = time.perf_counter()
        asyncio.run(flood(client(server, concurrency=2)))
        seconds = time.perf_counter() - started
    assert seconds >= 1.2, "a turn waits for its place, and its timeout starts then"
    assert len(server.bodies) == 6


def test_one_lm_serves_one_loop_after_another() -> None:
    with serve(works) as server:
        lm = client(server)
        assert [texts(ask(lm, request())[0]) for _ in range(2)] == [["reply 0"], ["reply 0"]]


def test_two_loops_at_a_time_have_connections_of_their_own() -> None:
    async def both(lm: OpenAI) -> list[Response]:
        elsewhere = await_on(lm.complete(request()))
        return await asyncio.gather(lm.complete(request()), elsewhere, lm.complete(request()))

    with serve(lambda body: Reply(works(body).body, pause=0.2)) as server:
        lm = client(server)

        async def said() -> list[str]:
            try:
                return [text for response in await both(lm) + await both(lm) for text in texts(response)]
            finally:
                await lm.aclose()

        assert asyncio.run(said()) == ["reply 0"] * 6


@pytest.mark.parametrize("how", ["it is let go", "it is closed on another loop"])
def test_connections_are_closed_on_the_loop_that_has_them(how: str) -> None:
    with serve(works) as server:
        lm = client(server)
        wait_for(lm.complete(request()))
        [session] = lm._sessions.values()
        assert not session.clients[0].is_closed()
        if how == "it is let go":
            del lm
            gc.collect()
        else:
            asyncio.run(lm.aclose())
        deadline = time.monotonic() + 10
        while not session.clients[0].is_closed():
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_it_may_outlive_its_loops() -> None:
    async def leave(lm: OpenAI) -> None:
        await lm.complete(request())
        [session] = lm._sessions.values()  # those of loops that have ended are gone
        await session.clients[0].close()

    with serve(works) as server:
        lm = client(server)
        for _ in range(3):
            asyncio.run(leave(lm))
        del lm
        gc.collect()


def test_a_proxy_is_not_asked_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(variable, f"http://127.0.0.1:{closed_port()}")
    with serve(works) as server:
        assert texts(ask(client(server), request())[0]) == ["reply 0"]


def test_a_server_of_ones_own_needs_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with serve(works) as server:
        assert texts(ask(OpenAI("stub", base_url=server.url), request())[0]) == ["reply 0"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: OpenAI("stub"), "no key for OpenAI's server"),
        (lambda: OpenAI("stub", base_url="localhost:8000/v1"), "'localhost:8000/v1' is no server's address"),
        (lambda: OpenAI("stub", base_url="http://localhost:port"), "is no server's address"),
        (lambda: OpenAI("stub", base_url="http://localhost/v1?deployment=a"), "without what begins with [?] or #"),
        (lambda: OpenAI("stub", api_key="sk-…"), "a character that no key has"),
        (lambda: OpenAI("stub", api_key="a", logprobs="no"), "logprobs is 'no'; give True or False"),  # type: ignore[arg-type]
    ],
)
def test_settings_that_cannot_work(make: Callable[[], OpenAI], message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(ConfigurationError, match=message):
        make()


def test_a_password_in_the_address_is_not_shown_and_takes_the_keys_place(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with serve(lambda body: completion("I was sent pa55word%20long and pa55word long")) as server:
        lm = OpenAI("stub", base_url=server.url.replace("//", "//me:pa55word%20long@"))
        [response] = ask(lm, request())
    assert lm.name == f"stub at {server.url}" and "pa55word" not in f"{lm.endpoints} {caplog.text}"
    assert server.keys == ["Basic " + base64.b64encode(b"me:pa55word long").decode()]
    assert "pa55word long" not in texts(response)[0]


@pytest.mark.parametrize("url", ["ftp://me:pa55word@host/v1", "http://me:pa55word@host:99999/v1", "//me:pa55word@h"])
def test_a_password_in_an_address_that_is_none_is_not_shown(url: str) -> None:
    with pytest.raises(ConfigurationError, match="is no server's address") as caught:
        OpenAI("stub", base_url=url)
    assert "pa55word" not in str(caught.value)


def test_a_key_that_a_server_repeats_in_a_reply_is_taken_out() -> None:
    with serve(lambda body: completion("the key is sk-secret-key-1")) as server:
        lm = OpenAI("stub", base_url=server.url, api_key="sk-secret-key-1")
        assert texts(ask(lm, request())[0]) == ["the key is [key]"]


def test_a_key_that_is_a_word_is_left_in_a_reply() -> None:
    with serve(lambda body: completion("lm-studio 3")) as server:
        assert texts(ask(OpenAI("stub", base_url=server.url, api_key="lm-studio"), request())[0]) == ["lm-studio 3"]


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("12345678", "SELECT name FROM w WHERE n = 123456789 OR m = 012345678"),
        ("ollama-local-server-key", '{"1": "ollama-local"}'),
        ("administrator-2024", "the administrator, and administrator-2024th"),
    ],
)
def test_what_merely_begins_as_a_key_is_left_in_a_reply(key: str, said: str) -> None:
    with serve(lambda body: completion(said)) as server:
        assert texts(ask(client(server, api_key=key), request())[0]) == [said]


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY"])
def test_a_proxy_that_is_none_is_said(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "nonsense://proxy")
    with pytest.raises(ConfigurationError, match="ALL_PROXY"):
        ask(OpenAI("stub", base_url="http://example.invalid/v1"), request())


@pytest.mark.parametrize("url", ["http://exa mple/v1", "http://\u0130\u2024/v1", "http://a..b/v1", "http://[v1.x]/v1"])
def test_an_odd_address_is_said(url: str) -> None:
    with pytest.raises((ConfigurationError, LMUnavailable), match=r"address|connection"):
        ask(OpenAI("stub", base_url=url), request())


def test_half_a_letter_in_what_is_asked_is_sent_as_none() -> None:
    half = Request((Message("user", "which \ud800?"),))
    with serve(works) as server:
        ask(client(server), half)
    assert server.bodies[0]["messages"][0]["content"] == "which \ufffd?"


@pytest.mark.parametrize("told", ["1e999", "-1e999", "1" + "0" * 400, "NaN"])
def test_a_log_probability_that_is_none_is_left_out(told: str) -> None:
    choice = (
        '{"index": 0, "message": {"content": "a"}, "finish_reason": "stop", "logprobs": {"content": [{"logprob": %s}]}}'
    )
    with serve(lambda body: Reply('{"choices": [' + choice % told + "]}")) as server:
        [response] = ask(client(server), request())
    assert response.completions[0].text == "a" and response.completions[0].logprob is None


@pytest.mark.parametrize("status", [401, 404, 503])
def test_the_error_holds_the_status(status: int) -> None:
    with serve(lambda body: error(status, "no")) as server, pytest.raises(LMUnavailable) as caught:
        ask(client(server, max_retries=0), request())
    assert caught.value.status == status


def test_nothing_is_sent_where_a_server_points_to() -> None:
    with serve(works) as other, serve(lambda body: error(307, "there", location=other.url)) as server:
        with pytest.raises(LMUnavailable, match="the server points to"):
            ask(client(server), request())
        assert other.bodies == []


def test_a_quota_that_is_used_up_is_not_waited_for() -> None:
    told = {"error": {"message": "You exceeded your current quota", "code": "insufficient_quota", "type": "error"}}
    with serve(lambda body: Reply(told, 429)) as server:
        with pytest.raises(LMUnavailable, match="quota is used up"):
            ask(client(server), request())
        assert len(server.bodies) == 1


@pytest.mark.parametrize(
    ("reason", "finished"),
    [
        *(
            (reason, True)
            for reason in (
                "stop",
                "stop_str",
                "eos",
                "eos_token_id",
                "<|im_end|>",
                "end_turn",
                "stop_sequence",
                "COMPLETE",
                "",
                None,
            )
        ),
        *(
            (reason, True)
            for reason in ("STOP", "completed", "tool_calls", "tool_use", "functionCall", "<|endoftext|>")
        ),
        *(
            (reason, False)
            for reason in ("length", "model_length", "max_tokens", "MAX_TOKENS", "content_filter", "error", "refusal")
        ),
        *((reason, False) for reason in ("insufficient_system_resource", "model_context_window_exceeded", "OTHER")),
        *((reason, False) for reason in ("context_overflow", "PROHIBITED_CONTENT", "stop_limit", "not finished", 7)),
    ],
)
def test_what_ended_before_its_end_is_not_taken_as_whole(
    reason: object, finished: bool, caplog: pytest.LogCaptureFixture
) -> None:
    choice = {"message": {"content": "1: 12"}, "finish_reason": reason}
    with caplog.at_level(logging.INFO, "binder"), serve(lambda body: Reply({"choices": [choice] * 2})) as server:
        [response] = ask(client(server), request(n=2))
    assert [one.finished for one in response.completions] == [finished] * 2
    told = [record.getMessage() for record in caplog.records if "ended before the end" in record.getMessage()]
    assert [line.partition(": ")[2] for line in told] == ([] if finished else [repr(str(reason))])


SECRETS = [
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jV",
    "dGVzdC9z+MTIz/NDU2Nzg5MA+abcdef==",
    'sk-"ab/\\c1234567',
]


@pytest.mark.parametrize("key", SECRETS)
def test_no_part_of_a_key_comes_back_however_it_is_spelled(key: str) -> None:
    spelled = [key, json.dumps(key)[1:-1], json.dumps(key)[1:-1].replace("/", "\\/"), quote(key), quote(key, safe="")]
    spelled += [re.sub("%..", lambda code: code[0].lower(), quote(key, safe="")), json.dumps(json.dumps(key))[3:-3]]
    spelled += ["".join(one if one.isalnum() else f"\\u{ord(one):04x}" for one in key)]
    said = [f"I was sent {one} there." for one in spelled] + [json.dumps({"1": f"\n{key}\n"})]
    with serve(lambda body: completion(*said)) as server:
        [response] = ask(client(server, api_key=key), request(n=len(said)))
    assert texts(response) == ["I was sent [key] there."] * len(spelled) + [r'{"1": "\n[key]\n"}']
    for told in (*(f"bad key {one}, really" for one in spelled), f"bad key {key[:-3]}…, really"):
        with serve(lambda body, told=told: error(401, told)) as server, pytest.raises(LMUnavailable) as caught:
            ask(client(server, api_key=key), request())
        assert re.search(r"\(bad key \[key\]…?, really\)", str(caught.value))


def test_a_server_that_says_at_once_is_still_given_a_moment() -> None:
    busy = error(429, "slow down", **{"Retry_After": "0"})
    with serve(in_turn(lambda body: busy, works)) as server:
        started = time.perf_counter()
        ask(client(server), request())
    assert time.perf_counter() - started > 0.3


def test_a_budget_a_minute_takes_nothing_of_a_requests_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("binder.lm.pace.MINUTE", 3.0)
    with serve(in_turn(lambda body: error(500, "oh"), works)) as server:
        lm = Limited(client(server, timeout=2.5), Budget(requests_per_minute=1))
        [response] = ask(lm, request())
    assert response.usage.requests == 2
