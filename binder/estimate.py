"""estimate: what each step of a plan would ask and cost, found by SQL and by writing requests that are not sent.

Inputs that no reply decides are counted exactly, and so are their requests. Where replies decide, there is a range:
from what is asked in any case to what plain SQL leaves. Requests are counted as if every reply could be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING

import sqlglot

from binder.inputs import key_names
from binder.lm import tokens
from binder.lm.base import Usage, batch_of
from binder.waves import ROWS_AN_INPUT, WAVE
from grammars.reply import Expected, ReplyKind

if TYPE_CHECKING:
    from binder.ask_step import Asking
    from binder.database import Session
    from binder.lm.budget import Price
    from binder.plan import Plan, Stage, Step
    from exemplars.exemplar import Cells

MOST_READ = 10_000
"""Inputs that are looked at one by one; of more, so many are, and the rest is taken to be like them."""

_ALIKE = 100  # inputs that tell how long a prompt is, where it is not known which are asked
_SOME_ROWS = 2**40  # where rows cannot be counted
_VALUES_IN_LIST = 5
_TYPICAL = {
    ReplyKind.YES_NO: "yes",
    ReplyKind.NUMBER: "12345",
    ReplyKind.DATE: "2024-12-31",
    ReplyKind.ORDERED: "12345",
    ReplyKind.TEXT: "a few words of text",
}


@dataclass(frozen=True)
class Range:
    """A number that lies between two; ``most`` is None where there is no bound.

    Example:
        >>> Range(1, 4) + Range(2, 2), Range.of(3).exact
        (Range(least=3, most=6), True)
    """

    least: int
    most: int | None

    @classmethod
    def of(cls, number: int) -> Range:
        """A number that is known."""
        return cls(number, number)

    @property
    def exact(self) -> bool:
        """Whether it is one number."""
        return self.least == self.most

    def __add__(self, other: Range) -> Range:
        most = None if self.most is None or other.most is None else self.most + other.most
        return Range(self.least + other.least, most)


_NOTHING = Range.of(0)


@dataclass(frozen=True)
class Cost:
    """What asking takes.

    Attributes:
        requests: Requests sent.
        read: Tokens of their prompts, about.
        written: Tokens of the replies, about.
    """

    requests: Range = _NOTHING
    read: Range = _NOTHING
    written: Range = _NOTHING

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.requests + other.requests, self.read + other.read, self.written + other.written)

    def dollars(self, price: Price) -> tuple[float, float | None]:
        """The least and the most that it costs."""
        least = price.of(Usage(0, self.read.least, self.written.least))
        if self.read.most is None or self.written.most is None:
            return least, None
        return least, price.of(Usage(0, self.read.most, self.written.most))


@dataclass(frozen=True)
class Estimate:
    """What a step would ask.

    Attributes:
        starts_from: The exact number of distinct inputs that it starts from, or None where replies decide that.
        inputs: How many it needs that no earlier step has asked.
        known: How many of the most of them were answered before and are kept in the cache; None where it cannot be
            told which they are.
        cost: What asking about the others takes.
        sampled: Whether there are so many inputs that only some were looked at, so that the cost and ``known`` are
            guessed from them.
    """

    starts_from: int | None
    inputs: Range
    known: int | None
    cost: Cost
    sampled: bool = False


def estimate(plan: Plan, session: Session, asking: Asking) -> tuple[Estimate, ...]:
    """What each step of a plan would ask; its reply tables are there and empty, and no LM is asked."""
    estimator = _Estimator(session, asking)
    return tuple(one for stage in plan.stages for one in estimator.stage(stage))


@dataclass(frozen=True)
class _Spent:
    """What some inputs take: how many are known, and the requests for the others with their tokens."""

    inputs: int
    known: int
    requests: int
    read: int
    written: int

    @property
    def cost(self) -> Cost:
        return Cost(Range.of(self.requests), Range.of(self.read), Range.of(self.written))


@dataclass
class _Estimator:
    """Goes through the stages in order and remembers what earlier ones ask."""

    session: Session
    asking: Asking
    sure: dict[str, list[str]] = field(default_factory=dict)  # by reply table: tables of inputs that will be there
    perhaps: set[str] = field(default_factory=set)  # reply tables with inputs that may be there
    made: int = 0

    def stage(self, stage: Stage) -> list[Estimate]:
        """What the steps of a stage would ask."""
        fresh = not stage.waits_for & ({*self.sure} | self.perhaps)
        bounds = [self._bound(step) for step in stage.steps]
        found = []
        for index, (step, (table, most)) in enumerate(zip(stage.steps, bounds, strict=True)):
            if stage.until:
                one = self._in_waves(stage, step, table, bounds, first=index == 0 and fresh)
            else:
                one = self._at_once(step, table, most)
            found.append(one)
            if table is not None and one.inputs.least == most:
                self.sure.setdefault(step.table, []).append(table)
            elif one.inputs.most != 0:
                self.perhaps.add(step.table)
        return found

    def _bound(self, step: Step) -> tuple[str | None, int | None]:
        """A table of the most inputs that a step may need and no earlier one has asked, and how many they are."""
        query = step.inputs if step.at_most is None else step.at_most.inputs
        if query is not None:
            self.made += 1
            table = f"__inputs_{self.made}"
            self.session.rows(f"CREATE OR REPLACE TEMP TABLE {table} AS {_without(query, self._asked(step), step)}")
            return table, self._count(f"FROM {table}")
        assert step.at_most is not None
        if step.at_most.count is None:
            return None, None
        return None, int(self.session.rows(step.at_most.count)[0][0])

    def _asked(self, step: Step) -> list[str]:
        return self.sure.get(step.table, [])

    def _count(self, source: str) -> int:
        return int(self.session.rows(f"SELECT COUNT(*) {source}")[0][0])

    def _starts_from(self, step: Step) -> int | None:
        return None if step.waits_for else self._count(f"FROM ({step.inputs})")

    def _at_once(self, step: Step, table: str | None, most: int | None) -> Estimate:
        """A step that is asked about all its inputs at once."""
        surely = not step.waits_for and step.table not in self.perhaps
        starts_from = self._starts_from(step)
        if table is None:
            cost = _from_nothing(self._alike(step, most)) if most is not None else _UNBOUNDED
            return Estimate(starts_from, Range(0, most), None, cost)
        spent = self._spent(step, table)
        inputs = Range.of(spent.inputs) if surely or not spent.inputs else Range(0, spent.inputs)
        cost = spent.cost if surely else _from_nothing(spent.cost)
        return Estimate(starts_from, inputs, spent.known, cost, spent.inputs > MOST_READ)

    def _in_waves(
        self,
        stage: Stage,
        step: Step,
        table: str | None,
        bounds: Sequence[tuple[str | None, int | None]],
        first: bool,
    ) -> Estimate:
        """A step that is asked in waves, until the rows are decided."""
        most = self._at_once(step, table, None if table else self._most(step))
        if most.inputs.most is None:
            return most
        assert step.next_inputs is not None
        size = max(batch_of(self.asking.lm()), stage.least or 0)
        wave: list[Cells] = []
        if first:
            wave = self.session.rows(step.next_inputs, {WAVE: size})
            if not wave:
                return Estimate(most.starts_from, _NOTHING, 0, Cost())
        if most.known:  # they are taken in before anything is asked, and may decide
            wave = []
        elif len(wave) == most.inputs.most:
            return most
        least = self._asking(step, wave)
        rows = self._rows(stage.steps[0]) if stage.until == "LIMIT" else 0
        waves = 1 if len(bounds) == 1 and not rows else _most_waves([count for _, count in bounds], rows, size)
        cost = self._cut_up(step, most, waves)
        return Estimate(
            most.starts_from,
            Range(len(wave), most.inputs.most),
            most.known,
            Cost(
                Range(least.requests, cost.requests.most),
                Range(least.read, cost.read.most),
                Range(least.written, cost.written.most),
            ),
            most.sampled,
        )

    def _most(self, step: Step) -> int | None:
        assert step.at_most is not None
        return None if step.at_most.count is None else int(self.session.rows(step.at_most.count)[0][0])

    def _rows(self, step: Step) -> int:
        """How many rows reach a step."""
        if step.waits_for:
            return _SOME_ROWS
        query = sqlglot.parse_one(step.inputs, dialect="duckdb")
        query.set("distinct", None)
        return self._count(f"FROM ({query.sql('duckdb')})")

    def _cut_up(self, step: Step, most: Estimate, waves: int) -> Cost:
        """The most that it costs to ask in so many waves, each of which may leave a request half full."""
        requests, inputs = most.cost.requests.most or 0, most.inputs.most or 0
        if not requests:
            return most.cost
        asked = inputs - (most.known or 0)
        each = ceil(asked / requests)
        cut = min(asked, asked // each + waves) if step.per_row else requests
        more = max(0, cut - requests) * self._overhead(step)
        return Cost(Range(0, max(cut, requests)), most.cost.read + Range.of(more), most.cost.written)

    def _overhead(self, step: Step) -> int:
        """About how many tokens of a prompt are there whatever it asks about."""
        return self._asking(step, [("",) * len(step.labels)], known=False).read

    def _spent(self, step: Step, table: str) -> _Spent:
        """What asking about the inputs in a table takes; some of very many tell about all."""
        count = self._count(f"FROM {table}")
        if count <= MOST_READ:
            return self._asking(step, self.session.rows(f"SELECT * FROM {table}"))
        every = ceil(count / MOST_READ)
        names = ", ".join(key_names(len(step.labels)))
        numbered = f"SELECT *, ROW_NUMBER() OVER () AS __n FROM {table}"
        some = self._asking(step, self.session.rows(f"SELECT {names} FROM ({numbered}) WHERE __n % {every} = 0"))
        return self._scaled(some, count)

    def _scaled(self, some: _Spent, count: int) -> _Spent:
        times = count / some.inputs
        known = round(some.known * times)
        each = ceil((some.inputs - some.known) / some.requests) if some.requests else 1
        requests = ceil((count - known) / each)
        return _Spent(count, known, requests, round(some.read * times), round(some.written * times))

    def _alike(self, step: Step, count: int) -> Cost:
        """What asking about so many inputs takes, from others that are about as long."""
        assert step.at_most is not None
        query = step.at_most.like or step.at_most.inputs
        alike = self.session.rows(f"SELECT * FROM ({query}) LIMIT {_ALIKE}") if query else []
        some = self._asking(step, alike or [("some text",) * len(step.labels)], known=False)
        if not count or not some.requests:
            return Cost()
        one = self._asking(step, [("",) * len(step.labels)], known=False) if step.per_row else None
        overhead = one.read if one else 0
        requests = ceil(count / batch_of(self.asking.lm())) if step.per_row else count
        read = requests * overhead + (some.read - some.requests * overhead) * count / some.inputs
        return Cost(Range.of(requests), Range.of(ceil(read)), Range.of(ceil(some.written * count / some.inputs)))

    def _asking(self, step: Step, inputs: Sequence[Cells], known: bool = True) -> _Spent:
        """What asking about inputs takes."""
        found = {reply.input for reply in self.asking.recall(step, inputs)} if known else set()
        left = [cells for cells in inputs if cells not in found]
        requests = list(self.asking.first_requests(step, left))
        read = sum(tokens.estimate(request.prompt) for request in requests)
        written = sum(_written(step, len(request.inputs)) for request in requests)
        return _Spent(len(inputs), len(found), len(requests), read, written)


_UNBOUNDED = Cost(Range(0, None), Range(0, None), Range(0, None))


def _from_nothing(cost: Cost) -> Cost:
    return Cost(Range(0, cost.requests.most), Range(0, cost.read.most), Range(0, cost.written.most))


def _without(query: str, tables: Sequence[str], step: Step) -> str:
    """A query for inputs without those in tables, in the same order."""
    names = key_names(len(step.labels))
    for table in tables:
        same = " AND ".join(f"{table}.{name} IS NOT DISTINCT FROM __left.{name}" for name in names)
        query = f"SELECT * FROM ({query}) AS __left WHERE NOT EXISTS (SELECT 1 FROM {table} WHERE {same})"
    return f"SELECT * FROM ({query}) ORDER BY {', '.join(f'{name} NULLS FIRST' for name in names)}"


def _most_waves(inputs: Sequence[int | None], rows: int, size: int) -> int:
    """The most waves that can be sent: each is full, ends a step, or goes through four times as many rows in order,
    and each round of them is twice the last."""
    rounds = sum(((_SOME_ROWS if count is None else count) // size).bit_length() + 1 for count in inputs)
    return rounds + (rows // (ROWS_AN_INPUT * size)).bit_length()


def _written(step: Step, inputs: int) -> int:
    """About how many tokens a reply has."""
    value = _typical(step.expected)
    if step.per_row:
        return tokens.estimate("{" + ", ".join(f'"{number}": "{value}"' for number in range(1, inputs + 1)) + "}")
    return tokens.estimate(f'{{"answer": {[value] * (_VALUES_IN_LIST if step.expected.many else 1)}}}')


def _typical(expected: Expected) -> str:
    if expected.closed:
        return max(expected.labels, key=len)
    return _TYPICAL[expected.kind]
