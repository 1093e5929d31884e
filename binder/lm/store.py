"""store: texts by key, in one SQLite file that several processes and threads use at once.

It is a cache, so it fails no question: a file that is damaged is set aside and a new one begun; where nothing can be
written (a full disk, a read-only folder), or another process is busy for long, texts are just not kept.
"""

from __future__ import annotations

import contextlib
import math
import sqlite3
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

BUSY_SECONDS = 2.0
AT_ONCE = 900
"""How many keys one statement looks up; SQLite's oldest limit is 999."""
CHECK_EVERY = 1000
"""After how many texts the size is looked at again. Twice as many of the oldest then go where it is too large."""

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


class Store:
    """The texts in a file, which is opened at the first use and may be missing.

    Args:
        path: The file.
        most_bytes: The most room it should take; the texts kept first go first.
    """

    def __init__(self, path: Path, most_bytes: int) -> None:
        self.path = path
        self.most_bytes = most_bytes
        self._lock = threading.RLock()
        self._opened: sqlite3.Connection | None = None
        self._usable = True
        self._unchecked = CHECK_EVERY

    def get(self, keys: Sequence[bytes]) -> dict[bytes, Kept]:
        """What is kept under these keys."""
        return self._safely(lambda database: dict(_look_up(database, keys)), {})

    def put(self, kept: Mapping[bytes, Kept]) -> None:
        """Keep texts, in place of those with the same keys."""
        now = int(time.time())
        rows = [(key, one.draft, _sayable(one.text), one.logprob, now) for key, one in kept.items()]
        insert = "INSERT OR REPLACE INTO replies (key, draft, text, logprob, kept) VALUES (?, ?, ?, ?, ?)"

        def write(database: sqlite3.Connection) -> None:
            with _writing(database):
                database.executemany(insert, rows)
                self._unchecked += len(rows)
                if self._unchecked >= CHECK_EVERY:
                    self._unchecked = 0
                    if _bytes(database) > self.most_bytes:
                        _drop_oldest(database, CHECK_EVERY * 2)

        if rows:
            self._safely(write, None)

    def info(self) -> Info:
        """What it holds; makes no file."""
        if not self.path.exists():
            return Info(self.path)
        return self._safely(lambda database: _info(database, self.path), Info(self.path))

    def trim(self, most_bytes: int | None = None, older_than: float | None = None) -> None:
        """Drop the oldest texts until the file takes at most so many bytes, and those kept more than so many seconds
        ago."""

        def drop(database: sqlite3.Connection) -> None:
            if older_than is not None:
                database.execute("DELETE FROM replies WHERE kept < ?", (time.time() - older_than,))
            _shrink(database)
            while most_bytes is not None and (size := _bytes(database)) > most_bytes and (count := _count(database)):
                _drop_oldest(database, math.ceil(count * (1 - most_bytes / size)))
                _shrink(database)

        if self.path.exists():
            self._safely(drop, None)

    def clear(self) -> None:
        """Drop everything."""

        def drop(database: sqlite3.Connection) -> None:
            database.execute("DELETE FROM replies")
            _shrink(database)

        if self.path.exists():
            self._safely(drop, None)

    def close(self) -> None:
        """Close the file; a later use opens it again."""
        with self._lock:
            if self._opened is not None:
                self._opened.close()
            self._opened = None

    def _safely(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """Work on the database; where it cannot be done, ``otherwise``."""
        with self._lock:
            for _ in range(2):
                if not self._usable:
                    break
                try:
                    return work(self._database())
                except (sqlite3.Error, OSError) as error:
                    if not self._begin_anew(error):
                        break
            return otherwise

    def _database(self) -> sqlite3.Connection:
        if self._opened is None:
            try:
                self._opened = _open(self.path)
            except (sqlite3.OperationalError, OSError) as error:
                if not _is_busy(error):
                    self._usable = False
                    warnings.warn(f"replies are not kept: {self.path} cannot be used ({error})", stacklevel=2)
                raise
        return self._opened

    def _begin_anew(self, error: Exception) -> bool:
        """Set a damaged file aside; False where the error means something else or that cannot be done."""
        if not _is_damage(error):
            return False
        self.close()
        try:
            aside = _set_aside(self.path)
        except OSError as problem:
            self._usable = False
            warnings.warn(f"replies are not kept: {self.path} is damaged and cannot be moved ({problem})", stacklevel=2)
            return False
        if aside is not None:
            warnings.warn(f"the cache of replies was damaged; it is now {aside} and a new one was begun", stacklevel=2)
        return True


def _open(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)  # What a model said of a user's tables is for the user alone.
    database = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute(_TABLE)
    except sqlite3.Error:
        database.close()
        raise
    return database


def _look_up(database: sqlite3.Connection, keys: Sequence[bytes]) -> Iterator[tuple[bytes, Kept]]:
    for start in range(0, len(keys), AT_ONCE):
        some = keys[start : start + AT_ONCE]
        marks = ",".join("?" * len(some))
        query = f"SELECT key, text, logprob, draft FROM replies WHERE key IN ({marks})"
        for key, text, logprob, draft in database.execute(query, some):
            yield key, Kept(text, logprob, bool(draft))


@contextlib.contextmanager
def _writing(database: sqlite3.Connection) -> Iterator[None]:
    """One transaction, for writing from its start: a reader that became a writer could meet another one's and fail."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        with contextlib.suppress(sqlite3.Error):  # A full disk has ended it already.
            database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def _drop_oldest(database: sqlite3.Connection, count: int) -> None:
    """Drop so many of the texts kept first."""
    database.execute("DELETE FROM replies WHERE age IN (SELECT age FROM replies ORDER BY age LIMIT ?)", (count,))


def _bytes(database: sqlite3.Connection) -> int:
    """How much room is in use. What was dropped leaves room that is used again before the file grows."""
    pages = _number(database, "PRAGMA page_count") - _number(database, "PRAGMA freelist_count")
    return pages * _number(database, "PRAGMA page_size")


def _count(database: sqlite3.Connection) -> int:
    return _number(database, "SELECT count(*) FROM replies")


def _shrink(database: sqlite3.Connection) -> None:
    """Give the room of what was dropped back to the disk."""
    database.execute("VACUUM")
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _info(database: sqlite3.Connection, path: Path) -> Info:
    query = "SELECT count(*), coalesce(sum(draft), 0), min(kept) FROM replies"
    count, drafts, oldest = database.execute(query).fetchone()
    return Info(path, _bytes(database), count - drafts, drafts, oldest)


def _number(database: sqlite3.Connection, query: str) -> int:
    return int(database.execute(query).fetchone()[0])


def _sayable(text: str | None) -> str | None:
    """The text without halves of surrogate pairs, which SQLite does not take."""
    return text if text is None else text.encode("utf-8", "replace").decode()


def _is_busy(error: Exception) -> bool:
    return _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _is_damage(error: Exception) -> bool:
    return _code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _code(error: Exception) -> int:
    """SQLite's primary code of an error."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _set_aside(path: Path) -> Path | None:
    """Rename a damaged file; None when it is whole, since another process has begun a new one meanwhile."""
    import fcntl

    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _is_whole(path):
            return None
        for tail in ("-wal", "-shm"):
            path.with_name(path.name + tail).unlink(missing_ok=True)
        return path.rename(path.with_name(f"{path.name}.damaged-{time.time_ns()}"))


def _is_whole(path: Path) -> bool:
    with contextlib.closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as database:
        try:
            return bool(database.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
        except sqlite3.Error:
            return False
