"""Kinds of examples, to tell where the points are lost."""

from __future__ import annotations

import re
from collections.abc import Callable

from evaluation.records import Record

Group = Callable[[Record], str]

SIZES = (10, 20, 50, 100, 200, 500)
_QUESTIONS = (
    ("how many", r"\bhow many\b|\bnumber of\b|\bcount\b"),
    (
        "how much, how long",
        r"\bhow (much|long|far|tall|old|often|high|large|big)\b|\bdifference\b|\btotal\b|\baverage\b",
    ),
    ("when", r"\bwhen\b|\b(what|which) (year|date|day|month|season|time)\b"),
    ("next, previous, first, last", r"\b(next|previous|after|before|first|last|following)\b"),
    ("most, least", r"\b(most|least|fewest|\w{3,}est|top)\b"),
    ("who, where", r"\b(who|whom|whose|where)\b"),
    ("which, what", r"\b(which|what|name)\b"),
)


def program_kind(record: Record) -> str:
    """Whether the answering program asks the LM: plain, map, ans; none where there was no program."""
    return str(record["kind"])


def table_size(record: Record) -> str:
    """The range of the table's number of rows."""
    below = 0
    for size in SIZES:
        if record["rows"] <= size:
            return f"{below + 1}-{size} rows"
        below = size
    return f"more than {SIZES[-1]} rows"


def question_type(record: Record) -> str:
    """What is asked for; of a statement, its label.

    Example:
        >>> question_type({"question": "How many boats won?", "gold": ["3"], "judged": False})
        'how many'
    """
    if record["judged"]:
        return "entailed" if record["gold"] == ["1"] else "refuted"
    asked = record["question"].lower()
    return next((name for name, pattern in _QUESTIONS if re.search(pattern, asked)), "other")


GROUPS: dict[str, tuple[Group, tuple[str, ...]]] = {
    "program kind": (program_kind, ("plain", "map", "ans", "none")),
    "table size": (
        table_size,
        (
            *(f"{low + 1}-{high} rows" for low, high in zip((0, *SIZES), SIZES, strict=False)),
            f"more than {SIZES[-1]} rows",
        ),
    ),
    "question type": (question_type, (*(name for name, _ in _QUESTIONS), "other", "entailed", "refuted")),
}
"""How examples are grouped, and the order in which the groups are shown."""
