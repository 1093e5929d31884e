"""tidy: find the program in what an LM wrote, and mend slips that keep it from parsing.

A text that parses is left as it is. Otherwise each mend is tried alone, then all of them together in order, and the
first text that parses is taken: the smallest mend wins, and what was done is recorded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial

_FENCE = re.compile(r"```[\w-]*[ \t]*\n?(.*?)(?:```|\Z)", re.DOTALL)
_START = re.compile(
    r"(?:^|(?<=[\s:>`]))(?:SELECT\b|WITH\s+(?:RECURSIVE\s+)?\w+\s*(?:\([^)]*\)\s*)?AS\b|QA(?:_map|_ans)?\s*\()", re.I
)
_STATEMENT = re.compile(
    r"\s*(?:--.*\n\s*)*(?:SELECT|WITH|INSERT|UPDATE|DELETE|DROP|CREATE|ALTER|ATTACH|DETACH|COPY|PRAGMA|SET|RESET|INSTALL|LOAD|"
    r"CALL|EXPORT|IMPORT|EXECUTE|PREPARE|USE|VACUUM|CHECKPOINT|BEGIN|COMMIT|MERGE|TRUNCATE|EXPLAIN|DESCRIBE|SHOW|FROM|"
    r"SUMMARIZE|PIVOT|UNPIVOT|REPLACE|GRANT|COMMENT|ANALYZE)\b",
    re.I,
)
_AFTER_LITERAL = re.compile(
    r"\s*(?:$|[),;=<>!|+*/%\]-]|(?:AND|OR|NOT|IS|IN|LIKE|GLOB|BETWEEN|GROUP|ORDER|HAVING|LIMIT|OFFSET|UNION|INTERSECT|"
    r"EXCEPT|THEN|ELSE|WHEN|END|AS|FROM|WHERE|ASC|DESC|ESCAPE|COLLATE|JOIN|LEFT|INNER|ON)\b)",
    re.I,
)
_TYPOGRAPHIC = str.maketrans({"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "‚": "'", "´": "'"})
_UNQUOTED = re.compile(
    r"(\bQA(?:_map|_ans)?\s*\(\s*)((?:map|ans)\s*@(?:"
    r"(?:[^;\"()]|\([^;\"()]*\))*?(?=;|(?<=\?)\s*,)|[^;,\"()]*(?=\))))",
    re.I,
)
_MORE_THAN_A_VALUE = re.compile(
    r"[=<>;()]|\b(?:SELECT|FROM|WHERE|AND|OR|GROUP\s+BY|ORDER\s+BY|HAVING|LIMIT|UNION|INTERSECT|EXCEPT|THEN|ELSE|END)\b",
    re.I,
)
_OPERATOR_SELECT = re.compile(r"[-+*/]\s*(?=SELECT\b)", re.I)

QUOTED = "headers put in back-ticks"
_STRAIGHTENED = "typographic quotation marks straightened"

Mend = Callable[[str], str]


def tidy(text: str, parses: Callable[[str], bool], headers: Sequence[str] = ()) -> tuple[str, tuple[str, ...]]:
    """The program in a text, and what was mended to reach it.

    Args:
        text: What the LM or the user wrote.
        parses: Whether a text parses as one query.
        headers: Column names that stand in quotation marks where they are written right.

    Returns:
        The text to parse and the names of the mends; the text itself when no mend makes it parse.

    Example:
        >>> tidy("Here it is:\\n```sql\\nSELECT a FROM w\\n```", lambda text: text == "SELECT a FROM w")
        ('SELECT a FROM w', ('unwrapped from a code fence',))
    """
    # sqlglot reads a typographic quotation mark as part of a name, so such a text may parse and yet be a slip.
    straight = straighten_quotes(text.strip())
    notes: tuple[str, ...] = (_STRAIGHTENED,) if straight != text.strip() else ()
    if parses(straight):
        return straight, notes
    for candidate, mends in _candidates(straight, (*MENDS, (QUOTED, partial(quote_headers, headers=headers)))):
        if parses(candidate):
            return candidate, (*notes, *mends)
    return cut_prose(unfence(straight)), notes


def _candidates(text: str, mends: Sequence[tuple[str, Mend]]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for name, mend in mends:
        if (mended := mend(text)) != text:
            yield mended, (name,)
    notes: tuple[str, ...] = ()
    for name, mend in mends:
        if (mended := mend(text)) != text:
            text, notes = mended, (*notes, name)
            yield text, notes


def holds_query(text: str) -> bool:
    """Whether a text holds anything that begins like a query."""
    return bool(_START.search(text) or _STATEMENT.match(text) or re.search(r"\bFROM\b", text, re.I))


def unfence(text: str) -> str:
    """What is inside the first code fence that holds a query, or the text."""
    blocks = [block.strip() for block in _FENCE.findall(text)]
    return next((block for block in blocks if _START.search(block)), blocks[0] if blocks and blocks[0] else text)


def cut_prose(text: str) -> str:
    """The text from its first query on, up to the prose that follows it."""
    found = _START.search(text)
    if found is None:
        return text
    text = text[found.start() :]
    end = next((at for at, depth in _depths(text) if text[at] == ";" and not depth), None)
    if end is not None and not _STATEMENT.match(text[end + 1 :]):
        text = text[:end]
    blank = re.search(
        r"\n\s*\n(?!\s*(?:SELECT|FROM|WHERE|AND|OR|GROUP|ORDER|UNION|LIMIT|HAVING|\(|\)|JOIN|LEFT)\b)", text
    )
    return (text[: blank.start()] if blank else text).strip().rstrip("`").strip()


def add_select(text: str) -> str:
    """``COUNT(*) FROM w`` begins with SELECT."""
    lacks = not re.match(r"\s*\(*\s*(?:SELECT|WITH|QA)\b", text, re.I)
    return f"SELECT {text}" if lacks and re.search(r"\bFROM\b", text, re.I) else text


def straighten_quotes(text: str) -> str:
    """Typographic quotation marks outside literals become plain ones."""
    outside = set(_outside_quotes(text))
    return "".join(
        character.translate(_TYPOGRAPHIC) if index in outside else character for index, character in enumerate(text)
    )


def quote_questions(text: str) -> str:
    """``QA(map@is it big?; size)`` gets the quotation marks of its question."""
    return _UNQUOTED.sub(lambda found: f'{found.group(1)}"{found.group(2).strip()}"', text)


def close_quotation(text: str) -> str:
    """``name = "abc`` gets the quotation mark missing at its end, unless it would hold more than a value."""
    index = 0
    while index < len(text):
        quote = text[index]
        index += 1
        if quote in "'\"":
            end = _literal_end(text, index, quote)
            if end == len(text):
                return text if _MORE_THAN_A_VALUE.search(text, index) else text + quote
            index = end + 1
    return text


