"""overhead: what everything but the language model takes of time and memory on a large table, beside DuckDB alone.

The measurement runs in a process of its own, so that no other one's memory is in it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from binder.lm.base import Request
from binder.lm.scripted import Scripted
from binder.table import Table
from evaluation.cases import EVEN, truth
from evaluation.timing import Stopwatch
from evaluation.trial import engine

if TYPE_CHECKING:
    import pyarrow

ROWS = 10_000_000
DISTINCT = 1_000
TIMES = 3

_PROGRAM = f"SELECT COUNT(*) FROM w WHERE QA(\"map@{EVEN}\"; c) = 'yes'"
_BY_HAND = "SELECT COUNT(*) FROM w JOIN said USING (c) WHERE said.value = 'yes'"


@dataclass(frozen=True)
class Overhead:
    """The best of several runs.

    Attributes:
        seconds: What a run took without the model, the table being loaded.
        duckdb: What DuckDB's SELECT DISTINCT and the final query written by hand take.
        loading: The seconds of loading the table into the engine's database.
        memory: The most bytes that loading and running added to the process, or None where that cannot be told.
        right: Whether the count is right.
    """

    seconds: float
    duckdb: float
    loading: float
    memory: int | None
    right: bool


def measure() -> Overhead:
    """Measure it in a new process."""
    places = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "evaluation.overhead", str(ROWS)]
    done = subprocess.run(command, env=places, check=True, stdout=subprocess.PIPE, text=True)
    return Overhead(**json.loads(done.stdout))


def measure_here(rows: int) -> Overhead:
    """Measure it in this process."""
    data = _data(rows)
    table = Table.from_arrow(data, name="w")
    watch = Stopwatch(Scripted(_answer))
    with engine(watch, cached=False) as asked:
        before = _memory("VmRSS")
        _forget_peak()
        started = time.perf_counter()
        asked.run("SELECT COUNT(*) FROM w", table)
        loading = time.perf_counter() - started

        def run() -> float:
            watch.seconds = 0.0
            found.append(asked.run(_PROGRAM, table).values)
            return watch.seconds

        found: list[tuple[object, ...]] = []
        seconds = _best(run)
        peak = _memory("VmHWM")
    memory = None if before is None or peak is None else peak - before
    return Overhead(seconds, _duckdb(data), loading, memory, found == [(rows // 2,)] * TIMES)


def _data(rows: int) -> pyarrow.Table:
    import duckdb

    text = f"'value ' || lpad((i % {DISTINCT})::VARCHAR, 4, '0')"
    with duckdb.connect() as connection:
        return connection.sql(f"SELECT i AS id, {text} AS c FROM range({rows}) numbers(i)").to_arrow_table()


def _answer(request: Request) -> str:
    return json.dumps({str(number): truth(EVEN, *cells) for number, cells in enumerate(request.inputs, 1)})


def _duckdb(data: pyarrow.Table) -> float:
    import duckdb

    with duckdb.connect() as connection:
        connection.register("source", data)
        connection.execute("CREATE TABLE w AS SELECT * FROM source")
        values = connection.execute("SELECT DISTINCT c FROM w").fetchall()
        connection.execute("CREATE TABLE said (c VARCHAR, value VARCHAR)")
        connection.executemany("INSERT INTO said VALUES (?, ?)", [(text, truth(EVEN, text)) for (text,) in values])

        def run() -> float:
            connection.execute("SELECT DISTINCT c FROM w").fetchall()
            connection.execute(_BY_HAND).fetchall()
            return 0.0

        return _best(run)


def _best(work: Callable[[], float]) -> float:
    """The least seconds of several runs, without those that each says are not to count."""
    spent = []
    for _ in range(TIMES):
        started = time.perf_counter()
        left_out = work()
        spent.append(time.perf_counter() - started - left_out)
    return min(spent)


def _memory(key: str) -> int | None:
    """A figure of this process's memory in bytes, as Linux tells it."""
    status = Path("/proc/self/status")
    found = re.search(rf"^{key}:\s+(\d+) kB", status.read_text(), re.MULTILINE) if status.exists() else None
    return int(found[1]) * 1024 if found else None


def _forget_peak() -> None:
    """Let the peak be counted from now on."""
    switch = Path("/proc/self/clear_refs")
    if switch.exists():
        switch.write_text("5")


if __name__ == "__main__":
    print(json.dumps(asdict(measure_here(int(sys.argv[1])))))
