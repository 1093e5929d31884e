"""run: a benchmark's examples through both phases, many at once, so that a killed run goes on where it was.

A run's folder holds ``run.json`` (its settings), ``journal.jsonl`` (every reply of the model as it arrives),
``drafts.jsonl`` (the first phase, a line an example) and ``results.jsonl`` (the second).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from binder.engine import Binder
from binder.errors import ConfigurationError
from binder.lm.base import LM
from binder.table import Table
from binder.trace import Sample
from evaluation import annotate, execute, records
from evaluation.example import Example
from evaluation.journal import Journal
from evaluation.records import Record
from evaluation.settings import Mode, Settings

T = TypeVar("T")
Programs = Mapping[str, Sequence[Sample]]

JOURNAL, DRAFTS, RESULTS = "journal.jsonl", "drafts.jsonl", "results.jsonl"
TABLES = 64


class Phase(StrEnum):
    """Which part of a run is wanted."""

    ANNOTATE = "annotate"
    EXECUTE = "execute"
    BOTH = "both"


def run(
    out: Path,
    settings: Settings,
    examples: Sequence[Example],
    lm: LM,
    *,
    phase: Phase = Phase.BOTH,
    concurrency: int = 8,
    programs: Programs | None = None,
    seen: Callable[[Record], None] = lambda record: None,
) -> None:
    """Do what a run has still to do, and put its files in the order of ids.

    Args:
        out: The run's folder.
        settings: What decides its results.
        examples: The examples it is over.
        lm: The model.
        phase: Which part is wanted.
        concurrency: How many examples are in flight at once.
        programs: Programs by example that are run instead of drafting any.
        seen: Called with the last wanted phase's record of each example, those of earlier calls included.

    Raises:
        ConfigurationError: The folder holds a run with other settings, or lacks what the second phase needs.
        DataSetError: A table is missing or damaged.
        LMUnavailable: The model is out of reach; what was done is kept.
        LimitReached: A limit on what the model may cost; what was done is kept.
    """
    settings.settle(out)
    drafts, results = (_by_id(out / name) for name in (DRAFTS, RESULTS))
    finished = drafts if phase is Phase.ANNOTATE else results
    left = [example for example in examples if example.id not in finished]
    _require(phase, settings, left, drafts)
    for example in examples:
        if example.id in finished:
            seen(finished[example.id])
    with ExitStack() as stack:
        journal = stack.enter_context(Journal(lm, out / JOURNAL))
        engine = Binder(journal, drafting=settings.drafting, vote=settings.voting, deadline=None, cache=False)
        stack.enter_context(engine)
        drafts_file, results_file = (stack.enter_context(records.Appender(out / name)) for name in (DRAFTS, RESULTS))
        work = _Work(settings, phase, engine, journal, programs, drafts, drafts_file, results_file, seen)
        asyncio.run(in_flight(_by_table(left), work.do, concurrency))
    for name in (DRAFTS, RESULTS):
        records.write_sorted(out / name)


def drafted(out: Path) -> dict[str, tuple[Sample, ...]]:
    """The programs in a run's folder, by example."""
    return {name: annotate.samples(record) for name, record in _by_id(out / DRAFTS).items()}


async def in_flight(items: Iterable[T], work: Callable[[T], Awaitable[None]], limit: int) -> None:
    """Work on items, so many at once; the first failure ends all and is raised."""
    waiting = iter(items)

    async def worker() -> None:
        for item in waiting:
            await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(limit):
                group.create_task(worker())
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None


@dataclass(frozen=True)
class _Work:
    """A run under way."""

    settings: Settings
    phase: Phase
    engine: Binder
    journal: Journal
    programs: Programs | None
    drafts: dict[str, Record]
    drafts_file: records.Appender
    results_file: records.Appender
    seen: Callable[[Record], None]
    tables: dict[Path, asyncio.Future[Table]] = field(default_factory=dict)

    async def do(self, example: Example) -> None:
        """Bring one example to the end of the phase; each record is written as soon as it is there."""
        benchmark, table = self.settings.of(), await self._table(example)
        with self.journal.about(example.id):
            if self.settings.mode is Mode.QA:
                record = await execute.answer_whole(benchmark, example, table, self.journal)
            else:
                record = await self._drafted(example, table)
                if self.phase is not Phase.ANNOTATE:
                    record = await execute.execute(benchmark, example, table, record, self.engine)
        if self.phase is not Phase.ANNOTATE:
            self.results_file.add(record)
        self.seen(record)

    async def _drafted(self, example: Example, table: Table) -> Record:
        """The record of an example's programs, written down if it is new."""
        if example.id in self.drafts:
            return self.drafts[example.id]
        if self.programs is None:
            record = await annotate.annotate(example, table, self.engine)
        else:
            record = annotate.given(example, self.programs.get(example.id, ()))
        self.drafts_file.add(record)
        return record

    async def _table(self, example: Example) -> Table:
        """The example's table; the last ones are kept, for questions about one table follow each other."""
        if example.source not in self.tables:
            if len(self.tables) >= TABLES:
                self.tables.pop(next(iter(self.tables)))
            load = asyncio.to_thread(self.settings.of().table, example)
            self.tables[example.source] = asyncio.ensure_future(load)
        return await self.tables[example.source]


def _by_id(path: Path) -> dict[str, Record]:
    return {record["id"]: record for record in records.read(path)}


def _by_table(examples: Sequence[Example]) -> list[Example]:
    """The examples, those about one table together: it is loaded once, and a model server may keep its prompt."""
    first: dict[Path, int] = {}
    for place, example in enumerate(examples):
        first.setdefault(example.source, place)
    return sorted(examples, key=lambda example: first[example.source])


def _require(phase: Phase, settings: Settings, left: Sequence[Example], drafts: Mapping[str, Record]) -> None:
    """Refuses phases that cannot be."""
    if phase is Phase.ANNOTATE and settings.mode is Mode.QA:
        raise ConfigurationError("mode qa has no programs, so there is nothing to annotate; leave --phase out")
    missing = [example.id for example in left if example.id not in drafts]
    if phase is Phase.EXECUTE and settings.mode is not Mode.QA and missing:
        raise ConfigurationError(
            f"{len(missing)} examples have no programs yet ({', '.join(missing[:3])} …): run --phase annotate first, "
            "or leave --phase out"
        )
