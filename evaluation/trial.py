"""trial: one case run on an engine against the stub, with what it cost and whether its answers are right."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from binder.draft import Drafting
from binder.engine import Binder
from binder.lm.base import LM
from binder.lm.cache import Cache
from binder.lm.openai import OpenAI
from binder.table import Table
from binder.trace import Sample
from evaluation.cases import Case, expected, rows
from evaluation.stub import Server

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Trial:
    """What became of a case.

    Attributes:
        case: What was run.
        inputs: How many (question, value) pairs were sent, each as often as it was.
        requests: How many requests the server was sent.
        right: Whether the answers are those of the same programs run naively.
        seconds: From the program to the answer, loading included.
    """

    case: Case
    inputs: int
    requests: int
    right: bool
    seconds: float

    @property
    def met(self) -> bool:
        """Whether the answers are right and cost no more than they may."""
        return self.right and self.requests <= self.case.most


@contextmanager
def engine(lm: LM, *, cached: bool) -> Iterator[Binder]:
    """An engine for measurements: no deadline, no mending, and replies kept, in a file of its own, only where that is
    what is measured."""
    with TemporaryDirectory() as folder:
        cache = Cache(Path(folder) / "replies.sqlite") if cached else False
        with Binder(lm, drafting=Drafting(repairs=0), deadline=None, cache=cache) as asked:
            yield asked


def run(case: Case, server: Server) -> Trial:
    """Run a case on an engine of its own.

    Args:
        case: What to run.
        server: The stub that is asked.
    """
    table = Table.from_arrow(rows(), name="w")
    with engine(OpenAI("stub", base_url=server.url), cached=case.cached) as asked:
        for program in case.before:
            asked.run(program, table)
        server.taken()
        started = time.perf_counter()
        answers = _answers(case, asked, table)
        seconds = time.perf_counter() - started
        sent = server.taken()
    right = bool(answers) and all(given == expected(program) for program, given in answers.items())
    return Trial(case, sum(len(one.inputs) for one in sent), len(sent), right, seconds)


def _answers(case: Case, asked: Binder, table: Table) -> dict[str, Rows | None]:
    """The rows of each program that was run, None for one that failed; a vote may have had no need of some."""
    if len(case.programs) == 1:
        return {case.programs[0]: list(asked.run(case.programs[0], table).result.rows)}
    outcome = asked.decide(case.name, table, [Sample(program) for program in case.programs])
    ran = [one for one in outcome.candidates if not one.skipped]
    return {one.text: list(one.result.rows) if one.result else None for one in ran}
