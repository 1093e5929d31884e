"""timing: how long a question takes outside the language model, step by step, over a file of programs.

One question at a time, so that no step waits for another question's. The time in which the model is asked is left out.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from binder.draft import Drafting
from binder.engine import Binder
from binder.lm.base import LM, Request, Response, batch_of
from binder.trace import Sample
from binder.vote import Vote
from evaluation.benchmark import Benchmark
from evaluation.example import Example
from evaluation.execute import texts_of

STEPS = ("read", "load", "check", "run", "vote", "score", "all")


@dataclass(frozen=True)
class Timing:
    """The seconds of one question outside the LM.

    Attributes:
        id: The example.
        programs: How many distinct programs it has.
        steps: Seconds by step: ``read`` the table's file and type it, ``load`` it into a database, ``check`` and
            ``run`` the programs, ``vote`` (and what lies between these), ``score``, and ``all`` of them.
    """

    id: str
    programs: int
    steps: Mapping[str, float]


class Stopwatch:
    """A language model that keeps the time in which it was asked."""

    def __init__(self, lm: LM) -> None:
        self._lm = lm
        self.name, self.context, self.concurrency = lm.name, lm.context, lm.concurrency
        self.batch = batch_of(lm)
        self.seconds = 0.0
        self._under_way = 0
        self._since = 0.0

    async def complete(self, request: Request) -> Response:
        """Ask the model; requests at the same time count once."""
        if self._under_way == 0:
            self._since = time.perf_counter()
        self._under_way += 1
        try:
            return await self._lm.complete(request)
        finally:
            self._under_way -= 1
            if self._under_way == 0:
                self.seconds += time.perf_counter() - self._since

    async def aclose(self) -> None:
        """Nothing: the model is for whoever made it to close."""


def measure(
    benchmark: Benchmark, examples: Sequence[Example], programs: Mapping[str, Sequence[Sample]], lm: LM, vote: Vote
) -> list[Timing]:
    """Time each question that has programs, the first one once more before, uncounted.

    Args:
        benchmark: The benchmark.
        examples: Its examples.
        programs: Their programs, by id.
        lm: The model that answers the programs' calls.
        vote: How the answer is chosen.
    """
    wanted = [example for example in examples if programs.get(example.id)]
    watch = Stopwatch(lm)
    with Binder(watch, drafting=Drafting(repairs=0), vote=vote, deadline=None, cache=False) as engine:
        timed = [_time(benchmark, one, programs[one.id], engine, watch) for one in [*wanted[:1], *wanted]]
    return timed[1:]


def table(timings: Sequence[Timing]) -> str:
    """The timings as a Markdown table: milliseconds a question by step."""
    lines = ["| step | mean ms | median ms | 90 % below |", "| --- | --- | --- | --- |"]
    for step in STEPS:
        spent = [1000 * timing.steps[step] for timing in timings]
        ninth = statistics.quantiles(spent, n=10)[-1] if len(spent) > 1 else spent[0]
        lines.append(f"| {step} | {statistics.mean(spent):.1f} | {statistics.median(spent):.1f} | {ninth:.1f} |")
    programs = sum(timing.programs for timing in timings)
    return "\n".join(lines) + f"\n\n{len(timings)} questions, {programs} distinct programs, one question at a time\n"


def _time(
    benchmark: Benchmark, example: Example, samples: Sequence[Sample], engine: Binder, watch: Stopwatch
) -> Timing:
    asked, started = watch.seconds, time.perf_counter()
    loaded = benchmark.table(example)
    read = time.perf_counter()
    outcome = engine.decide(example.question, loaded, samples)
    decided = time.perf_counter()
    winner = outcome.candidates[outcome.winner] if outcome.winner is not None else None
    benchmark.right(example, texts_of(winner) if winner is not None else None)
    scored = time.perf_counter()
    asked = watch.seconds - asked
    inside = {step: outcome.trace.steps.get(step, 0.0) for step in ("load", "check", "run")}
    steps = {
        "read": read - started,
        **inside,
        "run": inside["run"] - asked,
        "vote": decided - read - sum(inside.values()),
        "score": scored - decided,
        "all": scored - started - asked,
    }
    return Timing(example.id, len(outcome.candidates), steps)
