"""How many inputs a request carries: fewer once that many failed, and carefully more again."""

from __future__ import annotations

import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from binder.lm import Budget, Limited, Scripted
from binder.lm.base import batch_of
from binder.lm.batches import WHOLE_REPLIES, Bearable, Outcome, after, learn


@pytest.mark.parametrize(
    ("asked", "outcome", "size"),
    [
        (16, "lost", 8),
        (12, "lost", 6),
        (8, "lost", 16),
        (16, "overflow", 8),
        (5, "overflow", 2),
        (1, "overflow", 1),
        (16, "whole", 16),
    ],
)
def test_what_failed_is_halved(asked: int, outcome: Outcome, size: int) -> None:
    assert after(Bearable(16), asked, outcome).size == size


def test_requests_that_failed_together_halve_once() -> None:
    now = Bearable(16)
    for _ in range(32):
        now = after(now, 16, "overflow")
    assert now.size == 8


def whole(now: Bearable, asked: int, times: int = WHOLE_REPLIES) -> Bearable:
    for _ in range(times):
        now = after(now, asked, "whole")
    return now


def test_many_whole_replies_bring_larger_requests_back() -> None:
    now = after(Bearable(16), 16, "lost")
    assert whole(now, 8, WHOLE_REPLIES - 1).size == 8
    assert whole(now, 8).size == 16
    assert whole(now, 4).size == 8, "small requests say nothing of larger ones"


def test_what_overflowed_is_never_tried_again() -> None:
    now = after(after(Bearable(16), 16, "overflow"), 8, "lost")
    assert (now.size, whole(now, 4).size, whole(whole(now, 4), 8).size) == (4, 8, 8)


@given(st.lists(st.tuples(st.integers(1, 40), st.sampled_from(["whole", "lost", "overflow"]))))
def test_there_is_always_a_size_and_never_one_that_overflowed(events: list[tuple[int, Outcome]]) -> None:
    now, overflowed = Bearable(16), 80
    for asked, outcome in events:
        now = after(now, asked, outcome)
        overflowed = min(overflowed, asked) if outcome == "overflow" else overflowed
        assert now.size >= 1 and (now.size < overflowed or now.size == 1)


def test_a_model_keeps_what_was_learned_behind_a_limit_and_beside_others() -> None:
    lm, other = Scripted(str), Scripted(str)
    limited = Limited(lm, Budget())
    learn(lm, 16, 16, "lost")
    assert (batch_of(lm), batch_of(limited), batch_of(other)) == (8, 8, 16)


def test_what_was_learned_goes_with_the_model() -> None:
    from binder.lm import batches

    lm = Scripted(str)
    learn(lm, 16, 16, "lost")
    key = id(lm)
    assert key in batches._known
    del lm
    gc.collect()
    assert key not in batches._known
