"""Python text to a tree, and from a node of the tree back to its place in the text.

What cannot be read gives one complaint, whatever is wrong with it: no text makes this raise anything else.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from grammars.errors import Complaint, Span
from grammars.python_tree import parse

LONGEST = 20_000  # characters
DEEPEST = 100  # nodes on the way from the module to an expression; a long chain of operators or methods counts too
_HINT = "write one function `def solve(table):` that returns the answer, and nothing else"
_ODD = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class Unreadable(Exception):
    """The text is no Python.

    Attributes:
        complaint: Why.
    """

    def __init__(self, complaint: Complaint) -> None:
        super().__init__(complaint.message)
        self.complaint = complaint


@dataclass(frozen=True)
class Read:
    """A text and its tree."""

    text: str
    tree: ast.Module

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        """The node that holds each node."""
        return {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """Every node, in the order of the text."""
        return tuple(_in_order(self.tree))

    @cached_property
    def _lines(self) -> list[tuple[int, bytes | None]]:
        """Where each line starts, and its bytes where they are not one a character."""
        found, start = [], 0
        for line in self.text.split("\n"):
            found.append((start, None if line.isascii() else line.encode()))
            start += len(line) + 1
        return found

    def offset(self, line: int, column: int) -> int:
        """The offset of a place as the tree gives it: a line from 1, and a column in bytes."""
        start, encoded = self._lines[min(line, len(self._lines)) - 1]
        return start + (column if encoded is None else len(encoded[:column].decode(errors="replace")))

    def span(self, node: ast.AST) -> Span | None:
        """Where a node stands, or None for one without a place of its own."""
        line, end_line = getattr(node, "lineno", None), getattr(node, "end_lineno", None)
        if line is None or end_line is None:
            return None
        return Span(self.offset(line, node.col_offset), self.offset(end_line, node.end_col_offset))  # type: ignore[attr-defined]

    def segment(self, node: ast.AST) -> str:
        """The text of a node."""
        span = self.span(node)
        return self.text[span.start : span.end] if span else ""

    def around(self, node: ast.AST) -> Iterator[ast.AST]:
        """The nodes that hold a node, the nearest first."""
        while (held := self.parents.get(node)) is not None:
            yield held
            node = held


def _in_order(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _in_order(child)


def read(text: str) -> Read:
    """The tree of a program's text.

    Raises:
        Unreadable: The text is too long, nested too deeply, or no Python.

    Example:
        >>> read("return (").tree
        Traceback (most recent call last):
        ...
        grammars.python_read.Unreadable: '(' was never closed
    """
    if not text.strip():
        raise _refused("there is no program, only an empty text")
    if len(text) > LONGEST:
        raise _refused(
            f"the program has {len(text):,} characters, and {LONGEST:,} is the most", "write a shorter program"
        )
    if odd := _ODD.search(text):
        message = f"the character {odd.group()!a} cannot stand in a program"
        raise _refused(message, "leave it out, or write it as an escape in a text", Span(odd.start(), odd.end()))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a backslash in a plain text, say
            tree = parse(text)
    except SyntaxError as error:
        raise Unreadable(_complaint(text, error)) from None
    except (RecursionError, MemoryError):
        raise _too_deep() from None
    except ValueError as error:
        raise _refused(str(error)) from None
    if _depth(tree) > DEEPEST:
        raise _too_deep()
    return Read(text, tree)


def compiles(text: str) -> Complaint | None:
    """The complaint about a text that can be read and yet is no program, such as ``break`` outside a loop, or None.

    Example:
        >>> compiles("break").message
        "'break' outside loop"
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, "<program>", "exec")
    except SyntaxError as error:
        return _complaint(text, error)
    except (RecursionError, MemoryError, ValueError):
        return _too_deep().complaint
    return None


def _refused(message: str, hint: str = _HINT, span: Span | None = None) -> Unreadable:
    return Unreadable(Complaint("python", message, hint, span))


def _too_deep() -> Unreadable:
    return _refused("the program is nested too deeply", "write a shorter program, step by step")


def _depth(tree: ast.AST) -> int:
    """How many nodes the deepest one is inside of."""
    deepest, level = 0, [tree]
    while level:
        deepest += 1
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    return deepest


def _complaint(text: str, error: SyntaxError) -> Complaint:
    """Python's own words, at the place it gives."""
    lines = text.split("\n")
    number = min(max(error.lineno or 1, 1), len(lines))
    column = min(max((error.offset or 1) - 1, 0), len(lines[number - 1]))
    start = sum(len(line) + 1 for line in lines[: number - 1]) + column
    end = start + 1
    if error.end_lineno == error.lineno and error.end_offset and error.end_offset - 1 > column:
        end = start + error.end_offset - 1 - column
    message = str(error.msg).partition(" (<")[0].split("; use sys.")[0]
    message = message[:1].lower() + message[1:]
    return Complaint("python", message, _HINT, Span(start, end))
