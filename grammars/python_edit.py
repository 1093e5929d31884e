"""Changes to a program's text, each at the place of a node, so that what is not mended stays as it was written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from grammars.errors import Span


@dataclass(frozen=True)
class Edit:
    """One change.

    Attributes:
        span: What is replaced; an empty span inserts.
        text: What stands there instead.
        mend: What is mended by it, in a sentence; edits of one mend share theirs.
    """

    span: Span
    text: str
    mend: str


def edited(text: str, edits: Iterable[Edit]) -> tuple[str, tuple[str, ...]]:
    """The text with every edit that does not reach into an earlier one, and what was mended.

    Example:
        >>> edited("a + b", [Edit(Span(4, 5), "c", "`b` read as `c`")])
        ('a + c', ('`b` read as `c`',))
    """
    done: list[Edit] = []
    for edit in sorted(edits, key=lambda edit: (edit.span.start, edit.span.end)):
        if not done or edit.span.start >= done[-1].span.end:
            done.append(edit)
    for edit in reversed(done):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return text, mends_of(done)


def mends_of(edits: Sequence[Edit]) -> tuple[str, ...]:
    """What edits mend, each once."""
    return tuple(dict.fromkeys(edit.mend for edit in edits))
