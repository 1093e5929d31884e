"""What happened: what was drafted, what each LM call was given and said, what it cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from binder.lm.base import Usage
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
class Trace:
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
