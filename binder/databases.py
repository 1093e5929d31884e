"""Query results from any database that SQLAlchemy reaches, through the ``records`` package.

``records`` connects, and the query is sent as it stands: its own query method takes ``:name`` inside a literal for a
parameter, loses all but one of several columns of the same name, and loses the header of an empty result.
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from binder.errors import TableError
from binder.frames import arrow_of_values

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow
    from sqlalchemy import URL, Connection


def arrow_of_query(url: str, query: str) -> pyarrow.Table:
    """The result of a query as Arrow, under the names that the database gives.

    Args:
        url: An SQLAlchemy URL, such as ``sqlite:///shop.db`` or ``postgresql://user:password@host/name``.
        query: One statement in the database's own SQL.

    Raises:
        TableError: The URL, the driver, the connection or the query fails. No message holds the password.
    """
    location = _location(url)
    with _connected(location) as connection:
        result = connection.exec_driver_sql(query)
        if result.cursor is None or not result.returns_rows:
            raise TableError(f"the query gives no rows: {_short(query)}; a table comes from a SELECT")
        names = [column[0] for column in result.cursor.description]
        rows = [tuple(row) for row in result.fetchall()]
    columns: list[Any] = [[row[position] for row in rows] for position in range(len(names))]
    return arrow_of_values(columns, names)


def _location(url: str) -> URL:
    from sqlalchemy import exc, make_url

    try:
        location = make_url(url)
    except (exc.ArgumentError, ValueError):
        raise TableError("this is no database URL; it should look like postgresql://user@host/name") from None
    if location.drivername == "postgres":
        location = location.set(drivername="postgresql")
    if location.get_backend_name() == "sqlite" and not _is_there(location.database or ":memory:"):
        raise TableError(f"there is no SQLite file {location.database}")
    return location


def _is_there(database: str) -> bool:
    """Whether an SQLite database exists; connecting would make an empty one where there is none."""
    return database.startswith((":memory:", "file:")) or Path(database).is_file()


@contextmanager
def _connected(location: URL) -> Iterator[Connection]:
    """A connection that sends statements as they stand, and whose errors are table errors."""
    import records
    from sqlalchemy import exc

    shown = location.render_as_string(hide_password=True)
    try:
        with records.Database(location) as database, database.get_engine().connect() as connection:
            yield connection.execution_options(no_parameters=True)
    except exc.NoSuchModuleError:
        raise TableError(f"no database is called {location.drivername!r} in {shown}") from None
    except ImportError as error:
        raise TableError(f"{shown} needs a driver that is not installed: {error.name}; install it with pip") from None
    except exc.SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).strip()
        if location.password:
            reason = reason.replace(str(location.password), "***")
        raise TableError(f"{shown}: {reason}") from None


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 80 else line[:79] + "…"
