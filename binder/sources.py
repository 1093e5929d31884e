"""Where tables come from: files, data frames and databases, each brought to a relation that DuckDB loads.

All loads of a process share one in-memory DuckDB, a cursor each, so they may run in several threads. Nothing a language
model wrote ever runs in it.

Text in sources without types (delimited files, JSON, Excel, data frames) is read for values, as ``binder.cells`` says;
text in sources that declare their types (Parquet, Arrow, databases) is text.
"""

from __future__ import annotations

import atexit
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import unquote, urlsplit

from binder.cells import quoted
from binder.columns import Loaded, Wishes, load
from binder.databases import arrow_of_query
from binder.delimited import delimited, pattern_of
from binder.errors import TableError
from binder.fields import fields_of
from binder.frames import arrow_of_excel, arrow_of_pandas, arrow_of_polars, plain_arrow
from binder.mishaps import detail

if TYPE_CHECKING:
    import pandas
    import polars
    from duckdb import DuckDBPyConnection

Location: TypeAlias = str | PathLike[str]

_ELSEWHERE = re.compile(r"(https?|ftp|s3|gs|file)://", re.IGNORECASE)


_READERS = {
    ".tsv": "from_tsv",
    ".json": "from_json",
    ".jsonl": "from_json",
    ".ndjson": "from_json",
    ".parquet": "from_parquet",
    ".xlsx": "from_excel",
}
_PACKED = (".gz", ".zst")


def reader_of(path: Location) -> str:
    """The name of the ``Table.from_…`` that reads a file, by its name's ending; any other is read as delimited text.

    Example:
        >>> reader_of("log/visits.JSONL.gz"), reader_of("notes.txt")
        ('from_json', 'from_csv')
    """
    endings = [ending.lower() for ending in Path(path).suffixes if ending.lower() not in _PACKED]
    return _READERS.get(endings[-1] if endings else "", "from_csv")


def from_delimited(
    path: Location, wishes: Wishes, *, delimiter: str | None = None, header: bool = True, encoding: str | None = None
) -> Loaded:
    """Load a delimited text file; see ``binder.delimited``."""
    import duckdb

    for what, given in (("delimiter", delimiter), ("encoding", encoding)):
        if given is not None and not (isinstance(given, str) and given):
            raise TableError(f"{what}={given!r} names none; give a text, or leave it out to have it found out")
    file = existing(path)
    with connection() as cursor, delimited(file, delimiter=delimiter, header=header, encoding=encoding) as source:
        failures: list[Exception] = []
        for relation in source.attempts():
            try:
                return load(cursor, relation, source.fields, read=True, wishes=wishes)
            except duckdb.Error as error:
                failures.append(error)
        raise TableError(f"{file.name}{_why(failures[1])}") from failures[1]


def from_json(path: Location, wishes: Wishes) -> Loaded:
    """Load a JSON file that holds an array of objects, or an object a line."""
    file = existing(path)
    reader = f"read_json({quoted(pattern_of(file))}"
    with connection() as cursor, _failing_as(f"{file.name} as JSON"):
        described = cursor.sql(f"SELECT * FROM {reader})")
        texts = {
            name: "VARCHAR" if str(type) in ("DATE", "TIMESTAMP", "TIME", "UUID") else str(type)
            for name, type in zip(described.columns, described.types, strict=True)
        }
        columns = ", ".join(f"{quoted(name)}: {quoted(type)}" for name, type in texts.items())
        relation = f"{reader}, columns={{{columns}}})"
        return load(cursor, relation, fields_of(cursor, relation), read=True, wishes=wishes)


def from_parquet(path: Location, wishes: Wishes) -> Loaded:
    """Load a Parquet file."""
    file = existing(path)
    with connection() as cursor, _failing_as(f"{file.name} as Parquet"):
        relation = f"read_parquet({quoted(pattern_of(file))})"
        return load(cursor, relation, fields_of(cursor, relation), read=False, wishes=wishes)


def from_excel(path: Location, sheet: str | int, wishes: Wishes) -> Loaded:
    """Load one sheet of a workbook."""
    return from_arrow(arrow_of_excel(existing(path), sheet), wishes, read=True)


def from_pandas(frame: pandas.DataFrame, wishes: Wishes) -> Loaded:
    """Load a pandas frame."""
    return from_arrow(arrow_of_pandas(frame), wishes, read=True)


def from_polars(frame: polars.DataFrame, wishes: Wishes) -> Loaded:
    """Load a polars frame."""
    return from_arrow(arrow_of_polars(frame), wishes, read=True)


