"""One identical value is asked once at a time, and nobody is left waiting for an asker that failed."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from binder.errors import LMUnavailable
from binder.lm.cache import Cache
from binder.lm.keys import CallKey
from binder.lm.scripted import Scripted
from exemplars.exemplar import Cells
from grammars.reply import Expected

LM = Scripted(str)
CALL = CallKey.of(LM, "map", "is it in Asia?", ["country"], Expected(), "1")
LASTING = CallKey.of(Scripted(str, identity="one"), "map", "is it in Asia?", ["country"], Expected(), "1")

Ask = Callable[[Sequence[Cells]], Awaitable[Mapping[Cells, str | None]]]


@pytest.fixture
def off() -> Cache:
    """The tests' own setting: no file."""
    return Cache()


def cells(text: str) -> list[Cells]:
    return [(letter,) for letter in text]


def asked(log: list[str], wait: asyncio.Event | None = None, failure: Exception | None = None) -> Ask:
    """Says each input in capitals once it may; keeps what it was asked."""

    async def ask(missing: Sequence[Cells]) -> dict[Cells, str | None]:
        log.append("".join(str(text) for (text,) in missing))
        await (asyncio.sleep(0) if wait is None else wait.wait())
        if failure is not None:
            raise failure
        return {(text,): str(text).upper() for (text,) in missing}

    return ask


async def soon() -> None:
    """Let every other task go as far as it can."""
    for _ in range(10):
        await asyncio.sleep(0)


def said(text: str) -> dict[Cells, str | None]:
    return {(letter,): letter.upper() for letter in text}


def test_callers_with_the_same_inputs_wait_for_each_other(off: Cache) -> None:
    async def run() -> None:
        log: list[str] = []
        go = asyncio.Event()
        first = asyncio.create_task(off.share(CALL, cells("abc"), asked(log, go)))
        await soon()
        second = asyncio.create_task(off.share(CALL, cells("bcd"), asked(log)))
        await soon()
        assert log == ["abc", "d"] and not second.done()
        go.set()
        assert (await first, await second) == (said("abc"), said("bcd"))

    asyncio.run(run())


def test_other_calls_and_models_are_not_waited_for(off: Cache) -> None:
    async def run() -> None:
        log: list[str] = []
        other = CallKey.of(Scripted(str), "map", "is it in Asia?", ["country"], Expected(), "1")
        assert other != CALL
        go = asyncio.Event()
        first = asyncio.create_task(off.share(CALL, cells("a"), asked(log, go)))
        await soon()
        assert await off.share(other, cells("a"), asked(log)) == said("a")
        go.set()
        await first
        assert log == ["a", "a"]

    asyncio.run(run())


def test_an_input_given_twice_is_asked_once(off: Cache) -> None:
    log: list[str] = []
    assert asyncio.run(off.share(CALL, cells("aba"), asked(log))) == said("ab")
    assert log == ["ab"]


def test_when_the_asker_fails_the_waiters_ask_themselves_once(off: Cache) -> None:
    async def run() -> None:
        log: list[str] = []
        go = asyncio.Event()
        first = asyncio.create_task(off.share(CALL, cells("ab"), asked(log, go, LMUnavailable("gone"))))
        await soon()
        others = [asyncio.create_task(off.share(CALL, cells("ab"), asked(log))) for _ in range(3)]
        await soon()
        go.set()
        with pytest.raises(LMUnavailable, match="gone"):
            await first
        assert await asyncio.gather(*others) == [said("ab")] * 3
        assert log == ["ab", "ab"]

    asyncio.run(run())


def test_when_the_asker_is_cancelled_the_waiters_ask_themselves(off: Cache) -> None:
    async def run() -> None:
        log: list[str] = []
        first = asyncio.create_task(off.share(CALL, cells("ab"), asked(log, asyncio.Event())))
        await soon()
        second = asyncio.create_task(off.share(CALL, cells("abc"), asked(log)))
        await soon()
        first.cancel()
        assert await second == said("abc")
        assert log == ["ab", "c", "ab"]

    asyncio.run(run())


