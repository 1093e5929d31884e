"""python_tidy: find the program in what an LM wrote: out of its fence, out of the prose around it.

A text that parses is left as it is. Otherwise each mend is tried alone, then all of them together in order, and the
first text that parses is taken.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator

from grammars.errors import Complaint

_FENCE = re.compile(r"```[\w-]*[ \t]*\n?(.*?)(?:```|\Z)", re.DOTALL)
_START = re.compile(
    r"(?:def |import |from \w+ import |print\(|return\b|for |if |@|#|[A-Za-z_][\w.\[\]\"' ]*\s*=[^=]|qa_\w+\(|QA\()"
)
_TYPOGRAPHIC = str.maketrans({"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "‚": "'", "\u00a0": " "})
_SQL_CALL = re.compile(r"""(\bQA\s*\(\s*(?:"[^"\n]*"|'[^'\n]*')\s*);""")
_UNQUOTED = re.compile(r"(\bQA\s*\(\s*)((?:map|ans)\s*@[^;\"()\n]*)(?=;|\))")

Mend = Callable[[str], Iterator[str]]


def tidy_python(text: str, parses: Callable[[str], bool]) -> tuple[str, tuple[str, ...]]:
    """The program in a text, and what was mended to reach it.

    Args:
        text: What the LM or the user wrote.
        parses: Whether a text can be read.

    Returns:
        The text to read and the names of the mends; where no mend makes it readable, what is inside its fence.

    Example:
        >>> tidy_python("Sure:\\n```python\\nx = 1\\n```", lambda text: text == "x = 1")
        ('x = 1', ('unwrapped from a code fence',))
    """
    plain = _plain(text)
    if parses(plain):
        return plain, ()
    for candidate, mends in _candidates(plain):
        if parses(candidate):
            return candidate, mends
    return next(unfence(plain), plain), ()


def _plain(text: str) -> str:
    """A text without what never means anything: its byte order mark, its ends of line, the indent of all of it."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return textwrap.dedent(text.strip("\n")).strip()


def _candidates(text: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    for name, mend in MENDS:
        yield from ((mended, (name,)) for mended in mend(text))
    notes: tuple[str, ...] = ()
    for name, mend in MENDS:
        for mended in mend(text):
            yield mended, (*notes, name)
        if (first := next(mend(text), text)) != text:
            text, notes = first, (*notes, name)


def no_program(text: str) -> Complaint | None:
    """The complaint about a text that holds nothing like a program, or None."""
    if not text.strip() or any(_START.match(line) for line in text.split("\n")) or re.search(r"[(\[=]", text):
        return None
    shown = " ".join(text.split())
    shown = shown[:60] + "…" if len(shown) > 60 else shown
    return Complaint("tidy", f"there is no program in {shown!r}", "write one function `def solve(table):`")


def unfence(text: str) -> Iterator[str]:
    """What is inside the code fences: those that define ``solve``, if any does."""
    blocks = [block for block in map(_plain, _FENCE.findall(text)) if block]
    yield from [block for block in blocks if "def solve" in block] or blocks


def cut_prose(text: str) -> Iterator[str]:
    """The text from a line that begins like a program on, up to the prose that follows it."""
    lines = text.split("\n")
    starts = [number for number, line in enumerate(lines) if _START.match(line)]
    blanks = [number for number, line in enumerate(lines) if not line.strip()]
    for start in starts[:8]:
        for end in (len(lines), *reversed(blanks[-12:])):
            if start < end and all(map(_is_prose, (*lines[:start], *lines[end:]))):
                yield "\n".join(lines[start:end]).strip("\n")


def _is_prose(line: str) -> bool:
    """Whether a line may be left out: a sentence, a heading or nothing, but no part of a program."""
    return line.startswith("#") or not (_START.match(line.strip()) or line.startswith((" ", "\t")))


def straighten_quotes(text: str) -> Iterator[str]:
    """Typographic quotation marks become plain ones."""
    yield text.translate(_TYPOGRAPHIC)


def sql_calls(text: str) -> Iterator[str]:
    """``QA("map@…"; column)``, as SQL has it, gets a comma; a question without quotation marks gets them."""
    quoted = _UNQUOTED.sub(lambda found: f'{found[1]}"{found[2].strip()}"', text)
    yield _SQL_CALL.sub(r"\1,", quoted)


MENDS: tuple[tuple[str, Mend], ...] = (
    ("unwrapped from a code fence", unfence),
    ("cut from the prose around it", cut_prose),
    ("typographic quotation marks straightened", straighten_quotes),
    ("an LM call's semicolon read as a comma", sql_calls),
)
