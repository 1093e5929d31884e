"""What a question gathers on its way, and its programs: checked, run as far as the vote needs them."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from binder import literals
from binder.accept import accept, schema_of
from binder.accept_python import accept_python
from binder.errors import BinderError, LimitReached, LMUnavailable, ProgramError, RunError
from binder.execute import Result, execute, prepare
from binder.given import Source
from binder.jobs import in_thread
from binder.lm.base import Usage, batch_of
from binder.pack import pack
from binder.plan import Plan, make_plan
from binder.render import escape
from binder.script import Script, run_script
from binder.vote import Candidate, Vote, decided, next_to_run
from grammars.errors import Complaint
from grammars.language import AnyProgram, Language
from grammars.program import Program

if TYPE_CHECKING:
    from binder.database import Limits, Session
    from binder.desk import Desk
    from binder.filters import Filter, Selectivity
    from binder.lm.base import LM
    from binder.render import Cuts
    from binder.sandbox.host import Sandbox
    from binder.table import Table
    from binder.trace import CallTrace, Sample

_log = logging.getLogger(__name__)

Runnable = Plan | Script

SHOWN = 200
"""How many characters of a program the log shows."""

_CUT = "the model was stopped before the program's end, for its length or by a filter; write a shorter or plainer one"
_NO_CALLS = "this program holds LM calls, and they are not wanted here"
_PLAIN = {Language.SQL: "write plain SQL", Language.PYTHON: "write plain pandas"}
_NOTHING = "it ran and gave no value; compare with the cells as they are spelled, and select what was asked for"
_NOT_NEEDED = "not run: the vote was decided without it"


@dataclass
class Work:
    """One question, or one program, under way: what it needs, and what it has gathered; that outlives a failure.

    Attributes:
        tables: The tables it is about.
        desk: Where its programs ask the model.
        sandbox: Where its Python programs run.
        selectivity: What the engine knows of how often LM conditions hold.
        lm: Finds the model, where one is needed.
        mend_values: Whether texts that no cell equals are mended.
        calls_wanted: Whether programs may hold LM calls.
        vote: How the answer is chosen.
        limits: What its programs may use of the database.
    """

    tables: tuple[Table, ...]
    desk: Desk
    sandbox: Sandbox
    selectivity: Selectivity
    lm: Callable[[], LM]
    mend_values: bool
    calls_wanted: bool
    vote: Vote
    limits: Limits
    started: float = field(default_factory=time.perf_counter)
    steps: dict[str, float] = field(default_factory=dict)
    calls: list[CallTrace] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    cuts: Cuts | None = None
    candidates: dict[str, Candidate] = field(default_factory=dict)
    undrawn: int = 0  # samples that are still to be drawn, unless the vote is decided without them
    step: str = ""  # the last one begun

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Adds the seconds in the context to a step's."""
        self.step = step
        started = time.perf_counter()
        try:
            yield
        finally:
            self.steps[step] = self.steps.get(step, 0.0) + time.perf_counter() - started

    @property
    def waits_for_model(self) -> bool:
        """Whether what is under way is the model's to do."""
        return self.step == "draft" or (self.step == "run" and self.desk.asking)

    async def check(self, source: Source, session: Session) -> tuple[AnyProgram, Runnable]:
        """A checked program, ready to run; raises ``ProgramError``."""
        with self.timed("check"):
            if source.language is Language.PYTHON:
                accepted = await in_thread(
                    session, lambda: accept_python(source.text, schema_of(self.tables), session, self.mend_values)
                )
                _note_mends(accepted[0])
                return accepted
            known = session.checked.get(source.text)
            if known is not None and not known[1].asks:
                return known
            program, plan = await in_thread(
                session, lambda: accept(source.text, self.tables, session, self.mend_values, self.selectivity)
            )
            _note_mends(program)
            return program, await self._arranged(program, plan, session) if plan.arranged else plan

    async def _arranged(self, program: Program, plan: Plan, session: Session) -> Plan:
        """The plan, its LM conditions in the order that suits what need not be asked any more."""
        unknown: dict[Filter, float] = {}
        for step in plan.steps:
            query = step.inputs if step.at_most is None else step.at_most.inputs
            if step.truth is not None and query is not None:
                with contextlib.suppress(RunError):  # more inputs than rows may be read at once: they cost what they do
                    inputs = await in_thread(session, lambda query=query: session.rows(query))  # type: ignore[misc]
                    self.desk.recall(step, inputs)
                    new = sum(cells not in self.desk.known(step) for cells in inputs)
                    unknown[step.question, step.truth] = new / max(1, len(inputs))
        known = replace(self.selectivity, unknown=unknown)
        arranged = make_plan(program, schema_of(self.tables), known)
        await in_thread(session, lambda: prepare(arranged, session))
        return arranged

    async def run(self, plan: Runnable, session: Session) -> Result:
        """What a program gives; its session must be no other program's."""
        if isinstance(plan, Script):
            by_name = {table.name: table for table in self.tables}
            packed = await asyncio.to_thread(pack, [by_name[name] for name in plan.program.tables])
            return await run_script(plan, packed, self.sandbox, self.desk, self.calls.append)
        wave = batch_of(self.lm()) if plan.stages else 0
        note, selectivity = self.calls.append, self.selectivity
        return await execute(plan, self.tables, session, self.desk, note, selectivity, wave, self.limits)


