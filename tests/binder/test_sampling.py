"""Drafts that were written before are not asked for again, and new ones have the seeds of their numbers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st

from binder.draft import Drafting, Drafts, draft, repair
from binder.errors import LMOverflow, LMReplyError, LMUnavailable
from binder.lm.base import Completion, Message, Request, Response, Usage
from binder.lm.cache import Cache
from binder.lm.limits import Budget, Limited
from binder.lm.openai import OpenAI
from binder.lm.scripted import Scripted
from binder.sampling import at_once, gaps, sample
from binder.table import Table
from binder.vote import Candidate
from grammars.language import Language

REQUEST = Request((Message("user", "which?"),), temperature=0.4, seed=7)


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    cache = Cache(tmp_path / "replies.sqlite")
    yield cache
    cache.close()


class Seeded(Scripted):
    """Writes each sample's seed, and keeps the requests; cuts the samples of some seeds short."""

    def __init__(self, identity: str | None = "seeded", cut: frozenset[int] = frozenset()) -> None:
        super().__init__(str, identity=identity)
        self.cut = cut
        self.requests: list[Request] = []

    async def complete(self, request: Request) -> Response:
        self.requests.append(request)
        seeds = [(request.seed or 0) + number for number in range(request.n)]
        said = tuple(Completion(f"seed {seed}", -float(seed), seed not in self.cut) for seed in seeds)
        return Response(said, Usage(requests=1))


def draw(lm: Seeded, n: int, cache: Cache | None, **change: object) -> tuple[list[str], int]:
    request = Request(**(vars(REQUEST) | {"n": n} | change))  # type: ignore[arg-type]
    completions, usage = asyncio.run(sample(lm, request, cache))
    return [one.text for one in completions], usage.requests


def test_each_sample_of_a_server_that_gives_one_at_a_time_is_kept_as_it_comes(cache: Cache) -> None:
    class Failing(Seeded):
        samples = 1

        async def complete(self, request: Request) -> Response:
            if len(self.requests) == 2:
                raise LMUnavailable("gone")
            return await super().complete(request)

    failing, lm = Failing(), Seeded()
    with pytest.raises(LMUnavailable, match="gone"):
        draw(failing, 3, cache)
    assert [(one.n, one.seed) for one in failing.requests] == [(1, 7), (1, 8)]
    assert draw(lm, 3, cache) == (["seed 7", "seed 8", "seed 9"], 1)
    assert [(one.n, one.seed) for one in lm.requests] == [(1, 9)]


def test_samples_that_a_model_does_not_give_at_once_are_asked_for(cache: Cache) -> None:
    class Two(Seeded):
        async def complete(self, request: Request) -> Response:
            response = await super().complete(request)
            return replace(response, completions=response.completions[:2])

    lm = Two()
    assert draw(lm, 5, cache, seed=10) == ([f"seed {n}" for n in range(10, 15)], 3)
    assert [request.n for request in lm.requests] == [5, 3, 1]
    assert draw(lm, 5, cache, seed=10)[1] == 0


def test_one_of_many_samples_that_fails_ends_the_rest() -> None:
    class Failing(Seeded):
        samples = 1

        async def complete(self, request: Request) -> Response:
            self.requests.append(request)
            if len(self.requests) == 2:
                raise LMUnavailable("no")
            await asyncio.sleep(0 if len(self.requests) == 1 else 30)
            return Response((Completion("a"),))

    with pytest.raises(LMUnavailable, match="no"):
        draw(Failing(), 4, None)


def test_fewer_of_the_same_samples_cost_nothing(cache: Cache) -> None:
    lm = Seeded()
    twenty, _ = draw(lm, 20, cache)
    assert draw(lm, 5, cache) == (twenty[:5], 0)
    assert draw(lm, 20, cache) == (twenty, 0)
    assert len(lm.requests) == 1


def test_more_of_the_same_samples_ask_for_the_others_alone(cache: Cache) -> None:
    lm = Seeded()
    draw(lm, 5, cache)
    assert draw(lm, 20, cache) == ([f"seed {seed}" for seed in range(7, 27)], 1)
    assert [(request.n, request.seed) for request in lm.requests] == [(5, 7), (15, 12)]


