"""size: a program is so long and no longer, so that it is checked in about a second.

What a check takes grows with the program, and for LM calls with the square of their number, since each is asked about
the rows that the ones before it leave. Nothing can interrupt it, so what would take long is refused first.
"""

from __future__ import annotations

from grammars.calls import is_call
from grammars.errors import Complaint
from grammars.program import Program
from grammars.schema import Schema

CHARACTERS = 100_000
WORDS = 10_000
CALLS = 60

_SHORTER = "write a shorter program; what is in a long list of values belongs in a table of its own"


def text_too_long(text: str) -> Complaint | None:
    """The complaint about a text of too many characters.

    Example:
        >>> text_too_long("SELECT 1") is None
        True
    """
    if len(text) <= CHARACTERS:
        return None
    return Complaint("size", f"the text has {len(text):,} characters, and a program {CHARACTERS:,} at most", _SHORTER)


def too_many_words(count: int) -> Complaint | None:
    """The complaint about a program of too many words, literals and signs."""
    if count <= WORDS:
        return None
    return Complaint("size", f"the program has {count:,} words and signs, and may have {WORDS:,} at most", _SHORTER)


def few_calls(program: Program, schema: Schema) -> Program | tuple[Complaint, ...]:
    """The program, if it holds no more LM calls than can be planned."""
    count = sum(map(is_call, program.tree.walk()))
    if count <= CALLS:
        return program
    message = f"there are {count:,} LM calls, and a program may hold {CALLS}"
    return (Complaint("size", message, "ask for several things in one question, or in several programs"),)