async def try_programs(samples: Sequence[Sample], session: Session, work: Work) -> None:
    """Check each distinct program among the samples, and run as many as the vote needs.

    Programs without LM calls run first. Of the others, those run that could decide the vote together, and with them
    those that ask nothing else; then, while the vote is open, the next.

    Raises:
        LMUnavailable: The model could not be reached.
        LimitReached: A request would have passed a limit; any other failure is the candidate's own.
    """
    plans: dict[str, Runnable] = {}
    work.samples.extend(samples)
    for source, times in Counter(map(_source, samples)).items():
        same = [sample for sample in samples if _source(sample) == source]
        candidate, plan = await _checked(source, same, session, work)
        key = str(candidate.program) if candidate.program else source.text
        before = work.candidates.get(key)
        logprobs = tuple(sample.logprob for sample in same if sample.logprob is not None)
        work.candidates[key] = replace(
            before or candidate,
            samples=times + (before.samples if before else 0),
            logprobs=(before.logprobs if before else ()) + logprobs,
        )
        if plan is not None and before is None:
            plans[key] = plan
    with work.timed("run"):
        for key in [key for key, plan in plans.items() if not plan.asks]:
            await _run(key, plans.pop(key), session, work)
        while plans and not decided(list(work.candidates.values()), work.vote, work.undrawn):
            await _run_together({key: plans.pop(key) for key in _next(plans, work)}, session, work)
    for key in plans:
        work.candidates[key] = replace(work.candidates[key], skipped=True, error=_NOT_NEEDED)


def _note_mends(program: AnyProgram) -> None:
    for mend in program.mends:
        _log.info("mended in '%s': %s", escape(program.source, SHOWN), escape(mend))


def _source(sample: Sample) -> Source:
    return Source(sample.text.strip(), sample.language)


async def _checked(
    source: Source, samples: Sequence[Sample], session: Session, work: Work
) -> tuple[Candidate, Runnable | None]:
    """A program that may be run, or why not."""
    candidate = Candidate(source.text, language=source.language)
    if not any(sample.finished for sample in samples):
        return replace(candidate, error=_CUT), None  # mended, half a program might run and answer something else
    try:
        program, plan = await work.check(source, session)
        if program.calls and not work.calls_wanted:
            raise ProgramError(program.text, (Complaint("calls", _NO_CALLS, _PLAIN[source.language]),))
    except ProgramError as error:
        _log.info("refused '%s': %s", escape(source.text, SHOWN), escape(str(error)))
        return replace(candidate, error=str(error)), None
    return replace(candidate, program=program), plan


def _next(plans: dict[str, Runnable], work: Work) -> list[str]:
    """The programs to run next: those that may decide the vote, and those that ask what these ask anyway."""
    chosen = next_to_run(list(work.candidates.values()), work.vote)
    keys = [key for key in plans if any(work.candidates[key] is one for one in chosen)]
    asked = frozenset[object]().union(*(plans[key].asked for key in keys))
    return [key for key in plans if key in keys or plans[key].asked <= asked]


async def _run_together(plans: dict[str, Runnable], session: Session, work: Work) -> None:
    """Run programs at the same time, each in a session of its own, so that they share requests."""
    try:
        async with asyncio.TaskGroup() as group:
            for key, plan in plans.items():
                group.create_task(_run_beside(key, plan, session, work))
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None


async def _run_beside(key: str, plan: Runnable, session: Session, work: Work) -> None:
    with session.beside() as own:
        if isinstance(plan, Plan):
            with work.desk.working():
                await in_thread(own, functools.partial(prepare, plan, own))
        await _run(key, plan, own, work)


async def _run(key: str, plan: Runnable, session: Session, work: Work) -> None:
    """Run a candidate's plan and note what becomes of it; only the model being out of reach, or a limit, ends the
    question."""
    candidate = work.candidates[key]
    try:
        result = await work.run(plan, session)
    except (LMUnavailable, LimitReached):
        raise
    except BinderError as error:
        _log.warning("given up '%s': %s", escape(candidate.text, SHOWN), escape(str(error)))
        work.candidates[key] = replace(candidate, error=str(error))
    else:
        odd = await _nothing(candidate, session, work) if result.empty else None
        work.candidates[key] = replace(candidate, result=result, error=odd)


async def _nothing(candidate: Candidate, session: Session, work: Work) -> str:
    """What is odd about an answer without a value."""
    program = candidate.program
    if not isinstance(program, Program):
        return _NOTHING
    with work.desk.working():
        told = await in_thread(session, lambda: literals.describe(program, schema_of(work.tables), session))
    return told or _NOTHING
