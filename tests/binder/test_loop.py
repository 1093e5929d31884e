"""The event loop in a thread of its own: who may not wait for it, and what is said then."""

from __future__ import annotations

import subprocess
import sys

import pandas
import pytest

from binder.engine import Binder
from binder.errors import ConfigurationError
from binder.lm.base import Request
from binder.lm.scripted import Scripted
from binder.table import Table


def towns() -> Table:
    return Table.from_pandas(pandas.DataFrame({"name": ["Bern", "Nara"]}))


def test_a_model_that_asks_for_an_answer_while_it_is_asked_is_told_so() -> None:
    table = towns()

    async def model(request: Request) -> str:
        return str(engine.ask("how many are there?", table))

    with Binder(lm=Scripted(model), cache=False) as engine, pytest.raises(ConfigurationError, match="wait for itself"):
        engine.ask("how many?", table, deadline=10)


FORKED = """
import os
import pandas
from binder import Binder, BinderError, Table

table = Table.from_pandas(pandas.DataFrame({"n": [1, 2]}))
engine = Binder()
engine.run("SELECT COUNT(*) FROM w", table)
if not os.fork():
    for program in ("SELECT COUNT(*) FROM w", "SELECT MAX(n) FROM w"):  # one that is known, and another
        try:
            print(engine.run(program, table).values, flush=True)
        except BinderError as error:
            print(error, flush=True)
    os._exit(0)
os.wait()
engine.close()
"""


def test_a_forked_process_is_told_that_it_has_no_threads() -> None:
    ended = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, timeout=60)
    told = "this process was forked from one in which binder had begun to work, and has none of its threads; "
    assert [line.startswith(told) for line in ended.stdout.splitlines()] == [True, True], ended.stdout + ended.stderr