def test_a_greedy_draft_is_kept_too(cache: Cache) -> None:
    lm = Seeded()
    first = draw(lm, 1, cache, temperature=0.0, seed=None)
    assert draw(lm, 1, cache, temperature=0.0, seed=None) == (first[0], 0)


def test_what_was_cut_is_asked_for_again_with_its_own_seed_and_then_another(cache: Cache) -> None:
    lm = Seeded(cut=frozenset({9, 10, 12}))
    draw(lm, 6, cache)
    texts, requests = draw(lm, 6, cache)
    assert texts == ["seed 7", "seed 8", "seed 2", "seed 3", "seed 11", "seed 2"] and requests == 4
    assert sorted((request.n, request.seed) for request in lm.requests[1:]) == [(1, 2), (1, 12), (2, 2), (2, 9)]


def test_what_is_of_no_use_is_asked_for_again_and_not_kept(cache: Cache) -> None:
    lm = Scripted(lambda request: "SELECT 1" if request.seed == 3 else "I'm sorry", identity="sorry")
    for requests in (3, 0):
        completions, usage = asyncio.run(sample(lm, REQUEST, cache, usable=lambda text: "SELECT" in text))
        assert ([one.text for one in completions], usage.requests) == (["SELECT 1"], requests)


def test_a_model_that_drafts_no_program_is_asked_for_few_more() -> None:
    lm = Seeded()
    completions, usage = asyncio.run(sample(lm, replace(REQUEST, n=20), None, usable=lambda text: False))
    assert len(completions) == 1 and [request.n for request in lm.requests] == [20, 1, 1, 1, 1]
    assert usage.requests == 5


@pytest.mark.parametrize("samples", [None, 1, 3])
def test_one_sample_that_is_never_of_use_ends_no_others(samples: int | None) -> None:
    lm = Seeded()
    lm.samples = samples  # type: ignore[attr-defined]
    request = replace(REQUEST, n=10, seed=10)
    completions, _ = asyncio.run(sample(lm, request, None, usable=lambda text: text not in {"seed 14", *RETRIES}))
    assert len(completions) == 10


RETRIES = [f"seed {seed}" for seed in (2, 3, 4, 5)]


def test_the_others_are_asked_for_once_one_is_of_use() -> None:
    lm = Seeded()
    completions, _ = asyncio.run(sample(lm, replace(REQUEST, n=4), None, usable=lambda text: len(lm.requests) > 2))
    assert len(completions) == 4 and [request.n for request in lm.requests] == [4, 1, 1, 3]


def test_a_draft_without_any_reply_is_asked_for_again() -> None:
    replies = iter([LMReplyError("no choices"), "SELECT 1"])

    def reply(request: Request) -> str:
        said = next(replies)
        if isinstance(said, Exception):
            raise said
        return said

    completions, usage = asyncio.run(sample(Scripted(reply), REQUEST, None))
    assert ([one.text for one in completions], usage.requests) == (["SELECT 1"], 2)


def test_without_a_cache_or_an_identity_everything_is_asked(cache: Cache) -> None:
    for lm, used in ((Seeded(), None), (Seeded(identity=None), cache)):
        assert draw(lm, 3, used) == draw(lm, 3, used) == (["seed 7", "seed 8", "seed 9"], 1)


def test_later_samples_have_the_seeds_of_their_numbers(cache: Cache) -> None:
    lm = Seeded(cut=frozenset({8}))
    request = Request(**(vars(REQUEST) | {"n": 3}))
    asyncio.run(sample(lm, request, cache))
    later, _ = asyncio.run(sample(lm, Request(**(vars(REQUEST) | {"n": 5})), cache, first=3))
    assert [one.text for one in later] == ["seed 10", "seed 11"]
    assert [(one.n, one.seed) for one in lm.requests] == [(3, 7), (2, 10)], "the one that was cut is not drawn again"


