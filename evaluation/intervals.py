"""How sure a share is, and whether two runs over the same examples differ."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

Z = 1.959963984540054


def wilson(successes: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson, 1927); of nothing, the whole range.

    Example:
        >>> low, high = wilson(15, 60)
        >>> round(low, 2), round(high, 2)
        (0.16, 0.37)
    """
    if n == 0:
        return 0.0, 1.0
    share, z2 = successes / n, Z * Z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True)
class Paired:
    """Two runs over the same examples.

    Attributes:
        n: How many examples both have.
        both: How many both have right.
        first: How many only the first has right.
        second: How many only the second has right.
    """

    n: int
    both: int
    first: int
    second: int

    @property
    def difference(self) -> float:
        """The second's accuracy less the first's."""
        return (self.second - self.first) / self.n if self.n else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the difference, each discordant count given half an example (Agresti and Min, 2005)."""
        n, first, second = self.n + 2, self.first + 0.5, self.second + 0.5
        middle = (second - first) / n
        half = Z * math.sqrt(first + second - (second - first) ** 2 / n) / n
        return max(-1.0, middle - half), min(1.0, middle + half)

    @property
    def p(self) -> float:
        """How likely so uneven a split of the examples that only one has right is by chance (McNemar's exact test)."""
        discordant = self.first + self.second
        if discordant == 0:
            return 1.0
        tail = sum(math.comb(discordant, k) for k in range(min(self.first, self.second) + 1))
        return min(1.0, float(2 * tail / 2**discordant))


def paired(first: Sequence[bool], second: Sequence[bool]) -> Paired:
    """Count two runs' verdicts on the same examples, in the same order.

    Example:
        >>> paired([True, False, False], [True, True, False])
        Paired(n=3, both=1, first=0, second=1)
    """
    pairs = list(zip(first, second, strict=True))
    return Paired(len(pairs), pairs.count((True, True)), pairs.count((True, False)), pairs.count((False, True)))
