"""What is asked of the page: what is told, what is not asked again, what is forgotten."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import pandas
import pytest

from binder import Binder, ConfigurationError, Table
from binder.lm import Request, Scripted
from binder.serve import conversation as module
from binder.serve.conversation import Asked, Conversation

PEAKS = Table.from_pandas(pandas.DataFrame({"name": ["K2", "Elbrus"], "land": ["Pakistan", "Russia"]}), name="peaks")
IN_ASIA = "SELECT name FROM w WHERE QA(\"map@is it in Asia?\"; land) = 'yes'"
IN_EUROPE = "SELECT name FROM w WHERE QA(\"map@is it in Europe?\"; land) = 'yes'"

asked: list[str] = []


def reply(request: Request) -> str:
    if request.purpose == "draft":
        return IN_ASIA
    asked.extend(str(cells[0]) for cells in request.inputs)
    return json.dumps({n: "yes" if cells[0] == "Pakistan" else "no" for n, cells in enumerate(request.inputs, 1)})


@pytest.fixture
def talk() -> Iterator[Conversation]:
    asked.clear()
    with Binder(lm=Scripted(reply), cache=False) as engine:
        yield Conversation(engine, (PEAKS,), "sql", 1)


async def texts(one: Asked) -> tuple[str, ...]:
    return (await one.task).texts


def test_what_was_answered_is_not_asked_again(talk: Conversation) -> None:
    async def go() -> None:
        first = talk.ask(" which are\nin Asia? ")
        assert first.title == "which are in Asia?"
        assert await texts(first) == ("K2",)
        assert sorted(asked) == ["Pakistan", "Russia"]
        edited = talk.run(IN_ASIA.replace("= 'yes'", "= 'no'"), first.number)
        assert await texts(edited) == ("Elbrus",)
        other = talk.run(IN_EUROPE, edited.number)
        await texts(other)
        assert len(asked) == 4
        again = talk.run(IN_ASIA, other.number)  # by way of a program that asked something else
        assert await texts(again) == ("K2",)
        assert len(asked) == 4
        assert again.answer is not None and len(again.answer.trace.calls) == 1

    asyncio.run(go())


def test_a_reply_is_changed_and_stays_changed(talk: Conversation) -> None:
    async def go() -> None:
        first = talk.ask("which are in Asia?")
        await first.task
        assert first.answer is not None
        inputs = [one.input[0] for one in first.answer.trace.calls[0].replies]
        changed = talk.change(first.number, 1, inputs.index("Russia"), "yes")
        assert changed.title == "Russia → yes"
        assert await texts(changed) == ("K2", "Elbrus")
        edited = talk.run(IN_ASIA.replace("SELECT name", "SELECT COUNT(*)"), changed.number)
        assert await texts(edited) == ("2",)
        unknown = talk.change(first.number, 1, inputs.index("Pakistan"), None)
        assert await texts(unknown) == ()
        assert len(asked) == 2
        for step, row, said in ((2, 0, "no step 2"), (0, 0, "no step 0"), (1, 9, "no input 10"), (1, -1, "no input 0")):
            with pytest.raises(ConfigurationError, match=said):
                talk.change(first.number, step, row, "yes")
        with pytest.raises(ConfigurationError, match="expects: yes/no"):
            talk.change(first.number, 1, 0, "perhaps")

    asyncio.run(go())


def test_what_is_kept_and_what_runs_at_once_is_bounded(talk: Conversation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT", 3)
    monkeypatch.setattr(module, "AT_ONCE", 2)

    async def go() -> None:
        for _ in range(5):
            await talk.run("SELECT 1", None).task
        assert [one.number for one in talk] == [5, 4, 3]
        running = [talk.run("SELECT 1", None), talk.run("SELECT 1", None)]
        with pytest.raises(ConfigurationError, match="2 questions are under way"):
            talk.run("SELECT 1", None)
        talk.stop(running[0].number)
        await asyncio.gather(*(one.task for one in running), return_exceptions=True)
        assert running[0].task.cancelled() and running[0].answer is None and running[0].told is None
        assert await texts(talk.run("SELECT 2", running[0].number)) == ("2",)

    asyncio.run(go())
