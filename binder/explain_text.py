"""An explanation as text for a terminal: the plan as a tree, each stage under the one that waits for it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

from binder.console import labelled, safe
from binder.estimate import Cost, Estimate, Range
from grammars.program import Program

if TYPE_CHECKING:
    from binder.explain import Explanation
    from binder.lm.base import Usage
    from binder.lm.budget import Price
    from binder.trace import CallTrace
    from grammars.language import AnyProgram

WIDTH = 100
_LEFT = 10
_DECIDED = {
    "LIMIT": "the rows that LIMIT keeps are decided",
    "EXISTS": "EXISTS is decided",
    "IN": "each value of IN is decided",
    "COUNT": "COUNT's comparison is decided",
}


def render(explanation: Explanation) -> str:
    """The program, its plan as a tree, and what it costs in all."""
    return "\n".join(_lines(explanation))


def _lines(explanation: Explanation) -> Iterator[str]:
    yield from _program(explanation.program)
    for mend in explanation.program.mends:
        yield from _named("mended", mend)
    last = "the final query" if isinstance(explanation.program, Program) else "the program, in the sandbox"
    yield from _named("plan", last if explanation.plan.stages else f"{last} alone; no model is asked")
    yield from _under(explanation, _parents(explanation), len(explanation.plan.stages), " " * _LEFT)
    yield from _total(explanation)
    if isinstance(explanation.program, Program):
        yield from _named("query", explanation.plan.query)


def _program(program: AnyProgram) -> Iterator[str]:
    """A program: SQL on one line that is broken where it must, Python in its own lines."""
    if isinstance(program, Program):
        yield from _named("program", str(program))
    else:
        yield from labelled("program", program.text)


def _named(name: str, text: str) -> Iterator[str]:
    lines = textwrap.wrap(safe(text), WIDTH - _LEFT, break_on_hyphens=False) or [""]
    yield from (f"{name if index == 0 else '':{_LEFT}}{line}" for index, line in enumerate(lines))


def _parents(explanation: Explanation) -> list[int]:
    """For each stage, the first that waits for it; the final query is the last."""
    stages = len(explanation.plan.stages)
    return [
        next((later for later in range(at + 1, stages) if at in explanation.waits_for(later)), stages)
        for at in range(stages)
    ]


def _under(explanation: Explanation, parents: list[int], parent: int, indent: str) -> Iterator[str]:
    """The stages that a stage, or the final query, waits for."""
    children = [at for at, of in enumerate(parents) if of == parent]
    for at in children:
        last = at == children[-1]
        inner = indent + ("   " if last else "│  ")
        lines = list(_stage(explanation, parents, at, WIDTH - len(inner)))
        for number, line in enumerate(lines):
            yield (indent + ("└─ " if last else "├─ ") if number == 0 else inner) + line
        yield from _under(explanation, parents, at, inner)


def _stage(explanation: Explanation, parents: list[int], at: int, width: int) -> Iterator[str]:
    stage = explanation.plan.stages[at]
    start = sum(len(one.steps) for one in explanation.plan.stages[:at])
    if stage.until:
        yield f"in waves, until {_DECIDED[stage.until]}"
    for number in range(start, start + len(stage.steps)):
        yield _call(explanation, number, width)
        for line in _details(explanation, number):
            yield from textwrap.wrap(line, width, initial_indent="  ", subsequent_indent="    ")
    others = [one for one in explanation.waits_for(at) if parents[one] != at]
    if others:
        yield f"  waits for {', '.join(_numbers(explanation, one) for one in others)} too"


def _numbers(explanation: Explanation, at: int) -> str:
    start = sum(len(one.steps) for one in explanation.plan.stages[:at])
    return ", ".join(f"step {start + index + 1}" for index in range(len(explanation.plan.stages[at].steps)))


def _call(explanation: Explanation, number: int, width: int) -> str:
    """A step's call; a long question is cut so that the columns and the kind can be seen."""
    step = explanation.plan.steps[number]
    before, after = f"step {number + 1}: ", f" → {step.expected.kind}{' list' if step.expected.many else ''}"
    call, room = safe(step.call), width - len(before) - len(after)
    inputs = call.rpartition('"')[2]
    if len(call) > room > 2 * len(inputs):
        call = f'{call[: room - len(inputs) - 2]}…"{inputs}'
    return before + _cut(call, room) + after


