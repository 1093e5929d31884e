"""Text to a checked program, or every complaint at once: a tuple of rules and a loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from grammars import blocks, kinds, names, safety
from grammars.dialect import translate
from grammars.errors import Complaint
from grammars.program import Program
from grammars.schema import Schema
from grammars.sql import Unparsable, parse
from grammars.tidy import holds_query, tidy

Rule = Callable[[Program, Schema], "Program | tuple[Complaint, ...]"]

RULES: tuple[Rule, ...] = (names.resolve, safety.allow, kinds.infer)


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
    refused = _other_statement(source, schema)
    if refused is not None:
        return Checked(source, None, (refused,))
    text, mends = tidy(source, lambda candidate: _parses(candidate, schema))
    try:
        tree = parse(text, schema)
    except Unparsable as error:
        return Checked(text, None, (_no_program(source) or error.complaint,))
    program = Program(source, text, tree, mends)
    complaints: list[Complaint] = []
    for rule in RULES:
        outcome = rule(program, schema)
        if isinstance(outcome, Program):
            program = outcome
        else:
            complaints.extend(outcome)
    if complaints:
        return Checked(text, None, tuple(sorted(complaints, key=lambda one: one.span.start if one.span else -1)))
    explicit = blocks.make_explicit(program.tree, schema)
    if isinstance(explicit, Complaint):
        return Checked(text, None, (explicit,))
    return Checked(text, replace(program, translated=translate(explicit, schema)))


def _other_statement(source: str, schema: Schema) -> Complaint | None:
    """The complaint about SQL that is another statement than a query: it is refused, and no query looked for in it."""
    try:
        parse(source, schema)
    except Unparsable as error:
        return error.complaint if error.statement else None
    return None


def _parses(text: str, schema: Schema) -> bool:
    try:
        parse(text, schema)
    except Unparsable:
        return False
    return True


def _no_program(source: str) -> Complaint | None:
    """The complaint about a text that holds no query at all."""
    if holds_query(source):
        return None
    shown = " ".join(source.split())
    shown = shown[:60] + "…" if len(shown) > 60 else shown
    message = f"there is no program in {shown!r}" if shown else "the reply is empty"
    return Complaint("tidy", message, "write one SELECT, or one QA(…), and nothing else")
