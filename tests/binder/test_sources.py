"""Every kind of source: what is read, and one clear message for what cannot be."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
import traceback
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy
import pandas
import pyarrow
import pytest
from pyarrow import parquet

from binder.engine import Binder
from binder.errors import TableError
from binder.table import Table


def file(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def zipped(name: str, content: str) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writer:
        writer.writestr(name, content)
    return archive.getvalue()


def rows(table: Table) -> list[list[Any]]:
    """The cells' own texts."""
    frame = table.to_pandas(original=True).astype(object)
    return [[None if pandas.isna(cell) else cell for cell in row] for row in frame.itertuples(index=False)]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a,b\n1,x\n", [["1", "x"]]),
        ("a;b\n1,5;x\n", [["1,5", "x"]]),
        ("a|b\n1|x\n", [["1", "x"]]),
        ("\n\na,b\n\n1,x\n\n", [["1", "x"]]),
        (b"\xef\xbb\xbfa,b\n1,x\n", [["1", "x"]]),
        ("a,b\ncaf\u00e9,x\n".encode("utf-16"), [["caf\u00e9", "x"]]),
        ("a,b\ncaf\u00e9,5 \u20ac\n".encode("cp1252"), [["caf\u00e9", "5 \u20ac"]]),
        ("a,b\r\n1,x\n2,y\r\n", [["1", "x"], ["2", "y"]]),
        ("a,b\r1,x\r", [["1", "x"]]),
        ('a,b\n"say ""hi""",x\n', [['say "hi"', "x"]]),
        ('a,b\n"say \\"hi\\" \\\\",x\n', [['say "hi" \\', "x"]]),
        ('a,b\n"C:\\dir\\",x\n', [["C:\\dir\\", "x"]]),
        ('a,b\n"x" y,z\n', [['"x" y', "z"]]),
        ('a,b\n"open,x\n', [['"open', "x"]]),
        ('a,b,c\n"two\nlines",2\n3,4,5\n', [["two\nlines", "2", None], ["3", "4", "5"]]),
        ('a,b\n"",x\n,y\n', [[None, "x"], [None, "y"]]),
        ('comment\n"one, two"\nthree; four\n', [["one, two"], ["three; four"]]),
    ],
)
def test_csv(tmp_path: Path, content: str | bytes, expected: list[list[str | None]]) -> None:
    assert rows(Table.from_csv(file(tmp_path, "t.csv", content))) == expected


def test_csv_options(tmp_path: Path) -> None:
    path = file(tmp_path, "2012 results.csv", b"a#b\n1,5#caf\xe9\n")
    table = Table.from_csv(path, delimiter="#", encoding="latin-1", title="Results", descriptions={"A": "amount"})
    assert (table.name, table.title, table.columns[0].description) == ("t_2012_results", "Results", "amount")
    assert rows(table) == [["1,5", "caf\u00e9"]]
    assert [column.name for column in Table.from_csv(path, header=False, encoding="latin-1").columns] == ["column_1"]


def test_tsv_and_gzip(tmp_path: Path) -> None:
    assert rows(Table.from_tsv(file(tmp_path, "t.tsv", 'a\tb\n"x\t1, 2\n'))) == [['"x', "1, 2"]]
    packed = file(tmp_path, "t.csv.gz", gzip.compress("a,b\ncaf\u00e9,1\n".encode("latin-1")))
    assert rows(Table.from_csv(packed)) == [["caf\u00e9", "1"]]


