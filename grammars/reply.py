"""What an LM call must return."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ReplyKind(StrEnum):
    """What a reply must be.

    ``YES_NO`` is the text "yes" or "no"; ``ORDERED`` is to be sorted by: a number or a date, decided by the replies of
    the whole call.
    """

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    YES_NO = "yes/no"
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

    @property
    def type(self) -> str:
        """The DuckDB type of the call; an ordered one's is settled by its replies."""
        scalar = {ReplyKind.NUMBER: "DOUBLE", ReplyKind.DATE: "DATE", ReplyKind.ORDERED: "DOUBLE"}.get(
            self.kind, "VARCHAR"
        )
        return f"{scalar}[]" if self.many else scalar
