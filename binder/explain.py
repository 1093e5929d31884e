"""explain: what a program would do and ask, without asking; and, once it was run, what it did ask."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from binder.estimate import Cost, Estimate, Range, estimate
from binder.viewed import Viewed
from grammars.program import Program

if TYPE_CHECKING:
    from binder.answer import Answer
    from binder.ask_step import Asking
    from binder.database import Session
    from binder.lm.base import Usage
    from binder.lm.budget import Price
    from binder.plan import Plan, Step
    from binder.trace import CallTrace
    from grammars.language import AnyProgram


@dataclass(frozen=True)
class Explanation(Viewed):
    """A program's plan, with what it would ask.

    Attributes:
        program: The checked program.
        plan: Its steps and its final query.
        estimates: What each step would ask.
        price: What the model's tokens cost, where that is known.
        answer: What the program gave, where it was run too.
    """

    program: AnyProgram
    plan: Plan
    estimates: tuple[Estimate, ...]
    price: Price | None = None
    answer: Answer | None = None

    @property
    def inputs(self) -> tuple[int | None, ...]:
        """For each step, the exact number of distinct inputs it starts from, or None where replies decide that."""
        return tuple(one.starts_from for one in self.estimates)

    @property
    def cost(self) -> Cost:
        """What all steps cost."""
        return sum((one.cost for one in self.estimates), Cost())

    @property
    def actual(self) -> tuple[CallTrace | None, ...]:
        """For each step, what it did ask; None where it was not run."""
        calls = list(self.answer.trace.calls) if self.answer is not None else []
        if not isinstance(self.program, Program):
            return tuple(
                _together([call for call in calls if call.step.asked == step.asked]) for step in self.plan.steps
            )
        found: list[CallTrace | None] = []
        for step in self.plan.steps:
            found.append(next((call for call in calls if call.step == step), None))
            calls = [call for call in calls if call is not found[-1]]
        return tuple(found)

    def beside(self, answer: Answer) -> Explanation:
        """The same beside what running the program gave."""
        return replace(self, answer=answer)

    def waits_for(self, number: int) -> list[int]:
        """The numbers of the stages, from 0, that one waits for."""
        stage = self.plan.stages[number]
        earlier = enumerate(self.plan.stages[:number])
        return [at for at, one in earlier if any(step.table in stage.waits_for for step in one.steps)]

    def to_json(self) -> str:
        """The plan as JSON text."""
        stage_of = [at for at, stage in enumerate(self.plan.stages) for _ in stage.steps]
        document: dict[str, Any] = {
            "program": str(self.program),
            "mends": list(self.program.mends),
            "stages": [
                {
                    "steps": [number for number, of in enumerate(stage_of) if of == at],
                    "waits_for": self.waits_for(at),
                    "waves_until_decided": stage.until or None,
                }
                for at, stage in enumerate(self.plan.stages)
            ],
            "steps": [
                self._step(step, one, call)
                for step, one, call in zip(self.plan.steps, self.estimates, self.actual, strict=True)
            ],
            "query": self.plan.query if isinstance(self.program, Program) else None,
            "total": self._cost(sum((one.inputs for one in self.estimates), Range.of(0)), self.cost),
        }
        if self.answer is not None:
            document["actual"] = {
                **_spent(self.answer.trace.usage, self.price),
                "rows": len(self.answer.result.rows),
                "seconds": self.answer.trace.seconds,
            }
        return json.dumps(document, ensure_ascii=False, indent=2)

    def __str__(self) -> str:
        from binder.explain_text import render

        return render(self)

    def _step(self, step: Step, one: Estimate, call: CallTrace | None) -> dict[str, Any]:
        said: dict[str, Any] = {
            "call": step.call,
            "expects": str(step.expected.kind),
            "labels": list(step.expected.labels),
            "inputs": one.starts_from,
            "inputs_query": step.inputs,
            "waits_for": list(step.waits_for),
            "known": one.known,
            "estimate": self._cost(one.inputs, one.cost),
            "sampled": one.sampled,
        }
        if call is not None:
            actual = {"inputs": len(call.replies), **_spent(call.usage, self.price), "seconds": call.seconds}
            said["actual"] = actual
        return said

    def _cost(self, inputs: Range, cost: Cost) -> dict[str, Any]:
        dollars = None if self.price is None else dict(zip(("least", "most"), cost.dollars(self.price), strict=True))
        return {
            "inputs": asdict(inputs),
            "requests": asdict(cost.requests),
            "tokens_read": asdict(cost.read),
            "tokens_written": asdict(cost.written),
            "dollars": dollars,
        }


def _together(calls: Sequence[CallTrace]) -> CallTrace | None:
    """The traces of a call that a program makes several times, as one."""
    if not calls:
        return None
    first, *more = calls
    for one in more:
        first = replace(
            first,
            replies=first.replies + one.replies,
            usage=first.usage + one.usage,
            unreadable=first.unreadable + one.unreadable,
            seconds=first.seconds + one.seconds,
        )
    return first


def _spent(usage: Usage, price: Price | None) -> dict[str, Any]:
    return {
        "requests": usage.requests,
        "tokens_read": usage.prompt_tokens,
        "tokens_written": usage.completion_tokens,
        "dollars": None if price is None else price.of(usage),
    }


def explain(
    program: AnyProgram, plan: Plan, session: Session, asking: Asking, price: Price | None = None
) -> Explanation:
    """Count what a plan would ask; its reply tables are there and empty, and no LM is asked."""
    return Explanation(program, plan, estimate(plan, session, asking), price)