def test_a_path_is_no_pattern(tmp_path: Path) -> None:
    file(tmp_path, "axb.csv", "a\n1\n")
    for name in ("a*b.csv", "[ab].csv", "it's.csv"):
        assert rows(Table.from_csv(file(tmp_path, name, "a\n2\n"))) == [["2"]]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("long.csv", "a,b\n1,2\n3,4,5\n", "long.csv, line 3: 3 cells where the header has 2"),
        ("short_then_long.csv", "a,b\n1\n3,4,5\n", "line 3: 3 cells where the header has 2"),
        ("empty.csv", "", "empty.csv is empty"),
        ("blank.csv", " \n\n", "blank.csv is empty"),
        ("header.csv", "a,b\n", "table 'header' has no rows"),
        ("binary.csv", bytes(range(256)), "binary.csv is not a text file"),
        ("fake.csv.gz", "a,b\n", "cannot read .*fake.csv.gz: Not a gzipped file"),
    ],
)
def test_csv_that_cannot_be_read(tmp_path: Path, name: str, content: str | bytes, message: str) -> None:
    with pytest.raises(TableError, match=message):
        Table.from_csv(file(tmp_path, name, content))


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="there is no file"):
        Table.from_parquet(tmp_path / "none.parquet")
    with pytest.raises(TableError, match="is a folder"):
        Table.from_json(tmp_path)
    latin = file(tmp_path, "latin.csv", b"a\ncaf\xe9\n")
    with pytest.raises(TableError, match="line 2: not UTF-8 text"):
        Table.from_csv(latin, encoding="utf-8")
    with pytest.raises(TableError, match="not written in ascii"):
        Table.from_csv(latin, encoding="ascii")
    with pytest.raises(TableError, match="no encoding 'klingon'"):
        Table.from_csv(latin, encoding="klingon")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("https://example.org/a/peaks.csv", "download it first (curl -LO https://example.org/a/peaks.csv)"),
        ("HTTP://ann:secret@example.org/p.csv?a=1&b=2", "(curl -LO 'HTTP://example.org/p.csv?a=1&b=2')"),
        ("s3://bucket/peaks.parquet", "no table is fetched from the network; download it first and give the file"),
        ("file:///tmp/the%20peaks.csv", "give the file's path: /tmp/the peaks.csv"),
    ],
)
def test_a_web_address_is_no_table(source: str, message: str) -> None:
    loads = (Table.from_csv, Table.from_excel, lambda url: Table.from_records(url, "SELECT 1"))
    for load in loads:
        with pytest.raises(TableError, match=re.escape(message)) as raised:
            load(source)
        assert "secret" not in str(raised.value)


@pytest.mark.parametrize("missing", [None, float("nan"), pandas.NA, pandas.NaT])
def test_a_column_without_a_header_is_called_by_its_place(missing: object) -> None:
    frame = pandas.DataFrame([["K2", 8611]]).set_axis(pandas.Index(["name", missing], dtype=object), axis="columns")
    assert [column.name for column in Table.from_pandas(frame).columns] == ["name", "column_2"]
    deep = frame.set_axis(pandas.Index([("name", missing), (missing, missing)], dtype=object), axis="columns")
    assert [column.name for column in Table.from_pandas(deep).columns] == ["name", "column_2"]


def test_json(tmp_path: Path) -> None:
    records = [
        {"day": "1990-3-05", "place": {"city": "Bern", "at": {"x": 1}}, "tags": ["a", 1], "mixed": 1},
        {"day": "March 6, 1990", "place": None, "tags": None, "mixed": "two", "late": 1.5},
    ]
    lines = "\n".join(map(json.dumps, records))
    for path in (file(tmp_path, "t.json", json.dumps(records)), file(tmp_path, "t.jsonl", lines)):
        table = Table.from_json(path)
        names = [column.name for column in table.columns]
        assert names == ["day", "place.city", "place.at.x", "tags", "mixed", "late"]
        assert table.data["day"].to_pylist() == [date(1990, 3, 5), date(1990, 3, 6)]
        assert rows(table) == [
            ["1990-3-05", "Bern", "1", '["a",1]', "1", None],
            ["March 6, 1990", None, None, None, "two", "1.5"],
        ]
    with pytest.raises(TableError, match=r"cannot read bad.json as JSON: it is damaged.*Malformed JSON"):
        Table.from_json(file(tmp_path, "bad.json", '{"a":'))


def typed() -> pyarrow.Table:
    zoned = datetime(2020, 1, 1, 5, tzinfo=UTC)
    return pyarrow.table(
        {
            "small": pyarrow.array([1, None], pyarrow.int8()),
            "unsigned": pyarrow.array([2, 1], pyarrow.uint64()),
            "huge": pyarrow.array([2**63, 1], pyarrow.uint64()),
            "single": pyarrow.array([0.1, float("nan")], pyarrow.float32()),
            "money": pyarrow.array([Decimal("1.50"), None], pyarrow.decimal128(9, 2)),
            "category": pyarrow.array(["a", "b"]).dictionary_encode(),
            "zoned": pyarrow.array([zoned, None], pyarrow.timestamp("ns", "Asia/Tokyo")),
            "midnight": pyarrow.array([datetime(2020, 1, 1), None], pyarrow.timestamp("s")),
            "text": ["1,234", " "],
            "nested": [{"x": {"y": 1}}, None],
            "list": [[1, 2], None],
            "none": pyarrow.nulls(2),
        }
    )


