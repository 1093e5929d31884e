"""Whether a predicted answer denotes the gold one.

``matches`` gives the verdict of WikiTableQuestions' official evaluator (Pasupat and Liang, 2015), which is a Python 2
program: where Python 3 reads numbers differently, Python 2's reading is kept. ``matches_leniently`` is in the manner
of the Binder paper's scripts (Cheng et al., 2023), and ``entailment`` reads a result as a verdict on a statement of
TabFact.
"""

from __future__ import annotations

import math
import re
import unicodedata
from calendar import month_abbr, month_name
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

CLOSE = 1e-6

_PLAIN = str.maketrans({**dict.fromkeys("‘’´`", "'"), **dict.fromkeys("“”", '"'), **dict.fromkeys("‐‑‒–—−", "-")})
# At the end of an answer: bracketed notes (not a whole answer in brackets), and marks that point to notes.
_NOTES = re.compile(r"(?:(?<!^)\[[^\]]*\]|\[\d+\]|[•♦†‡*#+])*$")
_DETAILS = re.compile(r"(?<!^)(?: \([^)]*\))*$")
_QUOTED = re.compile(r'^"([^"]*)"$')

_SIGN = re.compile(r"^(\s*[+-])\s+(?=\d)")
_UNKNOWN = (("xx", "xxxx"), ("xx",), ("xx",))
_MONTHS = (-1, *range(1, 13))
_DAYS = (-1, *range(1, 32))

_NAMED = [*enumerate(month_name), *enumerate(month_abbr), (9, "sept")]
_MONTH = {name.lower(): number for number, name in _NAMED if name}
_MONTH_FIRST = re.compile(r"([a-z]+)\.?\s+(?:(\d{1,2})(?:st|nd|rd|th)?(?:,?\s+|$))?(?:,?\s*(\d{4}))?$")
_DAY_FIRST = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?\s+([a-z]+)\.?(?:,?\s+(\d{4}))?$")
_ISO = re.compile(r"\d{4}-\d{1,2}-\d{1,2}(?:[\st]+\d{1,2}:\d{2}(?::\d{2})?)?$")
_WITH_UNIT = re.compile(r"\$?[+-]?\d*\.?\d+(?:\s*%|\s+\w+)$")
_YES_NO = {"1": "yes", "0": "no"}
_VERDICTS = {
    **dict.fromkeys(("1", "1.0", "true", "yes", "entailed"), True),
    **dict.fromkeys(("0", "0.0", "false", "no", "refuted"), False),
}


@dataclass(frozen=True)
class Value:
    """One item of an answer.

    Attributes:
        text: The normalised text; items with the same text match, whatever else they are.
        number: What it amounts to, or None when it is no number.
        date: Year, month and day (-1 for an unknown one), or None when it is no date.
    """

    text: str
    number: float | None = None
    date: tuple[int, int, int] | None = None

    @property
    def identity(self) -> object:
        """What two items share that count as one in an answer."""
        return self.text if self.number is None and self.date is None else (self.number, self.date)

    def matches(self, other: Value) -> bool:
        """Whether the two denote the same."""
        if self.text == other.text:
            return True
        if self.number is not None and other.number is not None:
            return abs(self.number - other.number) < CLOSE
        return self.date is not None and self.date == other.date


def matches(target: Sequence[str], target_canon: Sequence[str] | None, predicted: Sequence[str]) -> bool:
    """Whether an answer is right, as the official evaluator has it.

    Args:
        target: The gold items.
        target_canon: Their canonical forms from the ``.tagged`` file, or None where there is no such file; the verdict
            is then only near-official.
        predicted: The predicted items.

    Example:
        >>> matches(["10 years"], ["10.0"], ["10"])
        True
        >>> matches(["10 years"], None, ["10"])
        False
    """
    canon = target if target_canon is None else target_canon
    gold = _distinct(value_of(text, form) for text, form in zip(target, canon, strict=True))
    given = _distinct(value_of(text) for text in predicted)
    return len(gold) == len(given) and all(any(one.matches(other) for other in given) for one in gold)


def matches_leniently(question: str, target: Sequence[str], predicted: Sequence[str]) -> bool:
    """Whether an answer is right in the reading of the Binder paper's scripts, which look at the question too.

    Dates and numbers are compared however they are written. 1 and 0 answer a yes-no question, and a question of two
    alternatives ("A or B") by the first and the second. Of single items, a number matches the same number with a unit,
    and a date the same date given in part. The scripts use a recogniser library to read dates and units; here the
    usual spellings are read, so verdicts on rarer ones differ.

    Example:
        >>> matches_leniently("how long was it?", ["17 years"], ["17"])
        True
        >>> matches_leniently("were there more gold or silver medals?", ["silver"], ["0"])
        True
    """
    gold = sorted({_readable(text) for text in target})
    given = sorted({_readable(text) for text in predicted})
    if len(gold) == len(given) == 1 and _alike(question, gold[0], given[0]):
        return True
    return matches(gold, None, given)


