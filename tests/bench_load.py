"""How long loading takes beside DuckDB's own load of the same file. Run it by hand: ``python tests/bench_load.py``.

Prints for each table the best time of each, in seconds, and their ratio; and the time of a small table.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).parents[1]))

from binder.table import Table
from tests.support.messy import write_messy

ROWS = 1_000_000
_CLEAN = """
    SELECT i AS id, (i * 7919) % 100000 AS units, round(random() * 1000, 2) AS price, random() AS share,
        DATE '2000-01-01' + (i % 9000)::INTEGER AS day, 'name ' || (i % 5000) AS name,
        (['red', 'green', 'blue'])[1 + i % 3] AS colour, TIMESTAMP '2001-01-01' + to_seconds(i) AS moment,
        i % 2 = 0 AS flag, 'some longer text here ' || i AS note
    FROM range({rows}) numbers(i)
"""


def best(work: Callable[[], object], times: int = 5) -> tuple[float, float]:
    """The least wall-clock and processor seconds of several runs."""
    walls, processors = [], []
    for _ in range(times):
        wall, processor = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        processors.append(time.process_time() - processor)
    return min(walls), min(processors)


def compare(label: str, path: Path) -> None:
    """Print how a file loads here and in DuckDB."""
    database = duckdb.connect()
    plain = best(lambda: database.execute(f"CREATE OR REPLACE TABLE t AS SELECT * FROM read_csv('{path}')"))
    here = best(lambda: Table.from_csv(path))
    ratios = " and ".join(f"{mine / theirs:.2f}" for mine, theirs in zip(here, plain, strict=True))
    print(
        f"{label}: DuckDB {plain[0]:.3f} s (processor {plain[1]:.3f}), here {here[0]:.3f} s ({here[1]:.3f}); "
        f"ratios {ratios}"
    )


def main() -> None:
    """Write the tables, load them, print the times."""
    with tempfile.TemporaryDirectory() as folder:
        clean, messy, small = (Path(folder) / name for name in ("clean.csv", "messy.csv", "small.csv"))
        duckdb.connect().execute(f"COPY ({_CLEAN.format(rows=ROWS)}) TO '{clean}' (HEADER)")
        write_messy(messy, ROWS)
        write_messy(small, 30)
        compare("1,000,000 clean rows", clean)
        compare("1,000,000 messy rows", messy)
        wall, processor = best(lambda: Table.from_csv(small), times=50)
        print(f"30 messy rows: {wall * 1000:.1f} ms (processor {processor * 1000:.1f} ms)")


if __name__ == "__main__":
    main()