def test_typed_sources_keep_their_types(tmp_path: Path) -> None:
    parquet.write_table(typed(), tmp_path / "t.parquet")
    for table in (Table.from_arrow(typed()), Table.from_parquet(tmp_path / "t.parquet")):
        assert {column.name: (str(column.kind), column.type) for column in table.columns} == {
            "small": ("integer", "BIGINT"),
            "unsigned": ("integer", "BIGINT"),
            "huge": ("decimal", "DECIMAL(38,0)"),
            "single": ("number", "DOUBLE"),
            "money": ("decimal", "DECIMAL(9,2)"),
            "category": ("text", "VARCHAR"),
            "zoned": ("timestamp", "TIMESTAMP"),
            "midnight": ("date", "DATE"),
            "text": ("text", "VARCHAR"),
            "nested.x.y": ("integer", "BIGINT"),
            "list": ("text", "VARCHAR"),
            "none": ("text", "VARCHAR"),
        }
        assert rows(table)[0] == [
            *(
                "1",
                "2",
                str(2**63),
                "0.1",
                "1.50",
                "a",
                "2020-01-01 05:00:00",
                "2020-01-01",
                "1,234",
                "1",
                "[1,2]",
                None,
            )
        ]
        assert table.data["text"].to_pylist() == ["1,234", " "]
        assert table.data["single"].to_pylist() == [0.1, None]


EXTREMES = [
    ("SELECT DATE '0000-01-01'", "0001-01-01 BC"),
    ("SELECT DATE '10000-01-01'", "10000-01-01"),
    ("SELECT DATE 'infinity'", "infinity"),
    ("SELECT TIMESTAMP '0000-01-01 10:00:00'", "0001-01-01 BC 10:00:00"),
    ("SELECT TIMESTAMPTZ '9999-12-31 23:59:59-10'", "10000-01-01 09:59:59"),
    ("SELECT TIME '24:00'", "24:00:00"),
    ("SELECT INTERVAL '300 years'", "300 years"),
]


@pytest.mark.parametrize(("query", "text"), EXTREMES)
def test_what_python_has_no_value_for_is_text(tmp_path: Path, query: str, text: str) -> None:
    source = duckdb.sql(f"{query} AS x UNION ALL SELECT NULL")
    source.write_parquet(str(tmp_path / "w.parquet"))
    with Binder() as engine:
        for table in (Table.from_parquet(tmp_path / "w.parquet"), Table.from_arrow(source.to_arrow_table())):
            assert table.columns[0].kind == "text"
            assert table.to_pandas()["x"][0] == text
            for program in ("SELECT x FROM w LIMIT 1", "def solve(table):\n    return table['x'].max()"):
                answer = engine.run(program, table)
                assert answer.values == answer.texts == (text,)
                assert answer.frame.iloc[0, 0] == json.loads(answer.to_json())["values"][0] == text


def test_the_first_and_the_last_of_what_python_has() -> None:
    days = pyarrow.array([date(1, 1, 1), date(9999, 12, 31), None])
    spans = pyarrow.array([timedelta(days=106_751), timedelta(days=-106_751), None])
    table = Table.from_arrow(pyarrow.table({"day": days, "span": spans, "none": pyarrow.nulls(3, pyarrow.date32())}))
    assert [str(column.kind) for column in table.columns] == ["date", "duration", "date"]
    assert table.to_pandas()["day"].tolist() == days.to_pylist()
    assert table.to_pandas()["span"].max() == timedelta(days=106_751)


def test_a_pandas_date_of_the_year_0_is_not_one_of_the_year_1() -> None:
    frame = pandas.DataFrame({"x": numpy.array(["0000-01-01", "2000-01-01"], "datetime64[s]")})
    assert rows(Table.from_pandas(frame)) == [["0001-01-01 BC"], ["2000-01-01"]]
    assert Table.from_pandas(frame, types={"x": "date"}).data["x"].to_pylist() == [None, date(2000, 1, 1)]


def test_arrow_oddities() -> None:
    wide = pyarrow.table({"d": pyarrow.array([Decimal("1.5")], pyarrow.decimal256(50, 2))})
    assert Table.from_arrow(wide).data["d"].to_pylist() == [Decimal("1.50")]
    twice = Table.from_arrow(pyarrow.table([[1], [2]], names=["a", "a"]))
    assert [column.name for column in twice.columns] == ["a", "a 2"]
    for nothing, message in (
        (pyarrow.table({}), "no columns"),
        (typed().slice(0, 0), "no rows"),
        (5, "int is no Arrow"),
    ):
        with pytest.raises(TableError, match=message):
            Table.from_arrow(nothing)


