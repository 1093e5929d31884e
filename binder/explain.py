"""explain: what a program would do and ask, without asking."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from binder.database import Session
from binder.plan import Plan
from grammars.program import Program


@dataclass(frozen=True)
class Explanation:
    """A program's plan, with what it would ask.

    Attributes:
        program: The checked program.
        plan: Its steps and its final query.
        inputs: For each step, the exact number of distinct inputs it starts from, or None where that depends on the
            replies to an earlier step.
    """

    program: Program
    plan: Plan
    inputs: tuple[int | None, ...]

    def to_json(self) -> str:
        """The plan as JSON text."""
        steps: list[dict[str, Any]] = [
            {
                "call": step.call,
                "expects": str(step.expected.kind),
                "labels": list(step.expected.labels),
                "inputs": count,
                "inputs_query": step.inputs,
                "waits_for": list(step.waits_for),
            }
            for step, count in zip(self.plan.steps, self.inputs, strict=True)
        ]
        document = {
            "program": self.program.sql(),
            "mends": list(self.program.mends),
            "steps": steps,
            "query": self.plan.query,
        }
        return json.dumps(document, ensure_ascii=False, indent=2)

    def __str__(self) -> str:
        lines = [f"program  {self.program.sql()}"]
        lines += [f"mended   {mend}" for mend in self.program.mends]
        for number, (step, count) in enumerate(zip(self.plan.steps, self.inputs, strict=True), 1):
            asked = "as many inputs as earlier replies leave" if count is None else f"{count:,} distinct inputs"
            lines += [
                f"step {number}   {step.call}",
                f"         expects {step.expected.kind}; {asked}",
                f"         {step.inputs}",
            ]
        lines.append(f"query    {self.plan.query}")
        return "\n".join(lines)


def explain(program: Program, plan: Plan, session: Session) -> Explanation:
    """Count what a plan would ask; its reply tables are there and empty, and no LM is asked."""
    counts = tuple(
        None if step.waits_for else int(session.rows(f"SELECT COUNT(*) FROM ({step.inputs})")[0][0])
        for step in plan.steps
    )
    return Explanation(program, plan, counts)
