"""A checked program: its text, its tree, and what each of its LM calls must return."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from grammars.calls import Call, Spelling, find_calls, print_program


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

    def __str__(self) -> str:
        return self.sql()
