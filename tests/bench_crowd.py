"""200 questions at once through one engine, from tasks and threads. Run it by hand: ``python tests/bench_crowd.py``.

Half of the questions come from one event loop and half from twenty threads, against a server of this process that
takes ``--delay`` seconds a reply. Prints for each of three rounds how long they took, the slowest tenth, and the memory
of the process afterwards; then the same while one more question asks about 20,000 values, which shows whether it holds
the others up. All answers are compared with those of the first round.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import pandas

from binder import Binder, Drafting, Table
from binder.lm import OpenAI
from tests.support import faulty_lm
from tests.support.fault_questions import Question, questions
from tests.support.faulty_lm import FaultyLM

MANY = 20_000
THREADS = 20


def resident() -> int:
    """MiB of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 >> 20


def crowd(engine: Binder, asked: Sequence[Question]) -> tuple[list[Any], list[float]]:
    """Ask all at once, half of them from tasks and half from threads; the answers and how long each took."""
    answers: list[Any] = [None] * len(asked)
    took = [0.0] * len(asked)
    started = time.monotonic()

    def keep(at: int, answer: Any) -> None:
        answers[at], took[at] = answer.frame.to_csv(), time.monotonic() - started

    def ask_some(numbers: Sequence[int]) -> None:
        for at in numbers:
            keep(at, engine.ask(asked[at].text, asked[at].table))

    async def ask_all(numbers: Sequence[int]) -> None:
        async def one(at: int) -> None:
            keep(at, await engine.aask(asked[at].text, asked[at].table))

        await asyncio.gather(*map(one, numbers))

    threads = [
        threading.Thread(target=ask_some, args=(range(1, len(asked), 2)[nth::THREADS],)) for nth in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    asyncio.run(ask_all(range(0, len(asked), 2)))
    for thread in threads:
        thread.join()
    return answers, took


def engine_at(url: str) -> Binder:
    """An engine whose every question asks anew."""
    return Binder(OpenAI("stub", base_url=url, concurrency=32), drafting=Drafting(samples=1), cache=False, deadline=600)


def main() -> int:
    """Ask, print, and fail where an answer is wrong."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--questions", type=int, default=200)
    options.add_argument("--delay", type=float, default=0.05)
    given = options.parse_args()
    asked = questions(given.questions)
    long = Table.from_pandas(pandas.DataFrame({"town": [f"town {n}" for n in range(MANY)]}), name="long")
    program = "SELECT COUNT(*) FROM w WHERE QA(\"map@is it by the sea?\"; town) = 'yes'"
    server = FaultyLM({one.text: one.program for one in asked} | {"how many?": program}, seconds=given.delay)
    wrong, right = 0, None
    with faulty_lm.run(server), engine_at(server.url) as engine:
        for name in ("alone", "alone", "alone", "beside 20,000 values"):
            beside = threading.Thread(target=lambda: engine.ask("how many?", long))
            if name != "alone":
                beside.start()
                time.sleep(0.5)
            started, before = time.monotonic(), server.requests
            answers, took = crowd(engine, asked)
            seconds = time.monotonic() - started
            if name != "alone":
                still = beside.is_alive()
                beside.join()
                print(
                    f"the long question was {'still under way' if still else 'done'} when the others had their answers"
                )
            right = right or answers
            wrong += sum(one != other for one, other in zip(answers, right, strict=True))
            slow = quantiles(took, n=10)[-1]
            print(
                f"{name}: {len(asked)} questions in {seconds:.1f} s, half within {median(took):.1f}, nine of ten",
                end="",
            )
            print(f" within {slow:.1f}; {server.requests - before} requests, {resident()} MiB", flush=True)
    print(f"{wrong} answers differ")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
