"""A checked Python program: its text, its tree, and what each of its LM calls must return."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from grammars.program import replaced
from grammars.reply import Expected

if TYPE_CHECKING:
    from rich.text import Text


@dataclass(frozen=True)
class PythonCall:
    """One LM call of a program, as far as it can be read off the code.

    Attributes:
        per_row: True for ``qa_map``, False for ``qa_ans``.
        question: What it asks, or None where that is put together while the program runs.
        columns: The columns it is asked over, or None where they are not written down (all of them, or a variable).
        expected: What each value must be, from the places where it is used.
        line: The line it stands on, from 1.
    """

    per_row: bool
    question: str | None
    columns: tuple[str, ...] | None
    expected: Expected
    line: int


@dataclass(frozen=True)
class PythonProgram:
    """A Binder program in Python.

    Attributes:
        source: What the LM or the user wrote.
        text: The program found in it, mended; it defines ``solve``.
        tree: Its tree.
        mends: What was mended, in a sentence each, in order.
        calls: Its LM calls, in the order of the text.
        tables: The names of the tables it is given, in the order of ``solve``'s parameters.
    """

    language: ClassVar[str] = "python"

    source: str
    text: str
    tree: ast.Module
    mends: tuple[str, ...] = ()
    calls: tuple[PythonCall, ...] = ()
    tables: tuple[str, ...] = ()

    def edit(self, old: str, new: str) -> str:
        """The program's text with a part of it replaced, as ``Program.edit`` does.

        Raises:
            ValueError: That part stands in it nowhere, or several times.
        """
        return replaced(self.text, old, new)

    def __str__(self) -> str:
        return self.text

    def __rich__(self) -> Text:
        from grammars.pieces import underlined

        return underlined(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))
