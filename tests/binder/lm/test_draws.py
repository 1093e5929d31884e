"""How many samples a server gives for one request."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from binder.lm.draws import WHOLE_REPLIES, Draws, after
from binder.lm.openai import OpenAI
from binder.sampling import sample
from tests.binder.lm.test_openai import ask, request, texts
from tests.support.fault_server import Body, Reply, completion, serve

if TYPE_CHECKING:
    from collections.abc import Callable


def gives(most: Callable[[], int]) -> Any:
    def behave(body: Body) -> Reply:
        count = min(body.get("n", 1), most())
        return completion(*(f"{(body.get('seed') or 0) + nth}" for nth in range(count)))

    return behave


def asked(bodies: list[Body]) -> list[int]:
    return [body.get("n", 1) for body in bodies]


def test_one_short_reply_is_a_moments_failure() -> None:
    assert after(after(after(Draws(), 10, 1), 10, 10), 10, 1) == Draws(short=True)
    assert after(after(Draws(), 10, 1), 1, 1) == Draws(short=True)  # a request for one says nothing of several


def test_the_second_in_a_row_says_how_many_come_and_many_whole_ones_that_more_may() -> None:
    now = after(after(Draws(), 10, 0), 10, 3)
    assert now == Draws(3)
    for _ in range(WHOLE_REPLIES - 1):
        now = after(after(now, 1, 1), 3, 3)
    assert (now.most, after(now, 3, 3)) == (3, Draws(6))
    assert after(after(Draws(6), 6, 3), 6, 3) == Draws(3)


def test_a_server_that_was_short_once_is_asked_for_all_again() -> None:
    shorts = iter([1])
    with serve(gives(lambda: next(shorts, 100))) as server:
        lm = OpenAI("stub", base_url=server.url)
        ask(lm, request(n=3), request(n=3), request(n=3))
    assert lm.samples is None and asked(server.bodies) == [3, 3, 3]


def test_a_server_that_has_come_to_itself_is_asked_for_all_again_after_a_while() -> None:
    shorts = iter([1, 1])
    with serve(gives(lambda: next(shorts, 100))) as server:
        lm = OpenAI("stub", base_url=server.url)
        ask(lm, *[request(n=4)] * (2 + 2 * WHOLE_REPLIES + 1))
    assert asked(server.bodies) == [4, 4, *[1] * WHOLE_REPLIES, *[2] * WHOLE_REPLIES, 4]


def test_a_users_own_number_stays_the_most() -> None:
    with serve(gives(lambda: 100)) as server:
        lm = OpenAI("stub", base_url=server.url, samples=2)
        responses = ask(lm, *[request(n=5)] * (WHOLE_REPLIES + 2))
    assert lm.samples == 2 and set(asked(server.bodies)) == {2}
    assert all(len(texts(response)) == 2 for response in responses)


@pytest.mark.parametrize("own", [None, 3])
@pytest.mark.parametrize("most", [1, 2, 4])
def test_no_sample_is_lost_whatever_a_server_gives_at_once(most: int, own: int | None) -> None:
    wanted, found = 11, []

    async def draw(lm: OpenAI) -> None:
        for _ in range(WHOLE_REPLIES // 2):
            completions, _ = await sample(lm, request(n=wanted, seed=0, temperature=0.5), None)
            found.append([one.text for one in completions])
        await lm.aclose()

    with serve(gives(lambda: most)) as server:
        asyncio.run(draw(OpenAI("stub", base_url=server.url, samples=own)))
    assert found == [[str(number) for number in range(wanted)]] * (WHOLE_REPLIES // 2)
