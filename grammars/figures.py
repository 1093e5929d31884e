"""The number that a text carries: one reading, in Python for literals and replies, in DuckDB for cells.

A text carries the first number in it, wherever it stands: ``about -5`` carries -5, ``22–18`` carries 22, ``n/a`` none.
How it may be written:

- with thousands set off by commas (``1,234``), points (``1.234.567``, ``1.234,5``), or, where the number is all there
  is but for a unit and notes, spaces (``66 000 km``); ``1.234`` is a decimal;
- with a decimal point, or a comma before one or two digits or after a nought (``1,5``, ``0,305``), and with ``¼½¾``;
- with a sign, a currency sign, an exponent;
- in thousands, millions, …: a word (``3 million``, ``1.2bn``, ``$3–5 million``) or a letter, which is ``k``, ``m`` or
  ``b`` after an amount of money (``$1.2m``) and else only ``k`` or ``M``. Another ``m`` is metres, or minutes.

What could be read in two ways carries no number: points and commas that set off neither thousands nor a fraction
(``1,2,3``, ``5.3.1990``), and a number all in parentheses (``(5)``: a loss, or a note). In parentheses, what has a
currency sign, thousands or cents (``(1,234)``, ``$(5)``) is an amount, and negative.
"""

from __future__ import annotations

import re
from decimal import Decimal

_SPACE = "[ \u00a0\u2009\u202f]"
_SIGNS = "$€£¥₹₩₽"
_CURRENCY = f"(?:[A-Z]{{0,2}}[{_SIGNS}] ?)"
_LEAD = f"[-+−–]?{_CURRENCY}?[-+−–]?"
_MINUS = f"(?:[-−–]{_CURRENCY}?|{_CURRENCY}[-−–])[.]?"
_NOTE = r"(?:[(\[].*|[*†‡§^%]+)?"
_WORDS = {"thousand": 3, "million": 6, "mln": 6, "mn": 6, "billion": 9, "bn": 9, "trillion": 12}
_LETTERS = {"k": 3, "m": 6, "b": 9}
_PARTS_OF_ONE = {"¼": ".25", "½": ".5", "¾": ".75"}

_FIGURE = (
    rf"((?:[^ \t\r\n\d]*[{_SIGNS}] )?[^ \t\r\n\d]*)"
    r"(\d+(?:[.,]\d+)*)((?:[eE][-+]?\d{1,3})?) ?([¼½¾]?)"
    rf"(?:(?: ?[-–—] ?[^ \t\r\n\d]?\d[\d.,]*)?(?: ?((?i:{'|'.join(_WORDS)}))| ?([kKmMbB]))\b)?"
)
_RUN = r"\d+(?:[.,]\d+)*(?:[eE][-+]?\d{1,3})?"
_PARTS = ("lead", "digits", "exponent", "part", "word", "letter")
"""The first figure of a text: what is glued before it, its parts, and what scales it."""

_PLAIN = r"-?\d+(?:[.]\d+)?"
_SPACED = (
    rf"(?:about |over |[~≈<>] ?|ca?[.]? ?)?{_LEAD}{_SPACE}?\d{{1,3}}(?:{_SPACE}\d{{3}})+(?:[.,]\d{{1,2}})?"
    rf" ?[^ \d(\[*†‡§^%]* ?{_NOTE}"
)
_THOUSAND = rf"{_SPACE}(\d{{3}})"
_ENCLOSED = rf" ?{_LEAD} ?[(] ?{_LEAD} ?[\d.,]+[^ \d]*(?: [^ \d]+)? ?[)] ?"
_AMOUNT = rf"{_CURRENCY}|\d[.,]\d\d\d?\b"

# How digits with marks are written: the pattern, the mark that is dropped, the mark that is the decimal point.
_FORMS = (
    (r"\d+(?:[.]\d+)?", ",", "."),
    (r"[1-9]\d{0,2}(?:,\d{3})+(?:[.]\d+)?", ",", "."),
    (r"[1-9]\d{0,2}(?:[.]\d{3})+,\d+|[1-9]\d{0,2}(?:[.]\d{3}){2,}", ".", ","),
    (r"\d+,\d{1,2}|0,\d+", ".", ","),
)


def carried(text: str) -> str | None:
    """The number a text carries, in a form that both engines read, or None.

    Example:
        >>> [carried(text) for text in ("$1,234.50 (est.)", "1,5", "$1.2m", "(1,234)", "(5)", "1,2,3")]
        ['1234.50', '1.5', '1200000', '-1234', None, None]
    """
    if _whole(_ENCLOSED, text) and not re.search(_AMOUNT, text, re.ASCII):
        return None
    figure = re.search(_FIGURE, _joined(text), re.ASCII)
    value = None if figure is None else _value(*figure.groups(""))
    return f"-{value}" if value and _whole(_ENCLOSED, text) else value


def only_number(text: str) -> str | None:
    """The number a text carries, if it holds no other.

    Example:
        >>> only_number("about 1 200 people"), only_number("5 or 6"), only_number("3-4 million")
        ('1200', None, None)
    """
    return carried(text) if len(re.findall(_RUN, _joined(text), re.ASCII)) == 1 else None


def _joined(text: str) -> str:
    """A text without the spaces that set off its thousands."""
    return re.sub(_THOUSAND, r"\1", text, flags=re.ASCII) if _whole(_SPACED, text) else text


