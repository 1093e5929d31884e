"""The gold SQL of SQUALL, translated and run on DuckDB, gives what SQLite gave."""

from __future__ import annotations

import json
import os
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from grammars.dialect import translate
from grammars.schema import Column, Kind, Schema, TableSchema

DATA = Path(os.environ.get("BINDER_DATA", Path(__file__).parents[3] / "shared" / "data")) / "squall"
TYPES = {"INTEGER": (Kind.INTEGER, "BIGINT"), "REAL": (Kind.NUMBER, "DOUBLE")}


def columns(table: dict[str, Any]) -> list[tuple[str, str, list[Any]]]:
    """Name, type and cells of each column of a SQUALL table."""
    return [(part["col"], part["type"], part["data"]) for group in table["contents"] for part in group]


@cache
def schema_of(path: Path) -> Schema:
    table = json.loads(path.read_text())
    return Schema(
        (
            TableSchema(
                "w", tuple(Column(name, *TYPES.get(type_, (Kind.TEXT, "VARCHAR"))) for name, type_, _ in columns(table))
            ),
        )
    )


def spelled(cell: Any) -> str | None:
    return cell if cell is None or isinstance(cell, str) else json.dumps(cell)


def load(database: duckdb.DuckDBPyConnection, path: Path, schema: Schema) -> None:
    """The table as DuckDB holds it: typed columns and the hidden row number."""
    cells = [data for _, _, data in columns(json.loads(path.read_text()))]
    kinds = [column.type for column in schema.tables[0].columns]
    names = [f'"{column.name}" {column.type}' for column in schema.tables[0].columns]
    database.execute(f"CREATE OR REPLACE TABLE w ({', '.join(names)}, row_id BIGINT)")
    rows = [
        (*(spelled(cell) if kind == "VARCHAR" else cell for cell, kind in zip(row, kinds, strict=True)), number)
        for number, row in enumerate(zip(*cells, strict=True))
    ]
    if rows:
        database.executemany(f"INSERT INTO w VALUES ({', '.join('?' * len(rows[0]))})", rows)


def settle_quotes(tree: exp.Expression, schema: Schema) -> exp.Expression:
    """Double-quoted names that are no column are text."""
    for column in list(tree.find_all(exp.Column)):
        if column.this.args.get("quoted") and schema.tables[0].column(column.name) is None:
            column.replace(exp.Literal.string(column.name))
    return tree


def same(found: Any, wanted: Any) -> bool:
    try:
        return abs(float(found) - float(wanted)) <= 1e-6 * max(1.0, abs(float(wanted)))
    except (TypeError, ValueError):
        return str(found).casefold() == str(wanted).casefold()


def agree(found: list[Any], wanted: list[Any], in_order: bool) -> bool:
    """Whether two flat results are equal, as multisets unless they are ordered."""
    if len(found) != len(wanted):
        return False
    if not in_order:
        found, wanted = sorted(found, key=sort_key), sorted(wanted, key=sort_key)
    return all(same(one, other) for one, other in zip(found, wanted, strict=True))


def sort_key(cell: Any) -> tuple[int, float, str]:
    try:
        return (0, round(float(cell), 5), "")
    except (TypeError, ValueError):
        return (1, 0.0, str(cell).casefold())


def test_gold_programs_give_their_results() -> None:
    if not DATA.is_dir():
        pytest.skip(f"no SQUALL data in {DATA}; set BINDER_DATA")
    database = duckdb.connect()
    failures: list[str] = []
    tally: Counter[str] = Counter()
    records = [json.loads(line) for line in (DATA / "gold_sql.jsonl").read_text().splitlines()]
    for record in sorted(
        (record for record in records if record["exec"] is not None), key=lambda record: record["tbl"]
    ):
        path = DATA / "tables" / f"{record['tbl']}.json"
        schema = schema_of(path)
        if tally["loaded"] != path.name:
            load(database, path, schema)
            tally["loaded"] = path.name  # type: ignore[assignment]
        tree = settle_quotes(sqlglot.parse_one(record["sql"], read="sqlite"), schema)
        tally["all"] += 1
        text = ""
        try:
            text = translate(tree, schema).sql("duckdb")
            found: Any = [cell for row in database.execute(text).fetchall() for cell in row]
        except Exception as error:
            found = f"{type(error).__name__}: {error}"
        if isinstance(found, list) and agree(found, record["exec"], bool(tree.args.get("order"))):
            tally["right"] += 1
        else:
            failures.append(f"{record['nt']} {record['sql']}\n  {text}\n  wanted {record['exec']}\n  found  {found}")
    print("\n".join(failures))
    print(dict(tally))
    assert tally["right"] / tally["all"] >= 0.997
