"""turns: which of several keys or servers a request goes to next, and when."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Turns:
    """The turns of one request. The one that may be tried soonest is next, and each no sooner than it asked for.

    Attributes:
        at: The number of the one whose turn it is.
        retries: How often each is tried again.
        due: When each of the others may be tried, in seconds of any clock.
        tries: How often each failed.
        failed: What each that failed did last, in words.

    Example:
        >>> turns = Turns.of(2, first=1, retries=4)
        >>> turns.pass_on("busy", 0.5, now=10.0), turns.at
        (0.0, 0)
        >>> turns.pass_on("refused", None, now=10.25), turns.at
        (0.25, 1)
    """

    at: int
    retries: int
    due: dict[int, float]
    tries: Counter[int] = field(default_factory=Counter)
    failed: dict[int, str] = field(default_factory=dict)

    @classmethod
    def of(cls, count: int, first: int, retries: int) -> Turns:
        """The turns of ``count`` keys or servers, in their order from the first one on."""
        return cls(first, retries, {(first + step) % count: 0.0 for step in range(1, count)})

    def pass_on(self, told: str, wait: float | None, now: float) -> float | None:
        """Seconds until the next try, which ``at`` then names, or None when no one is worth another.

        Args:
            told: What the one whose turn it was did.
            wait: The seconds after which that one may be tried again; None for not at all.
            now: The time.
        """
        self.failed[self.at] = told
        self.tries[self.at] += 1
        if wait is not None and self.tries[self.at] <= self.retries:
            self.due[self.at] = now + wait
        if not self.due:
            return None
        self.at = min(self.due, key=self.due.__getitem__)
        return max(0.0, self.due.pop(self.at) - now)