def test_pandas() -> None:
    frame = pandas.DataFrame(
        {
            "mixed": pandas.Series([1, "x", None], dtype=object),
            "day": pandas.to_datetime(["2020-01-01", "2020-01-02", None]),
            "span": pandas.to_timedelta(["1h"] * 3),
            "month": pandas.period_range("2020-01", periods=3, freq="M"),
            "whole": pandas.array([1, None, 3], dtype="Int64"),
            "big": pandas.Series([2**70, 1, 2], dtype=object),
            "lone": pandas.Series(["\ud800x", "", "y"], dtype=object),
            5: [1.5, 2.0, float("nan")],
        }
    )
    table = Table.from_pandas(frame)
    kinds = ["text", "date", "duration", "text", "integer", "text", "text", "number"]
    assert [str(column.kind) for column in table.columns] == kinds
    assert rows(table)[0] == ["1", "2020-01-01", "01:00:00", "2020-01", "1", str(2**70), "\ufffdx", "1.5"]
    grouped = Table.from_pandas(pandas.DataFrame({"g": ["b", "a", "b"], "v": [1, 2, 3]}).groupby("g").sum())
    assert rows(grouped) == [["a", "2"], ["b", "4"]]
    with pytest.raises(TypeError, match="unexpected keyword argument 'nome'"):
        Table.from_pandas(frame, nome="x")  # type: ignore[call-arg]


def test_polars() -> None:
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"n": ["5 km", "7 km"], "d": [date(2020, 1, 1)] * 2, "s": [{"q": 1}, {"q": 2}]})
    table = Table.from_polars(frame)
    assert [(column.name, str(column.kind)) for column in table.columns] == [
        ("n", "integer"),
        ("d", "date"),
        ("s.q", "integer"),
    ]
    with pytest.raises(TableError, match="cast that column"):
        Table.from_polars(polars.DataFrame({"i": polars.Series([1], dtype=polars.Int128)}))


