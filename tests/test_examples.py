"""The example notebooks run from top to bottom, against recorded replies, and show what they were committed with."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

from tests.support.notebooks import COMMAND, NOTEBOOKS, copied, run, shown


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied(tmp_path_factory.mktemp("notebooks"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_shows_what_it_was_committed_with(path: Path, examples: Path) -> None:
    try:
        again = run(examples / path.name)
    except CellExecutionError as error:
        pytest.fail(f"{path.name} does not run; if prompts have changed, `{COMMAND}` records anew\n{error}")
    for kept, cell in zip(nbformat.read(path, as_version=4).cells, again.cells, strict=True):
        assert shown(cell) == shown(kept), f"{path.name} shows something else; `{COMMAND}` refreshes it:\n{cell.source}"


def test_what_was_not_recorded_is_refused_and_no_model_asked(examples: Path) -> None:
    empty = nbformat.v4.new_notebook()
    source = "import binder, recorded\nbinder.Binder(recorded.lm).ask('Who?', binder.Table.from_csv('peaks.csv'), n=1)"
    empty.cells = [nbformat.v4.new_code_cell(source)]
    nbformat.write(empty, examples / "unknown.ipynb")
    with pytest.raises(CellExecutionError, match=f"replies.jsonl holds no reply.*{COMMAND}"):
        run(examples / "unknown.ipynb")


def test_a_notebook_is_committed_as_it_was_run() -> None:
    assert len(NOTEBOOKS) == 3
    for path in NOTEBOOKS:
        cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
        assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1)), f"run `{COMMAND}`"
        assert sum(bool(shown(cell)) for cell in cells) > 5
