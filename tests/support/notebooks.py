"""The example notebooks: running them from top to bottom, and what of their outputs must be the same each time."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

import binder

EXAMPLES = Path(__file__).parents[2] / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))
COMMAND = "python tests/record_examples.py"

# Seconds, and the identifiers of views, differ from run to run.
_PASSING = re.compile(r"\bbinder-[0-9a-f]{6}-\d+\b|\b\d+(\.\d+)? ?s\b")


def run(path: Path, seconds: int = 60) -> Any:
    """A notebook, run in its folder by a kernel that finds the packages which are tested.

    Raises:
        CellExecutionError: A cell fails; it holds the cell and the error.
    """
    notebook = nbformat.read(path, as_version=4)
    places = [str(Path(binder.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    found = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, places)), "BINDER_CACHE": "off"}
    client = NotebookClient(
        notebook,
        timeout=seconds,
        kernel_name="python3",
        coalesce_streams=True,  # what is printed comes in parts, by chance
        resources={"metadata": {"path": str(path.parent)}},
    )
    client.execute(env=found)
    return notebook


def copied(folder: Path) -> Path:
    """A copy of the examples in a folder, without what runs left there."""
    return Path(shutil.copytree(EXAMPLES, folder / "examples", ignore=shutil.ignore_patterns("runs", "__pycache__")))


def shown(cell: Any) -> list[str]:
    """What a reader sees below a cell, without what differs from run to run."""
    return [_PASSING.sub("…", part) for output in cell.get("outputs", ()) for part in _parts(output)]


def _parts(output: Any) -> list[str]:
    """The texts of an output; of several forms of one thing the best."""
    if output.output_type == "stream":
        return [output.text]
    if output.output_type == "error":
        return [f"{output.ename}: {output.evalue}"]
    return [output.data.get("text/html") or output.data.get("text/plain", "")]
