"""exemplar: worked examples as plain data, whatever file they came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from grammars.reply import Expected
    from grammars.schema import Kind

Cells = tuple[str | None, ...]


@dataclass(frozen=True)
class ExampleTable:
    """A small table as its cells are spelled; an empty cell is None.

    Attributes:
        name: What programs write after FROM.
        title: What the table is about.
        header: The column names.
        kinds: What each column's cells are.
        rows: The cells, one tuple a row.
    """

    name: str
    title: str
    header: tuple[str, ...]
    kinds: tuple[Kind, ...]
    rows: tuple[Cells, ...]


@dataclass(frozen=True)
class ProgramExemplar:
    """A question over tables, and the program that answers it.

    Attributes:
        id: The file's name without its ending.
        question: A question, or a statement to check.
        tables: The tables it is asked of.
        program: The program's text, in SQL.
        answer: The values the program gives, as texts.
        replies: What an LM must reply for that: for ``map@question`` a mapping from input to reply (the inputs of
            several columns joined by `` | ``), for ``ans@question`` the reply.
        tags: What the example shows.
        python: The same program in Python, or None where a set has none.
    """

    id: str
    question: str
    tables: tuple[ExampleTable, ...]
    program: str
    answer: tuple[str, ...]
    replies: Mapping[str, Mapping[str, str] | str] = field(default_factory=dict)
    tags: frozenset[str] = frozenset()
    python: str | None = None

    def written_in(self, language: str) -> str | None:
        """The program in ``sql`` or ``python``, or None where there is none."""
        return self.python if language == "python" else self.program


@dataclass(frozen=True)
class MapExemplar:
    """One question about several inputs, each with its reply.

    Attributes:
        id: The file's name without its ending.
        question: What is asked of each input.
        expected: What each reply must be.
        columns: The columns that make an input.
        inputs: One tuple of cells an input.
        replies: One reply an input; None where it cannot be told.
        tags: What the example shows.
    """

    id: str
    question: str
    expected: Expected
    columns: tuple[str, ...]
    inputs: tuple[Cells, ...]
    replies: tuple[str | None, ...]
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Part:
    """One argument of an ans call: the rows it stands for.

    Attributes:
        header: The names of its columns.
        rows: The cells' own spelling, one tuple a row.
    """

    header: tuple[str, ...]
    rows: tuple[Cells, ...]


@dataclass(frozen=True)
class AnsExemplar:
    """One question about a whole input, and its reply.

    Attributes:
        id: The file's name without its ending.
        question: What is asked.
        expected: What the reply must be.
        parts: What it is asked about.
        replies: The reply; several only where ``expected.many``, none where it cannot be told.
        tags: What the example shows.
    """

    id: str
    question: str
    expected: Expected
    parts: tuple[Part, ...]
    replies: tuple[str, ...]
    tags: frozenset[str] = frozenset()
