"""Text to a checked program, or every complaint at once: a tuple of rules and a loop."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from grammars import arity, blocks, growth, kinds, names, safety, size, withs
from grammars.dialect import translate
from grammars.errors import Complaint, Span
from grammars.program import Program
from grammars.schema import Schema
from grammars.sql import Parsed, Unparsable, parse
from grammars.tidy import QUOTED, holds_query, quote_headers, tidy

Rule = Callable[[Program, Schema], "Program | tuple[Complaint, ...]"]

_log = logging.getLogger(__name__)

_HALF = re.compile(r"[\ud800-\udfff]")

TOO_DEEP = Complaint("check", "the program is nested too deeply", "write a shorter program")

RULES: tuple[Rule, ...] = (
    size.few_calls,
    size.few_outputs,
    withs.name_apart,
    names.resolve,
    safety.allow,
    arity.count,
    growth.bound,
    kinds.infer,
)


@dataclass(frozen=True)
class Checked:
    """The outcome of a check.

    Attributes:
        text: The program found in what was given; complaints point into it.
        program: The checked program, or None when there are complaints.
        complaints: What is wrong, in the order of the text.
    """

    text: str
    program: Program | None
    complaints: tuple[Complaint, ...] = ()


def check(source: str, schema: Schema) -> Checked:
    """Check what an LM or a user wrote against a schema.

    Args:
        source: The text, with whatever surrounds the program.
        schema: The tables it may use.

    Returns:
        A checked program, or the complaints of every rule.

    Example:
        >>> check("DROP TABLE w", Schema(())).complaints[0].message
        'DROP is not a query'
    """
    try:
        return _check(source, schema)
    except RecursionError:
        told = TOO_DEEP
    except (ValueError, AttributeError, LookupError, TypeError) as error:  # of sqlglot's, for what it half knows
        _log.warning("a program could not be checked", exc_info=True)
        told = Complaint("check", f"the program cannot be read ({type(error).__name__})", "write it another way")
    return Checked(source, None, (told,))


def _check(source: str, schema: Schema) -> Checked:
    if half := _HALF.search(source):
        shown = _HALF.sub("\ufffd", source)  # what an error shows must be printable
        message = "half a character stands here (a lone surrogate), which no table holds"
        told = Complaint("tidy", message, "write the text anew, or read it as UTF-8", Span(*half.span()))
        return Checked(shown, None, (told,))
    if too_long := size.text_too_long(source):
        return Checked(source, None, (too_long,))
    read = _Reader(schema)
    first = read(source.strip())
    if isinstance(first, Unparsable) and first.statement:
        # SQL, but another statement than a query: no query is looked for in it.
        return Checked(source, None, (first.complaint,))
    headers = [column.name for table in schema for column in table.columns if not column.name.isidentifier()]
    text, mends = tidy(source, lambda candidate: not isinstance(read(candidate), Unparsable), headers)
    parsed = read(text)
    if isinstance(parsed, Unparsable):
        return Checked(text, None, (_no_program(source) or parsed.complaint,))
    program = Program(source, text, parsed.tree, (*mends, *parsed.mends))
    complaints: list[Complaint] = []
    for rule in RULES:
        outcome = rule(program, schema)
        if isinstance(outcome, Program):
            program = outcome
        else:
            complaints.extend(outcome)
    if complaints:
        # A header such as "height (m)" parses without its quotation marks, as something else.
        quoted = quote_headers(text, headers)
        again = check(quoted, schema).program if quoted != text else None
        if again is not None:
            return Checked(quoted, replace(again, source=source, mends=(*mends, QUOTED, *again.mends)))
        return Checked(text, None, tuple(sorted(complaints, key=lambda one: one.span.start if one.span else -1)))
    explicit = blocks.make_explicit(program.tree, schema)
    if isinstance(explicit, Complaint):
        return Checked(text, None, (explicit,))
    return Checked(text, replace(program, translated=translate(explicit, schema)))


class _Reader:
    """Parses texts against a schema, each once."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._read: dict[str, Parsed | Unparsable] = {}

    def __call__(self, text: str) -> Parsed | Unparsable:
        """The tree of a text, or why there is none."""
        if text not in self._read:
            try:
                self._read[text] = parse(text, self._schema)
            except Unparsable as error:
                self._read[text] = error
        return self._read[text]


def _no_program(source: str) -> Complaint | None:
    """The complaint about a text that holds no query at all."""
    if holds_query(source):
        return None
    shown = " ".join(source.split())
    shown = shown[:60] + "…" if len(shown) > 60 else shown
    message = f"there is no program in {shown!r}" if shown else "there is no program, only an empty text"
    return Complaint("tidy", message, "write one SELECT, or one QA(…), and nothing else")
