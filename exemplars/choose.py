"""choose: which worked examples a prompt carries."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from exemplars.exemplar import ProgramExemplar


class Example(Protocol):
    """Anything with a question."""

    @property
    def question(self) -> str:
        """What it asks."""
        ...


E = TypeVar("E", bound=Example)


def first(examples: Sequence[E], n: int) -> tuple[E, ...]:
    """The first n examples. They are the same for every question, so a server's prompt cache serves them."""
    return tuple(examples[:n])


def nearest(question: str, examples: Sequence[E], n: int) -> tuple[E, ...]:
    """The n examples that share most words with the question, the nearest last (next to the question).

    Words count more the fewer examples hold them. Ties keep the order given.

    Example:
        >>> from exemplars.store import programs
        >>> [example.id for example in nearest("which stop comes after High Street?", programs(), 1)]
        ['02_next_row']
    """
    words = [_words(example.question) for example in examples]
    asked = _words(question)
    rarity = {
        word: 1 / sum(word in other for other in words) for word in asked if any(word in other for other in words)
    }
    scores = [sum(rarity.get(word, 0.0) for word in known) / (len(known) or 1) ** 0.5 for known in words]
    order = sorted(range(len(examples)), key=lambda index: -scores[index])
    return tuple(examples[index] for index in reversed(order[:n]))


def plain_last(examples: Sequence[ProgramExemplar]) -> tuple[ProgramExemplar, ...]:
    """Worked questions in their order, but those with LM calls before those without.

    A small model does as the last examples do. After calls it begins a Python program with a call, needed or not,
    since Python lets it leave unused what the call gave.

    Example:
        >>> from exemplars.store import programs
        >>> [example.id for example in plain_last(programs()[:4])]
        ['01_map_where', '03_map_group_by', '02_next_row', '04_difference']
    """
    return tuple(sorted(examples, key=lambda example: not example.replies))


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold()))