def test_how_many_samples_a_model_draws_at_once() -> None:
    lm = OpenAI("stub", base_url="http://localhost:1/v1", samples=4)
    assert at_once(lm) == at_once(Limited(lm, Budget())) == 4
    assert at_once(OpenAI("stub", base_url="http://localhost:1/v1")) is None
    assert at_once(Scripted(str)) is None


@given(st.integers(0, 12), st.sets(st.integers(0, 15)))
def test_gaps_are_what_is_not_known(count: int, known: set[int]) -> None:
    found = list(gaps(count, known))
    assert [first + step for first, length in found for step in range(length)] == sorted(set(range(count)) - known)
    assert all(first - 1 in known or first == 0 for first, _ in found)


def test_drafts_and_repairs_of_an_earlier_run_cost_nothing(cache: Cache, tmp_path: Path) -> None:
    (tmp_path / "w.csv").write_text("name\nAda\n", encoding="utf-8")
    table = Table.from_csv(tmp_path / "w.csv")

    async def run() -> tuple[Drafts, object]:
        lm = Scripted(lambda request: f"SELECT '{request.purpose}{len(request.messages)}'", identity="one")
        drafts = await draft("who?", [table], lm, Drafting(samples=3), cache)
        return drafts, await repair(
            "who?", [table], [Candidate("a", error="wrong"), Candidate("b", error="wrong")], lm, Drafting(), cache
        )

    (first, (mended, cost)), (second, (same, free)) = asyncio.run(run()), asyncio.run(run())  # type: ignore[misc]
    assert second.samples == first.samples and same == mended
    assert (first.usage.requests, cost.requests, second.usage, free) == (1, 2, Usage(), Usage())


@pytest.mark.parametrize(("identity", "asked"), [("seeded", 1), (None, 2)])
def test_what_is_drawn_at_the_same_time_is_drawn_once_where_it_is_kept(
    cache: Cache, identity: str | None, asked: int
) -> None:
    class Slow(Seeded):
        async def complete(self, request: Request) -> Response:
            await asyncio.sleep(0.01)
            return await super().complete(request)

    lm, request = Slow(identity), replace(REQUEST, n=3)

    async def run() -> list[list[str]]:
        both = await asyncio.gather(*(sample(lm, request, cache) for _ in range(2)))
        return [[one.text for one in completions] for completions, _ in both]

    one, other = asyncio.run(run())
    assert one == other == ["seed 7", "seed 8", "seed 9"]
    assert len(lm.requests) == asked


def test_whoever_waits_for_samples_fails_as_the_one_before_and_a_later_one_draws_them(cache: Cache) -> None:
    class Once(Seeded):
        async def complete(self, request: Request) -> Response:
            await asyncio.sleep(0.01)
            response = await super().complete(request)
            if len(self.requests) == 1:
                raise LMUnavailable("not yet", 503)
            return response

    lm, request = Once(), replace(REQUEST, n=2)

    async def run() -> tuple[list[object], list[str]]:
        both = await asyncio.gather(*(sample(lm, request, cache) for _ in range(2)), return_exceptions=True)
        completions, _ = await sample(lm, request, cache)
        return both, [one.text for one in completions]

    both, drawn = asyncio.run(run())
    assert [(type(one), str(one)) for one in both] == [(LMUnavailable, "not yet")] * 2
    assert (drawn, len(lm.requests)) == (["seed 7", "seed 8"], 2)


def test_a_server_that_is_down_is_asked_once_by_all_who_wait(cache: Cache) -> None:
    class Down(Seeded):
        async def complete(self, request: Request) -> Response:
            await asyncio.sleep(0.01)
            await super().complete(request)
            raise LMUnavailable("down")

    lm = Down()

    async def run() -> list[object]:
        limited = [Limited(lm, Budget(requests=5)) for _ in range(200)]  # as each question has its own
        return await asyncio.gather(*(sample(one, REQUEST, cache) for one in limited), return_exceptions=True)

    assert {str(one) for one in asyncio.run(run())} == {"down"}
    assert len(lm.requests) == 1


