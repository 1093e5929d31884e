"""Which programs are run in the caller's own thread: only those that are soon done whatever the cells hold."""

from __future__ import annotations

import pandas
import pytest

from binder.brief import ROWS, is_brief
from binder.table import Table
from grammars.check import check
from grammars.schema import Column, Kind, Schema, TableSchema

COLUMNS = (Column("name", Kind.TEXT, "VARCHAR"), Column("n", Kind.INTEGER, "BIGINT"))


def brief(text: str, rows: int | None = 100) -> bool:
    schema = Schema((TableSchema("w", COLUMNS, rows=rows),))
    program = check(text, schema).program
    assert program is not None
    return is_brief(program.tree, schema)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT COUNT(*) FROM w",
        "SELECT name, MAX(n) FROM w WHERE n > 3 AND name <> 'a'",
        "SELECT n, COUNT(DISTINCT name) AS c FROM w GROUP BY n HAVING COUNT(*) > 1 ORDER BY c DESC LIMIT 3 OFFSET 1",
        "SELECT SUM(n) * 2 - AVG(n) FROM w WHERE n IN (1, 2) OR n BETWEEN 5 AND 9 OR name IS NULL",
    ],
)
def test_one_pass_by_comparisons_and_sums_is_brief(text: str) -> None:
    assert brief(text)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT COUNT(*) FROM w a, w b",
        "SELECT COUNT(*) FROM w a JOIN w b ON a.n = b.n",
        "SELECT name FROM w WHERE n = (SELECT MAX(n) FROM w)",
        "SELECT name FROM w UNION ALL SELECT name FROM w",
        "WITH RECURSIVE t(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM t) SELECT x FROM t",
        "SELECT COUNT(*) FROM w WHERE name LIKE '%a%a%a%a%b'",
        "SELECT REPLACE(name, 'a', 'b') FROM w",
        "SELECT name, ROW_NUMBER() OVER (ORDER BY n) FROM w",
        "SELECT 1",
        "SELECT name FROM w WHERE QA('map@is it big?'; name) = 'yes'",
    ],
)
def test_what_may_take_long_is_not(text: str) -> None:
    assert not brief(text)


def test_a_table_of_too_many_rows_or_of_an_unknown_number_is_not() -> None:
    assert brief("SELECT COUNT(*) FROM w", ROWS)
    assert not brief("SELECT COUNT(*) FROM w", ROWS + 1)
    assert not brief("SELECT COUNT(*) FROM w", None)


def test_tables_say_how_many_rows_they_have() -> None:
    assert Table.from_pandas(pandas.DataFrame({"n": [1, 2]})).schema.rows == 2