def test_a_waiter_that_is_cancelled_disturbs_nobody(off: Cache) -> None:
    async def run() -> None:
        log: list[str] = []
        go = asyncio.Event()
        first = asyncio.create_task(off.share(CALL, cells("a"), asked(log, go)))
        await soon()
        second = asyncio.create_task(off.share(CALL, cells("a"), asked(log)))
        third = asyncio.create_task(off.share(CALL, cells("a"), asked(log)))
        await soon()
        second.cancel()
        go.set()
        assert (await first, await third, log) == (said("a"), said("a"), ["a"])

    asyncio.run(run())


def test_what_is_kept_on_the_way_reaches_the_waiters_at_once_and_outlives_a_failure(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "replies.sqlite")

    async def run() -> None:
        log: list[str] = []
        go = asyncio.Event()

        async def ask(missing: Sequence[Cells]) -> dict[Cells, str | None]:
            cache.keep(LASTING, said("a"))
            await go.wait()
            raise LMUnavailable("gone")

        first = asyncio.create_task(cache.share(LASTING, cells("ab"), ask))
        await soon()
        assert await cache.share(LASTING, cells("a"), asked(log)) == said("a")
        go.set()
        with pytest.raises(LMUnavailable):
            await first
        assert await cache.share(LASTING, cells("ab"), asked(log)) == said("ab")
        assert log == ["b"]

    asyncio.run(run())
    cache.close()


def test_what_is_known_is_not_waited_for(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "replies.sqlite")

    async def run() -> None:
        log: list[str] = []
        cache.keep(LASTING, said("a"))
        go = asyncio.Event()
        first = asyncio.create_task(cache.share(LASTING, cells("ab"), asked(log, go)))
        await soon()
        assert await cache.share(LASTING, cells("a"), asked(log)) == said("a")
        go.set()
        assert await first == said("ab")
        assert log == ["b"]

    asyncio.run(run())
    cache.close()


def test_what_got_no_reply_is_missing_for_everyone_and_not_asked_again_at_once(off: Cache) -> None:
    async def run() -> None:
        log: list[str] = []
        go = asyncio.Event()

        async def ask(missing: Sequence[Cells]) -> dict[Cells, str | None]:
            log.append("ask")
            await go.wait()
            return {("a",): None}

        callers = [asyncio.create_task(off.share(CALL, cells("ab"), ask)) for _ in range(2)]
        await soon()
        go.set()
        assert await asyncio.gather(*callers) == [{("a",): None}] * 2
        assert log == ["ask"]

    asyncio.run(run())


@given(st.lists(st.text("abcde", min_size=1, max_size=5), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_no_input_is_ever_asked_twice_at_once_and_everyone_is_told(wanted: list[str], chance: random.Random) -> None:
    cache = Cache()
    under_way: Counter[Cells] = Counter()
    cancelled = {number for number in range(len(wanted)) if chance.random() < 0.2}

    async def ask(missing: Sequence[Cells]) -> dict[Cells, str | None]:
        under_way.update(missing)
        assert max(under_way.values()) == 1
        try:
            for _ in range(chance.randrange(4)):
                await asyncio.sleep(0)
            if chance.random() < 0.3:
                raise LMUnavailable("gone")
            return {(text,): str(text).upper() for (text,) in missing}
        finally:
            under_way.subtract(missing)

    async def run() -> None:
        tasks = [asyncio.create_task(cache.share(CALL, cells(text), ask)) for text in wanted]
        await asyncio.sleep(0)
        for number in cancelled:
            tasks[number].cancel()
        results = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)
        for number, (text, result) in enumerate(zip(wanted, results, strict=True)):
            if isinstance(result, asyncio.CancelledError):
                assert number in cancelled
            else:
                assert isinstance(result, LMUnavailable) or result == said("".join(dict.fromkeys(text)))

    asyncio.run(run())
