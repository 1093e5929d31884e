"""The engine: from a question to an answer. It wires the steps and does none of them."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from binder import loop
from binder.accept import accept, schema_of
from binder.accept_python import accept_python, readable_plan
from binder.amounts import require_switch
from binder.answer import Answer, Outcome
from binder.ask_step import Asking
from binder.database import Limits, Pool, Session
from binder.deadline import too_late
from binder.desk import Desk
from binder.draft import AUTO, Drafting, Drafts, draft, repair
from binder.errors import BinderError
from binder.explain import Explanation, explain
from binder.filters import Selectivity
from binder.given import (
    Tables,
    budget_of,
    cache_of,
    drafted_of,
    drafting_of,
    limits_of,
    model_of,
    price_of,
    question_of,
    samples_of,
    seconds_of,
    source_of,
    tables_of,
    vote_of,
)
from binder.known import run_known
from binder.lm.base import LM, trouble_of
from binder.lm.budget import Budget, Price
from binder.lm.cache import Cache
from binder.lm.limits import Limited
from binder.lm.scripted import Scripted
from binder.sampling import at_once
from binder.sandbox.host import Sandbox, Share
from binder.table import Table
from binder.trace import Sample, Trace
from binder.vote import Vote, count, decided, next_to_draw
from binder.work import Work, try_programs
from grammars.language import AnyProgram, Language

DEADLINE = 300.0


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
        cache: Where what the model says is found and kept: the user's own cache (True), none (False), or another one.
        budget: What the engine may spend on the model in all.
        question_budget: What a question, or a program that is run, may spend.
        price: What the model's tokens cost, for limits in dollars.
        unconfined_python: Whether Python programs run where the kernel cannot keep them from files and the network;
            without it they are refused there.

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
        cache: Cache | bool = True,
        budget: Budget | None = None,
        question_budget: Budget | None = None,
        price: Price | None = None,
        unconfined_python: bool = False,
    ) -> None:
        self._lm = model_of(lm)
        self._owns_lm = lm is None
        self.drafting = drafting_of(drafting)
        self.vote = vote_of(vote)
        self.deadline = seconds_of(deadline)
        require_switch("mend_values", mend_values)
        require_switch("unconfined_python", unconfined_python)
        self.mend_values = mend_values
        self.limits = limits = limits_of(limits)
        self._pool = Pool(limits)
        self._sandbox = Sandbox(Share(limits.seconds, limits.bytes, limits.rows), unconfined_python)
        self._selectivity = Selectivity()
        self.cache = cache_of(cache)
        self.budget = budget_of(budget)
        self.question_budget = budget_of(question_budget)
        self.price = price_of(price)
        self._limited: LM | None = None
        self._desks: set[Desk] = set()  # of what is under way

    @property
    def progress(self) -> tuple[int, int]:
        """How many inputs the model has answered of what is under way, and how many are wanted so far."""
        told = [desk.progress for desk in tuple(self._desks)]
        return sum(answered for answered, _ in told), sum(wanted for _, wanted in told)

    @property
    def lm(self) -> LM:
        """The language model that answers."""
        if self._lm is None:
            from binder.lm import default

            self._lm = default()
        return self._lm

    def _one_question(self) -> Callable[[], LM]:
        """Finds the model as one question may use it, the same each time."""

        @functools.cache
        def found() -> LM:
            if self.budget is not None and self._limited is None:
                self._limited = Limited(self.lm, self.budget, self.price)
            lm = self._limited or self.lm
            return Limited(lm, self.question_budget, self.price) if self.question_budget is not None else lm

        return found

    def ask(
        self,
        question: str,
        tables: Tables,
        *,
        n: int | None = None,
        language: str | None = None,
        deadline: float | None = None,
    ) -> Answer:
        """Answer a question, or judge a statement.

        Args:
            question: The question, in words.
            tables: The table, or the tables, it is about.
            n: How many programs to sample; as ``drafting`` says, unless given.
            language: What they are written in: ``sql``, ``python`` or ``auto`` (half of them in each), as
                ``drafting.language`` says by default.
            deadline: The most seconds it may take, the engine's by default.

        Raises:
            ProgramError: No sampled program could be run, even after being sent back; it holds the complaints.
            RunError: Every program that was run failed.
            LMError: The model could not be reached in time, or its replies could not be used.
        """
        return loop.wait_for(self._ask(question, tables, n, language, deadline))

    async def aask(
        self,
        question: str,
        tables: Tables,
        *,
        n: int | None = None,
        language: str | None = None,
        deadline: float | None = None,
    ) -> Answer:
        """``ask`` for async callers."""
        return await loop.await_on(self._ask(question, tables, n, language, deadline))

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
            >>> import pandas
            >>> from binder.table import Table
            >>> from binder.trace import Sample
            >>> table = Table.from_pandas(pandas.DataFrame({"name": ["K2", "Elbrus"]}))
            >>> with Binder() as engine:
            ...     engine.decide("how many?", table, [Sample("SELECT COUNT(*) FROM w")]).answer().values
            (2,)
        """
        return loop.wait_for(self._decide(question, tables, samples, deadline))

    async def adecide(
        self, question: str, tables: Tables, samples: Sequence[Sample], *, deadline: float | None = None
    ) -> Outcome:
        """``decide`` for async callers."""
        return await loop.await_on(self._decide(question, tables, samples, deadline))

    def run(
        self,
        program: str | AnyProgram,
        tables: Tables,
        *,
        replies: Trace | None = None,
        deadline: float | None = None,
    ) -> Answer:
        """Check and run a program, in SQL or in Python, as its text tells; raises as ``ask`` does.

        Args:
            program: The program.
            tables: The table, or the tables, it is about.
            replies: What the model said in an earlier run, changed by hand perhaps (``trace.override``); what is in it
                is not asked again.
            deadline: The most seconds it may take, the engine's by default.
        """
        known = self._run_known(program, tables, deadline) if replies is None else None
        return known or loop.wait_for(self._run(program, tables, deadline, replies))

    async def arun(
        self,
        program: str | AnyProgram,
        tables: Tables,
        *,
        replies: Trace | None = None,
        deadline: float | None = None,
    ) -> Answer:
        """``run`` for async callers."""
        return await loop.await_on(self._run(program, tables, deadline, replies))

    def check(self, program: str | AnyProgram, tables: Tables) -> AnyProgram:
        """Check a program without running it or asking anything.

        Raises:
            ProgramError: It cannot be run; every complaint at once.
        """
        used, source = tables_of(tables), source_of(program)
        with self._pool.session(used) as session:
            if source.language is Language.PYTHON:
                return accept_python(source.text, schema_of(used), session, self.mend_values)[0]
            return accept(source.text, used, session, self.mend_values, self._selectivity)[0]

    def explain(
        self, program: str | AnyProgram, tables: Tables, *, price: Price | None = None, analyze: bool = False
    ) -> Explanation:
        """What a program would do and how much it would ask, without asking; no model need be there.

        Args:
            program: The program.
            tables: The table, or the tables, it is about.
            price: What the model's tokens cost, the engine's by default.
            analyze: Whether to run the program too, and tell what it did ask beside the estimates.

        Raises:
            ProgramError: It cannot be run; where it is analyzed, whatever ``run`` raises.
        """
        explanation = self._explain(program, tables, price)
        return explanation.beside(self.run(program, tables)) if analyze else explanation

    async def aexplain(
        self, program: str | AnyProgram, tables: Tables, *, price: Price | None = None, analyze: bool = False
    ) -> Explanation:
        """``explain`` for async callers."""
        explanation = await asyncio.to_thread(self._explain, program, tables, price)
        return explanation.beside(await self.arun(program, tables)) if analyze else explanation

    def _explain(self, program: str | AnyProgram, tables: Tables, price: Price | None) -> Explanation:
        used, source = tables_of(tables), source_of(program)
        lm = self._lm or Scripted(lambda request: "", name="no model")  # explaining looks at its limits alone
        asking = Asking(lambda: lm, self.cache, self.drafting.folder)
        with self._pool.session(used) as session:
            checked: AnyProgram
            if source.language is Language.PYTHON:
                checked, _ = accept_python(source.text, schema_of(used), session, self.mend_values)
                plan = readable_plan(checked, schema_of(used))
            else:
                checked, plan = accept(source.text, used, session, self.mend_values, self._selectivity)
            return explain(checked, plan, session, asking, price_of(price) or self.price)

    def close(self) -> None:
        """Free the databases that no question uses, and the model if the engine found it itself.

        Questions under way go on, and one that is asked later opens anew what it needs.
        """
        self._pool.close()
        self._sandbox.close()
        if self._owns_lm and self._lm is not None:
            loop.wait_for(self._lm.aclose())
            self._lm = self._limited = None
        self.cache.close()

    def __enter__(self) -> Binder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def _run(
        self, program: str | AnyProgram, tables: Tables, deadline: float | None, replies: Trace | None
    ) -> Answer:
        async with self._question(tables, deadline) as (work, session):
            for call in replies.calls if replies is not None else ():
                work.desk.learn(call.step, [reply for reply in call.replies if reply.readable])
            checked, plan = await work.check(source_of(program), session)
            with work.timed("run"):
                result = await work.run(plan, session)
        trace = self._trace(work)
        return Answer(None, checked, result, trace if replies is None else trace.after(replies))

    def _run_known(self, program: str | AnyProgram, tables: Tables, deadline: float | None) -> Answer | None:
        """The answer of a program that only has to be run; None for any other."""
        used, source, started = tables_of(tables), source_of(program), time.perf_counter()
        seconds = self.deadline if deadline is None else seconds_of(deadline)
        known = run_known(source.text, used, self._pool, self.limits, seconds)
        if known is None:
            return None
        checked, result, steps = known
        name = self._lm.name if self._lm is not None else ""
        return Answer(None, checked, result, Trace(name, seconds=time.perf_counter() - started, steps=steps))

    async def _ask(
        self, question: str, tables: Tables, n: int | None, language: str | None, deadline: float | None
    ) -> Answer:
        drafting = self._drafting(question, n, language)
        async with self._question(tables, deadline) as (work, session):
            wanted = drafting.samples_for(work.lm())
            drawn, work.undrawn = 0, wanted
            while work.undrawn and not decided(list(work.candidates.values()), self.vote, work.undrawn):
                numbers = range(drawn, drawn + self._next_to_draw(work, drafting))
                with work.timed("draft"):
                    drafts = await draft(question, work.tables, work.lm(), drafting, self.cache, numbers)
                drawn, work.undrawn = numbers.stop, wanted - numbers.stop
                work.usage, work.cuts = work.usage + drafts.usage, drafts.cuts
                await try_programs(drafts.samples, session, work)
            return (await self._vote(question, (), session, work, drafting)).answer()

    async def _draft(self, question: str, tables: Tables, deadline: float | None) -> Drafts:
        used, drafting = tables_of(tables), self._drafting(question)
        async with self._within(deadline):
            return await draft(question, used, self._one_question()(), drafting, self.cache)

    async def _decide(
        self, question: str, tables: Tables, samples: Sequence[Sample], deadline: float | None
    ) -> Outcome:
        async with self._question(tables, deadline) as (work, session):
            return await self._vote(question, drafted_of(samples), session, work, self.drafting)

    async def _vote(
        self, question: str, samples: Sequence[Sample], session: Session, work: Work, drafting: Drafting
    ) -> Outcome:
        """Try the samples, have them mended where none gives an answer, and count."""
        await try_programs(samples, session, work)
        await self._mend(question, session, work, drafting)
        candidates, winner, confidence = count(list(work.candidates.values()), self.vote, work.undrawn)
        return Outcome(question, candidates, winner, confidence, self._trace(work))

    def _next_to_draw(self, work: Work, drafting: Drafting) -> int:
        """How many samples to draw next: all, unless the model reads the prompt again for each few of them."""
        few = at_once(work.lm())
        if few is None or few >= drafting.samples_for(work.lm()):
            return work.undrawn
        least = next_to_draw(list(work.candidates.values()), self.vote, work.undrawn)
        return min(work.undrawn, -(-least // few) * few)  # a reading that is paid for is used up

    def _drafting(self, question: str, n: int | None = None, language: str | None = None) -> Drafting:
        """How this question's programs are drafted."""
        question_of(question)
        samples = self.drafting.samples_for(self.lm) if n is None else samples_of(n)
        language = language or self.drafting.language
        samples += samples % 2 if language == AUTO else 0
        return replace(self.drafting, samples=samples, language=language)

    async def _mend(self, question: str, session: Session, work: Work, drafting: Drafting) -> None:
        """While no program gives an answer, send them back with what is wrong with them."""
        sent: set[str] = set()
        for _ in range(drafting.repairs):
            if any(one.result is not None and not one.result.empty for one in work.candidates.values()):
                return
            refused = [one for one in work.candidates.values() if one.text not in sent]
            if not refused:
                return
            sent.update(one.text for one in refused)
            with work.timed("draft"):
                samples, usage = await repair(question, work.tables, refused, work.lm(), drafting, self.cache)
            work.usage += usage
            await try_programs(samples, session, work)

    @asynccontextmanager
    async def _question(self, tables: Tables, deadline: float | None) -> AsyncIterator[tuple[Work, Session]]:
        """What a question or a program needs: its work, and a session on the tables' database, for so many seconds."""
        used = tables_of(tables)
        lm = self._one_question()
        desk = Desk(Asking(lm, self.cache, self.drafting.folder))
        calls, sandbox = self.drafting.calls, self._sandbox
        work = Work(used, desk, sandbox, self._selectivity, lm, self.mend_values, calls, self.vote, self.limits)
        self._desks.add(desk)
        try:
            async with self._session(used, deadline, work) as session:
                yield work, session
        except BinderError as error:
            kept = self._lm is not None and self.cache.keeps(self._lm)
            error.kept = desk.readable + len(work.samples) if kept else 0
            raise
        finally:
            self._desks.discard(desk)
            desk.close()

    @asynccontextmanager
    async def _session(self, tables: tuple[Table, ...], deadline: float | None, work: Work) -> AsyncIterator[Session]:
        """A session on the tables' database, for at most so many seconds."""
        lent = self._pool.session(tables)
        with work.timed("load"):
            holds = self._pool.holds(tables)
            session = lent.__enter__() if holds else await asyncio.to_thread(lent.__enter__)
        try:
            async with self._within(deadline, lambda: work.step, lambda: work.waits_for_model):
                yield session
        finally:
            lent.__exit__(None, None, None)

    @asynccontextmanager
    async def _within(
        self,
        deadline: float | None,
        step: Callable[[], str] = lambda: "draft",
        waits_for_model: Callable[[], bool] = lambda: True,
    ) -> AsyncIterator[None]:
        """At most so many seconds; ``step`` and ``waits_for_model`` tell what was under way when they are over."""
        seconds = self.deadline if deadline is None else seconds_of(deadline)
        try:
            async with asyncio.timeout(seconds) as scope:
                yield
        except TimeoutError:
            if seconds is None or not scope.expired():
                raise
            lm = self._lm if waits_for_model() else None
            name, trouble = (None, "") if lm is None else (lm.name, trouble_of(lm))
            raise too_late(seconds, step(), name, trouble) from None

    def _trace(self, work: Work) -> Trace:
        name = self._lm.name if self._lm is not None else ""
        seconds = time.perf_counter() - work.started
        samples, calls = tuple(work.samples), tuple(work.calls)
        return Trace(name, samples, calls, work.usage, work.cuts, seconds, dict(work.steps), work.undrawn)
