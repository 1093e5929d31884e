"""Candidate programs and the vote between their answers.

The ways to count are those that the Binder paper's published scripts offer (Cheng et al., ICLR 2023): each sample one
vote; samples weighed by their probability; an answer, or programs with LM calls, favoured.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from binder.amounts import require_number, require_text
from binder.errors import ConfigurationError
from binder.execute import Result, text_of
from grammars.language import AnyProgram, Language


class Method(StrEnum):
    """How votes are weighed."""

    MAJORITY = "majority"
    PROBABILITY = "probability"
    ANSWER = "answer"
    CALLS = "calls"


@dataclass(frozen=True)
class Vote:
    """How the answer is chosen among the candidates'.

    Attributes:
        method: ``majority``: each sample counts one. ``probability``: each counts its probability. ``answer``: samples
            that give ``favoured`` count ``weight``. ``calls``: samples whose program asks the LM count ``weight``.
        favoured: The answer's text that ``answer`` favours.
        weight: What a favoured sample counts, where another counts one.

    Raises:
        ConfigurationError: They do not fit each other.
    """

    method: Method = Method.MAJORITY
    favoured: str | None = None
    weight: float = 2.0

    def __post_init__(self) -> None:
        if self.method not in set(Method):
            raise ConfigurationError(f"vote: there is no method {self.method!r}; the methods are {', '.join(Method)}")
        if self.method is Method.ANSWER and self.favoured is None:
            raise ConfigurationError("a vote that favours an answer needs one: favoured=, or --favour")
        if self.method is not Method.ANSWER and self.favoured is not None:
            told = "goes with the method 'answer' (--vote answer) only"
            raise ConfigurationError(f"vote: a favoured answer ({self.favoured!r:.80}) {told}")
        if self.favoured is not None:
            require_text("vote: favoured", self.favoured, "yes")
        require_number("vote: weight", self.weight)


@dataclass(frozen=True)
class Candidate:
    """One distinct program, from the samples that wrote it.

    Attributes:
        text: The program as the LM wrote it first.
        samples: How many samples wrote it.
        logprobs: Their log-probabilities, where the provider gives any.
        program: The checked program, or None when it was refused.
        result: What it gives, or None when it was refused or failed.
        error: Why it gives nothing: the complaints, the failure, or what is odd about an answer without a value.
        weight: What it counts in the vote; at most, where it was not run and that depends on its answer.
        skipped: Whether it was not run because the vote was decided without it; ``error`` says so.
        language: What it is written in.
    """

    text: str
    samples: int = 1
    logprobs: tuple[float, ...] = ()
    program: AnyProgram | None = None
    result: Result | None = None
    error: str | None = None
    weight: float = 0.0
    skipped: bool = False
    language: Language = Language.SQL

    @property
    def open(self) -> bool:
        """Whether it can be run and was not yet."""
        return self.program is not None and self.result is None and self.error is None


def count(
    candidates: Sequence[Candidate], vote: Vote, undrawn: int = 0
) -> tuple[tuple[Candidate, ...], int | None, float]:
    """Weigh the candidates and find the winner.

    An answer with no value in it only wins when there is no other. Of answers that weigh the same, the one whose
    candidates are likelier wins, then the one drafted first.

    Args:
        candidates: The candidates.
        vote: How they are weighed.
        undrawn: How many samples were wanted and not drawn; they count against the winner.

    Returns:
        The candidates with their weights; the index of the winning answer's first candidate, or None when no
        candidate gives an answer; and the share of all weight that the winning answer has, from 0 to 1; at least,
        where some were not run.
    """
    weighed = tuple(replace(one, weight=weight) for one, weight in _weighed(candidates, vote))
    ballots: dict[tuple[str, ...], list[int]] = {}
    for index, candidate in enumerate(weighed):
        if candidate.result is not None:
            ballots.setdefault(answer_key(candidate.result), []).append(index)
    if not ballots:
        return weighed, None, 0.0

    def rank(indexes: list[int]) -> tuple[bool, float, float]:
        result = weighed[indexes[0]].result
        likeliest = max((max(weighed[i].logprobs, default=-math.inf) for i in indexes), default=-math.inf)
        return result is not None and not result.empty, sum(weighed[i].weight for i in indexes), likeliest

    best = max(ballots.values(), key=rank)  # the first of equals, since dictionaries keep their order
    total = sum(one.weight for one in weighed) + _to_come(vote, undrawn)
    return weighed, best[0], sum(weighed[i].weight for i in best) / total if total else 0.0


def decided(candidates: Sequence[Candidate], vote: Vote, undrawn: int = 0) -> bool:
    """Whether the winning answer stays the same, whatever candidates not run and samples not drawn yet would give."""
    first, second = _leading(candidates, vote)
    waiting = sum(weight for one, weight in _weighed(candidates, vote) if one.open)
    return first - second > waiting + _to_come(vote, undrawn)


def next_to_draw(candidates: Sequence[Candidate], vote: Vote, undrawn: int) -> int:
    """The fewest of the samples not drawn yet that could decide the vote, if all of them gave the leading answer.

    Example:
        >>> next_to_draw([], Vote(), 20)
        11
    """
    first, second = _leading(candidates, vote)
    each = _to_come(vote, 1)
    # Of m more, (first - second) + m * each must exceed (undrawn - m) * each; a weight without a bound asks for all.
    return undrawn if math.isinf(each) else min(undrawn, math.floor((undrawn - (first - second) / each) / 2) + 1)


def next_to_run(candidates: Sequence[Candidate], vote: Vote) -> list[Candidate]:
    """The fewest candidates that could decide the vote if they gave the leading answer, or one answer, together."""
    waiting = sorted(((one, weight) for one, weight in _weighed(candidates, vote) if one.open), key=lambda p: -p[1])
    first, second = _leading(candidates, vote)
    left = sum(weight for _, weight in waiting)
    taken: list[Candidate] = []
    for one, weight in waiting:
        taken.append(one)
        first, left = first + weight, left - weight
        if first - second > left:
            break
    return taken


def _to_come(vote: Vote, undrawn: int) -> float:
    """The most that samples not drawn yet may weigh; a probability that is not known yet may outweigh all others."""
    if vote.method is Method.PROBABILITY:
        return math.inf if undrawn else 0.0
    return undrawn * (1.0 if vote.method is Method.MAJORITY else max(1.0, vote.weight))


def _weighed(candidates: Sequence[Candidate], vote: Vote) -> list[tuple[Candidate, float]]:
    """Candidates with what they count, at most where that depends on an answer to come."""
    weights = _weights(candidates, vote)
    if vote.method is Method.ANSWER:
        most = max(1.0, vote.weight)
        weights = [
            one.samples * most if one.open or one.skipped else weight
            for one, weight in zip(candidates, weights, strict=True)
        ]
    return list(zip(candidates, weights, strict=True))


def _leading(candidates: Sequence[Candidate], vote: Vote) -> tuple[float, float]:
    """What the leading answer weighs, and the one after it; answers without a value cannot lead."""
    ballots: dict[tuple[str, ...], float] = {}
    for one, weight in _weighed(candidates, vote):
        if one.result is not None and not one.result.empty:
            key = answer_key(one.result)
            ballots[key] = ballots.get(key, 0.0) + weight
    first, second = sorted((*ballots.values(), 0.0, 0.0), reverse=True)[:2]
    return first, second


def answer_key(result: Result) -> tuple[str, ...]:
    """The same for answers that hold the same values, whatever their order, their case and how cells spell them."""
    return tuple(sorted(_key(value) for row in result.rows for value in row))


def _key(value: object) -> str:
    return (text_of(value) or "").strip().casefold()


def _weights(candidates: Sequence[Candidate], vote: Vote) -> list[float]:
    if vote.method is Method.PROBABILITY:
        known = [value for one in candidates for value in one.logprobs]
        if known:
            top = max(known)  # only ratios matter, and exp of a long program's log-probability is 0
            return [sum(math.exp(value - top) for value in one.logprobs) for one in candidates]
    return [one.samples * (vote.weight if _favoured(one, vote) else 1.0) for one in candidates]


def _favoured(candidate: Candidate, vote: Vote) -> bool:
    if vote.method is Method.CALLS:
        return candidate.program is not None and bool(candidate.program.calls)
    if vote.method is Method.ANSWER and candidate.result is not None and vote.favoured is not None:
        return answer_key(candidate.result) == (vote.favoured.strip().casefold(),)
    return False
