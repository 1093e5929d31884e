"""Runs the example notebooks, and keeps what the embedded model says and what they show.

Run it by hand, ``python tests/record_examples.py``, when prompts, views or the notebooks have changed. Replies that
were recorded are used again; the model is asked for the others only, about half a minute a question. Remove
``examples/replies.jsonl`` first to ask for all of them. Outputs that differ in seconds and identifiers alone stay as
they are.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.notebooks import EXAMPLES, NOTEBOOKS, copied, run, shown

RECORDING = Path(__file__).parent / "support" / "recording.py"


def main() -> None:
    """Record the replies, then run the notebooks with these alone, as a reader does."""
    with tempfile.TemporaryDirectory() as folder:
        record(copied(Path(folder)))
    with tempfile.TemporaryDirectory() as folder:
        examples = copied(Path(folder))
        for path in NOTEBOOKS:
            write(path, run(examples / path.name))


def record(examples: Path) -> None:
    """Write the replies that the notebooks in a copy of the examples need, asking the embedded model for new ones."""
    (examples / "recorded.py").rename(examples / "replayed.py")
    shutil.copy(RECORDING, examples / "recorded.py")
    replies, used = EXAMPLES / "replies.jsonl", examples / "used.jsonl"
    kept = lines(replies)
    try:
        for path in NOTEBOOKS:
            print(f"{path.name}: asking for what was not recorded", flush=True)
            run(examples / path.name, seconds=3600)
        kept = {}
    finally:  # what was answered before a failure is kept, and what no notebook asks for is dropped after none
        replies.write_text("".join(sorted(kept | lines(used))), encoding="utf-8")


def lines(path: Path) -> dict[str, None]:
    """The lines of a file, each once; none where there is no file."""
    return dict.fromkeys(path.read_text(encoding="utf-8").splitlines(keepends=True)) if path.exists() else {}


def write(path: Path, new: Any) -> None:
    """Write a notebook that was run; cells that show the same keep their old outputs."""
    before = {cell.id: cell for cell in nbformat.read(path, as_version=4).cells}
    for number, cell in enumerate((cell for cell in new.cells if cell.cell_type == "code"), 1):
        cell.metadata.pop("execution", None)
        if shown(cell) == shown(before[cell.id]):
            cell.outputs = before[cell.id].outputs
        cell.execution_count = number
    nbformat.write(new, path)
    print(f"{path.name}: written", flush=True)


if __name__ == "__main__":
    main()
