"""A slip in a name is mended where it can mean one thing only; another number or first letter is another name."""

from __future__ import annotations

import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from grammars.nearest import marks, nearest

WORDS = st.text(string.ascii_lowercase, min_size=4, max_size=12)
OTHERS = {"Rank (1-9)": "Rank (1-9)", "Zone": "Zone"}


@given(WORDS)
def test_one_slip_after_the_first_letter_is_mended(name: str) -> None:
    header = f"{name.title()} (m)"
    for slipped in [name[:2] + name[3:], name[0] + name[2] + name[1] + name[3:], name[:2] + "e" + name[2:]]:
        assume(nearest(slipped, OTHERS) == (None, []) and not marks(name) and not marks(slipped))
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


@pytest.mark.parametrize(
    ("written", "header"),
    [
        ("height_in_m", "Height (cm)"),
        ("Group of B", "Group of A"),
        ("Height mm", "Height cm"),
        ("Height m", "Height cm"),
        ("Weight (g)", "Weight (kg)"),
        ("Speed mph", "Speed kph"),
        ("Price USD", "Price AUD"),
        ("Temperature min", "Temperature max"),
        ("Home_L", "Home W"),
        ("HomeL", "HomeW"),
        ("Group B", "Group A"),
        ("GroupB", "Group A"),
        ("Season_II", "Season I"),
        ("Won at", "Won as"),
        ("Home sins", "Home wins"),
        ("male population", "Female population"),
        ("Number of home wins", "Number of wins"),
    ],
)
def test_another_letter_numeral_unit_or_word_is_another_name_and_hinted(written: str, header: str) -> None:
    assert nearest(written, {header: header, "Name": "Name"}) == (None, [header])


@pytest.mark.parametrize(
    ("written", "header"),
    [
        ("height_in_cm", "Height (cm)"),
        ("top_speed_in_mph", "Top speed (mph)"),
        ("total_of_votes", "Total votes"),
        ("the_total_votes", "Total votes"),
        ("mens_single", "Men's singles"),
        ("Hight cm", "Height cm"),
        ("Mens' tem", "Mens team"),
        ("Grop B", "Group B"),
        ("populaton densty", "Population density"),
        ("Accomodtaion", "Accommodation"),
        ("goalscored", "Goals scored"),
    ],
)
def test_slips_beside_the_same_marks_are_mended(written: str, header: str) -> None:
    assert nearest(written, {header: header, "Name": "Name"})[0] == header


@pytest.mark.parametrize(
    ("written", "headers"),
    [("Lap", ["Laps", "Best lap"]), ("laps", ["Laps led", "Lap"]), ("win", ["Wins", "Win rate"])],
)
def test_a_short_name_that_may_be_a_slip_too_is_not_mended(written: str, headers: list[str]) -> None:
    assert nearest(written, {header: header for header in headers}) == (None, headers)


def test_what_may_be_a_value_is_mended_only_as_it_is_spelled() -> None:
    assert nearest("Bern", {"Born": "Born"}, slips=False)[0] is None
    assert nearest("total", {"Total votes": "Total votes"}, slips=False)[0] == "Total votes"