def test_another_model_of_the_same_identity_waits_for_no_other_and_shares_no_failure(cache: Cache) -> None:
    refused = asyncio.Event()

    class Refused(Seeded):
        async def complete(self, request: Request) -> Response:
            await refused.wait()
            raise LMUnavailable("the server refused the key", 401)

    async def run() -> tuple[list[str], object]:
        first = asyncio.create_task(sample(Refused(), REQUEST, cache))
        await asyncio.sleep(0.01)
        completions, _ = await asyncio.wait_for(sample(Seeded(), REQUEST, cache), 5)
        refused.set()
        [error] = await asyncio.gather(first, return_exceptions=True)
        return [one.text for one in completions], error

    drawn, error = asyncio.run(run())
    assert drawn == ["seed 7"] and str(error) == "the server refused the key"


def test_nobody_waits_for_the_budget_a_minute_of_another(cache: Cache) -> None:
    lm = Seeded()

    async def run() -> list[str]:
        slow = Limited(lm, Budget(requests_per_minute=1))
        await sample(slow, replace(REQUEST, seed=1), cache)
        waiting = asyncio.create_task(sample(slow, REQUEST, cache))
        await asyncio.sleep(0.01)
        completions, _ = await asyncio.wait_for(sample(Limited(lm, Budget(requests=9)), REQUEST, cache), 5)
        waiting.cancel()
        return [one.text for one in completions]

    assert asyncio.run(run()) == ["seed 7"]


class Overloaded(LMUnavailable):
    """An error of a user's, which cannot be made from its own arguments."""

    def __init__(self, server: str, *, load: float) -> None:
        super().__init__(f"{server} is {load:.0%} busy", 503)


@pytest.mark.parametrize(
    ("error", "shared"), [(Overloaded("blue", load=0.99), LMUnavailable), (LMOverflow("too long"), LMOverflow)]
)
def test_whoever_waited_gets_an_error_of_their_own(
    error: LMUnavailable, shared: type[LMUnavailable], cache: Cache
) -> None:
    async def reply(request: Request) -> str:
        await asyncio.sleep(0.01)
        raise error

    lm = Scripted(reply, identity="busy")

    async def run() -> list[object]:
        return await asyncio.gather(*(sample(lm, REQUEST, cache) for _ in range(3)), return_exceptions=True)

    first, *others = asyncio.run(run())
    assert first is error and len({id(one) for one in (first, *others)}) == 3
    assert [type(one) for one in others] == [shared] * 2
    assert [(str(one), getattr(one, "status", 0)) for one in others] == [(str(error), error.status)] * 2


def test_more_samples_than_were_asked_for_are_left_out(cache: Cache) -> None:
    class Generous(Seeded):
        async def complete(self, request: Request) -> Response:
            return await super().complete(replace(request, n=request.n + 2))

    assert draw(Generous(), 3, cache) == (["seed 7", "seed 8", "seed 9"], 1)
    assert len(cache.drafts(Generous(), replace(REQUEST, n=9))) == 3


@pytest.mark.parametrize("repairs", [False, True])
def test_a_failure_ends_the_drafts_in_the_other_language(repairs: bool) -> None:
    ended: list[str] = []

    async def reply(request: Request) -> str:
        if "pandas" in request.prompt:
            try:
                await asyncio.sleep(5)
            except asyncio.CancelledError:
                ended.append("python")
                raise
        raise LMUnavailable("down")

    table = Table.from_pandas(pandas.DataFrame({"name": ["K2"]}), name="w")

    async def run() -> None:
        lm, drafting = Scripted(reply), Drafting(samples=2, language="auto")
        refused = [Candidate("SELECT x FROM w", error="no"), Candidate("1", error="no", language=Language.PYTHON)]
        with pytest.raises(LMUnavailable, match="down"):
            if repairs:
                await repair("which?", [table], refused, lm, drafting)
            else:
                await draft("which?", [table], lm, drafting)
        assert ended == ["python"]

    asyncio.run(run())
