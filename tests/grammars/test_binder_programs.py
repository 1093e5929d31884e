"""Programs an LM wrote for WikiTQ questions, without LM calls: what SQLite runs runs on DuckDB with SQLite's answer."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from grammars.schema import Kind
from tests.support.engines import Cells, Engines, same_rows

# Where the second decided departure shows: a text column used as a number goes by the number its cells carry.
DEPARTURES = {
    "2": "`year` holds '1936/37', which is not above 1936",
    "19": "`2005` holds '492,111', which SUM reads whole",
    "86": "`laps` holds the text '80', which equals 80.0",
    "87": "`deaths per year` holds '66 000', which as a text is above every number",
    "96": "`box office` holds '$10.8 billion', which SUM reads as 10.8 and SQLite as 0",
    "98": "`position` holds the text '7', which equals 6.0 + 1",
}


def typed_cells(texts: list[str]) -> Cells:
    """A column typed plainly: integers, numbers, ISO dates, or lower-case text."""
    for kind, pattern, read in (
        (Kind.INTEGER, r"-?\d{1,3}(,\d{3})+|-?\d+", lambda text: int(text.replace(",", ""))),
        (Kind.NUMBER, r"-?\d*\.?\d+", float),
        (Kind.DATE, r"\d{4}-\d\d-\d\d", str),
    ):
        if all(re.fullmatch(pattern, text) for text in texts):
            return Cells(kind, [read(text) for text in texts])
    return Cells(Kind.TEXT, [text.lower() for text in texts])


def engines_for(table: dict[str, Any]) -> Engines:
    columns: dict[str, Cells] = {}
    for number, header in enumerate(table["header"]):
        name = header.lower().replace("\\n", "\n") or f"column{number}"
        while name in columns:
            name += "_2"
        columns[name] = typed_cells([row[number] for row in table["rows"]])
    return Engines({"w": columns})


def programs(folder: Path) -> Iterator[tuple[str, dict[str, Any], list[str]]]:
    questions = json.loads((folder / "binder_program_wikitq_test_chatgpt.json").read_text())
    for number, question in questions.items():
        texts = dict.fromkeys(text.strip().replace("\\n", "\n") for text, _ in question["generations"])
        yield number, question["ori_data_item"]["table"], [text for text in texts if "QA(" not in text]


def test_programs_that_sqlite_runs(data: Path) -> None:
    failures, ran, departed = [], 0, set()
    for number, table, texts in programs(data / "binder_programs"):
        engines = engines_for(table)
        for text in texts:
            try:
                wanted = engines.run_sqlite(text)
            except sqlite3.Error:
                continue
            ran += 1
            try:
                found: Any = engines.run_duckdb(text)
                if same_rows(found, wanted):
                    continue
            except Exception as error:
                found = f"{type(error).__name__}: {error}"
            if isinstance(found, list) and number in DEPARTURES:
                departed.add(number)
                continue
            failures.append(f"{number}: {text}\n  wanted {wanted}\n  found  {found}")
        engines.close()
    assert ran > 150
    assert not failures, "\n".join(failures)
    assert departed == set(DEPARTURES)
