"""turns: which of several keys or servers a request goes to next, and when."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Turns:
    """The turns of one request. Each key or server is tried once a round, and a round is waited for after the first.

    Attributes:
        at: The number of the one whose turn it is.
        left: Those that this round has not come to yet.
        waits: The seconds until another try makes sense, of those that failed in this round and are worth one.
        rounds: How many rounds are over.

    Example:
        >>> turns = Turns.of(2, first=1)
        >>> turns.pass_on(0.5), turns.at
        (0.0, 0)
        >>> turns.pass_on(None), turns.at
        (0.5, 1)
    """

    at: int
    left: list[int]
    waits: dict[int, float] = field(default_factory=dict)
    rounds: int = 0

    @classmethod
    def of(cls, count: int, first: int) -> Turns:
        """The turns of ``count`` keys or servers, in their order from the first one on."""
        return cls(first, [(first + step) % count for step in range(1, count)])

    def pass_on(self, wait: float | None) -> float | None:
        """Seconds until the next try, which ``at`` then names, or None when no one is worth another.

        Args:
            wait: The seconds after which the one whose turn it was may be tried again; None for not at all.
        """
        if wait is not None:
            self.waits[self.at] = wait
        if self.left:
            self.at = self.left.pop(0)
            return 0.0
        if not self.waits:
            return None
        self.rounds += 1
        self.at, *self.left = sorted(self.waits, key=self.waits.__getitem__)
        pause, self.waits = self.waits[self.at], {}
        return pause
