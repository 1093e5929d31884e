"""render: a table as a prompt shows it.

A small table is shown whole, a large one by its header, its first rows, and the rows and values nearest to the
question. Each row is one line, so no cell can pass for anything but a cell: line breaks, control characters and bars
in cells are escaped. A long cell is cut where ``…`` stands, and so stands for a cell that speaks to the model, for it
might have another program written. What was left out is said in the prompt and returned.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, field
from operator import add
from typing import TYPE_CHECKING

from binder import nearest
from binder.suspect import FEW, speaks
from grammars.bare_names import stands_bare
from grammars.language import Language
from grammars.schema import Kind

if TYPE_CHECKING:
    from binder.table import Table
    from exemplars.exemplar import ExampleTable
    from grammars.schema import Column

Row = tuple[int, Sequence[str | None]]

PANDAS = {
    Kind.INTEGER: "int64",
    Kind.DECIMAL: "float64",
    Kind.NUMBER: "float64",
    Kind.DATE: "datetime64",
    Kind.TIME: "datetime.time",
    Kind.TIMESTAMP: "datetime64",
    Kind.DURATION: "timedelta64",
    Kind.BOOLEAN: "bool",
    Kind.TEXT: "str",
}
"""What a column's cells are in a data frame; those with missing cells may be wider."""

WIDTHS = (120, 40)
HEAD = 3
NEAR = 6


@dataclass(frozen=True)
class Cuts:
    """What a prompt leaves out so as to fit.

    Attributes:
        rows: Rows not shown.
        columns: Columns not named.
        cells: Cells shown in part.
        shots: Worked examples left out.
    """

    rows: int = 0
    columns: int = 0
    cells: int = 0
    shots: int = 0

    def __add__(self, other: Cuts) -> Cuts:
        return Cuts(*map(add, astuple(self), astuple(other)))

    def __bool__(self) -> bool:
        return self != Cuts()

    def __str__(self) -> str:
        """Such as ``12 rows, 1 cell in part``; ``nothing`` when nothing was cut."""
        counts = ((self.rows, "row"), (self.columns, "column"), (self.cells, "long cell"), (self.shots, "shot"))
        return ", ".join(f"{n:,} {what}{'s' * (n != 1)}" for n, what in counts if n) or "nothing"


@dataclass(frozen=True)
class Rendering:
    """A table's text for a prompt, and what the text leaves out."""

    text: str
    cuts: Cuts = field(default_factory=Cuts)