def from_query(url: str, query: str, wishes: Wishes) -> Loaded:
    """Load the result of a database's query."""
    if not isinstance(query, str) or not query.strip():
        raise TableError(f"{query!r} is no query; give a SELECT in the database's own SQL")
    require_here(url)
    return from_arrow(arrow_of_query(url, query), wishes)


def from_arrow(data: Any, wishes: Wishes, *, read: bool = False) -> Loaded:
    """Load an Arrow table, or anything that exports an Arrow stream; ``read`` its texts for values or not."""
    import pyarrow

    try:
        data = pyarrow.table(data)
    except pyarrow.ArrowException as error:
        raise TableError(f"cannot make an Arrow table of this {type(data).__name__}: {error}") from error
    except (TypeError, ValueError, OverflowError):
        told = "is no Arrow table and exports no Arrow stream; use another Table.from_…"
        raise TableError(f"{type(data).__name__} {told}") from None
    with connection() as cursor, _failing_as("the table"):
        cursor.register("source", plain_arrow(data))
        fields = fields_of(cursor, "source", data.column_names)
        return load(cursor, "source", fields, read=read, wishes=wishes)


def existing(path: Location) -> Path:
    """The path of a file that is there.

    Raises:
        TableError: It is not, or is a folder.
    """
    file = located(path)
    try:
        if file.is_dir():
            raise TableError(f"{file} is a folder, not a file; name one file in it")
        if file.is_file():
            return file
    except OSError as error:
        raise TableError(f"cannot look for {str(file)[:80]!r}: {error.strerror}") from None
    raise TableError(f"there is no file {file}")


def located(path: Location) -> Path:
    """A path, whether something is there or not.

    Raises:
        TableError: It is no path, or a web address.
    """
    require_here(path)
    try:
        return Path(path).expanduser()
    except (TypeError, RuntimeError):  # RuntimeError: ~ stands for nobody
        raise TableError(f"{path!r:.80} is no path of a file; give a text or a pathlib.Path") from None


def require_here(source: object) -> None:
    """Refuse the address of a file that is elsewhere: nothing is fetched from the network for a table.

    Example:
        >>> require_here("https://example.org/peaks.csv")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
            ...
        binder.errors.TableError: https://example.org/peaks.csv is a web address, and no table is fetched ...

    Raises:
        TableError: It is one.
    """
    if not isinstance(source, str) or not (scheme := _ELSEWHERE.match(source)):
        return
    shown = re.sub(r"(?<=//)[^/@]*@", "", source)  # a password may stand there
    if scheme[1].lower() == "file":
        raise TableError(f"{shown} is an address; give the file's path: {unquote(urlsplit(source).path)}")
    how = f" (curl -LO {shlex.quote(shown)})" if scheme[1].lower().startswith("http") else ""
    told = "is a web address, and no table is fetched from the network"
    raise TableError(f"{shown} {told}; download it first{how} and give the file")


@contextmanager
def connection() -> Iterator[DuckDBPyConnection]:
    """A cursor of the process's loading database, for one load."""
    cursor = _database().cursor()
    cursor.execute("PRAGMA disable_optimizer")  # the queries are plain scans, which it makes slower
    try:
        yield cursor
    finally:
        cursor.close()


@cache
def _database() -> DuckDBPyConnection:
    import duckdb

    database = duckdb.connect(":memory:", config={"python_enable_replacements": False, "temp_directory": ""})
    atexit.register(database.close)  # its threads may hold Python objects, which they cannot free once Python ends
    return database


@contextmanager
def _failing_as(what: str) -> Iterator[None]:
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        told = "it is damaged, or of another kind than it was taken for"
        raise TableError(f"cannot read {what}: {told} (the database says: {detail(str(error))})") from error


def _why(error: Exception) -> str:
    """What DuckDB's reader says is wrong with a delimited file, in one line."""
    text = str(error)
    line = re.search(r"CSV Error on Line: (\d+)", text)
    widths = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", text)
    where = f", line {line[1]}" if line else ""
    if widths:
        return f"{where}: {widths[2]} cells where the header has {widths[1]}; quote the cells that hold a delimiter"
    if "unicode" in text.lower():
        return f"{where}: not UTF-8 text; name the file's encoding"
    if "unterminated quote" in text.lower():
        return f"{where}: a quote is not closed"
    return f"{where}: it cannot be read as delimited text (the database says: {detail(text)})"
