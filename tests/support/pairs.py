"""Text pairs: what goes in, and what must come out, in files that are read and edited by hand.

A file holds cases separated by a line ``---``; a case is its input, a line ``==>``, and its output. ``#`` begins a
comment line at the top of a case.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FIXTURES = Path(__file__).parents[1] / "fixtures"


@dataclass(frozen=True)
class Pair:
    """One case of a fixture file."""

    given: str
    wanted: str
    place: str

    def __str__(self) -> str:
        return self.place


def read_pairs(name: str) -> list[Pair]:
    """The cases of a fixture file, named by their line."""
    pairs, line = [], 1
    for case in (FIXTURES / name).read_text(encoding="utf-8").split("\n---\n"):
        given, _, wanted = case.partition("\n==>\n")
        lines = given.splitlines()
        while lines and lines[0].startswith("#"):
            lines.pop(0)
        pairs.append(Pair("\n".join(lines), wanted.rstrip("\n"), f"{name}:{line}"))
        line += case.count("\n") + 2
    return pairs
