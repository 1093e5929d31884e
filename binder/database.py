"""Locked DuckDB databases that hold the tables of a question, and sessions on them.

A database is locked from the start: no file, no network, no extension, no changed setting. Tables come in as Arrow.
Opening one costs over 10 ms, so databases are kept and lent again, to the same tables as they are, or emptied to
others.
"""

from __future__ import annotations

import re
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb

from binder.alarm import alarm
from binder.amounts import require_number, require_whole
from binder.errors import ConfigurationError, RunError
from binder.mishaps import mishap
from grammars.figures import MACROS

if TYPE_CHECKING:
    from binder.plan import Plan
    from binder.table import Table
    from grammars.program import Program

    Checks = dict[str, tuple[Program, Plan]]

Parameters = Sequence[object] | Mapping[str, object]

_POOLED = 8
_LEAST_MEMORY = 16_000_000  # DuckDB cannot run a query in 2 MB, and needs some more for a table
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT])(I?)B", re.IGNORECASE)


@dataclass(frozen=True)
class Limits:
    """What a program may use: an SQL program of the database, a Python program of the machine.

    Attributes:
        seconds: The longest a statement, or a Python program, may run.
        memory: The most memory a database, or a Python program, may take, such as ``4GB`` or ``512MiB``; 16 MB at
            least.
        rows: The most rows a program may return.

    Raises:
        ConfigurationError: One of them cannot be kept.
    """

    seconds: float = 30.0
    memory: str = "4GB"
    rows: int = 100_000

    @property
    def bytes(self) -> int:
        """The most memory in bytes."""
        return int(_bytes(self.memory))

    def __post_init__(self) -> None:
        require_number("limits: seconds", self.seconds, above_zero=True)
        if self.seconds > threading.TIMEOUT_MAX:
            raise ConfigurationError(f"limits: seconds is {self.seconds!r}; give {threading.TIMEOUT_MAX:g} at most")
        if not _LEAST_MEMORY <= _bytes(self.memory) < 2**63:
            raise ConfigurationError(f"limits: memory is {self.memory!r}; give an amount of 16 MB or more, as '4GB'")
        require_whole("limits: rows", self.rows)


class Session:
    """One program's use of a database: its own temporary tables, its own interrupt.

    Attributes:
        checked: What is known of programs over these tables, by their text; it lasts as long as the tables are there.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, limits: Limits, checked: Checks) -> None:
        self.checked = checked
        self._connection = connection
        self._limits = limits

    def rows(self, sql: str, parameters: Parameters | None = None) -> list[tuple[Any, ...]]:
        """The rows of a query.

        Raises:
            RunError: It failed, ran past its time or memory, or gave more rows than allowed.
        """
        return self._run(sql, parameters)[1]

    def result(self, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """The names of a query's columns and its rows; raises as ``rows`` does."""
        return self._run(sql, None)

    def _run(self, sql: str, parameters: Parameters | None) -> tuple[list[str], list[tuple[Any, ...]]]:
        try:
            with alarm(self._limits.seconds, self._connection.interrupt):
                cursor = self._connection.execute(sql, parameters or None)
                names = [column[0] for column in cursor.description or []]
                rows = cursor.fetchmany(self._limits.rows + 1)
        except duckdb.Error as error:
            raise RunError(_explain(error, self._limits)) from None
        if len(rows) > self._limits.rows:
            raise RunError(f"the program gives more than {self._limits.rows:,} rows; add a condition or a LIMIT")
        return names, rows

    @contextmanager
    def beside(self) -> Iterator[Session]:
        """A session on the same database, with temporary tables of its own."""
        connection = self._connection.cursor()
        try:
            yield Session(connection, self._limits, self.checked)
        finally:
            connection.close()

    def bind(self, sql: str, parameters: Parameters | None = None) -> str | None:
        """What DuckDB has against a query, without running it; None when it can run."""
        try:
            # A relation: bound at once, run only when its rows are asked for.
            self._connection.sql(sql, params=parameters)
        except duckdb.Error as error:
            return _first_line(error)
        return None

    def interrupt(self) -> None:
        """Stop the statement that is running."""
        self._connection.interrupt()

    def put(self, name: str, columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[object]]) -> None:
        """Make a temporary table, in place of one of the same name.

        Args:
            name: Its name.
            columns: Their names and DuckDB types.
            rows: Its rows.
        """
        import pyarrow as pa

        described = ", ".join(f"{quoted(column)} {type_}" for column, type_ in columns)
        self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {quoted(name)} ({described})")
        if not rows:
            return
        arrays = {column: pa.array([row[index] for row in rows]) for index, (column, _) in enumerate(columns)}
        self._connection.register("__arriving", pa.table(arrays))
        self._connection.execute(f"INSERT INTO {quoted(name)} SELECT * FROM __arriving")
        self._connection.unregister("__arriving")