def render_table(
    table: Table,
    question: str,
    *,
    max_chars: int = 4000,
    max_rows: int = 60,
    name: str | None = None,
    language: Language = Language.SQL,
) -> Rendering:
    """A table as a prompt about a question shows it.

    Args:
        table: The table.
        question: What the shown rows and values of a large table should be near to.
        max_chars: How long the text may get; the header and one row are shown even if they are longer.
        max_rows: A table of more rows is not shown whole.
        name: What programs call it, when not by its own name.
        language: What the programs are written in, which tells how they spell the columns' names.

    Returns:
        The text, and what it leaves out.
    """
    columns = _fit_columns(table.columns, question, max_chars // 2)
    head = _heading(name or table.name, table.title, columns, language)
    omitted = Cuts(columns=len(table.columns) - len(columns))
    if table.num_rows <= max_rows:
        rows, hidden = _without_speech(nearest.rows(table, columns, range(table.num_rows)))
        for width in WIDTHS:
            whole = _lines(rows, width)
            if _length(head + whole.lines) <= max_chars:
                return Rendering("\n".join(head + whole.lines), omitted + Cuts(cells=whole.cut + hidden))
    return _part(table, columns, question, head, max_chars, omitted, language)


def render_example(table: ExampleTable, name: str | None = None, language: Language = Language.SQL) -> str:
    """The table of a worked example, whole, in the same form."""
    from grammars.schema import Column

    columns = [Column(name, kind, "") for name, kind in zip(table.header, table.kinds, strict=True)]
    body = _lines(list(enumerate(table.rows)), WIDTHS[0])
    return "\n".join(_heading(name or table.name, table.title, columns, language) + body.lines)


def escape(text: str, width: int | None = None) -> str:
    """A cell's text on one line: line breaks, other control characters and bars escaped, cut to a width with ``…``.

    Example:
        >>> escape("a|b\\nc")
        'a\\\\|b\\\\nc'
        >>> escape("Rothenburg", 6)
        'Rothe…'
    """
    if width is not None and len(text) > width:
        text = text[: width - 1] + "…"
    if text.isprintable() and "|" not in text:
        return text
    return "".join(_escape_character(character) for character in text)


def quoted(name: str, language: Language = Language.SQL) -> str:
    """A column's name as programs write it: in SQL in back-ticks unless it stands bare, in Python as a text.

    Example:
        >>> quoted("goals for"), quoted("select"), quoted("goals for", Language.PYTHON)
        ('`goals for`', '`select`', '"goals for"')
    """
    if language is Language.PYTHON:
        return json.dumps(name, ensure_ascii=False)
    return name if stands_bare(name) else "`" + name.replace("`", "``") + "`"


@dataclass(frozen=True)
class _Lines:
    lines: list[str]
    cut: int


def _part(
    table: Table,
    columns: Sequence[Column],
    question: str,
    head: list[str],
    max_chars: int,
    omitted: Cuts,
    language: Language,
) -> Rendering:
    """Header, first rows, then what is nearest to the question, as far as the text may go."""
    width = WIDTHS[-1]
    near = nearest.find(table, columns, question, NEAR)
    indexes = sorted({*range(min(HEAD, table.num_rows)), *near.rows})
    literals = [(name, _literals(values, language)) for name, values in near.values]
    hints = [f"In {quoted(name, language)}: {', '.join(shown)}" for name, shown in literals if shown]
    room = max_chars - _length(head + hints) - 60
    rows, hidden = _without_speech(nearest.rows(table, columns, indexes))
    shown = _lines(rows, width)
    kept: list[str] = []
    for line in shown.lines:
        if kept and _length([*kept, line]) > room:
            break
        kept.append(line)
    note = f"({table.num_rows:,} rows; the first and those nearest to the question:)"
    text = "\n".join([head[0], note, *head[1:], *kept, *hints])
    return Rendering(text, omitted + Cuts(rows=table.num_rows - len(kept), cells=shown.cut + hidden))


def _heading(name: str, title: str | None, columns: Sequence[Column], language: Language) -> list[str]:
    python = language is Language.PYTHON
    told = f": {escape(title, 200)}" if title and not speaks(title) else ""
    lines = [f"Table {quoted(name)}{told}"]
    described = [(quoted(column.name, language), column) for column in columns]
    lines += [f"{name}: {escape(column.description, 200)}" for name, column in described if column.description]
    typed = [f"{escape(name)}: {PANDAS[column.kind] if python else column.kind}" for name, column in described]
    return [*lines, " | ".join(["index" if python else "row_id", *typed])]


def _lines(rows: Iterable[Row], width: int) -> _Lines:
    lines, cut = [], 0
    for index, cells in rows:
        cut += sum(cell is not None and len(cell) > width for cell in cells)
        lines.append(" | ".join([str(index), *("" if cell is None else escape(cell, width) for cell in cells)]))
    return _Lines(lines, cut)


def _without_speech(rows: Iterable[Row]) -> tuple[list[Row], int]:
    """Rows with ``…`` for the cells that speak, and how many; columns that are about speech keep theirs."""
    rows = list(rows)
    told = [[cell is not None and speaks(cell) for cell in cells] for _, cells in rows]
    few = [sum(column) <= max(1, FEW * len(rows)) for column in zip(*told, strict=True)]
    hidden = [[one and rare for one, rare in zip(row, few, strict=True)] for row in told]
    shown: list[Row] = [
        (index, ["…" if hide else cell for cell, hide in zip(cells, hides, strict=True)])
        for (index, cells), hides in zip(rows, hidden, strict=True)
    ]
    return shown, sum(map(sum, hidden))


def _fit_columns(columns: Sequence[Column], question: str, max_chars: int) -> list[Column]:
    """All columns, or those that fit: first the ones that the question names, in the table's order."""
    words = set(re.findall(r"\w+", question.casefold()))
    order = sorted(columns, key=lambda column: not words & set(re.findall(r"\w+", column.name.casefold())))
    kept: set[str] = set()
    length = 0
    for column in order:
        length += len(column.name) + len(column.description) + 12
        if kept and length > max_chars:
            break
        kept.add(column.name)
    return [column for column in columns if column.name in kept]


def _literals(values: Iterable[str], language: Language) -> list[str]:
    """Texts as programs write them."""
    shown = [escape(value, WIDTHS[-1]) for value in values if not speaks(value)]
    if language is Language.PYTHON:
        return [quoted(value, language) for value in shown]
    return ["'" + value.replace("'", "''") + "'" for value in shown]


def _length(lines: Sequence[str]) -> int:
    return sum(map(len, lines)) + len(lines)


def _escape_character(character: str) -> str:
    if character == "|":
        return "\\|"
    if character == "\n":
        return "\\n"
    if character == " " or unicodedata.category(character)[0] not in "CZ":
        return character
    return " " if unicodedata.category(character) == "Zs" else f"\\u{ord(character):04x}"
