"""Many questions at once through one engine: all are right, and none holds the others up."""

from __future__ import annotations

import asyncio
import json
import threading

import pandas

from binder import Binder, Drafting, Table
from binder.lm.base import Completion, Request, Response, Usage
from binder.lm.openai import OpenAI
from binder.lm.scripted import Scripted
from tests.bench_crowd import crowd
from tests.support import faulty_lm
from tests.support.fault_questions import questions
from tests.support.faulty_lm import FaultyLM

LONG = Table.from_pandas(pandas.DataFrame({"name": [f"long {n}" for n in range(2_000)]}), name="long")
SHORT = Table.from_pandas(pandas.DataFrame({"name": ["short 1", "short 2"]}), name="short")
PROGRAM = "SELECT COUNT(*) FROM w WHERE QA(\"map@is it?\"; name) = 'yes'"


def test_tasks_and_threads_get_the_answers_of_one_at_a_time() -> None:
    asked = questions(60)
    server = FaultyLM({one.text: one.program for one in asked}, seconds=0.01)
    with faulty_lm.run(server):
        lm = OpenAI("stub", base_url=server.url, concurrency=32)
        with Binder(lm, drafting=Drafting(samples=1), cache=False) as engine:
            alone = [engine.ask(one.text, one.table).frame.to_csv() for one in asked]
            together, _ = crowd(engine, asked)
    assert together == alone


class Slow(Scripted):
    """Says yes, and counts the requests about each table when a reply is given."""

    def __init__(self) -> None:
        super().__init__(str, identity="slow")
        self.concurrency = 2
        self.asked = {"long": 0, "short": 0}
        self.begun = threading.Event()

    async def complete(self, request: Request) -> Response:
        self.asked[str(request.inputs[0][0]).split()[0]] += 1
        self.begun.set()
        await asyncio.sleep(0.04)
        said = json.dumps(dict.fromkeys(range(1, len(request.inputs) + 1), "yes"))
        return Response((Completion(said),), Usage(requests=1))


def test_a_long_question_does_not_hold_up_a_short_one() -> None:
    lm = Slow()
    with Binder(lm, cache=False) as engine:
        thread = threading.Thread(target=engine.run, args=(PROGRAM, LONG))
        thread.start()
        assert lm.begun.wait(30)
        before = lm.asked["long"]
        assert engine.run(PROGRAM, SHORT).values == (2,)
        meanwhile = lm.asked["long"] - before
        thread.join()
    assert lm.asked == {"long": 125, "short": 1}
    assert meanwhile < 60  # its turn is the third at most; the others were sent while its program was checked