def double_apostrophes(text: str) -> str:
    """An apostrophe inside a literal is doubled: ``'king's cross'``, ``'john o\\'brien'``."""
    text = re.sub(r"\\(['\"])", r"\1\1", text)
    parts, index = [], 0
    while index < len(text):
        quote = text[index]
        index += 1
        if quote not in "'\"":
            parts.append(quote)
            continue
        end = _literal_end(text, index, quote)
        if end == len(text):
            return text  # how far it should reach cannot be told
        inner = text[index:end].replace(quote * 2, quote).replace(quote, quote * 2)
        parts.append(f"{quote}{inner}{quote}")
        index = end + 1
    return "".join(parts)


def _literal_end(text: str, start: int, quote: str) -> int:
    """Where a literal ends: at the first quote that something follows which may follow a literal."""
    index = start
    while (index := text.find(quote, index)) >= 0:
        if text.startswith(quote * 2, index) and not _AFTER_LITERAL.match(text, index + 1):
            index += 2
        elif _AFTER_LITERAL.match(text, index + 1):
            return index
        else:
            index += 1
    return len(text)


def balance_parentheses(text: str) -> str:
    """Parentheses missing at the end are added, and those too many there are dropped."""
    depth = _depth(text)
    if depth > 0:
        return text.rstrip().rstrip(";") + ")" * depth
    while depth < 0 and text.rstrip().rstrip(";").endswith(")"):
        text, depth = text.rstrip().rstrip(";")[:-1], depth + 1
    return text


def quote_headers(text: str, headers: Sequence[str]) -> str:
    """Headers that are no plain word are put in back-ticks where they stand outside quotations, the longest first."""
    folded = text.casefold()
    for header in sorted(headers, key=len, reverse=True):
        words = [re.escape(word) for word in header.split()]
        if not words or not all(word in folded for word in header.casefold().split()):
            continue
        # A line break in a header is often written as a backslash and an n.
        written = re.compile(r"(?<!\w)" + r"(?:\s|\\n)+".join(words) + r"(?!\w)", re.IGNORECASE)
        if not (stands := list(written.finditer(text))):
            continue
        outside = set(_outside_quotes(text))
        for found in reversed([found for found in stands if found.start() in outside]):
            text = f"{text[: found.start()]}`{header}`{text[found.end() :]}"
    return text


def wrap_operands(text: str) -> str:
    """``SELECT … - SELECT …`` becomes a difference of two subqueries."""
    depths = dict(_depths(text))
    cuts = [found for found in _OPERATOR_SELECT.finditer(text) if depths.get(found.start()) == 0]
    if not cuts:
        return text
    operands = [
        text[a:b].strip()
        for a, b in zip([0, *[c.end() for c in cuts]], [*[c.start() for c in cuts], len(text)], strict=True)
    ]
    operands = [operand if operand.startswith("(") else f"({operand})" for operand in operands]
    operators = [found.group()[0] for found in cuts]
    return (
        "SELECT "
        + operands[0]
        + "".join(f" {sign} {operand}" for sign, operand in zip(operators, operands[1:], strict=True))
    )


def _outside_quotes(text: str) -> Iterator[int]:
    """The positions that no quotation holds."""
    quote = ""
    for index, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"`":
            quote = character
        else:
            yield index


def _depths(text: str) -> Iterator[tuple[int, int]]:
    """The positions that no quotation holds, and how many parentheses are open before each."""
    depth = 0
    for at in _outside_quotes(text):
        yield at, depth
        depth += (text[at] == "(") - (text[at] == ")")


def _depth(text: str) -> int:
    """How many parentheses are left open."""
    return sum((text[at] == "(") - (text[at] == ")") for at in _outside_quotes(text))


MENDS: tuple[tuple[str, Mend], ...] = (
    ("unwrapped from a code fence", unfence),
    ("cut from the prose around it", cut_prose),
    ("a question put in quotation marks", quote_questions),
    ("a quotation closed at the end", close_quotation),
    ("apostrophes inside a literal doubled", double_apostrophes),
    ("parentheses balanced", balance_parentheses),
    ("SELECT added", add_select),
    ("subqueries beside an operator put in parentheses", wrap_operands),
)
