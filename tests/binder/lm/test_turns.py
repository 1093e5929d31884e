"""Several keys or servers take over from each other."""

from __future__ import annotations

import itertools
import time
from typing import Any

import pytest

from binder.errors import ConfigurationError, LMUnavailable
from binder.lm.openai import OpenAI
from binder.lm.turns import Turns
from tests.binder.lm.test_openai import ask, closed_port, request, works
from tests.support.fault_server import Body, Reply, error, in_turn, serve

KEYS = ["sk-the-first-key", "sk-the-second-key"]


def test_turns_go_to_whoever_is_free_first_and_leave_out_what_is_not_worth_another_try() -> None:
    turns, now = Turns.of(3, first=1, retries=2), 0.0
    seen, waits = [turns.at], []
    for wait in (2.0, None, 1.0, 0.5, 3.0, 1.0, None):
        waits.append(pause := turns.pass_on("no", wait, now))
        now += pause or 0.0
        seen.append(turns.at)
    assert seen == [1, 2, 0, 0, 0, 1, 1, 1]
    assert waits == [0.0, 0.0, 1.0, 0.5, 0.5, 1.0, None]


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_the_next_key_takes_over_at_once_and_stays(status: int, caplog: pytest.LogCaptureFixture) -> None:
    started = time.monotonic()
    with (
        serve(in_turn(lambda body: error(status, "no", retry_after="30"), works)) as server,
        caplog.at_level("WARNING"),
    ):
        lm = OpenAI("stub", base_url=server.url, api_key=KEYS)
        first, second = ask(lm, request(), request())
    assert (first.usage.requests, second.usage.requests) == (2, 1)
    assert server.keys == [f"Bearer {KEYS[key]}" for key in (0, 1, 1)]
    assert time.monotonic() - started < 5
    assert "Key or server 2 takes over from 1" in caplog.text
    assert not any(key in caplog.text for key in KEYS)


def test_the_next_key_takes_over_from_a_response_that_is_no_completion() -> None:
    with serve(in_turn(lambda body: Reply("<html>"), works)) as server:
        [response] = ask(OpenAI("stub", base_url=server.url, api_key=KEYS), request())
    assert response.usage.requests == 2
    assert server.keys == [f"Bearer {key}" for key in KEYS]


def test_a_server_takes_over_from_one_that_is_down() -> None:
    with serve(works) as server:
        lm = OpenAI("stub", base_url=[f"http://127.0.0.1:{closed_port()}/v1", server.url], api_key="sk-of-both")
        [response] = ask(lm, request())
    assert response.usage.requests == 2


def test_when_each_is_busy_the_first_to_be_free_is_waited_for() -> None:
    def busy(seconds: str) -> Any:
        return lambda body: error(429, "slow down", retry_after=seconds)

    with serve(in_turn(busy("9"), busy("0.1"), works)) as server:
        [response] = ask(OpenAI("stub", base_url=server.url, api_key=KEYS, timeout=20), request())
    assert response.usage.requests == 3
    assert server.keys == [f"Bearer {KEYS[key]}" for key in (0, 1, 1)]


def test_each_is_tried_no_sooner_than_it_asked_for() -> None:
    times: dict[str, list[float]] = {"first": [], "second": []}

    def busy(name: str, seconds: str) -> Any:
        def behave(body: Body) -> Reply:
            times[name].append(time.monotonic())
            return error(429, "slow down", retry_after=seconds) if len(times[name]) < 4 else works(body)

        return behave

    with serve(busy("first", "0.3")) as first, serve(busy("second", "1.5")) as second:
        ask(OpenAI("stub", base_url=[first.url, second.url], api_key="sk-of-both", timeout=20), request())
    gaps = {name: [after - before for before, after in itertools.pairwise(at)] for name, at in times.items()}
    assert len(times["first"]) == 4 and all(gap > 0.29 for gap in gaps["first"])
    assert all(gap > 1.49 for gap in gaps["second"])


def test_the_error_names_each_server_and_what_it_did() -> None:
    down = f"http://127.0.0.1:{closed_port()}/v1"
    behave = lambda body: error(401, f"bad key {KEYS[0]}, {'no ' * 200}")  # noqa: E731
    with serve(behave) as server, pytest.raises(LMUnavailable) as caught:
        ask(OpenAI("stub", base_url=[down, server.url], api_key=KEYS), request())
    told = str(caught.value)
    assert told.startswith(f"stub at {down}: no connection") and f"; stub at {server.url}: the server refused" in told
    assert KEYS[0] not in told and "[key]" in told and len(told) < 600


def test_the_error_names_the_server_that_ran_past_the_timeout_and_those_before_it() -> None:
    down = f"http://127.0.0.1:{closed_port()}/v1"
    with serve(lambda body: Reply(pause=30)) as server, pytest.raises(LMUnavailable) as caught:
        ask(OpenAI("stub", base_url=[down, server.url], timeout=1, stall=1), request())
    told = str(caught.value)
    assert "did not answer within 1 s" in told or "stalled" in told
    assert down in told and server.url in told


@pytest.mark.parametrize("keys", [["sk-one-of-them", ""], ["", "sk-one-of-them"], ["sk-one-of-them", None]])
def test_an_empty_key_among_several_is_refused(keys: list[Any]) -> None:
    with pytest.raises(ConfigurationError, match="one of the keys is empty"):
        OpenAI("stub", base_url="http://localhost:1/v1", api_key=keys)


def test_where_none_takes_it_the_error_names_no_key() -> None:
    told = f"bad key {KEYS[0]} or {KEYS[1]}"
    refusal = pytest.raises(LMUnavailable, match="the server refused the key")
    with serve(lambda body: error(401, told)) as server, refusal as caught:
        ask(OpenAI("stub", base_url=server.url, api_key=KEYS), request())
    assert len(server.bodies) == 2
    assert not any(key in str(caught.value) for key in KEYS)
    assert all(f"stub at {server.url} with key {number}: " in str(caught.value) for number in (1, 2))


def test_a_request_that_is_itself_at_fault_is_not_tried_elsewhere() -> None:
    def behave(body: Body) -> Reply:
        return error(400, "messages must be a list")

    with serve(behave) as server, pytest.raises(LMUnavailable, match="messages must be a list"):
        ask(OpenAI("stub", base_url=server.url, api_key=KEYS), request())
    assert len(server.bodies) == 1


@pytest.mark.parametrize(("urls", "keys"), [(["http://a/v1"] * 2, ["k"] * 3), ([], "k"), ("http://a/v1", [])])
def test_numbers_of_servers_and_keys_that_do_not_fit_are_refused(urls: Any, keys: Any) -> None:
    with pytest.raises(ConfigurationError, match="give one of either, or as many of each"):
        OpenAI("stub", base_url=urls, api_key=keys)


@pytest.mark.parametrize("down_first", [True, False])
def test_the_status_is_that_of_whoever_gave_one(down_first: bool) -> None:
    down = f"http://127.0.0.1:{closed_port()}/v1"
    with serve(lambda body: error(401, "who are you?")) as server, pytest.raises(LMUnavailable) as caught:
        ask(OpenAI("stub", base_url=[down, server.url] if down_first else [server.url, down]), request())
    assert caught.value.status == 401
