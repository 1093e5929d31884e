"""difference: what two answers have otherwise: values, programs, and what their steps were told."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from binder.viewed import Viewed

if TYPE_CHECKING:
    from binder.answer import Answer
    from binder.trace import Trace


@dataclass(frozen=True)
class Retold:
    """An input whose reply is not the same.

    Attributes:
        call: The call.
        input: The texts of the input.
        before: What the first answer's model said, or None where it said nothing.
        after: What the second's said.
    """

    call: str
    input: tuple[str | None, ...]
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Difference(Viewed):
    """What a second answer has otherwise than a first.

    Attributes:
        lost: The texts of values that only the first has.
        gained: The texts of values that only the second has.
        program: The lines of the two programs, those of the first alone with ``-``, of the second alone with ``+``;
            empty where they are the same.
        replies: The inputs that both asked about, of the same call, and whose replies are not the same.
    """

    lost: tuple[str, ...]
    gained: tuple[str, ...]
    program: tuple[str, ...]
    replies: tuple[Retold, ...]

    def __bool__(self) -> bool:
        return bool(self.lost or self.gained or self.program or self.replies)

    def __str__(self) -> str:
        return "\n".join(self._lines()) or "no difference"

    def _lines(self) -> Iterator[str]:
        if self.lost or self.gained:
            yield "answer"
            yield from (f"  - {text}" for text in self.lost)
            yield from (f"  + {text}" for text in self.gained)
        if self.program:
            yield "program"
            yield from (f"  {line}" for line in self.program)
        if self.replies:
            yield "replies"
        for one in self.replies:
            cells = " | ".join("NULL" if cell is None else cell for cell in one.input)
            yield f"  {one.call}: {cells}: {one.before} -> {one.after}"


def difference(first: Answer, second: Answer) -> Difference:
    """What a second answer has otherwise than a first."""
    lines = list(
        difflib.ndiff(
            str(first.program).splitlines(),
            str(second.program).splitlines(),
            linejunk=None,
            charjunk=None,
        )
    )
    same = all(line.startswith("  ") for line in lines)
    return Difference(
        tuple(_left(first.texts, second.texts)),
        tuple(_left(second.texts, first.texts)),
        () if same else tuple(line.rstrip("\n") for line in lines if not line.startswith("?")),
        tuple(_retold(first.trace, second.trace)),
    )


def _left(texts: tuple[str, ...], others: tuple[str, ...]) -> Iterator[str]:
    """The texts that are not among others, each as often as it is there more."""
    waiting = list(others)
    for text in texts:
        if text in waiting:
            waiting.remove(text)
        else:
            yield text


def _retold(first: Trace, second: Trace) -> Iterator[Retold]:
    before, after = _said(first), _said(second)
    for key in before:
        if key in after and before[key] != after[key]:
            yield Retold(*key, before[key], after[key])


def _said(trace: Trace) -> dict[tuple[str, tuple[str | None, ...]], str | None]:
    return {(call.step.call, reply.input): reply.text for call in trace.calls for reply in call.replies}
