"""Python text to a checked program, or every complaint at once: mends, then rules, each a tuple and a loop.

A program is a function ``solve`` over pandas frames, with ``qa_map`` and ``qa_ans`` as its LM calls. A mend gives edits
of the text, which is read again; a rule gives complaints. All complaints point into the mended text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from grammars import (
    python_calls,
    python_conditions,
    python_growth,
    python_imports,
    python_kinds,
    python_modern,
    python_names,
    python_parameters,
    python_query,
    python_rows,
    python_safety,
    python_script,
    python_shadows,
)
from grammars.errors import Complaint
from grammars.python_edit import Edit, edited
from grammars.python_program import PythonCall, PythonProgram
from grammars.python_read import Read, Unreadable, compiles, read
from grammars.python_scope import Scope
from grammars.python_tidy import no_program, tidy_python
from grammars.schema import Schema

__all__ = ["CheckedPython", "PythonCall", "PythonProgram", "check_python"]

Mend = Callable[[Read, Scope, Schema], list[Edit]]
Rule = Callable[[Read, Scope, Schema], Iterator[Complaint]]

MENDS: tuple[Mend, ...] = (
    python_script.as_function,
    python_imports.unused,
    python_shadows.renamed,
    python_parameters.settle,
    python_modern.renewed,
    python_query.conditions,
    python_calls.mended,
    python_rows.as_dicts,
    python_conditions.compared,
    python_names.resolve,
)
RULES: tuple[Rule, ...] = (
    python_parameters.given,
    python_safety.allow,
    python_names.unknown,
    python_calls.complete,
    python_growth.bound,
)
_ROUNDS = 3  # of one mend: an edit may open the way for another inside it


@dataclass(frozen=True)
class CheckedPython:
    """The outcome of a check.

    Attributes:
        text: The program found in what was given, mended; complaints point into it.
        program: The checked program, or None when there are complaints.
        complaints: What is wrong, in the order of the text.
    """

    text: str
    program: PythonProgram | None
    complaints: tuple[Complaint, ...] = ()


def check_python(source: str, schema: Schema) -> CheckedPython:
    """Check what an LM or a user wrote against a schema.

    Args:
        source: The text, with whatever surrounds the program.
        schema: The tables it may use.

    Returns:
        A checked program, or the complaints of every rule.

    Example:
        >>> from grammars.schema import TableSchema
        >>> str(check_python("len(df)", Schema((TableSchema("w", ()),))).program)
        'def solve(df):\\n    return len(df)'
    """
    found, mends = tidy_python(source, _parses)
    try:
        program = read(found)
    except Unreadable as error:
        return CheckedPython(found, None, (no_program(found) or error.complaint,))
    for mend in MENDS:
        program, done = _mended(program, mend, schema)
        mends += done
    scope = Scope(program)
    complaints = [complaint for rule in RULES for complaint in rule(program, scope, schema)]
    if complaints:
        return CheckedPython(program.text, None, tuple(sorted(complaints, key=_place)))
    if (broken := compiles(program.text)) is not None:
        return CheckedPython(program.text, None, (broken,))
    calls = python_kinds.python_calls(program, scope, schema)
    tables = tuple(table.name for table in python_parameters.tables_of(program, schema).values())
    checked = PythonProgram(source, program.text, program.tree, tuple(dict.fromkeys(mends)), calls, tables)
    return CheckedPython(program.text, checked)


def _parses(text: str) -> bool:
    try:
        read(text)
    except Unreadable:
        return False
    return True


def _mended(program: Read, mend: Mend, schema: Schema) -> tuple[Read, tuple[str, ...]]:
    """A program after one mend, and what was done; as it was where the mend would leave it unreadable."""
    mends: tuple[str, ...] = ()
    for _ in range(_ROUNDS):
        text, done = edited(program.text, mend(program, Scope(program), schema))
        if text == program.text:
            break
        try:
            program = read(text.strip("\n").rstrip())
        except Unreadable:
            break
        mends += done
    return program, mends


def _place(complaint: Complaint) -> int:
    return complaint.span.start if complaint.span else -1
