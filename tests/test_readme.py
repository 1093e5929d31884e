"""The README's and the docs' commands work: every ``console`` and ``python`` block is run, each on its own.

A block runs in a folder that holds a copy of ``examples/``. In a ``console`` block each ``$ `` line is a command, and
the lines below it are what it must print (``...`` stands for anything; no lines ask only that it succeeds). A block
that says ``local_lm`` after its language needs the embedded language model. Commands of ``make`` belong to the checkout
and would start or remake this very run: those of a ``local_lm`` block are carried out, the others must name targets.
"""

from __future__ import annotations

import doctest
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FENCE = re.compile(r"^```(?P<info>[^\n`]+)\n(?P<body>.*?)^```$", re.M | re.S)


@dataclass(frozen=True)
class Block:
    """One fenced block of a document."""

    place: str
    language: str
    marks: tuple[str, ...]
    body: str


def read_blocks(document: Path) -> list[Block]:
    """The blocks of a document that are to be run."""
    text = document.read_text(encoding="utf-8")
    blocks = []
    for match in FENCE.finditer(text):
        language, *marks = match["info"].split()
        line = text.count("\n", 0, match.start()) + 1
        blocks.append(Block(f"{document.name}:{line}", language, tuple(marks), match["body"]))
    return [block for block in blocks if block.language in {"console", "python"}]


def parameters() -> list[object]:
    """Every block of the README and the docs as a test parameter."""
    pages = sorted(page for page in (ROOT / "docs").rglob("*.md") if "_build" not in page.parts)
    documents = [ROOT / "README.md", *pages]
    blocks = [block for document in documents for block in read_blocks(document)]
    return [
        pytest.param(block, id=block.place, marks=[getattr(pytest.mark, mark) for mark in block.marks])
        for block in blocks
    ]


def read_commands(body: str) -> list[tuple[str, str]]:
    """Each command of a console block with what it must print.

    Example:
        >>> read_commands("$ echo a\\na\\n$ true\\n")
        [('echo a', 'a\\n'), ('true', '')]
    """
    parts = re.split(r"^\$ ", body, flags=re.M)[1:]
    return [(command, output) for command, _, output in (part.partition("\n") for part in parts)]


def run(command: list[str], folder: Path) -> str:
    """What a command printed; fails, with all it said, when it fails."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(command, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True)
    assert done.returncode == 0, f"{command} exited with {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder such as a reader would work in."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    return tmp_path


@pytest.mark.parametrize("block", parameters())
def test_block_runs(block: Block, folder: Path) -> None:
    if block.language == "python":
        run([sys.executable, "-c", block.body], folder)
        return
    commands = read_commands(block.body)
    assert commands, f"{block.place} has no line that begins with '$ '"
    for command, expected in commands:
        if command.startswith("make "):
            make = "make" if "local_lm" in block.marks else "make --dry-run"
            run(["bash", "-c", command.replace("make", make, 1)], ROOT)
            continue
        printed = run(["bash", "-c", command], folder)
        same = doctest.OutputChecker().check_output(expected, printed, doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
        assert not expected or same, f"{block.place}: {command} printed\n{printed}"
