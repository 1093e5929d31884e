from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from binder.coerce import Value, coerce, day, is_unknown, number, settle
from grammars.reply import Expected, ReplyKind

YES_NO = Expected(ReplyKind.YES_NO, ("yes", "no"), closed=True)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12),
        ("about 1,200", 1200),
        ("1.200.000", 1200000),
        ("1.234,5", 1234.5),
        ("1,5", 1.5),
        ("1 200", 1200),
        ("3.5 million", 3500000),
        ("2k", 2000),
        ("$12", 12),
        ("-$12", -12),
        ("€ 1,250.50", 1250.5),
        ("12%", 12),
        ("−7", -7),
        ("12 km (7.5 mi)", 12),
        ("1e3", 1000),
        (".5", 0.5),
        ("0", 0),
        ("seven", 7),
        ("$1.2m", 1200000),
        ("3.5M", 3500000),
        ("3.5m", None),
        ("€ 1.85m", 1850000),
        ("(1,234)", -1234),
        ("(5)", None),
        ("H2O: 5", 5),
        ("1,2,3", None),
        ("$3-5 million", None),
        ("5 6", None),
        ("5 or 6", None),
        ("22–18", None),
        ("10-12", None),
        ("many", None),
        ("1e999", None),
        ("9" * 400, None),
        ("9" * 400 + " thousand", None),
        ("123456789012345678901234567890", 123456789012345678901234567890.0),
        ("", None),
    ],
)
def test_number(text: str, value: float | None) -> None:
    assert number(text) == value


@given(st.integers(-(10**15), 10**15))
def test_every_integer_is_read_in_both_spellings(value: int) -> None:
    assert number(str(value)) == number(f"{value:,}") == value


@given(st.text(max_size=40))
def test_nothing_raises_and_a_number_has_digits_or_is_a_word(text: str) -> None:
    value = number(text)
    assert value is None or any(character.isdigit() for character in text) or text.casefold().isalpha()
    assert day(text) is None or any(character.isdigit() for character in text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1990-03-05", date(1990, 3, 5)),
        ("1990-03-05T10:00:00", date(1990, 3, 5)),
        ("March 5, 1990", date(1990, 3, 5)),
        ("5 March 1990", date(1990, 3, 5)),
        ("5-Mar-1990", date(1990, 3, 5)),
        ("the 9th of October 1931", date(1931, 10, 9)),
        ("Sept. 9 1931", date(1931, 9, 9)),
        ("25/12/2001", date(2001, 12, 25)),
        ("12/25/2001", date(2001, 12, 25)),
        ("04/04/2001", date(2001, 4, 4)),
        ("03/04/2001", None),
        ("1990-03", date(1990, 3, 1)),
        ("May 1990", date(1990, 5, 1)),
        ("in 1990", date(1990, 1, 1)),
        ("1990 or 1991", None),
        ("1990-02-30", None),
        ("12345", None),
        ("soon", None),
    ],
)
def test_day(text: str, value: date | None) -> None:
    assert day(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("Yes, because it lies in France", "yes"),
        ("TRUE", "yes"),
        ("y", "yes"),
        ("1", "yes"),
        ("No.", "no"),
        ("false", "no"),
        ("yes and no", None),
        ("not sure", None),
        ("It is", None),
        ("unknown", None),
    ],
)
def test_yes_or_no(text: str, value: str | None) -> None:
    assert coerce(text, YES_NO) == value


@pytest.mark.parametrize(
    ("text", "labels", "closed", "value"),
    [
        ("europe.", ("Europe", "Asia"), False, "Europe"),
        ("south-america", ("South America",), False, "South America"),
        ("Columbia", ("Colombia",), False, "Colombia"),
        ("Africa", ("Europe",), False, "Africa"),
        ("Africa", ("Europe",), True, None),
        ("not Europe", ("Europe",), True, None),
        ("Australia", ("Austria",), False, "Australia"),
        ("Iraq", ("Iran",), False, "Iraq"),
        ("Type 2", ("Type 1",), False, "Type 2"),
        ("illegal", ("legal",), True, None),
        ("C++", ("C",), False, "C++"),
        ("none", ("none", "gold"), True, "none"),
        ("N/A", ("gold",), False, None),
        ("  'Paris' ", (), False, "Paris"),
    ],
)
def test_text(text: str, labels: tuple[str, ...], closed: bool, value: str | None) -> None:
    assert coerce(text, Expected(ReplyKind.TEXT, labels, closed)) == value


@pytest.mark.parametrize(
    ("values", "settled"),
    [
        (["95", None, "1,210"], (95, None, 1210)),
        (["1990-03-05", "May 1990"], (date(1990, 3, 5), date(1990, 5, 1))),
        (["95", "long"], ("95", "long")),
        (["1990", "1895"], (1990, 1895)),
        ([None], (None,)),
    ],
)
def test_an_ordered_call_is_of_one_type(values: list[Value | None], settled: tuple[Value | None, ...]) -> None:
    assert settle(values) == settled


@pytest.mark.parametrize(
    "title",
    [
        "I Can't Say No",
        "Sorry, I Can't Dance",
        "I won't say I'm in love",
        "As an AI researcher at MIT",
        "I Can't Help It",
        "I can't help with dinner, said Ann",
    ],
)
def test_a_title_is_no_refusal(title: str) -> None:
    assert coerce(title, Expected()) == title


@pytest.mark.parametrize(
    "said",
    [
        "I'm sorry, but as an AI language model I cannot do that.",
        "I'm sorry, but I can't determine that from the input.",
        "I'm sorry, but I cannot fulfill this request.",
        "I'm sorry, but I can't help with identifying people",
        "I'm very sorry, I can't help with the request",
        "Sorry, I cannot say.",
        "I cannot determine this",
        "Sorry, but I'm unable to help with that",
        "As an AI assistant, I do not know",
    ],
)
def test_a_refusal_is_no_text(said: str) -> None:
    assert coerce(said, Expected()) is None


def test_unknown_is_told_from_unreadable() -> None:
    assert is_unknown("N/A") and is_unknown(" unknown. ") and is_unknown("")
    assert not is_unknown("no") and not is_unknown("0")
