"""Timings leave the language model out, and account for the rest."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from binder.lm import Request, Scripted
from binder.trace import Sample
from binder.vote import Vote
from evaluation import wikitq
from evaluation.benchmark import WIKITQ
from evaluation.timing import STEPS, measure, table
from tests.evaluation import knowing


async def sleepy(request: Request) -> str:
    await asyncio.sleep(0.5)
    return knowing.answer(request)


def test_the_model_is_left_out(farm: Path) -> None:
    examples = wikitq.examples(farm, "dev")
    asking = Sample("SELECT animal FROM w WHERE QA(\"map@is it big?\"; animal) = 'yes'")
    programs = {"x-0": [asking, asking, Sample("SELECT 1")], "x-1": [Sample("SELECT COUNT(*) FROM w")]}
    first, second = measure(WIKITQ, examples, programs, Scripted(sleepy), Vote())
    assert (first.id, first.programs, second.id, second.programs) == ("x-0", 2, "x-1", 1)
    for timing in (first, second):
        assert set(timing.steps) == set(STEPS)
        assert 0 < timing.steps["all"] < 0.5
        parts = sum(seconds for step, seconds in timing.steps.items() if step != "all")
        assert parts == pytest.approx(timing.steps["all"], abs=0.001)
    assert "2 questions, 3 distinct programs" in table([first, second])
    assert table([first]).count("\n| ") == 1 + len(STEPS)
