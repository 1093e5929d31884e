"""A budget holds to the last request, whatever is sent at once; and minutes have only so much room."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st

from binder import Binder, Table
from binder.errors import ConfigurationError, LimitReached, LMUnavailable
from binder.lm import pace
from binder.lm.base import LM, Completion, Message, Request, Response, Usage
from binder.lm.budget import Budget, Price, estimate, excess
from binder.lm.cache import Cache
from binder.lm.limits import Limited
from binder.lm.openai import OpenAI
from binder.lm.scripted import Scripted
from binder.sampling import sample
from binder.send import send
from tests.support.fault_server import Body, Reply, completion, error, in_turn, serve

PRICE = Price(read=1.0, written=2.0)
NAMES = ("requests", "tokens", "dollars", "seconds", "requests_per_minute", "tokens_per_minute")


def request(n: int = 1, max_tokens: int = 10, characters: int = 40, **more: Any) -> Request:
    """A request that is estimated at 10 tokens to read and 10 to write a sample, unless told otherwise."""
    return Request((Message("user", "x" * characters),), n=n, max_tokens=max_tokens, **more)


class Counting(Scripted):
    """Says ten tokens, after a while; counts what it was sent and how many at once."""

    def __init__(self, seconds: float = 0.0, text: str = "y" * 40) -> None:
        super().__init__(self._say)
        self.seconds, self.text = seconds, text
        self.sent = self.at_once = self.most_at_once = 0

    async def _say(self, request: Request) -> str:
        self.sent += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(self.seconds)
        self.at_once -= 1
        return self.text


def together(lm: LM, count: int, asked: Callable[[], Request] = request) -> list[Response | BaseException]:
    async def all_of_them() -> list[Response | BaseException]:
        return await asyncio.gather(*(send(lm, asked()) for _ in range(count)), return_exceptions=True)

    return asyncio.run(all_of_them())


def answered(results: list[Response | BaseException]) -> int:
    """How many were answered; the others met a limit."""
    assert all(isinstance(result, Response | LimitReached) for result in results), results
    return sum(isinstance(result, Response) for result in results)


def test_it_is_an_lm_like_the_one_it_stands_before() -> None:
    model = Scripted(str, name="m", context=100, concurrency=3, identity="i", batch=5)
    limited = Limited(Limited(model, Budget()), Budget())
    assert isinstance(limited, LM)
    assert (limited.name, limited.context, limited.concurrency, limited.batch) == ("m", 100, 3, 5)
    assert limited.identity == model.identity


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("amount", [-1, float("nan"), float("inf"), "3", True])
def test_a_limit_that_cannot_be_kept_to_is_refused(name: str, amount: object) -> None:
    with pytest.raises(ConfigurationError, match=f"budget: {name} is .*; give a (whole )?number"):
        Budget(**{name: amount})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("dollars", "seconds")])
def test_what_is_counted_is_counted_whole(name: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"budget: {name} is 1\.5; give a whole number"):
        Budget(**{name: 1.5})  # type: ignore[arg-type]
    assert Budget(dollars=0.5, seconds=1.5).seconds == 1.5


def test_nothing_a_minute_and_dollars_without_a_price_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="requests_per_minute is 0; give a whole number of 1 or more"):
        Budget(requests_per_minute=0)
    with pytest.raises(ConfigurationError, match="price: read is -1; give a number of 0 or more"):
        Price(read=-1, written=0)
    with pytest.raises(ConfigurationError, match="needs the model's price"):
        Limited(Scripted(str), Budget(dollars=1))
    assert Limited(Limited(Scripted(str), Budget(), PRICE), Budget(dollars=1)).price == PRICE


def test_reaching_a_limit_does_not_pass_it() -> None:
    spent = Usage(requests=3, prompt_tokens=200_000, completion_tokens=50_000)
    assert excess(Budget(requests=3, tokens=250_000, dollars=0.3), PRICE, spent) is None
    for budget in (Budget(requests=2), Budget(tokens=249_999), Budget(dollars=0.2999)):
        assert excess(budget, PRICE, spent) is not None


def test_an_estimate_counts_every_sample() -> None:
    assert estimate(request(n=5)) == Usage(1, 10, 50)


@pytest.mark.parametrize(
    ("budget", "most"),
    [
        (Budget(requests=0), 0),
        (Budget(requests=7), 7),
        (Budget(tokens=100), 5),
        (Budget(tokens=99), 4),
        (Budget(tokens=19), 0),
        (Budget(dollars=90e-6), 3),
        (Budget(dollars=89e-6), 2),
        (Budget(requests=4, tokens=60), 3),
    ],
)
@pytest.mark.parametrize("at_once", [False, True])
def test_exactly_as_much_as_a_limit_allows_is_sent(budget: Budget, most: int, at_once: bool) -> None:
    model = Counting()
    limited = Limited(model, budget, PRICE)
    if at_once:
        assert answered(together(limited, 12)) == most
    else:
        assert sum(answered(together(limited, 1)) for _ in range(12)) == most
    assert model.sent == most == limited.spent.requests
    assert limited.spent.tokens == 20 * most


def test_what_others_may_cost_is_waited_for_rather_than_refused() -> None:
    model = Counting(seconds=0.01, text="y" * 4)
    limited = Limited(model, Budget(tokens=200))
    # 110 tokens are set aside for each and 11 spent: one at a time, until 110 more would be too many.
    assert answered(together(limited, 12, lambda: request(max_tokens=100))) == 9
    assert (model.sent, model.most_at_once, limited.spent.tokens) == (9, 1, 99)


@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(1, 30), st.integers(0, 30)), min_size=1, max_size=8),
    st.integers(0, 6),
    st.integers(0, 300),
)
def test_no_set_of_requests_passes_a_limit(asked: list[tuple[int, int, int]], requests: int, tokens: int) -> None:
    async def say(request: Request) -> str:
        await asyncio.sleep(0)
        return "y" * min(4 * request.max_tokens, len(request.prompt))

    limited = Limited(Scripted(say), Budget(requests=requests, tokens=tokens))

    async def run() -> None:
        waiting = (limited.complete(request(n, max_tokens, characters)) for n, max_tokens, characters in asked)
        results = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 5)
        done = [result for result in results if isinstance(result, Response)]
        assert limited.spent.requests == len(done) <= requests
        assert limited.spent.tokens == sum(response.usage.tokens for response in done) <= tokens
        assert answered(list(results)) == len(done)

    asyncio.run(run())


def test_the_error_says_what_was_spent_what_is_missing_and_how_to_go_on() -> None:
    limited = Limited(Counting(), Budget(requests=2), PRICE)
    together(limited, 2)
    [failure] = together(limited, 1, lambda: request(purpose="map", inputs=(("a",), ("b",))))
    assert isinstance(failure, LimitReached)
    assert (failure.limit, failure.spent.requests, failure.spent.tokens) == ("requests", 2, 40)
    said = str(failure)
    assert "the limit of 2 requests on scripted is reached: 2 requests and 40 tokens ($0.0001) were spent" in said
    assert "and one more request (the values of 2 inputs) would take up to 3 requests in all" in said
    assert said.endswith("Raise requests= (--max-requests) and run again")


@pytest.mark.parametrize("cached", [True, False])
def test_what_is_kept_is_said_once_and_only_if_it_is(tmp_path: Path, cached: bool) -> None:
    said = json.dumps({1: "yes", 2: "no"})
    lm = Scripted(lambda asked: said, batch=2, identity="m")
    cache = Cache(tmp_path / "replies.sqlite") if cached else False
    names = Table.from_pandas(pandas.DataFrame({"name": [f"peak {n}" for n in range(8)]}), name="peaks")
    with Binder(lm, cache=cache, budget=Budget(requests=2)) as engine, pytest.raises(LimitReached) as caught:
        engine.run("SELECT COUNT(*) FROM w WHERE QA(\"map@is it high?\"; name) = 'yes'", names)
    assert caught.value.kept == (4 if cached else 0)
    assert str(caught.value).count("kept") == (1 if cached else 0)


def test_a_question_and_the_engine_are_both_limited() -> None:
    model = Counting()
    engine = Limited(model, Budget(requests=5))
    questions = [Limited(engine, Budget(requests=3)) for _ in range(3)]
    assert [answered(together(question, 4)) for question in questions] == [3, 2, 0]
    assert [question.spent.requests for question in questions] == [3, 2, 0]
    assert (engine.spent.requests, model.sent) == (5, 5)


def test_what_the_engine_refuses_is_not_charged_to_the_question() -> None:
    engine = Limited(Counting(), Budget(tokens=30))
    question = Limited(engine, Budget(tokens=100))
    together(question, 2)
    assert question.spent.tokens == engine.spent.tokens == 20
    assert question._reserved() == question._spent


def test_a_wrapper_shares_its_models_slots() -> None:
    model = Counting(seconds=0.02)
    model.concurrency = 2

    async def run() -> None:
        limited = [Limited(model, Budget()), Limited(Limited(model, Budget()), Budget()), model]
        await asyncio.gather(*(send(lm, request()) for lm in limited for _ in range(3)))

    asyncio.run(run())
    assert (model.sent, model.most_at_once) == (9, 2)


def test_seconds_stop_what_is_under_way_and_refuse_what_comes_after() -> None:
    model = Counting(seconds=0.1)
    limited = Limited(model, Budget(seconds=1.5))
    started = time.perf_counter()
    results = [together(limited, 3)]
    model.seconds = 30
    results += [together(limited, 1), together(limited, 1)]
    assert [answered(each) for each in results] == [3, 0, 0]
    assert time.perf_counter() - started < 10
    assert model.sent == 4
    assert "1.5 seconds on scripted is reached: 4 requests" in str(results[2][0])
    assert 1.5 <= limited.spent.seconds < 10


def test_time_in_which_nothing_is_asked_does_not_count() -> None:
    limited = Limited(Counting(), Budget(seconds=1))
    together(limited, 1)
    time.sleep(1.1)
    assert answered(together(limited, 1)) == 1


def test_a_models_own_timeout_is_not_taken_for_the_limit() -> None:
    def late(request: Request) -> str:
        raise TimeoutError("mine")

    [failure] = together(Limited(Scripted(late), Budget(seconds=5)), 1)
    assert isinstance(failure, LMUnavailable) and str(failure) == "scripted ran past a time limit of its own (mine)"


def test_a_request_that_failed_counts_as_sent_and_read() -> None:
    def fail(request: Request) -> str:
        raise LMUnavailable("gone")

    limited = Limited(Scripted(fail), Budget(requests=1))
    assert isinstance(together(limited, 1)[0], LMUnavailable)
    assert (limited.spent.requests, limited.spent.tokens) == (1, 10)
    assert isinstance(together(limited, 1)[0], LimitReached)


def test_a_model_that_does_not_say_what_it_cost_is_estimated() -> None:
    class Silent(Scripted):
        async def complete(self, request: Request) -> Response:
            return Response((Completion("y" * 40),))

    limited = Limited(Silent(str), Budget(requests=2))
    assert answered(together(limited, 5)) == 2
    assert limited.spent.tokens == 40


def test_cancelling_gives_back_what_was_set_aside() -> None:
    async def run() -> None:
        limited = Limited(Counting(seconds=10), Budget(tokens=35))
        task = asyncio.create_task(limited.complete(request()))
        await asyncio.sleep(0.01)
        waiting = asyncio.create_task(limited.complete(request()))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        task.cancel()
        waiting.cancel()
        await asyncio.gather(task, waiting, return_exceptions=True)
        assert limited._under_way == [] and limited._reserved() == Usage(1, 10)

    asyncio.run(run())


def client(url: str, **more: Any) -> OpenAI:
    return OpenAI("stub", base_url=url, api_key="k", timeout=5.0, **more)


def ask_server(lm: OpenAI, budget: Budget, *requests: Request) -> tuple[list[object], Usage]:
    async def run() -> tuple[list[object], Usage]:
        limited = Limited(lm, budget)
        try:
            results = [*await asyncio.gather(*map(limited.complete, requests), return_exceptions=True)]
        finally:
            await lm.aclose()
        return results, limited.spent

    return asyncio.run(run())


def test_no_server_is_sent_more_requests_than_allowed_by_retries() -> None:
    with serve(lambda body: error(500, "no", retry_after="0")) as server:
        [failure], spent = ask_server(client(server.url, max_retries=9), Budget(requests=3), request())
        assert isinstance(failure, LimitReached) and failure.limit == "requests"
        assert len(server.bodies) == spent.requests == 3


def test_retries_within_the_limit_are_counted() -> None:
    behaviour = in_turn(lambda body: error(500, "no", retry_after="0"), lambda body: completion("yes"))
    with serve(behaviour) as server:
        [response], spent = ask_server(client(server.url), Budget(requests=2), request())
        assert isinstance(response, Response)
        assert len(server.bodies) == spent.requests == 2


@pytest.mark.parametrize("most", [4, 5, 9])
def test_no_server_that_gives_one_sample_at_a_time_is_sent_more_than_allowed(most: int) -> None:
    async def run(limited: Limited) -> object:
        try:
            return await sample(limited, request(n=5), None)
        except LimitReached as error:
            return error
        finally:
            await limited.aclose()

    with serve(lambda body: completion("yes")) as server:
        limited = Limited(client(server.url), Budget(requests=most))
        result = asyncio.run(run(limited))
        assert isinstance(result, LimitReached) == (most < 5)
        # What is stopped because another was refused may not have left.
        assert len(server.bodies) == 5 if most >= 5 else 1 <= len(server.bodies) <= most


def test_many_requests_at_once_never_send_more_than_allowed() -> None:
    def behave(body: Body) -> Reply:
        return Reply(completion("yes").body, pause=0.02)

    with serve(behave) as server:
        results, spent = ask_server(client(server.url), Budget(requests=7), *[request()] * 20)
        assert sum(isinstance(result, Response) for result in results) == 7
        assert len(server.bodies) == spent.requests == 7


@given(st.lists(st.tuples(st.floats(0, 100), st.integers(1, 3), st.integers(0, 50)), max_size=8), st.integers(1, 5))
def test_after_the_wait_the_minute_has_room(sent: list[tuple[float, int, int]], requests: int) -> None:
    budget = Budget(requests_per_minute=requests, tokens_per_minute=60)
    past = [pace.Sent(*each) for each in sent]
    seconds = pace.wait(past, budget, Usage(1, 20), now=100.0)
    then = 100.0 + seconds + 1e-6
    recent = [one for one in past if one.at + pace.MINUTE > then]
    assert not recent or sum(one.requests for one in recent) + 1 <= requests
    assert not recent or sum(one.tokens for one in recent) + 20 <= 60
    assert 0 <= seconds <= pace.MINUTE


def test_requests_wait_for_their_turn_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "MINUTE", 2.0)
    times: list[tuple[int, float]] = []

    async def run() -> None:
        started = time.monotonic()
        limited = Limited(Counting(), Budget(requests_per_minute=2))

        async def one(number: int) -> None:
            await limited.complete(request())
            times.append((number, time.monotonic() - started))

        await asyncio.gather(*map(one, range(5)))

    asyncio.run(run())
    assert [number for number, _ in times] == [0, 1, 2, 3, 4]
    assert times[1][1] < 1.9 and 2.0 <= times[2][1] <= times[3][1] < 3.9 and 4.0 <= times[4][1] < 5.9


def test_tokens_a_minute_go_by_what_was_spent_once_that_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "MINUTE", 30.0)
    model = Counting(text="y")
    limited = Limited(model, Budget(tokens_per_minute=250))
    started = time.perf_counter()
    # 200 are set aside for each and 11 spent, so that the second waits for the first one's reply and no longer.
    assert answered(together(limited, 4, lambda: request(max_tokens=190))) == 4
    assert time.perf_counter() - started < 10


def test_a_request_larger_than_a_minute_allows_goes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "MINUTE", 0.2)
    assert answered(together(Limited(Counting(), Budget(tokens_per_minute=5)), 2)) == 2


def test_one_that_gives_up_its_turn_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "MINUTE", 2.0)

    async def run() -> None:
        started = time.monotonic()
        limited = Limited(Counting(), Budget(requests_per_minute=1))
        tasks = [asyncio.create_task(limited.complete(request())) for _ in range(3)]
        await asyncio.sleep(0.05)
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert limited.spent.requests == 2
        assert time.monotonic() - started < 3.9

    asyncio.run(run())
