"""The gold SQL of SQUALL, translated and run on DuckDB, gives what SQLite gave."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from sqlglot import parse_one

from grammars.schema import Kind
from tests.support.engines import Cells, Engines, same_cell

KINDS = {"INTEGER": Kind.INTEGER, "REAL": Kind.NUMBER}

# Where the second decided departure shows: a text column compared with a number goes by the number its cells carry.
DEPARTURES = {
    "nt-195": "`c5` holds '11 (…)', which as a text is below '7'",
    "nt-2218": "`c2` holds '112612', which as a text is below '50000'",
}


def load(path: Path) -> Engines:
    """One SQUALL table as its types are given; lists as text."""
    parts = [part for group in json.loads(path.read_text())["contents"] for part in group]
    columns = {part["col"]: KINDS.get(part["type"], Kind.TEXT) for part in parts}
    cells = {part["col"]: part["data"] for part in parts}
    return Engines(
        {
            "w": {
                name: Cells(kind, [spelled(cell) if kind is Kind.TEXT else cell for cell in cells[name]])
                for name, kind in columns.items()
            }
        }
    )


def spelled(cell: Any) -> str | None:
    return cell if cell is None or isinstance(cell, str) else json.dumps(cell)


def agree(found: Sequence[Any], wanted: Sequence[Any], in_order: bool) -> bool:
    """Whether two flat results are equal, as multisets unless the program orders."""
    if not in_order:
        found, wanted = sorted(found, key=sort_key), sorted(wanted, key=sort_key)
    return len(found) == len(wanted) and all(map(same_cell, found, wanted))


def sort_key(cell: Any) -> tuple[bool, float, str]:
    try:
        return False, round(float(cell), 5), ""
    except (TypeError, ValueError):
        return True, 0.0, str(cell)


def failures(records: Sequence[dict[str, Any]], tables: Path) -> Iterator[tuple[str, str]]:
    """The programs whose result is another than SQLite's, each with what was found."""
    for name, group in groupby(sorted(records, key=lambda record: record["tbl"]), key=lambda record: record["tbl"]):
        engines = load(tables / f"{name}.json")
        for record in group:
            try:
                found: Any = [cell for row in engines.run_duckdb(record["sql"]) for cell in row]
                if agree(found, record["exec"], bool(parse_one(record["sql"], read="sqlite").args.get("order"))):
                    continue
            except Exception as error:
                found = f"{type(error).__name__}: {error}"
            yield record["nt"], f"{record['sql']}\n  wanted {record['exec']}\n  found  {found}"
        engines.close()


@pytest.mark.timeout(300)
def test_gold_programs_give_their_results(data: Path) -> None:
    lines = (data / "squall" / "gold_sql.jsonl").read_text().splitlines()
    records = [record for line in lines if (record := json.loads(line))["exec"] is not None]
    failed = dict(failures(records, data / "squall" / "tables"))
    print(f"{len(records) - len(failed)} of {len(records)}", *failed.values(), sep="\n")
    assert len(records) > 2000
    assert len(failed) <= 0.003 * len(records)
    assert set(failed) == set(DEPARTURES)
