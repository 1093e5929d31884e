"""What happened: what was drafted, what each LM call was given and said, what it cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from binder.errors import ConfigurationError
from binder.lm.base import Usage
from binder.viewed import Viewed
from grammars.language import Language

if TYPE_CHECKING:
    from binder.ask import Reply
    from binder.plan import Step
    from binder.render import Cuts


@dataclass(frozen=True)
class CallTrace:
    """One step that was asked.

    Attributes:
        step: What was to be asked.
        replies: One reply for each distinct input that this step needed and no earlier one had asked.
        usage: What it cost.
        unreadable: How many inputs got no reply that can be read; their values are NULL.
        cuts: What the prompts left out.
        seconds: How long it took.
        query_seconds: How long its inputs took to find.
    """

    step: Step
    replies: tuple[Reply, ...]
    usage: Usage
    unreadable: int
    cuts: Cuts
    seconds: float
    query_seconds: float


@dataclass(frozen=True)
class Sample:
    """One program text from the LM.

    Attributes:
        text: What the LM wrote.
        logprob: The sum of its tokens' log-probabilities, or None.
        repairs: The text that was sent back with complaints and gave this one, or None for a first draft.
        finished: False when it was cut at the most tokens a draft may have.
        language: What it was to be written in.
    """

    text: str
    logprob: float | None = None
    repairs: str | None = None
    finished: bool = True
    language: Language = Language.SQL


@dataclass(frozen=True)
class Trace(Viewed):
    """The record of one question or one program.

    Attributes:
        lm: The language model's name.
        samples: The drafted programs, in the order they came; empty when the caller gave the program.
        calls: Every LM call step of every program that ran, in order.
        drafting: What drafting and repairing cost.
        cuts: What the drafting prompt left out.
        seconds: From the question to the answer.
        steps: The seconds of each step: ``load`` (the tables into a database), ``draft``, ``check``, ``run``. What the
            LM took is in them.
        undrawn: How many more were wanted and not drawn, since the vote could not change any more.
    """

    lm: str
    samples: tuple[Sample, ...] = ()
    calls: tuple[CallTrace, ...] = ()
    drafting: Usage = field(default_factory=Usage)
    cuts: Cuts | None = None
    seconds: float = 0.0
    steps: Mapping[str, float] = field(default_factory=dict)
    undrawn: int = 0

    @property
    def usage(self) -> Usage:
        """What everything cost."""
        return sum((call.usage for call in self.calls), self.drafting)

    @property
    def left_out(self) -> tuple[str, ...]:
        """What prompts left out so as to fit the model, in a sentence each."""
        prompts = [("the drafting prompt", self.cuts), *((call.step.call, call.cuts) for call in self.calls)]
        return tuple(f"{name} left out {cuts}" for name, cuts in prompts if cuts)

    @property
    def unreadable(self) -> int:
        """How many inputs got no reply that can be read."""
        return sum(call.unreadable for call in self.calls)

    def after(self, earlier: Trace) -> Trace:
        """The trace of a run that was given what an earlier one was told: its steps show those replies too."""

        def told(call: CallTrace) -> CallTrace:
            before = [reply for one in earlier.calls if one.step.asked == call.step.asked for reply in one.replies]
            mine = {reply.input for reply in call.replies}
            return replace(call, replies=(*(one for one in before if one.input not in mine), *call.replies))

        return replace(self, calls=tuple(map(told, self.calls)))

    def override(self, step: int, input: str | Sequence[str | None], reply: str | None) -> Trace:
        """The trace with one reply changed by hand, to run the program again with: ``engine.run(…, replies=trace)``.

        Args:
            step: The number of the step, from 1, in the order of ``calls``.
            input: The input whose reply is changed: its text, or the texts of several columns.
            reply: What the model is to have said; None for an answer that is not known.

        Raises:
            ConfigurationError: There is no such step or input, or the reply is not what the step expects.

        Example:
            >>> changed = answer.trace.override(1, "Nepal", "no")  # doctest: +SKIP
            >>> engine.run(answer.program, table, replies=changed).values  # doctest: +SKIP
        """
        from binder.ask import read_reply

        if not 1 <= step <= len(self.calls):
            raise ConfigurationError(f"there is no step {step}; the steps are 1 to {len(self.calls)}")
        call = self.calls[step - 1]
        cells = (input,) if isinstance(input, str) or input is None else tuple(input)
        if reply is not None and not isinstance(reply, str):
            raise ConfigurationError(f"{reply!r} is no text; give what the model is to have said, as {str(reply)!r}")
        if all(one.input != cells for one in call.replies):
            some = ", ".join(repr(one.input) for one in call.replies[:3])
            raise ConfigurationError(f"step {step} was not asked about {cells!r}; its inputs are {some}, …")
        said = read_reply(cells, reply, call.step.expected, attempt=0)
        if said is None:
            raise ConfigurationError(f"{reply!r} is no reply to step {step}, which expects: {call.step.expected.kind}")
        by_hand = replace(said, by_hand=True)
        replies = tuple(by_hand if one.input == cells else one for one in call.replies)
        calls = (*self.calls[: step - 1], replace(call, replies=replies), *self.calls[step:])
        return replace(self, calls=calls)