def test_excel(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    path = tmp_path / "book.xlsx"
    cells = [
        [None, None, None],
        ["day", "n", "n"],
        [datetime(2020, 1, 2), "1,234", 5],
        [datetime(2020, 1, 3), "7[a]", None],
    ]
    with pandas.ExcelWriter(path) as writer:
        pandas.DataFrame(cells).to_excel(writer, sheet_name="Data", header=False, index=False)
        pandas.DataFrame().to_excel(writer, sheet_name="Void")
    table = Table.from_excel(path, sheet="Data")
    assert [(column.name, str(column.kind)) for column in table.columns] == [
        ("day", "date"),
        ("n", "integer"),
        ("n 2", "integer"),
    ]
    assert rows(table) == [["2020-01-02", "1,234", "5"], ["2020-01-03", "7[a]", None]]
    for sheet, message in (
        ("Void", "is empty"),
        ("Nope", "no sheet 'Nope'; it has 'Data', 'Void'"),
        (2, "no sheet 2"),
        (None, "no sheet None"),
    ):
        with pytest.raises(TableError, match=message):
            Table.from_excel(path, sheet=sheet)


@pytest.mark.parametrize("content", [b"PK\x03\x04 and no more", b"a,b\n1,2\n", b"", zipped("a.txt", "x")])
def test_what_is_no_workbook_is_said_to_be_none(tmp_path: Path, content: bytes) -> None:
    pytest.importorskip("openpyxl")
    (tmp_path / "book.xlsx").write_bytes(content)
    with pytest.raises(TableError, match=r"cannot read book.xlsx: it is no Excel workbook, .* save it again as .xlsx"):
        Table.from_excel(tmp_path / "book.xlsx")


@pytest.mark.parametrize(
    ("name", "content", "package"),
    [
        ("book.xlsx", zipped("xl/workbook.xml", ""), "openpyxl"),
        ("old.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "calamine"),
    ],
)
def test_what_a_workbook_needs_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes, package: str
) -> None:
    for module in ("openpyxl", "python_calamine", "xlrd"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(TableError, match=f"cannot read {name}: .*install the .*{package}"):
        Table.from_excel(file(tmp_path, name, content))


@pytest.mark.parametrize(
    ("load", "message"),
    [
        (lambda path: Table.from_csv(3), "3 is no path of a file"),
        (lambda path: Table.from_json(None), "None is no path of a file"),
        (lambda path: Table.from_parquet(b"x.parquet"), "b'x.parquet' is no path"),
        (lambda path: Table.from_csv("~no-such-user/x.csv"), "is no path of a file"),
        (lambda path: Table.from_csv("x" * 5000), "cannot look for 'xxx.*File name too long"),
        (lambda path: Table.from_csv(path, delimiter=3), "delimiter=3 names none"),
        (lambda path: Table.from_csv(path, delimiter=""), "delimiter='' names none"),
        (lambda path: Table.from_csv(path, encoding=8), "encoding=8 names none"),
        (lambda path: Table.from_csv(path, name=3), "name=3 is no text"),
        (lambda path: Table.from_csv(path, name=" "), "name=' ' cannot be written in a program"),
        (lambda path: Table.from_csv(path, name="a\0b"), "cannot be written in a program"),
        (lambda path: Table.from_csv(path, title=3), "title=3 is no text"),
        (lambda path: Table.from_csv(path, types=["a"]), r"types=\['a'\] is no dict"),
        (lambda path: Table.from_csv(path, types={1: "text"}), "types={1: 'text'} is no dict"),
        (lambda path: Table.from_csv(path, descriptions={"a": 3}), "descriptions={'a': 3} is no dict"),
        (lambda path: Table.from_pandas("x"), "str is no pandas.DataFrame"),
        (lambda path: Table.from_pandas(pandas.Series([1])), "Series is no pandas.DataFrame"),
        (lambda path: Table.from_polars(None), "NoneType is no polars.DataFrame"),
        (lambda path: Table.from_polars(pandas.DataFrame()), "DataFrame is no polars.DataFrame"),
        (lambda path: Table.from_arrow([1, 2]), "list is no Arrow table"),
        (lambda path: Table.from_arrow({"a": [1], "b": [1, 2]}), "cannot make an Arrow table of this dict"),
        (lambda path: Table.from_records(3, "SELECT 1"), "this is no database URL"),
        (lambda path: Table.from_records("sqlite://", 3), "3 is no query"),
        (lambda path: Table.from_records("sqlite://", " "), "' ' is no query"),
    ],
)
def test_what_cannot_be_a_table_is_refused_plainly(tmp_path: Path, load: Callable[[Path], Table], message: str) -> None:
    with pytest.raises(TableError, match=message):
        load(file(tmp_path, "t.csv", "a,b\n1,2\n"))


def test_loads_in_threads(tmp_path: Path) -> None:
    paths = [file(tmp_path, f"{n}.csv", f"a,b\n{n} km,x\n{n + 1} km,y\n") for n in range(8)]
    found: dict[int, list[Any]] = {}

    def load(n: int) -> None:
        found[n] = Table.from_csv(paths[n]).data["a"].to_pylist()

    threads = [threading.Thread(target=load, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {n: [n, n + 1] for n in range(8)}


QUERY = "SELECT 1 AS n, 'a:b :name 50%' AS n, '007' AS code, NULL AS none UNION ALL SELECT 2, '', '1,000', NULL"


def test_sqlite(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE t (id INTEGER, mixed)")
        database.execute("INSERT INTO t VALUES (1, 'x'), (2, 5)")
    table = Table.from_records(f"sqlite:///{path}", QUERY, name="q")
    assert [(column.name, str(column.kind)) for column in table.columns] == [
        ("n", "integer"),
        ("n 2", "text"),
        ("code", "text"),
        ("none", "text"),
    ]
    assert rows(table) == [["1", "a:b :name 50%", "007", None], ["2", "", "1,000", None]]
    assert rows(Table.from_records(f"sqlite:///{path}", "SELECT * FROM t")) == [["1", "x"], ["2", "5"]]
    for query, message in (
        ("SELECT * FROM t WHERE id > 9", "no rows"),
        ("SELECT * FROM absent", "no such table: absent"),
        ("CREATE TABLE u (x)", "gives no rows: CREATE TABLE u"),
    ):
        with pytest.raises(TableError, match=message):
            Table.from_records(f"sqlite:///{path}", query)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("shop.db", "this is no database URL"),
        ("nosuch://user:secret@host/db", "no database is called 'nosuch'"),
        ("oracle+cx_oracle://user:secret@host/db", "needs a driver that is not installed: cx_Oracle"),
        ("postgresql+psycopg://user:secret@127.0.0.1:1/db", "user:\\*\\*\\*@127.0.0.1:1/db: .*refused"),
        ("sqlite:////no/such/file.db", "there is no SQLite file"),
    ],
)
def test_databases_that_cannot_be_reached(url: str, message: str) -> None:
    if "psycopg" in url:
        pytest.importorskip("psycopg")
    with pytest.raises(TableError, match=message) as caught:
        Table.from_records(url, "SELECT 1")
    assert "secret" not in "".join(traceback.format_exception(caught.value))


def _server_program() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    named = shutil.which("initdb")
    return Path(named).resolve() if named else next(iter(found), None)


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a PostgreSQL server that lives as long as this module's tests."""
    pytest.importorskip("psycopg")
    initdb = _server_program()
    if initdb is None:
        pytest.skip("PostgreSQL's server programs (initdb) are not installed")
    account: dict[str, Any] = {}
    folder = Path(tmp_path_factory.mktemp("postgres"))
    if os.geteuid() == 0:
        account = {"user": "nobody", "group": "nogroup", "extra_groups": []}
        folder = Path("/tmp") / f"binder-postgres-{os.getpid()}"
        folder.mkdir(mode=0o755)
        shutil.chown(folder, "nobody", "nogroup")
    (folder / "password").write_text("s3cret")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = {"check": True, "capture_output": True, "cwd": folder, **account}
    login = ("--username=owner", "--auth=scram-sha-256", f"--pwfile={folder / 'password'}")
    subprocess.run([initdb, "--no-sync", f"--pgdata={folder / 'data'}", *login], **options)
    start = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    control = [str(initdb.with_name("pg_ctl")), "-D", str(folder / "data")]
    subprocess.run([*control, "-w", "-o", start, "-l", folder / "log", "start"], **options)
    yield f"postgresql+psycopg://owner:s3cret@127.0.0.1:{port}/postgres"
    subprocess.run([*control, "-m", "immediate", "stop"], **options)
    shutil.rmtree(folder)


def test_postgresql(postgres: str) -> None:
    table = Table.from_records(
        postgres,
        """
        SELECT 1::smallint AS n, 'a:b :name 50%' AS n, 1.50::numeric(9, 2) AS price, DATE '2020-01-02' AS day,
            TIMESTAMPTZ '2020-01-02 05:00+02' AS moment, INTERVAL '90 minutes' AS span, true AS flag,
            '{"a": {"b": 1}}'::jsonb AS doc, ARRAY[1, 2] AS items, '02134' AS zip, NULL::int AS none,
            'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid AS id
        """,
    )
    assert {column.name: str(column.kind) for column in table.columns} == {
        **{"n": "integer", "n 2": "text", "price": "decimal", "day": "date", "moment": "timestamp"},
        **{"span": "duration", "flag": "boolean", "doc.a.b": "integer", "items": "text", "zip": "text"},
        **{"none": "text", "id": "text"},
    }
    assert rows(table) == [
        [
            *("1", "a:b :name 50%", "1.50", "2020-01-02", "2020-01-02 03:00:00", "01:30:00", "true", "1", "[1,2]"),
            *("02134", None, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        ]
    ]
    assert table.data["span"].to_pylist()[0].nanoseconds == timedelta(minutes=90).total_seconds() * 1e9


def test_postgresql_failures(postgres: str) -> None:
    for url, query, message in (
        (postgres, "SELECT * FROM nothing", 'relation "nothing" does not exist'),
        (postgres, "SELECT 1 AS n WHERE false", "no rows"),
        (postgres.replace("s3cret", "wr0ng"), "SELECT 1", "password authentication failed"),
    ):
        with pytest.raises(TableError, match=re.escape(message)) as caught:
            Table.from_records(url, query)
        assert "s3cret" not in str(caught.value)
        assert "wr0ng" not in str(caught.value)


def test_a_line_break_in_a_header_beside_other_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "peaks.csv"
    path.write_bytes(b'"Height\n(m)",y\r\n1,"a\r\nb"\r\n3,4\r\n')
    table = Table.from_csv(path)
    assert table.to_pandas(original=True)["y"].tolist() == ["a\r\nb", "4"]
    assert table.num_rows == 2 and [column.label for column in table.columns] == ["Height\n(m)", "y"]