def _value(lead: str, digits: str, exponent: str, part: str, word: str, letter: str) -> str | None:
    """The parts of a figure as one number."""
    form = next(((drop, mark) for pattern, drop, mark in _FORMS if _whole(pattern, digits)), None)
    power = _power(lead, word, letter)
    if form is None or (power and exponent):
        return None
    minus = "-" if _whole(_MINUS, lead) else ""
    point = "." if _whole(f"{_LEAD}[.]", lead) else ""
    plain = digits.replace(form[0], "").replace(form[1], ".")
    number = f"{minus}{point}{plain}{_PARTS_OF_ONE.get(part, '')}{exponent}"
    if number.count(".") > 1:
        return None
    return f"{Decimal(number).scaleb(power):f}" if power else number


def _power(lead: str, word: str, letter: str) -> int:
    """The power of ten that a word or a letter after a figure stands for."""
    if word:
        return _WORDS[word.lower()]
    scales = letter and (re.search(_CURRENCY, lead) or (letter in "kKM" and not re.search("[A-Za-z]", lead)))
    return _LETTERS[letter.lower()] if scales else 0


def _whole(pattern: str, text: str) -> bool:
    return re.fullmatch(pattern, text, re.ASCII | re.DOTALL) is not None


def _sql(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _is(text: str, pattern: str) -> str:
    return f"regexp_full_match({text}, {_sql(pattern)}, 's')"


def _case(subject: str, ways: dict[str, str], otherwise: str = "''") -> str:
    whens = " ".join(f"WHEN {_sql(key)} THEN {_sql(value)}" for key, value in ways.items())
    return f"CASE {subject} {whens} ELSE {otherwise} END"


def _macros(kind: str) -> str:
    """The same reading in DuckDB. A one-item list holds a figure's parts, so that they are found once.

    In the macros called ``…_apart`` no list does.
    """
    digits = " ".join(
        f"WHEN {_is('digits', pattern)} THEN replace(replace(digits, {_sql(drop)}, ''), {_sql(mark)}, '.')"
        for pattern, drop, mark in _FORMS
    )
    words = {word: f"e{power}" for word, power in _WORDS.items()}
    letters = {letter: f"e{power}" for letter, power in _LETTERS.items()}
    scales = (
        f"p.letter <> '' AND (regexp_matches(p.lead, {_sql(_CURRENCY)}) "
        "OR (p.letter IN ('k', 'K', 'M') AND NOT regexp_matches(p.lead, '[A-Za-z]')))"
    )
    lettered = f"CASE WHEN {scales} THEN {_case('lower(p.letter)', letters)} ELSE '' END"
    number = (
        f"CASE WHEN p.lead <> '' AND {_is('p.lead', _MINUS)} THEN '-' ELSE '' END"
        f" || CASE WHEN p.lead <> '' AND {_is('p.lead', f'{_LEAD}[.]')} THEN '.' ELSE '' END"
        f" || figure_digits(p.digits) || {_case('p.part', _PARTS_OF_ONE)}"
        f" || p.exponent || {_case('lower(p.word)', words, lettered)}"
    )
    parts = f"regexp_extract(one, {_sql(_FIGURE)}, [{', '.join(map(_sql, _PARTS))}])"
    joined = rf"CASE WHEN {_is('cell', _SPACED)} THEN regexp_replace(cell, {_sql(_THOUSAND)}, '\1', 'g') ELSE cell END"
    enclosed = f"contains(cell, '(') AND {_is('cell', _ENCLOSED)}"
    carried = (
        f"CASE WHEN {_is('cell', _PLAIN)} THEN TRY_CAST(cell AS DOUBLE) "
        f"WHEN {enclosed} AND NOT regexp_matches(cell, {_sql(_AMOUNT)}) THEN NULL "
        f"ELSE {{figure}}({joined}) * CASE WHEN {enclosed} THEN -1 ELSE 1 END END"
    )
    infinity = "CASE WHEN cell IS NOT NULL THEN CAST('Infinity' AS DOUBLE) END"
    return (
        f"CREATE {kind} figure_digits(digits) AS CASE {digits} END; "
        f"CREATE {kind} figure_number(one) AS list_transform([{parts}], lambda p: TRY_CAST({number} AS DOUBLE))[1]; "
        f"CREATE {kind} figure_value(p) AS TRY_CAST({number} AS DOUBLE); "
        f"CREATE {kind} figure_number{APART}(one) AS figure_value({parts}); "
        + "".join(
            f"CREATE {kind} carried_number{apart}(cell) AS {carried.replace('{figure}', f'figure_number{apart}')}; "
            f"CREATE {kind} number_or_infinity{apart}(cell) AS coalesce(carried_number{apart}(cell), {infinity}); "
            for apart in ("", APART)
        )
    )


APART = "_apart"
"""Ends the names of the macros that stand where DuckDB takes no list function; they are some times slower."""

MACROS = _macros("MACRO")
"""The SQL that defines ``carried_number(cell)`` in DuckDB, for translated programs, and ``number_or_infinity(cell)``,
as which a text without a number differs from every number."""

TEMPORARY_MACROS = _macros("OR REPLACE TEMP MACRO")
"""The same for one connection alone, for columns that a caller says are numbers."""