def _details(explanation: Explanation, number: int) -> Iterator[str]:
    one = explanation.estimates[number]
    yield _inputs(one)
    if one.inputs.most != 0:
        yield f"{_cost(one.cost, explanation.price)}{' (from a sample)' if one.sampled else ''}"
    call = explanation.actual[number]
    if call is not None:
        yield f"actual: {_actual(call, explanation.price)}"


def _inputs(one: Estimate) -> str:
    """How many inputs a step needs, of how many."""
    known = f", {_about(one)}{one.known:,} of them known" if one.known else ""
    if one.inputs.exact and one.inputs.most == one.starts_from:
        return f"{_number(one.inputs, 'distinct input')}{known}"
    if one.starts_from is None:
        return f"{_number(one.inputs, 'distinct input')}{known}"
    asked = "asked by earlier steps" if one.inputs.most == 0 and one.starts_from else f"{_number(one.inputs)} needed"
    return f"{_number(Range.of(one.starts_from), 'distinct input')}, {asked}{known}"


def _about(one: Estimate) -> str:
    return "about " if one.sampled else ""


def _number(number: Range, what: str = "") -> str:
    """A range in words."""
    if number.most is None:
        return f"{number.least:,} or more{_plural(what, 2)}"
    if number.exact:
        return f"{number.most:,}{_plural(what, number.most)}"
    if number.least == 0:
        return f"at most {number.most:,}{_plural(what, number.most)}"
    return f"{number.least:,} to {number.most:,}{_plural(what, number.most)}"


def _plural(what: str, number: int) -> str:
    return f" {what}{'s' * (number != 1)}" if what else ""


def _cost(cost: Cost, price: Price | None) -> str:
    said = f"{_number(cost.requests, 'request')}; tokens: {_number(cost.read)} read, {_number(cost.written)} written"
    if price is None:
        return said
    least, most = cost.dollars(price)
    if most is None:
        return f"{said}; {_money(least)} or more"
    between = f"{_money(least)} to " if 0 < least < most else "at most " if least < most else ""
    return f"{said}; {between}{_money(most)}"


def _money(dollars: float) -> str:
    """Dollars, to two places or to two digits."""
    return f"${dollars:,.2f}" if dollars >= 1 or not dollars else f"${dollars:.2g}"


def _actual(call: CallTrace, price: Price | None) -> str:
    asked = f"{_number(Range.of(len(call.replies)), 'input')}, {_spent(call.usage, price)}"
    return f"{asked}; {call.seconds:.2f} s"


def _spent(usage: Usage, price: Price | None) -> str:
    money = "" if price is None else f"; {_money(price.of(usage))}"
    requests = _number(Range.of(usage.requests), "request")
    return f"{requests}; tokens: {usage.prompt_tokens:,} read, {usage.completion_tokens:,} written{money}"


def _total(explanation: Explanation) -> Iterator[str]:
    if explanation.plan.stages:
        inputs = sum((one.inputs for one in explanation.estimates), Range.of(0))
        yield from _named("total", f"{_number(inputs, 'input')}, {_cost(explanation.cost, explanation.price)}")
    answer = explanation.answer
    if answer is not None:
        rows = _number(Range.of(len(answer.result.rows)), "row")
        spent = _spent(answer.trace.usage, explanation.price)
        yield from _named("actual", f"{spent}; {rows}; {answer.trace.seconds:.2f} s")


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"
