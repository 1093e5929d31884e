"""The engine: from a question to an answer. It wires the steps and does none of them."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace

from binder import literals, loop
from binder.accept import accept, schema_of
from binder.answer import Answer, Outcome
from binder.database import Limits, Pool, Session
from binder.draft import Drafting, Drafts, draft, repair
from binder.errors import BinderError, ConfigurationError, LMUnavailable, ProgramError, RunError
from binder.execute import Replies, execute, in_thread
from binder.explain import Explanation, explain
from binder.lm.base import LM, Usage
from binder.plan import Plan
from binder.render import Cuts
from binder.table import Table
from binder.trace import CallTrace, Sample, Trace
from binder.vote import Candidate, Vote, count
from grammars.errors import Complaint
from grammars.program import Program

DEADLINE = 300.0

Tables = Table | Sequence[Table]

_CUT = "the program was cut off before its end; write a shorter one"
_NO_CALLS = Complaint("calls", "this program holds LM calls, and they are not wanted here", "write plain SQL")
_NOTHING = "it ran and gave no value; compare with the cells as they are spelled, and select what was asked for"


@dataclass
class _Work:
    """What a question has gathered so far; it outlives a failure."""

    started: float = field(default_factory=time.perf_counter)
    steps: dict[str, float] = field(default_factory=dict)
    replies: Replies = field(default_factory=Replies)
    calls: list[CallTrace] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    cuts: Cuts | None = None
    candidates: dict[str, Candidate] = field(default_factory=dict)
    asking: bool = True  # False once it is known that no model is needed

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Adds the seconds in the context to a step's."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.steps[step] = self.steps.get(step, 0.0) + time.perf_counter() - started


class Binder:
    """Answers questions about tables with programs that a language model writes.

    One engine may be shared by threads and event loops. Every method that may ask the model has an async twin.

    Args:
        lm: The language model; found as ``binder models`` says when none is given.
        drafting: How programs are sampled and mended.
        vote: How the answer is chosen.
        limits: What a program may use of the database.
        deadline: The most seconds a question may take, or None for no limit.
        mend_values: Whether a text that no cell of its column equals is read as the one value nearly the same.

    Example:
        >>> from binder import Binder, Table
        >>> from binder.lm import Scripted
        >>> import pandas
        >>> peaks = Table.from_pandas(pandas.DataFrame({"name": ["K2", "Elbrus"], "height": [8611, 5642]}))
        >>> with Binder(lm=Scripted(lambda request: "SELECT name FROM w ORDER BY height DESC LIMIT 1")) as b:
        ...     b.ask("which peak is the highest?", peaks).values
        ('K2',)
    """

    def __init__(
        self,
        lm: LM | None = None,
        *,
        drafting: Drafting | None = None,
        vote: Vote | None = None,
        limits: Limits | None = None,
        deadline: float | None = DEADLINE,
        mend_values: bool = True,
    ) -> None:
        self._lm = lm
        self._owns_lm = lm is None
        self.drafting = drafting or Drafting()
        self.vote = vote or Vote()
        self.deadline = deadline
        self.mend_values = mend_values
        self._pool = Pool(limits or Limits())

    @property
    def lm(self) -> LM:
        """The language model that answers."""
        if self._lm is None:
            from binder.lm import default

            self._lm = default()
        return self._lm

    def ask(self, question: str, tables: Tables, *, n: int | None = None, deadline: float | None = None) -> Answer:
        """Answer a question, or judge a statement.

        Args:
            question: The question, in words.
            tables: The table, or the tables, it is about.
            n: How many programs to sample, ``drafting.samples`` by default.
            deadline: The most seconds it may take, the engine's by default.

        Raises:
            ProgramError: No sampled program could be run, even after being sent back; it holds the complaints.
            RunError: Every program that was run failed.
            LMError: The model could not be reached in time, or its replies could not be used.
        """
        return loop.wait_for(self._ask(question, tables, n, deadline))

    async def aask(
        self, question: str, tables: Tables, *, n: int | None = None, deadline: float | None = None
    ) -> Answer:
        """``ask`` for async callers."""
        return await loop.await_on(self._ask(question, tables, n, deadline))

    def draft(self, question: str, tables: Tables, *, deadline: float | None = None) -> Drafts:
        """Sample programs for a question, without checking or running them; raises as ``ask`` does."""
        return loop.wait_for(self._draft(question, tables, deadline))

    async def adraft(self, question: str, tables: Tables, *, deadline: float | None = None) -> Drafts:
        """``draft`` for async callers."""
        return await loop.await_on(self._draft(question, tables, deadline))

    def decide(
        self, question: str, tables: Tables, samples: Sequence[Sample], *, deadline: float | None = None
    ) -> Outcome:
        """Run programs that were drafted before and vote between their answers, as ``ask`` goes on after drafting.

        Args:
            question: The question; programs that give no answer are sent back with it, as ``drafting.repairs`` says.
            tables: The table, or the tables, it is about.
            samples: The programs, each as often as it was sampled.
            deadline: The most seconds it may take, the engine's by default.

        Raises:
            LMUnavailable: The model could not be reached in time.

        Example:
            >>> from binder.trace import Sample
            >>> engine.decide("how many?", table, [Sample("SELECT COUNT(*) FROM w")]).answer().values  # doctest: +SKIP
            (4,)
        """
        return loop.wait_for(self._decide(question, tables, samples, deadline))

    async def adecide(
        self, question: str, tables: Tables, samples: Sequence[Sample], *, deadline: float | None = None
    ) -> Outcome:
        """``decide`` for async callers."""
        return await loop.await_on(self._decide(question, tables, samples, deadline))

    def run(self, program: str | Program, tables: Tables, *, deadline: float | None = None) -> Answer:
        """Check and run a program; raises as ``ask`` does."""
        return loop.wait_for(self._run(program, tables, deadline))

    async def arun(self, program: str | Program, tables: Tables, *, deadline: float | None = None) -> Answer:
        """``run`` for async callers."""
        return await loop.await_on(self._run(program, tables, deadline))

    def check(self, program: str | Program, tables: Tables) -> Program:
        """Check a program without running it or asking anything.

        Raises:
            ProgramError: It cannot be run; every complaint at once.
        """
        used = _tables(tables)
        with self._pool.session(used) as session:
            return accept(_source(program), used, session, self.mend_values)[0]

    def explain(self, program: str | Program, tables: Tables) -> Explanation:
        """What a program would do and how much it would ask, without asking.

        Raises:
            ProgramError: It cannot be run.
        """
        used = _tables(tables)
        with self._pool.session(used) as session:
            checked, plan = accept(_source(program), used, session, self.mend_values)
            return explain(checked, plan, session)

    def close(self) -> None:
        """Free the databases, and the model if the engine found it itself."""
        self._pool.close()
        if self._owns_lm and self._lm is not None:
            loop.wait_for(self._lm.aclose())
            self._lm = None

    def __enter__(self) -> Binder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def _run(self, program: str | Program, tables: Tables, deadline: float | None) -> Answer:
        work, used = _Work(), _tables(tables)
        async with self._session(used, deadline, work) as session:
            with work.timed("check"):
                checked, plan = await in_thread(
                    session, lambda: accept(_source(program), used, session, self.mend_values)
                )
            work.asking = bool(plan.steps)
            with work.timed("run"):
                result = await execute(
                    plan, session, self._asked(plan), work.replies, work.calls.append, self.drafting.folder
                )
        return Answer(None, checked, result, self._trace(work))

    async def _ask(self, question: str, tables: Tables, n: int | None, deadline: float | None) -> Answer:
        work, used = _Work(), _tables(tables)
        drafting = self._drafting(question, n)
        async with self._session(used, deadline, work) as session:
            with work.timed("draft"):
                drafts = await draft(question, used, self.lm, drafting)
            work.usage, work.cuts = drafts.usage, drafts.cuts
            return (await self._vote(question, used, drafts.samples, session, work, drafting)).answer()

    async def _draft(self, question: str, tables: Tables, deadline: float | None) -> Drafts:
        used, drafting = _tables(tables), self._drafting(question, None)
        async with self._within(deadline):
            return await draft(question, used, self.lm, drafting)

    async def _decide(
        self, question: str, tables: Tables, samples: Sequence[Sample], deadline: float | None
    ) -> Outcome:
        work, used = _Work(), _tables(tables)
        async with self._session(used, deadline, work) as session:
            return await self._vote(question, used, samples, session, work, self.drafting)

    async def _vote(
        self,
        question: str,
        tables: tuple[Table, ...],
        samples: Sequence[Sample],
        session: Session,
        work: _Work,
        drafting: Drafting,
    ) -> Outcome:
        """Try the samples, have them mended where none gives an answer, and count."""
        await self._try(samples, tables, session, work)
        await self._mend(question, tables, session, work, drafting)
        candidates, winner, confidence = count(list(work.candidates.values()), self.vote)
        return Outcome(question, candidates, winner, confidence, self._trace(work))

    def _drafting(self, question: str, n: int | None) -> Drafting:
        """How this question's programs are drafted."""
        if not question.strip():
            raise ConfigurationError("the question is empty; ask something")
        drafting = self.drafting if n is None else replace(self.drafting, samples=n)
        if drafting.samples < 1:
            raise ConfigurationError(f"{drafting.samples} samples cannot give an answer; ask for 1 or more")
        return drafting

    async def _try(self, samples: Sequence[Sample], tables: tuple[Table, ...], session: Session, work: _Work) -> None:
        """Check and run each distinct program among the samples."""
        work.samples.extend(samples)
        written = Counter(sample.text.strip() for sample in samples)
        for text, times in written.items():
            logprobs = tuple(s.logprob for s in samples if s.text.strip() == text and s.logprob is not None)
            if all(not sample.finished for sample in samples if sample.text.strip() == text):
                candidate = Candidate(text, error=_CUT)  # mended, half a program might run and answer something else
            else:
                candidate = await self._candidate(text, tables, session, work)
            key = candidate.program.sql() if candidate.program else text
            before = work.candidates.get(key)
            work.candidates[key] = replace(
                before or candidate,
                samples=times + (before.samples if before else 0),
                logprobs=(before.logprobs if before else ()) + logprobs,
            )

    async def _candidate(self, text: str, tables: tuple[Table, ...], session: Session, work: _Work) -> Candidate:
        """What becomes of one program; only the model being out of reach ends the question."""
        try:
            with work.timed("check"):
                program, plan = await in_thread(session, lambda: accept(text, tables, session, self.mend_values))
            if program.calls and not self.drafting.calls:
                raise ProgramError(program.text, (_NO_CALLS,))
        except ProgramError as error:
            return Candidate(text, error=str(error))
        known = work.candidates.get(program.sql())
        if known is not None:
            return known
        try:
            with work.timed("run"):
                result = await execute(
                    plan, session, self._asked(plan), work.replies, work.calls.append, self.drafting.folder
                )
        except LMUnavailable:
            raise
        except BinderError as error:
            return Candidate(text, program=program, error=str(error))
        if result.empty:
            told = await in_thread(session, lambda: literals.describe(program, schema_of(tables), session))
            return Candidate(text, program=program, result=result, error=told or _NOTHING)
        return Candidate(text, program=program, result=result)

    async def _mend(
        self, question: str, tables: tuple[Table, ...], session: Session, work: _Work, drafting: Drafting
    ) -> None:
        """While no program gives an answer, send them back with what is wrong with them."""
        sent: set[str] = set()
        for _ in range(drafting.repairs):
            if any(one.result is not None and not one.result.empty for one in work.candidates.values()):
                return
            refused = [(one.text, one.error or "") for one in work.candidates.values() if one.text not in sent]
            if not refused:
                return
            sent.update(text for text, _ in refused)
            with work.timed("draft"):
                samples, usage = await repair(question, tables, refused, self.lm, drafting)
            work.usage += usage
            await self._try(samples, tables, session, work)

    @asynccontextmanager
    async def _session(self, tables: tuple[Table, ...], deadline: float | None, work: _Work) -> AsyncIterator[Session]:
        """A session on the tables' database, for at most so many seconds."""
        lent = self._pool.session(tables)
        with work.timed("load"):
            session = await asyncio.to_thread(lent.__enter__)
        try:
            async with self._within(deadline, lambda: work.asking):
                yield session
        finally:
            lent.__exit__(None, None, None)

    @asynccontextmanager
    async def _within(self, deadline: float | None, asking: Callable[[], bool] = lambda: True) -> AsyncIterator[None]:
        """At most so many seconds, spent on the model where ``asking``."""
        seconds = self.deadline if deadline is None else deadline
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError:
            if self._lm is None or not asking():
                raise RunError(
                    f"the program ran longer than {seconds:g} s and was stopped; narrow what it reads"
                ) from None
            raise LMUnavailable(
                f"no answer within {seconds:g} s; waiting for {self._lm.name}. "
                "Give more time (deadline=), or a faster model"
            ) from None

    def _asked(self, plan: Plan) -> LM | None:
        """The model that a plan needs; none is looked for where it needs none."""
        return self.lm if plan.steps else None

    def _trace(self, work: _Work) -> Trace:
        name = self._lm.name if self._lm is not None else ""
        seconds = time.perf_counter() - work.started
        return Trace(name, tuple(work.samples), tuple(work.calls), work.usage, work.cuts, seconds, dict(work.steps))


def _tables(tables: Tables) -> tuple[Table, ...]:
    used = (tables,) if isinstance(tables, Table) else tuple(tables or ())
    if any(not isinstance(table, Table) for table in used):
        raise ConfigurationError("a question is asked of a Table or a list of them; Table.from_… makes one")
    if not used:
        raise ConfigurationError("there is no table; give at least one")
    names = Counter(table.name.casefold() for table in used)
    repeated = [name for name, times in names.items() if times > 1]
    if repeated:
        raise ConfigurationError(f"two tables are named {repeated[0]!r}; give each a name of its own (name=)")
    return used


def _source(program: str | Program) -> str:
    return program.sql() if isinstance(program, Program) else program
