"""rows: the one table in which replies are kept, and what is done with it in SQL."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from binder.lm import damage

BUSY_SECONDS = 2.0
AGAIN_SECONDS = 0.005
AT_ONCE = 900
"""How many keys one statement looks up; SQLite's oldest limit is 999."""

_TABLE = """
CREATE TABLE IF NOT EXISTS replies (
    age INTEGER PRIMARY KEY,
    key BLOB NOT NULL UNIQUE,
    draft INTEGER NOT NULL,
    text TEXT,
    logprob REAL,
    kept INTEGER NOT NULL
)
"""


@dataclass(frozen=True)
class Kept:
    """A text that is kept.

    Attributes:
        text: What the model said; None where it said that it does not know.
        logprob: The sum of its tokens' log-probabilities, or None.
        draft: Whether it is a program, rather than a value.
    """

    text: str | None
    logprob: float | None = None
    draft: bool = False


@dataclass(frozen=True)
class Info:
    """What a store holds.

    Attributes:
        path: Its file, or None where nothing is kept.
        bytes: How much room it takes.
        values: How many values of calls it holds.
        drafts: How many drafted programs.
        oldest: When the oldest was kept, in seconds since 1970; None when there is none.
    """

    path: Path | None
    bytes: int = 0
    values: int = 0
    drafts: int = 0
    oldest: int | None = None


def connect(path: Path) -> sqlite3.Connection:
    """The database in a file, made where there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)  # What a model said of a user's tables is for the user alone.
    database = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        _keep_log(database)
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute(_TABLE)
    except sqlite3.Error:
        database.close()
        raise
    return database


def _keep_log(database: sqlite3.Connection) -> None:
    """Have readers and a writer not wait for each other.

    Where several processes make the file at once, SQLite refuses all but one of them this at once, whatever the
    timeout, so the waiting is done here.
    """
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if not damage.is_busy(error) or time.monotonic() > until:
                raise
        time.sleep(AGAIN_SECONDS)


def look_up(database: sqlite3.Connection, keys: Sequence[bytes]) -> Iterator[tuple[bytes, Kept]]:
    """What is kept under these keys."""
    for start in range(0, len(keys), AT_ONCE):
        some = keys[start : start + AT_ONCE]
        marks = ",".join("?" * len(some))
        query = f"SELECT key, text, logprob, draft FROM replies WHERE key IN ({marks})"
        for key, text, logprob, draft in database.execute(query, some):
            yield key, Kept(text, logprob, bool(draft))


@contextlib.contextmanager
def writing(database: sqlite3.Connection) -> Iterator[None]:
    """One transaction, for writing from its start: a reader that became a writer could meet another one's and fail."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):  # A full disk has ended it already.
            database.execute("ROLLBACK")
        raise


def insert(database: sqlite3.Connection, kept: Mapping[bytes, Kept]) -> None:
    """Keep texts, in place of those with the same keys."""
    now = int(time.time())
    rows = [(key, one.draft, _sayable(one.text), one.logprob, now) for key, one in kept.items()]
    database.executemany(
        "INSERT OR REPLACE INTO replies (key, draft, text, logprob, kept) VALUES (?, ?, ?, ?, ?)", rows
    )


def drop_older(database: sqlite3.Connection, seconds: float) -> None:
    """Drop the texts that were kept more than so many seconds ago."""
    database.execute("DELETE FROM replies WHERE kept < ?", (time.time() - seconds,))


def drop_all(database: sqlite3.Connection) -> None:
    """Drop every text."""
    database.execute("DELETE FROM replies")


def drop_oldest(database: sqlite3.Connection, count: int) -> None:
    """Drop so many of the texts kept first."""
    database.execute("DELETE FROM replies WHERE age IN (SELECT age FROM replies ORDER BY age LIMIT ?)", (count,))


def size(database: sqlite3.Connection) -> int:
    """How much room is in use. What was dropped leaves room that is used again before the file grows."""
    pages = _number(database, "PRAGMA page_count") - _number(database, "PRAGMA freelist_count")
    return pages * _number(database, "PRAGMA page_size")


def count(database: sqlite3.Connection) -> int:
    """How many texts are kept."""
    return _number(database, "SELECT count(*) FROM replies")


def shrink(database: sqlite3.Connection) -> None:
    """Give the room of what was dropped back to the disk; while others use the file, that waits for another time."""
    with contextlib.suppress(sqlite3.OperationalError):
        database.execute("VACUUM")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def info(database: sqlite3.Connection, path: Path) -> Info:
    """What is kept."""
    query = "SELECT count(*), coalesce(sum(draft), 0), min(kept) FROM replies"
    count, drafts, oldest = database.execute(query).fetchone()
    return Info(path, size(database), count - drafts, drafts, oldest)


def _number(database: sqlite3.Connection, query: str) -> int:
    return int(database.execute(query).fetchone()[0])


def _sayable(text: str | None) -> str | None:
    """The text without halves of surrogate pairs, which SQLite does not take."""
    return text if text is None else text.encode("utf-8", "replace").decode()
