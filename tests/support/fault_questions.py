"""Questions for a language model that fails, asked many at once, and what came of them."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas

import binder
from binder import Binder, Drafting, Table
from binder.lm import Cache, OpenAI
from tests.support.faulty_lm import FaultyLM, run

PROGRAMS = (
    "SELECT name FROM w WHERE QA(\"map@is it by the sea?\"; town) = 'yes'",
    'SELECT SUM(QA("map@how many bridges has it?"; town)) FROM w',
    'SELECT name, QA("map@which river runs there?"; town) FROM w',
    "SELECT COUNT(*) FROM w WHERE QA(\"map@which river is near?\"; town) = 'Volga' OR size > 50",
    'SELECT name FROM w ORDER BY QA("map@in which year was it founded?"; town) DESC LIMIT 1',
    'SELECT QA("ans@which river do they share?"; (SELECT town FROM w WHERE size > 30))',
    'SELECT QA("ans@how many of their people fish?"; town) + 1 FROM w LIMIT 1',
    "SELECT name FROM w WHERE size < 60 AND QA(\"map@is it old?\"; town) = 'no'",
    'SELECT QA("map@which river is longest?"; town), COUNT(*) FROM w GROUP BY 1 ORDER BY 2, 1',
    "SELECT name FROM w WHERE QA(\"map@is it walled?\"; town) = 'yes' ORDER BY size, name LIMIT 1",
    "SELECT COUNT(*) > 2 FROM w WHERE QA(\"map@is it on a hill?\"; town) = 'yes'",
)
BATCH = 4  # so that a table is asked about in more than one request, and in waves
AT_ONCE = 200
STALL = 0.6


@dataclass(frozen=True)
class Question:
    """A question about a table, and the program that answers it."""

    text: str
    table: Table
    program: str


@dataclass(frozen=True)
class Outcome:
    """What came of the questions: their answers or errors, what they cost, what the server did."""

    answers: tuple[Any, ...]
    requests: int
    injected: Counter[str]
    seconds: float
    longest: float


def questions(count: int) -> list[Question]:
    """Questions about tables of four to nine rows, no two alike."""
    chance = random.Random(1)
    made = []
    for i in range(count):
        towns = ["".join(chance.choices("abcdefghijklmnop", k=8)).title() for _ in range(chance.randint(4, 9))]
        rows = [{"name": f"no. {j}", "town": town, "size": chance.randint(1, 99)} for j, town in enumerate(towns)]
        table = Table.from_pandas(pandas.DataFrame(rows), name="towns")
        made.append(Question(f"what of group {i}?", table, PROGRAMS[i % len(PROGRAMS)]))
    return made


def ask_all(
    asked: Sequence[Question], kinds: Sequence[str], share: float, seconds: float = 0.0, cache: Cache | bool = False
) -> Outcome:
    """Ask every question, many at once, through one engine."""
    server = FaultyLM({one.text: one.program for one in asked}, kinds or ("none",), share, seconds)
    took: list[float] = []

    async def ask(engine: Binder, one: Question, places: asyncio.Semaphore) -> Any:
        async with places:
            started = time.monotonic()
            try:
                return (await engine.aask(one.text, one.table)).frame.to_csv()
            except binder.BinderError as error:
                return error
            finally:
                took.append(time.monotonic() - started)

    async def all_of(engine: Binder) -> list[Any]:
        places = asyncio.Semaphore(AT_ONCE)
        return await asyncio.gather(*(ask(engine, one, places) for one in asked))

    with run(server):
        lm = OpenAI("stub", base_url=server.url, concurrency=32, timeout=30, stall=STALL, batch=BATCH)
        lm.identity = "stub"  # the same wherever it listens, so that a cache serves the next one
        with Binder(lm, drafting=Drafting(samples=3), cache=cache, deadline=120) as engine:
            started = time.monotonic()
            answers = asyncio.run(all_of(engine))
            return Outcome(tuple(answers), server.requests, server.injected, time.monotonic() - started, max(took))
