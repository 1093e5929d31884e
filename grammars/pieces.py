"""pieces: a program's text cut where its LM calls begin and end, so that a view can mark each."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from grammars.calls import find_calls, is_call, print_program
from grammars.language import AnyProgram
from grammars.program import Program
from grammars.python import PythonProgram
from grammars.python_tree import parse

if TYPE_CHECKING:
    from rich.text import Text

# Private-use characters, so that no text of a program is taken for a mark.
_BEGIN, _END = "\ue002", "\ue003"
_MARKED = re.compile(f"{_BEGIN}(\\d+){_BEGIN}(.*?){_END}", re.DOTALL)
_NAMES = {"qa_map": True, "qa_ans": False}


@dataclass(frozen=True)
class Piece:
    """A stretch of a program's text.

    Attributes:
        text: The text.
        asks: Whether it is an LM call; a call inside another is part of its text.
        per_row: Whether that call is a map.
        question: What it asks; None where the program computes that.
    """

    text: str
    asks: bool = False
    per_row: bool = False
    question: str | None = None


def pieces(program: AnyProgram) -> tuple[Piece, ...]:
    """The text of a program in pieces; put together, they are ``str(program)``.

    Example:
        >>> from grammars.check import check
        >>> from grammars.schema import Column, Kind, Schema, TableSchema
        >>> schema = Schema((TableSchema("w", (Column("city", Kind.TEXT, "VARCHAR"),)),))
        >>> program = check("SELECT QA('map@in Asia?'; city) FROM w", schema).program
        >>> [(piece.text, piece.question) for piece in pieces(program)]
        [('SELECT ', None), ('QA("map@in Asia?"; city)', 'in Asia?'), (' FROM w', None)]
    """
    return _of_python(program) if isinstance(program, PythonProgram) else _of_sql(program)


def underlined(program: AnyProgram) -> Text:
    """The text of a program for ``rich.print``, its LM calls underlined; control characters are left out."""
    from rich.text import Text

    text = Text()
    for piece in pieces(program):
        shown = "".join(c for c in piece.text if c.isprintable() or c == "\n")
        text.append(shown, "underline" if piece.asks else "")
    return text


def _of_sql(program: Program) -> tuple[Piece, ...]:
    tree = program.tree.copy()
    outer = [call for call in find_calls(tree) if not _inside_another(call.node)]
    for number, call in enumerate(outer):
        call.node.meta["mark"] = number
    text = print_program(tree, mark=lambda node, printed: _marked(node.meta.get("mark"), printed))
    found: list[Piece] = []
    at = 0
    for marked in _MARKED.finditer(text):
        call = outer[int(marked[1])]
        found += [Piece(text[at : marked.start()]), Piece(marked[2], True, call.per_row, call.question)]
        at = marked.end()
    return tuple(piece for piece in (*found, Piece(text[at:])) if piece.text)


def _inside_another(node: object) -> bool:
    parent = getattr(node, "parent", None)
    while parent is not None:
        if is_call(parent):
            return True
        parent = parent.parent
    return False


def _marked(number: int | None, printed: str) -> str:
    return printed if number is None else f"{_BEGIN}{number}{_BEGIN}{printed}{_END}"


def _of_python(program: PythonProgram) -> tuple[Piece, ...]:
    lines = program.text.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))

    def offset(line: int, column: int) -> int:
        return starts[line - 1] + len(lines[line - 1].encode()[:column].decode(errors="ignore"))

    calls = [node for node in ast.walk(parse(program.text)) if isinstance(node, ast.Call)]
    spans = sorted(
        (offset(node.lineno, node.col_offset), -offset(node.end_lineno or 1, node.end_col_offset or 0), number)
        for number, node in enumerate(calls)
        if isinstance(node.func, ast.Name) and node.func.id in _NAMES
    )
    found: list[Piece] = []
    at = 0
    for start, end, number in spans:
        if start < at:
            continue  # inside the one before
        node = calls[number]
        asked = node.args[1] if len(node.args) > 1 else None
        question = asked.value if isinstance(asked, ast.Constant) and isinstance(asked.value, str) else None
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        found += [Piece(program.text[at:start]), Piece(program.text[start:-end], True, _NAMES[name], question)]
        at = -end
    return tuple(piece for piece in (*found, Piece(program.text[at:])) if piece.text)
