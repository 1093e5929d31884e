"""budget: what a language model may cost, and what a request to it would."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from binder.amounts import require_number, require_whole
from binder.lm import tokens
from binder.lm.base import Request, Response, Usage

MILLION = 1_000_000


@dataclass(frozen=True)
class Budget:
    """The most that may be spent on a language model; None where there is no limit.

    Example:
        >>> Budget(requests=100, dollars=0.50).requests
        100

    Attributes:
        requests: Requests sent, those sent again included.
        tokens: Tokens read and written.
        dollars: Money, by the model's ``Price``.
        seconds: Time in which the model is at work, whatever the number of requests; one under way is then stopped.
        requests_per_minute: Requests in any minute; another waits for its turn.
        tokens_per_minute: Tokens in any minute; a request waits for its turn.

    Raises:
        ConfigurationError: A limit is no number, is negative, counts in fractions, or lets no turn ever come.
    """

    requests: int | None = None
    tokens: int | None = None
    dollars: float | None = None
    seconds: float | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None

    def __post_init__(self) -> None:
        for name in (each.name for each in fields(self)):
            given, what = getattr(self, name), f"budget: {name}"
            if given is None:
                continue
            if name in ("dollars", "seconds"):
                require_number(what, given)
            else:
                require_whole(what, given, 1 if name.endswith("_per_minute") else 0)

    @property
    def paced(self) -> bool:
        """Whether a request may have to wait for its turn."""
        return self.requests_per_minute is not None or self.tokens_per_minute is not None


@dataclass(frozen=True)
class Price:
    """What a model's tokens cost, in dollars for a million.

    Example:
        >>> Price(read=0.40, written=1.60).of(Usage(prompt_tokens=1_000_000, completion_tokens=500_000))
        1.2

    Attributes:
        read: Of the prompt.
        written: Of the reply.
    """

    read: float
    written: float

    def __post_init__(self) -> None:
        require_number("price: read", self.read)
        require_number("price: written", self.written)

    def of(self, usage: Usage) -> float:
        """What was spent, in dollars."""
        return (usage.prompt_tokens * self.read + usage.completion_tokens * self.written) / MILLION


@dataclass(frozen=True)
class Excess:
    """A limit that is passed.

    Attributes:
        limit: Its name in ``Budget``.
        most: What it allows.
        wanted: What it would come to.
    """

    limit: str
    most: float
    wanted: float


def excess(budget: Budget, price: Price | None, usage: Usage) -> Excess | None:
    """The first limit in what is counted, rather than timed, that spending so much would pass, or None.

    Just reaching a limit passes none.

    Example:
        >>> excess(Budget(requests=2), None, Usage(requests=3))
        Excess(limit='requests', most=2, wanted=3)
    """
    wanted = {
        "requests": usage.requests,
        "tokens": usage.tokens,
        "dollars": price.of(usage) if price else 0.0,
    }
    for limit, amount in wanted.items():
        most = getattr(budget, limit)
        # A sum of prices comes a rounding error above or below.
        if most is not None and amount > most and not math.isclose(amount, most):
            return Excess(limit, most, amount)
    return None


def estimate(request: Request) -> Usage:
    """About the most that a request can cost."""
    return Usage(1, tokens.estimate(request.prompt), request.n * request.max_tokens)


def cost(request: Request, response: Response) -> Usage:
    """What a request cost: as the model says, or guessed from the texts where it says nothing."""
    said = response.usage
    if said.requests or said.tokens:
        return said
    written = sum(tokens.estimate(one.text) for one in response.completions)
    return Usage(1, tokens.estimate(request.prompt), written)
