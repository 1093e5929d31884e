"""syntax: why a text is no SQL, and where, in a program's words instead of sqlglot's."""

from __future__ import annotations

import re

from sqlglot.errors import ParseError

from grammars.errors import Complaint, Span

_INSTEAD = {"XOR": "write (a) <> (b) for a XOR b: just one of two conditions holds"}


def unclosed(text: str) -> Complaint:
    """The complaint about a text that cannot be cut into words.

    Example:
        >>> unclosed("SELECT 'a").span
        Span(start=7, end=9)
    """
    quote, start = "", 0
    for index, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"`":
            quote, start = character, index
    span = Span(start, len(text)) if quote else None
    what = "a quotation" if quote else "a quotation, a bracket or a comment"
    return Complaint("sql", f"{what} is never closed", "close every quotation mark, and double one inside a text", span)


def unparsed(text: str, error: ParseError) -> Complaint:
    """The complaint about a text that sqlglot cannot parse, where it gave up."""
    first = error.errors[0] if error.errors else {}
    highlight = str(first.get("highlight") or "")
    # sqlglot gives the line and column where the offending token ends.
    lines = text.splitlines(keepends=True) or [""]
    line, column = int(first.get("line") or 1), int(first.get("col") or 1)
    end = min(sum(map(len, lines[: line - 1])) + column, len(text))
    start = max(0, end - max(1, len(highlight)))
    described = str(first.get("description") or error).split("<Token")[0].split("<class")[0].strip().rstrip(".")
    hint = "write one SQL SELECT in SQLite's syntax, and nothing else"
    at_end = not text[end:].strip() and "SENTINEL" in str(error)
    if at_end:
        message = "the program ends too early"
    elif described.startswith("Required keyword"):
        message = "something is missing here"
    elif described.startswith("Invalid expression"):
        message = f"unexpected {highlight!r}" if highlight else "unexpected text"
        hint = _INSTEAD.get(highlight.upper(), hint)
    elif described.startswith("Expecting "):
        message = f"{described.removeprefix('Expecting ')!r} should stand before this"
        hint = "close what is open before it; a name of several words is put in back-ticks"
    elif numbers := re.match(r"The number of provided arguments \((\d+)\).*\((\d+)\)", described):
        message = f"a function is given {numbers[1]} arguments, and takes {numbers[2]} at most"
    else:
        message = described[:1].lower() + described[1:]
    return Complaint("sql", message, hint, Span(start, end))
