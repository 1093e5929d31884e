"""Programs that ask at one desk share requests, and whatever becomes of one of them, no other is left waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from binder.ask import Reply
from binder.desk import Desk, Said
from binder.errors import LMUnavailable
from binder.lm.base import Usage
from binder.plan import Step
from exemplars.exemplar import Cells
from grammars.reply import Expected


def step(question: str = "is it big?") -> Step:
    return Step("__replies_1", "", True, question, ("letter",), (False,), Expected(), "", ())


def cells(text: str) -> list[Cells]:
    return [(letter,) for letter in text]


@dataclass
class Answering:
    """Says each input in capitals, in one request, once it may."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    failure: Exception | None = None
    remembered: str = ""
    kept: str = ""
    log: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)

    def recall(self, step: Step, inputs: Sequence[Cells]) -> list[Reply]:
        return [capital(one) for one in inputs if str(one[0]) in self.remembered]

    async def ask(self, step: Step, inputs: Sequence[Cells], keep: Callable[[Sequence[Reply]], None]) -> Said:
        asked = "".join(str(text) for (text,) in inputs)
        self.log.append(asked)
        keep([capital(one) for one in inputs if str(one[0]) in self.kept])
        try:
            await self.gate.wait()
        finally:
            self.ended.append(asked)
        if self.failure is not None:
            raise self.failure
        return Said(tuple(map(capital, inputs)), Usage(requests=1))


def capital(one: Cells) -> Reply:
    return Reply(one, str(one[0]).upper(), str(one[0]).upper())


def known(desk: Desk, of: Step | None = None) -> str:
    return "".join(sorted(str(text) for (text,) in desk.known(of or step())))


def texts(said: Said) -> str:
    return "".join(str(reply.value) for reply in said.replies)


async def soon() -> None:
    """Let every other task go as far as it can."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_overlapping_inputs_are_sent_once_and_together() -> None:
    async def run() -> None:
        asking = Answering()
        desk = Desk(asking)
        asking.gate.set()
        one, other = await asyncio.gather(desk.ask(step(), cells("abc")), desk.ask(step(), cells("bcd")))
        assert asking.log == ["abcd"]
        assert (texts(one), texts(other), known(desk)) == ("ABC", "D", "abcd")
        assert (one.usage.requests, other.usage.requests) == (1, 0)
        assert await desk.ask(step(), cells("ad")) == Said()

    asyncio.run(run())


def test_what_is_under_way_is_waited_for_and_not_sent_again() -> None:
    async def run() -> None:
        asking = Answering()
        desk = Desk(asking)
        first = asyncio.create_task(desk.ask(step(), cells("ab")))
        await soon()
        second = asyncio.create_task(desk.ask(step(), cells("bc")))
        await soon()
        assert asking.log == ["ab", "c"] and not second.done()
        asking.gate.set()
        assert (texts(await first), texts(await second)) == ("AB", "C")

    asyncio.run(run())


def test_calls_that_differ_are_sent_apart() -> None:
    async def run() -> None:
        asking = Answering()
        desk = Desk(asking)
        asking.gate.set()
        await asyncio.gather(desk.ask(step(), cells("ab")), desk.ask(step("is it old?"), cells("ab")))
        assert asking.log == ["ab", "ab"]

    asyncio.run(run())


def test_nothing_is_sent_while_a_program_works() -> None:
    async def run() -> None:
        asking = Answering()
        desk = Desk(asking)
        asking.gate.set()
        with desk.working():
            first = asyncio.create_task(desk.ask(step(), cells("ab")))
            await soon()
            assert asking.log == []
            second = asyncio.create_task(desk.ask(step(), cells("c")))
            await soon()
        await asyncio.gather(first, second)
        assert asking.log == ["abc"]

    asyncio.run(run())


def test_a_failure_reaches_everyone_who_waits_and_what_was_answered_stays() -> None:
    async def run() -> None:
        asking = Answering(failure=LMUnavailable("gone"), kept="a")
        desk = Desk(asking)
        waiting = [asyncio.create_task(desk.ask(step(), cells(text))) for text in ("ab", "bc", "b")]
        await soon()
        asking.gate.set()
        failed = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(error) for error in failed] == [LMUnavailable] * 3
        assert known(desk) == "a"
        asking.failure = None
        assert texts(await desk.ask(step(), cells("abc"))) == "BC"
        assert asking.log == ["abc", "bc"]

    asyncio.run(run())


@pytest.mark.parametrize("sent", [True, False])
def test_a_caller_that_is_cancelled_hangs_nobody(sent: bool) -> None:
    async def run() -> None:
        asking = Answering()
        desk = Desk(asking)
        with desk.working():
            first = asyncio.create_task(desk.ask(step(), cells("ab")))
            second = asyncio.create_task(desk.ask(step(), cells("bc")))
            await soon()
            if not sent:
                first.cancel()
        await soon()
        first.cancel()
        await soon()
        asking.gate.set()
        assert first.cancelled()
        assert texts(await asyncio.wait_for(second, 5)) == "C"
        assert known(desk) == "abc"

    asyncio.run(run())


def test_closing_ends_what_is_under_way() -> None:
    async def run() -> None:
        asking = Answering()
        desk = Desk(asking)
        waiting = asyncio.create_task(desk.ask(step(), cells("ab")))
        await soon()
        desk.close()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(waiting, 5)
        assert asking.ended == ["ab"]

    asyncio.run(run())


@pytest.mark.parametrize("steps", range(4))
def test_nothing_is_sent_and_nobody_hangs_once_it_is_closed(steps: int) -> None:
    async def run() -> None:
        asking = Answering()
        desk = Desk(asking)
        with desk.working():
            waiting = asyncio.create_task(desk.ask(step(), cells("ab")))
            await soon()
        for _ in range(steps):
            await asyncio.sleep(0)
        sent = list(asking.log)
        desk.close()
        await soon()
        assert asking.log == sent == asking.ended
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(waiting, 5)

    asyncio.run(run())


def test_what_is_recalled_is_known_and_told_once() -> None:
    async def run() -> None:
        asking = Answering(remembered="ab")
        desk = Desk(asking)
        assert [reply.value for reply in desk.recall(step(), cells("abc"))] == ["A", "B"]
        assert desk.recall(step(), cells("ab")) == []
        asking.gate.set()
        await desk.ask(step(), cells("abc"))
        assert asking.log == ["c"]

    asyncio.run(run())


def test_what_others_asked_in_vain_is_not_told() -> None:
    class Mumbling(Answering):
        async def ask(self, step: Step, inputs: Sequence[Cells], keep: Callable[[Sequence[Reply]], None]) -> Said:
            return Said(tuple(Reply(one, readable=False) if one == ("b",) else capital(one) for one in inputs))

    async def ask() -> list[list[str]]:
        desk = Desk(Mumbling())
        await desk.ask(step(), cells("abc"))
        return [
            [str(text) for reply in desk.told(step(), set(cells(wanted))) for text in reply.input]
            for wanted in ("ab", "a")
        ]

    assert asyncio.run(ask()) == [["a", "b", "c"], ["a", "c"]]
