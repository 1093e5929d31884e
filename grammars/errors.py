"""Complaints: what is wrong with a program's text, where, and what to do about it.

The grammars return complaints and raise nothing; the engine raises them together as one ``ProgramError``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Span:
    """A stretch of the program's text, as offsets: ``text[start:end]``."""

    start: int
    end: int


@dataclass(frozen=True)
class Complaint:
    """One thing wrong with a program.

    Attributes:
        rule: The rule that found it, such as ``names``.
        message: What is wrong, in a sentence.
        hint: What to do instead, or an empty string.
        span: Where in the text, or None when it is about the whole program.
    """

    rule: str
    message: str
    hint: str = ""
    span: Span | None = None

    def render(self, text: str) -> str:
        """The complaint for a person or an LM: the message, the line with a caret under the spot, the hint.

        Example:
            >>> print(Complaint("names", "no column 'nme'", "did you mean `name`?", Span(7, 10)).render("SELECT nme"))
            line 1, column 8: no column 'nme'
              SELECT nme
                     ^^^
              hint: did you mean `name`?
        """
        lines = []
        if self.span is None:
            lines.append(self.message)
        else:
            number, column, line = locate(text, self.span.start)
            lines.append(f"line {number}, column {column}: {self.message}")
            width = max(1, min(self.span.end, self.span.start - (column - 1) + len(line)) - self.span.start)
            lines.append(f"  {line}")
            lines.append("  " + " " * (column - 1) + "^" * width)
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(lines)


def locate(text: str, offset: int) -> tuple[int, int, str]:
    """The 1-based line and column of an offset, and that line's text."""
    start = text.rfind("\n", 0, offset) + 1
    end = text.find("\n", offset)
    return text.count("\n", 0, offset) + 1, offset - start + 1, text[start : end if end >= 0 else len(text)]
