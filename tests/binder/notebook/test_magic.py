"""The magic, in a real kernel: cells that ask and run, complete, fail and are interrupted."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_core.utils import run_sync
from nbclient import NotebookClient

from binder.notebook import magic

ROOT = Path(__file__).parents[3]
SETUP = f"""
import sys; sys.path.insert(0, {str(ROOT)!r})
import json, os, signal, threading, time, pandas, binder
%load_ext binder
slow = threading.Event()
asked = []
def reply(request):
    if request.purpose == "draft":
        return "SELECT name FROM w WHERE QA(\\"map@is it in Asia?\\"; land) = 'yes'"
    asked.extend(request.inputs)
    if slow.is_set():
        time.sleep(0.2)
    said = ["yes" if cells[0] in ("Nepal", "Pakistan") else "no" for cells in request.inputs]
    return json.dumps(dict(enumerate(said, 1)))
binder_engine = binder.Binder(lm=binder.lm.Scripted(reply, identity="cells"), cache=binder.lm.Cache("said"))
peaks = binder.Table.from_pandas(pandas.DataFrame({{"name": ["K2", "Elbrus"], "land": ["Pakistan", "Russia"]}}))
many = pandas.DataFrame({{"name": [f"peak {{n}}" for n in range(1000)], "land": [f"land {{n}}" for n in range(1000)]}})
"""
AT_ONCE = 16
ONE_BY_ONE = f"""
binder_engine = binder.Binder(
    lm=binder.lm.Scripted(reply, identity="one by one", batch=1, concurrency={AT_ONCE}), cache=binder.lm.Cache("one")
)
asked.clear(); slow.set()
def interrupt():
    global interrupted
    while len(asked) <= {2 * AT_ONCE}:
        time.sleep(0.02)
    interrupted = time.monotonic()
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt).start()
"""
SLOW = "%%binder many -o answer\nSELECT COUNT(*) FROM w WHERE QA(\"map@is it in Asia?\"; land) = 'yes'"


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NotebookClient]:
    notebook = nbformat.v4.new_notebook()
    folder = tmp_path_factory.mktemp("notebook")
    client = NotebookClient(notebook, timeout=100, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
    with client.setup_kernel():
        run(client, SETUP)
        yield client


def run(client: NotebookClient, source: str) -> list[Any]:
    """The outputs of a cell."""
    cell = nbformat.v4.new_code_cell(source)
    client.nb.cells.append(cell)
    client.allow_errors = True
    client.execute_cell(cell, len(client.nb.cells) - 1)
    return list(cell.outputs)


def text(outputs: list[Any]) -> str:
    """What a person reads in outputs."""
    return "\n".join(str(one.get("text") or one.get("data", {}).get("text/html") or one) for one in outputs)


def test_a_cell_asks_a_question(kernel: NotebookClient) -> None:
    said = text(run(kernel, "%%binder peaks -n 1 -o answer\nwhich peaks are in Asia?"))
    assert "K2" in said and 'class="asks"' in said
    assert "('K2',)" in text(run(kernel, "print(answer.texts)"))


def test_a_cell_runs_a_program_over_a_data_frame(kernel: NotebookClient) -> None:
    assert ">1000<" in text(run(kernel, "%%binder many\nSELECT COUNT(*) FROM many"))


@pytest.mark.skipif(sys.platform != "linux", reason="the sandbox needs Linux's Landlock and seccomp")
def test_a_cell_runs_python(kernel: NotebookClient) -> None:
    assert ">2<" in text(run(kernel, "%%binder peaks\ndef solve(table):\n    return len(table)"))


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("%%binder peaks\nSELECT nmae_x FROM w", "<mark>nmae_x</mark>"),
        ("%%binder nothing\nSELECT 1", "nothing is no variable, and no file"),
        ("%%binder peaks --fly\nSELECT 1", "unrecognized arguments: --fly"),
        ("%%binder peaks\n\n", "the cell is empty"),
        ("%%binder\nSELECT 1", "the following arguments are required: table"),
        ("%%binder json\nSELECT 1", "json holds a module"),
        ('%%binder "w\nSELECT 1', "No closing quotation"),
    ],
)
def test_a_mistake_is_said_without_a_traceback(kernel: NotebookClient, cell: str, said: str) -> None:
    shown = text(run(kernel, cell))
    assert said in shown and "Traceback" not in shown


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        ("%%binder peaks\nSELECT na", "name"),
        ('%%binder peaks -o answer\nSELECT name FROM w WHERE QA("map@is it in Asia?"; la', "land"),
        ("%%binder peaks many\nSELECT name FROM peaks\nWHERE LA", "land"),
        ("%%binder seas.csv\nSELECT name FROM seas WHERE dep", "depth_m"),
    ],
)
def test_column_names_are_completed(kernel: NotebookClient, cell: str, name: str) -> None:
    assert kernel.kc is not None
    run(kernel, "import pathlib; pathlib.Path('seas.csv').write_text('name,depth_m\\nAral,42\\n')")
    kernel.kc.complete(cell, len(cell))
    found = run_sync(kernel.kc.get_shell_msg)(timeout=20)
    assert name in found["content"]["matches"]


def test_an_interrupt_in_1000_calls_keeps_what_was_answered_and_the_next_cell_answers_at_once(
    kernel: NotebookClient,
) -> None:
    run(kernel, ONE_BY_ONE)
    assert "KeyboardInterrupt" in text(run(kernel, SLOW))
    seconds = text(run(kernel, "slow.clear(); before = len(asked)\nprint(time.monotonic() - interrupted)"))
    assert float(seconds) < 5  # all that was not yet asked would take 12
    run(kernel, SLOW)
    before, after = map(int, text(run(kernel, "print(before, len(asked) - before)")).split())
    assert AT_ONCE < before < 1000
    assert 1000 - before <= after <= 1000 - before + 2 * AT_ONCE  # those under way are asked again


@pytest.mark.parametrize(
    ("cell", "program"),
    [
        ("SELECT name FROM w", True),
        ("  -- why\nselect 1", True),
        ("/* why */ SELECT name FROM w", True),
        ("(SELECT 1)", True),
        ("WITH t AS (SELECT 1) SELECT * FROM t", True),
        ("QA('ans@how many?'; name)", True),
        ("With which name is the value 5?", False),
        ("Within the table, which is the highest?", False),
        ("Without counting a, how many?", False),
        ("Select the names of the highest peaks", False),
        ("Select the 3 highest (in metres)", False),
        ("Which are in Asia?", False),
    ],
)
def test_a_program_is_told_from_a_question(cell: str, program: bool) -> None:
    assert bool(magic._PROGRAM.match(cell)) is program
