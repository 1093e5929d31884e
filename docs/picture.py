"""Draw what a command printed as a terminal, in SVG: ``make picture`` draws the README's picture with it.

It reads the output on standard input, and the command, to be shown above it, is its argument.
"""

from __future__ import annotations

import re
import sys
from io import StringIO

from rich.console import Console
from rich.highlighter import RegexHighlighter
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text
from rich.theme import Theme

STYLES = {
    "shown.prompt": "bold green",
    "shown.label": "bold cyan",
    "shown.answer": "bold bright_white",
    "shown.keyword": "magenta",
    "shown.call": "bold yellow",
    "shown.yes": "bold green",
    "shown.no": "bright_black",
    "shown.note": "bright_black",
}


class Answers(RegexHighlighter):
    """What stands where in a printed answer."""

    base_style = "shown."
    highlights = (
        r"^(?P<prompt>\$) ",
        r"^(?P<label>program|mended|step \d+|vote|cut|answer|rows|cost)\b",
        r"^answer {4}(?P<answer>.*)$",
        r"\b(?P<keyword>SELECT|FROM|AS|WHERE|AND|OR|ORDER BY|LIMIT|COUNT)\b",
        r'(?P<call>QA\(".*?\))',
        r"-> (?P<yes>yes)$",
        r"(?P<no>^ {12}.* -> no)$",
        r"(?P<note> {2}\((?:yes/no|text|number|date|ordered);.*\))$",
        r"^cost(?P<note>.*)$",
    )


def draw(command: str, output: str) -> str:
    """The picture as SVG that needs nothing from elsewhere."""
    lines = [f"$ {command}", "", *output.rstrip().splitlines()]
    console = Console(
        record=True, file=StringIO(), width=max(map(len, lines)) + 1, theme=Theme(STYLES), force_terminal=True
    )
    for line in lines:
        console.print(Answers()(Text(line)), soft_wrap=True)
    picture = console.export_svg(title="binder", theme=DIMMED_MONOKAI, unique_id="answer")
    fonts = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)  # Rich names a font on the web
    return fonts.sub("", picture).replace("Fira Code", "ui-monospace, Menlo, Consolas, DejaVu Sans Mono")


if __name__ == "__main__":
    print(draw(sys.argv[1], sys.stdin.read()))