class Database:
    """A locked DuckDB for a question's tables.

    Attributes:
        tables: The tables it is meant for; they are there once ``load`` is done.
        users: How many sessions are on it, or about to be.
    """

    def __init__(self, limits: Limits, tables: tuple[Table, ...]) -> None:
        self.tables = tables
        self.users = 0
        self._loaded: tuple[Table, ...] = ()
        self._loading = threading.Lock()
        self._checked: Checks = {}
        self._limits = limits
        # No temporary directory: a database in memory would leave spilled data in the working directory.
        config: dict[str, str | bool | int | float | list[str]] = {
            "enable_external_access": False,
            "memory_limit": limits.memory,
            "temp_directory": "",
            "python_enable_replacements": False,  # else a name may mean a variable of this process
        }
        self._connection = duckdb.connect(config=config)
        self._connection.execute(MACROS)
        self._connection.execute("SET lock_configuration = true")

    @property
    def ready(self) -> bool:
        """Whether its tables are there."""
        return self._loaded == self.tables

    def load(self) -> None:
        """Put its tables in, in place of those that were there.

        Raises:
            RunError: They do not fit into the memory that the database may take.
        """
        with self._loading:
            if self.ready:
                return
            for table in self._loaded:
                self._connection.execute(f"DROP TABLE IF EXISTS {quoted(table.name)}")
            self._loaded, self._checked = (), {}
            for table in self.tables:
                self._load(table)
                self._loaded = (*self._loaded, table)

    def _load(self, table: Table) -> None:
        self._connection.register("__arriving", table.data)
        try:
            self._connection.execute(f"CREATE TABLE {quoted(table.name)} AS SELECT * FROM __arriving")
        except duckdb.OutOfMemoryException:
            told = f"table {table.name!r} does not fit into {self._limits.memory} of memory"
            raise RunError(f"{told}; allow more (Limits.memory), or load fewer rows") from None
        finally:
            self._connection.unregister("__arriving")

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session; its temporary tables end with it."""
        connection = self._connection.cursor()
        try:
            yield Session(connection, self._limits, self._checked)
        finally:
            connection.close()

    def close(self) -> None:
        """Free the tables."""
        self._connection.close()


class Pool:
    """Databases kept warm and lent by the tables they hold."""

    def __init__(self, limits: Limits, size: int = _POOLED) -> None:
        self._limits = limits
        self._size = size
        self._databases: list[Database] = []  # the least recently lent first
        self._lock = threading.Lock()
        # At exit at the latest: DuckDB's threads may hold Python objects, which they cannot free once Python ends.
        weakref.finalize(self, _close_all, self._databases)

    @contextmanager
    def session(self, tables: tuple[Table, ...]) -> Iterator[Session]:
        """A session on a database that holds these tables."""
        database = self._lend(tables)
        try:
            database.load()
            with database.session() as session:
                yield session
        finally:
            with self._lock:
                database.users -= 1

    def holds(self, tables: tuple[Table, ...]) -> bool:
        """Whether a session on these tables is there at once."""
        with self._lock:
            return any(one.tables == tables and one.ready for one in self._databases)

    def _lend(self, tables: tuple[Table, ...]) -> Database:
        with self._lock:
            database = next((one for one in self._databases if one.tables == tables), None) or self._emptied(tables)
            self._databases.remove(database)
            self._databases.append(database)
            database.users += 1
            return database

    def _emptied(self, tables: tuple[Table, ...]) -> Database:
        """A database that nobody uses, or a new one, meant for these tables from now on."""
        idle = next((one for one in self._databases if not one.users), None)
        if idle is None or len(self._databases) < self._size:
            idle = Database(self._limits, tables)
            self._databases.append(idle)
        idle.tables = tables
        return idle

    def close(self) -> None:
        """Close the databases that nobody uses."""
        with self._lock:
            for database in [one for one in self._databases if not one.users]:
                database.close()
                self._databases.remove(database)


def _close_all(databases: list[Database]) -> None:
    for database in databases:
        database.close()


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def _bytes(memory: object) -> float:
    """An amount of memory in bytes; 0 for what is none."""
    amount = _AMOUNT.fullmatch(memory) if isinstance(memory, str) else None
    return float(amount[1]) * (1024 if amount[3] else 1000) ** " KMGT".index(amount[2].upper()) if amount else 0


def _first_line(error: duckdb.Error) -> str:
    return str(error).strip().splitlines()[0].removeprefix("INTERRUPT Error: ")


def _explain(error: duckdb.Error, limits: Limits) -> str:
    """A database's error as a person needs it."""
    if isinstance(error, duckdb.InterruptException):
        return f"the program ran longer than {limits.seconds:g} s and was stopped; narrow what it reads"
    if isinstance(error, duckdb.OutOfMemoryException):
        return f"the program needed more than {limits.memory} of memory and was stopped; narrow what it reads"
    return f"the program failed while running: {mishap(str(error))}"