def entailment(texts: Sequence[str] | None) -> bool | None:
    """The verdict that a program's result is on a statement, in the Binder paper's reading.

    Args:
        texts: The result's values as texts; None for a program that was refused or failed.

    Returns:
        True for entailed (1), False for refuted (0, and also nothing at all: no result, no rows, NULL), and None for a
        value that is no verdict, which is wrong whatever the label. The first value counts.

    Example:
        >>> entailment(["1"]), entailment([]), entailment(["lisbon"])
        (True, False, None)
    """
    first = texts[0].strip().casefold() if texts else ""
    return _VERDICTS.get(first) if first else False


def value_of(text: str, canonical: str | None = None) -> Value:
    """An item of an answer, a number or a date where its canonical form (or else the text) is one."""
    form = canonical or text
    number = read_number(form)
    date = None if number is not None else read_date(form)
    if date is not None and date[1:] == (-1, -1):
        number, date = date[0], None
    if number is not None and abs(number - round(number)) < CLOSE:
        number = int(number)
    return Value(normalize(text), number, date)


def normalize(text: str) -> str:
    """A text without accents, notes at its end, outer quotes, and case.

    Example:
        >>> normalize('"Brașov" [2] (Romania)')
        'brasov'
    """
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if unicodedata.category(c) != "Mn")
    text, before = text.translate(_PLAIN), None
    while text != before:
        before = text
        text = _NOTES.sub("", text.strip())
        text = _DETAILS.sub("", text.strip())
        text = _QUOTED.sub(r"\1", text.strip())
    return " ".join(text.removesuffix(".").lower().split())


def read_number(text: str) -> float | None:
    """The finite number a text is in Python 2's eyes, or None; ``1_8`` is none, and ``+ 3`` is."""
    whole = read_int(text)
    try:
        number = float(text if whole is None else whole)
    except (ValueError, OverflowError):
        return None
    if "_" in text or not math.isfinite(number):
        return None
    return number if whole is None else whole


def read_int(text: str) -> int | None:
    """The whole number a text is in Python 2's eyes, or None."""
    try:
        return None if "_" in text else int(_SIGN.sub(r"\1", text))
    except ValueError:
        return None


def read_date(text: str) -> tuple[int, int, int] | None:
    """Year, month and day of ``YYYY-MM-DD``, -1 for a part written ``xx``; None for any other text."""
    parts = text.lower().split("-")
    if len(parts) != 3:
        return None
    year, month, day = (-1 if p in u else read_int(p) for p, u in zip(parts, _UNKNOWN, strict=True))
    if year is None or month is None or day is None or year == month == day == -1:
        return None
    return (year, month, day) if month in _MONTHS and day in _DAYS else None


def _distinct(values: Iterator[Value]) -> list[Value]:
    return list({value.identity: value for value in values}.values())


def _readable(text: str) -> str:
    """A text in lower case, a number without thousands separators, a date as ISO text where it is one."""
    plain = normalize(text)
    return _written_date(plain) or re.sub(r"(?<=\d),(?=\d{3}\b)", "", plain)


def _written_date(text: str) -> str | None:
    """A date in words as its numbers; None for any other text."""
    if found := _MONTH_FIRST.match(text):
        name, day, year = found.groups()
    elif found := _DAY_FIRST.match(text):
        day, name, year = found.groups()
    else:
        return None
    month = _MONTH.get(name)
    if month is None or (day is None and year is None):
        return None
    return "-".join(part for part in (year, f"{month:02}", day and f"{int(day):02}") if part)


def _alike(question: str, gold: str, given: str) -> bool:
    """Whether two single items say the same in answer to a question."""
    return (
        _YES_NO.get(given) == gold
        or _alternatives(question).get(given) == gold
        or ((_is(_WITH_UNIT, gold) or _is(_WITH_UNIT, given)) and _within(gold, given, r"\s+"))
        or ((_is(_ISO, gold) or _is(_ISO, given)) and _within(gold, given, r"[\s-]+"))
    )


def _alternatives(question: str) -> dict[str, str]:
    """The words before and after a question's ``or``, as the results that mean them."""
    words = re.findall(r"[^\s?,]+", question.lower())
    at = words.index("or") if "or" in words else 0
    return {"1": words[at - 1], "0": words[at + 1]} if 0 < at < len(words) - 1 else {}


def _is(pattern: re.Pattern[str], text: str) -> bool:
    return pattern.match(text) is not None


def _within(one: str, other: str, separator: str) -> bool:
    """Whether the parts of one text are all among the other's."""
    parts, others = ({p for p in re.split(separator, text) if p} for text in (one, other))
    return parts <= others or others <= parts
