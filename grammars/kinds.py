"""kinds: what each LM call must return, read from where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ReplyKind(StrEnum):
    """What a reply must be.

    ``YES_NO`` is the text "yes" or "no"; ``BOOLEAN`` is a truth value; ``ORDERED`` is to be sorted by, a number or a
    date, decided by the replies of the whole call.
    """

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    YES_NO = "yes/no"
    BOOLEAN = "boolean"
    ORDERED = "ordered"


@dataclass(frozen=True)
class Expected:
    """What a call must return.

    Attributes:
        kind: What each value must be.
        labels: The values that the program compares the reply with.
        closed: True when the reply must be one of the labels; False when it may also be something else.
        many: True when the call gives a list of values (an ans inside IN).
    """

    kind: ReplyKind = ReplyKind.TEXT
    labels: tuple[str, ...] = ()
    closed: bool = False
    many: bool = False
