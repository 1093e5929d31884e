"""damage: what SQLite's errors mean for a cache, and how a damaged file is set aside."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from pathlib import Path

LOOK_SECONDS = 2.0


def is_busy(error: Exception) -> bool:
    """Whether another process or thread held the file for too long."""
    return _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def is_damage(error: Exception) -> bool:
    """Whether the file is no database, or a broken one."""
    return _code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _code(error: Exception) -> int:
    """SQLite's primary code of an error."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def set_aside(path: Path) -> Path | None:
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
    with contextlib.closing(sqlite3.connect(path, timeout=LOOK_SECONDS)) as database:
        try:
            return bool(database.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
        except sqlite3.Error as error:
            return not is_damage(error)  # one that others hold is not broken
