"""coerce: the value that an LM's text stands for, or None.

None stands for both "it cannot be told" and "it cannot be read"; ``is_unknown`` tells them apart. A text that could
be read two ways is not read: ``5 or 6`` is no number, ``yes and no`` is neither, ``03/04/2001`` is no date.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from binder.headers import readable
from grammars.figures import only_number
from grammars.reply import Expected, ReplyKind

Value = str | int | float | date

_UNKNOWN = """
-|–|—|?|n/a|na|nan|none|null|nil|unknown|unclear|undetermined|not available|not applicable|not known|not specified
not given|not stated|not mentioned|cannot be determined|can't be determined|cannot tell|can't tell|don't know
i don't know
"""
UNKNOWN = frozenset(_UNKNOWN.replace("\n", "|").split("|"))
YES = frozenset(("yes", "y", "true", "t", "1", "yeah", "correct"))
NO = frozenset(("no", "n", "false", "f", "0", "nope", "incorrect"))
WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]

_SORRY = r"(?:I['’]?m |I am )?(?:[Vv]ery |[Ss]o )?[Ss]orry"
_CANNOT = r"(?:I (?:cannot|can['’]?t)|I(?: am|['’]m) (?:unable|not able) to)"
_REFUSAL = re.compile(
    rf"{_SORRY},? but (?:as an\b|{_CANNOT}\b|I won['’]t\b)|[Aa]s an AI(?: language)? (?:model|assistant)\b"
    rf"|(?:{_SORRY}[,.] )?{_CANNOT} (?:(?:answer|assist|comply|provide|fulfill?|determine|do that)\b|say(?=[,.]|$)"
    r"|help(?: you)?(?:$|[,.]| with (?:that|this|your|the|identif)))"
)
"""How a refusal begins where any text would do, so that it is not taken for the text."""

_EXACT = 2**53  # beyond it a column of numbers, whole or not, holds no whole number exactly

_NOTE = re.compile(r"(?<=\S)\s*\([^)]*\)")
_NAME = re.compile(r"\b[^\W\d_]\w*\d\w*")  # such as H2O, which is no number
_METRES = re.compile(r"\d ?m\b")  # or millions, where there is no currency sign
_DATES = (
    re.compile(r"\b(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})"),
    re.compile(r"\b(?P<d>\d{1,2})(?:st|nd|rd|th)?(?: of)?[\s-]+(?P<m>[a-z]{3,9})\.?,?[\s-]+(?P<y>\d{4})\b", re.I),
    re.compile(r"\b(?P<m>[a-z]{3,9})\.? (?P<d>\d{1,2})(?:st|nd|rd|th)?,? (?P<y>\d{4})\b", re.I),
    re.compile(r"\b(?P<a>\d{1,2})[/.-](?P<b>\d{1,2})[/.-](?P<y>\d{4})\b"),
    re.compile(r"\b(?P<y>\d{4})-(?P<m>\d{1,2})\b"),
    re.compile(r"\b(?P<m>[a-z]{3,9})\.?,? (?P<y>\d{4})\b", re.I),
    re.compile(r"\b(?P<y>\d{4})\b"),
)


def coerce(text: str, expected: Expected) -> Value | None:
    """The value a reply stands for.

    Args:
        text: One reply, without its number.
        expected: What it must be. For ``ORDERED`` the text comes back; ``settle`` decides for the whole call.

    Returns:
        An int or float, a ``datetime.date`` (the first of the month or the year where only that is given), "yes" or
        "no", or a text (a label's own spelling where the reply is that label but for case, punctuation or one
        slip in a long word). None where it cannot be told or read, or is none of the labels of a closed set.

    Example:
        >>> coerce("about 3.5 million", Expected(ReplyKind.NUMBER))
        3500000
        >>> coerce("Yes, because it lies in France", Expected(ReplyKind.YES_NO))
        'yes'
        >>> coerce("europe.", Expected(ReplyKind.TEXT, labels=("Europe",)))
        'Europe'
    """
    text = _clean(text)
    label = _label(text, expected.labels)
    if label is not None and expected.kind in (ReplyKind.TEXT, ReplyKind.ORDERED):
        return label
    if is_unknown(text):
        return None
    match expected.kind:
        case ReplyKind.NUMBER:
            return number(text)
        case ReplyKind.DATE:
            return day(text)
        case ReplyKind.YES_NO:
            return _yes_or_no(text)
        case _:
            return None if expected.closed or _REFUSAL.match(text) else text


def settle(values: Sequence[Value | None]) -> tuple[Value | None, ...]:
    """The values of an ``ORDERED`` call, of one type: numbers if all can be read so, else dates, else texts.

    Example:
        >>> settle(["95", None, "1,210"])
        (95, None, 1210)
    """
    for read in (number, day):
        read_values = tuple(None if value is None else read(str(value)) for value in values)
        if all((value is None) == (given is None) for value, given in zip(read_values, values, strict=True)):
            return read_values
    return tuple(None if value is None else str(value) for value in values)


def is_unknown(text: str) -> bool:
    """Whether a reply says that it cannot be told, such as ``unknown`` or ``N/A``."""
    return _clean(text).casefold().rstrip(".") in UNKNOWN


def number(text: str) -> int | float | None:
    """The one number in a text, in any way of writing that ``grammars.figures`` reads, or None. Notes are left out."""
    text = _NAME.sub(" ", _NOTE.sub(" ", text)).strip()
    if text.casefold() in WORDS:
        return WORDS.index(text.casefold())
    digits = only_number(text)
    if digits is None or (_METRES.search(text) and not re.search("[$€£¥]", text)):
        return None
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        return None
    return int(value) if value.is_integer() and abs(value) < _EXACT else value


def day(text: str) -> date | None:
    """The one date in a text, or None. A month or a year alone stands for its first day."""
    for pattern in _DATES:
        found = list(pattern.finditer(text))
        if len(found) == 1:
            return _date(found[0].groupdict())
        if found:
            return None
    return None


def _date(parts: dict[str, str]) -> date | None:
    if "a" in parts:
        first, second = int(parts["a"]), int(parts["b"])
        if first <= 12 and second <= 12 and first != second:
            return None
        month, dom = (first, second) if first <= 12 else (second, first)
    else:
        name = parts.get("m", "1")
        month = int(name) if name.isdigit() else _month(name)
        dom = int(parts.get("d", "1"))
    try:
        return date(int(parts["y"]), month, dom)
    except ValueError:
        return None


def _month(name: str) -> int:
    short = name.casefold()[:3]
    return MONTHS.index(short) + 1 if short in MONTHS else 0


def _yes_or_no(text: str) -> str | None:
    words = re.findall(r"[\w']+", text.casefold())
    said = {word in YES for word in words if len(word) > 1 and word in YES | NO} if len(words) > 1 else set()
    if not words or len(said) > 1:
        return None
    return "yes" if words[0] in YES else "no" if words[0] in NO else None


def _clean(text: str) -> str:
    text = readable(text).strip()
    while len(text) > 1 and text[0] == text[-1] and text[0] in "\"'`":
        text = text[1:-1].strip()
    return text


def _label(text: str, labels: Sequence[str]) -> str | None:
    folded = _fold(text)
    for label in labels:
        if _fold(label) == folded:
            return label
    near = [label for label in labels if _one_slip(folded, _fold(label))]
    return near[0] if len(near) == 1 else None


def _fold(text: str) -> str:
    """A text as labels are compared: case, hyphens between words and punctuation around it do not count."""
    return re.sub(r"(?<=[^\W\d])[\s_-]+(?=[^\W\d])", " ", text.casefold()).strip(" .,;:!?\"'`")


def _one_slip(text: str, label: str) -> bool:
    """Whether two folded texts differ by one letter, so far into a long word that they hardly mean two things."""
    from rapidfuzz.distance import OSA

    if min(len(text), len(label)) < 6 or text[0] != label[0] or re.findall(r"\d", text + label):
        return False
    return OSA.distance(text, label, score_cutoff=1) <= 1
