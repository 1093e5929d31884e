from __future__ import annotations

from dataclasses import dataclass

from exemplars import store
from exemplars.choose import first, nearest, plain_last


@dataclass(frozen=True)
class Asked:
    question: str


EXAMPLES = [
    Asked("which stop comes after Mill Lane?"),
    Asked("how many boats are there?"),
    Asked("how many boats came in 1990?"),
]


def test_first_keeps_the_order() -> None:
    assert first(EXAMPLES, 2) == tuple(EXAMPLES[:2])
    assert first(EXAMPLES, 9) == tuple(EXAMPLES)


def test_nearest_puts_the_nearest_last() -> None:
    assert nearest("how many boats came in 2001?", EXAMPLES, 2) == (EXAMPLES[1], EXAMPLES[2])


def test_a_rare_word_counts_more() -> None:
    assert nearest("which boats came after Ada?", EXAMPLES, 1) == (EXAMPLES[0],)


def test_without_a_shared_word_the_order_decides() -> None:
    assert nearest("wer war es?", EXAMPLES, 2) == (EXAMPLES[1], EXAMPLES[0])


def test_what_asks_nothing_goes_last_and_the_order_is_kept_otherwise() -> None:
    ordered = plain_last(store.programs())
    assert sorted(ordered, key=lambda example: example.id) == list(store.programs())
    asking = [bool(example.replies) for example in ordered]
    assert asking == sorted(asking, reverse=True) and len(set(asking)) == 2
    for part in (ordered[: sum(asking)], ordered[sum(asking) :]):
        assert [example.id for example in part] == sorted(example.id for example in part)
