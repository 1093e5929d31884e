"""A checked program: its text, its tree, and what each of its LM calls must return."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from grammars.calls import Call, Spelling, find_calls, print_program

if TYPE_CHECKING:
    from rich.text import Text


@dataclass(frozen=True)
class Program:
    """A Binder-SQL program.

    Attributes:
        source: What the LM or the user wrote.
        text: The program found in it; complaints point into this text.
        tree: Its tree, names mended, LM calls as ``QA_MAP`` and ``QA_ANS`` nodes. Not to be changed: copy it.
        mends: What was mended, in a sentence each, in order.
        translated: The tree as DuckDB runs it, calls still in place; None until every rule has passed.
    """

    source: str
    text: str
    tree: exp.Expr
    mends: tuple[str, ...] = ()
    translated: exp.Expr | None = None

    @property
    def language(self) -> str:
        """``sql``; a ``PythonProgram`` says ``python``."""
        return "sql"

    @property
    def calls(self) -> tuple[Call, ...]:
        """The LM calls, nested ones first, each occurrence once."""
        return tuple(find_calls(self.tree))

    def sql(self, spelling: Spelling = Spelling.QA) -> str:
        """The program as text, its names mended, its calls in the spelling asked for."""
        return print_program(self.tree, spelling)

    def edit(self, old: str, new: str) -> str:
        """The program's text with a part of it replaced, to be checked and run as a new one.

        Raises:
            ValueError: That part stands in it nowhere, or several times.
        """
        return replaced(str(self), old, new)

    def __str__(self) -> str:
        return self.sql()

    def __rich__(self) -> Text:
        from grammars.pieces import underlined

        return underlined(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))


def replaced(text: str, old: str, new: str) -> str:
    """A text with the one part that reads ``old`` replaced.

    Raises:
        ValueError: It stands in the text nowhere, or several times.

    Example:
        >>> replaced("SELECT name FROM w", "name", "height")
        'SELECT height FROM w'
    """
    times = text.count(old) if old else 0
    if times != 1:
        told = "give more of the text around it" if times else "copy it from the program's text"
        raise ValueError(f"{old!r} stands {times} times in the program; {told}")
    return text.replace(old, new)
