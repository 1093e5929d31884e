"""The vote: whatever the candidates that were not run would have given, its answer stands."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from binder import ConfigurationError
from binder.execute import Result
from binder.vote import Candidate, Method, Vote, count, decided, next_to_run
from grammars.check import check
from grammars.program import Program
from tests.support.schemas import ONE

PLAIN = 'SELECT "Name" FROM w'
ASKING = 'SELECT QA("map@is it high?"; Name) FROM w'


def checked(text: str) -> Program:
    program = check(text, ONE).program
    assert program is not None
    return program


PROGRAMS = {text: checked(text) for text in (PLAIN, ASKING)}


def gives(*values: str | None) -> Result:
    return Result(("a",), tuple((value,) for value in values), lambda: tuple((value,) for value in values))


def candidate(
    answer: str | None = None, samples: int = 1, *, asks: bool = False, logprobs: Sequence[float] = ()
) -> Candidate:
    """One that gave an answer, or can still be run."""
    program = PROGRAMS[ASKING if asks else PLAIN]
    result = None if answer is None else gives(answer or None)
    return Candidate(program.text, samples, tuple(logprobs), program, result)


def won(candidates: Sequence[Candidate], vote: Vote) -> str | None:
    _, winner, _ = count(candidates, vote)
    result = None if winner is None else candidates[winner].result
    return None if result is None else str(result.texts[0][0])


votes = st.one_of(
    st.builds(Vote, st.sampled_from([Method.MAJORITY, Method.PROBABILITY])),
    st.builds(Vote, st.just(Method.CALLS), weight=st.sampled_from([0.5, 2.0, 5.0])),
    st.builds(Vote, st.just(Method.ANSWER), st.sampled_from(["a", "b", "c"]), st.sampled_from([0.5, 2.0, 5.0])),
)


@st.composite
def ballots(draw: st.DrawFn) -> list[Candidate]:
    """Candidates of which some were run; an empty text is an answer without a value."""
    made = []
    for _ in range(draw(st.integers(1, 6))):
        samples = draw(st.integers(1, 4))
        logprobs = draw(st.sampled_from([(), (-0.5,) * samples, (-3.0,) * samples]))
        answer = draw(st.sampled_from(["a", "b", "", None, None]))
        made.append(candidate(answer, samples, asks=draw(st.booleans()), logprobs=logprobs))
    return made


def outcomes(candidates: Sequence[Candidate]) -> list[list[Candidate]]:
    """Everything that may come of running those that are open: an answer, none, or a failure."""
    found = []
    for answers in itertools.product(["a", "b", "c", "", None], repeat=sum(one.open for one in candidates)):
        left = iter(answers)
        found.append([_run(one, next(left)) if one.open else one for one in candidates])
    return found


def _run(one: Candidate, answer: str | None) -> Candidate:
    return replace(one, error="failed") if answer is None else replace(one, result=gives(answer or None))


@settings(max_examples=300)
@example(candidates=[candidate("a", 3), candidate(None, 1)], vote=Vote(Method.ANSWER, "b"))
@given(candidates=ballots().filter(lambda made: sum(one.open for one in made) < 5), vote=votes)
def test_a_decided_vote_does_not_change_and_its_confidence_is_the_least(
    candidates: list[Candidate], vote: Vote
) -> None:
    if not decided(candidates, vote):
        return
    skipped = [replace(one, skipped=True, error="not run") if one.open else one for one in candidates]
    _, _, confidence = count(skipped, vote)
    assert 0 <= confidence <= 1
    for run in outcomes(candidates):
        assert won(run, vote) == won(skipped, vote)
        assert count(run, vote)[2] >= confidence - 1e-9


@given(candidates=ballots(), vote=votes)
def test_those_to_run_next_are_open_and_enough_if_they_agree(candidates: list[Candidate], vote: Vote) -> None:
    chosen = next_to_run(candidates, vote)
    assert all(one.open for one in chosen)
    assert bool(chosen) == any(one.open for one in candidates)
    leading = won(candidates, vote)
    answer = leading if leading not in (None, "None") else "a"
    agreed = [_run(one, answer) if any(one is other for other in chosen) else one for one in candidates]
    # The favoured answer may still be another one; then those that agree count less than they might have.
    if vote.method is not Method.ANSWER and any(one.open for one in agreed):
        assert decided(agreed, vote)


@pytest.mark.parametrize(
    ("candidates", "vote", "wanted"),
    [
        ([candidate("a", 2), candidate(None, 1)], Vote(), True),
        ([candidate("a", 1), candidate(None, 1)], Vote(), False),  # they might tie
        ([candidate("a", 3), candidate("b", 2)], Vote(), True),
        ([candidate("", 5), candidate(None, 1)], Vote(), False),  # any value beats an answer without one
        ([candidate("a", 2), candidate(None, 1, asks=True)], Vote(Method.CALLS, weight=2), False),
        ([candidate("a", 2), candidate(None, 1, asks=False)], Vote(Method.CALLS, weight=2), True),
        ([candidate("a", 2), candidate(None, 1)], Vote(Method.ANSWER, "b", weight=3), False),
        ([candidate("b", 2), candidate(None, 1)], Vote(Method.ANSWER, "b", weight=3), True),
        ([candidate("a", logprobs=[-1.0]), candidate(None, logprobs=[-9.0])], Vote(Method.PROBABILITY), True),
        ([candidate("a", logprobs=[-9.0]), candidate(None, logprobs=[-1.0])], Vote(Method.PROBABILITY), False),
        ([candidate("a", 2), candidate(None, 1)], Vote(Method.PROBABILITY), True),  # no probabilities: one each
    ],
)
def test_decided(candidates: list[Candidate], vote: Vote, wanted: bool) -> None:
    assert decided(candidates, vote) is wanted


def test_ties_go_to_the_likelier_then_to_the_first() -> None:
    assert won([candidate("a"), candidate("b")], Vote()) == "a"
    assert won([candidate("a", logprobs=[-2.0]), candidate("b", logprobs=[-1.0])], Vote()) == "b"


def test_answers_in_another_order_or_case_are_one() -> None:
    same = [replace(candidate("x"), result=gives("A", "b")), replace(candidate("x"), result=gives("B", "a "))]
    _, winner, confidence = count([*same, candidate("c")], Vote())
    assert (winner, confidence) == (0, pytest.approx(2 / 3))


def test_an_answer_without_a_value_wins_only_alone() -> None:
    assert won([candidate("", 9), candidate("a", 1)], Vote()) == "a"
    assert won([candidate("", 9)], Vote()) == "None"


def test_a_favoured_answer_is_needed() -> None:
    with pytest.raises(ConfigurationError, match="favoured="):
        Vote(Method.ANSWER)
