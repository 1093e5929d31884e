"""A slip in a name is mended where it can mean one thing only; another number or first letter is another name."""

from __future__ import annotations

import string

from hypothesis import assume, given
from hypothesis import strategies as st

from grammars.nearest import nearest

WORDS = st.text(string.ascii_lowercase, min_size=4, max_size=12)
OTHERS = {"Rank (1-9)": "Rank (1-9)", "Zone": "Zone"}


@given(WORDS)
def test_one_slip_after_the_first_letter_is_mended(name: str) -> None:
    header = f"{name.title()} (m)"
    for slipped in [name[:2] + name[3:], name[0] + name[2] + name[1] + name[3:], name[:2] + "e" + name[2:]]:
        assume(nearest(slipped, OTHERS) == (None, []))
        assert nearest(slipped, {header: header, **OTHERS})[0] == header


@given(WORDS, st.integers(0, 9), st.integers(0, 9))
def test_another_number_is_another_name(name: str, written: int, there: int) -> None:
    assume(written != there)
    header = f"{name} 200{there}"
    assert nearest(f"{name} 200{written}", {header: header})[0] is None


def test_two_names_that_a_slip_may_mean_are_hinted() -> None:
    assert nearest("teem", {"Team": "Team", "Term": "Term"}) == (None, ["Team", "Term"])


def test_another_word_is_not_mended() -> None:
    for word, header in [("game", "Name"), ("race", "Rank"), ("page", "Age"), ("no", "Not"), ("rate", "Date")]:
        assert nearest(word, {header: header})[0] is None
