"""store: texts by key, in one SQLite file that several processes and threads use at once.

It is a cache, so it fails no question: a file that is damaged is set aside and a new one begun; where nothing can be
written (a full disk, a read-only folder), or another process is busy for long, texts are not kept, which is said once.
"""

from __future__ import annotations

import logging
import math
import sqlite3
import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from binder.lm import damage, rows
from binder.lm.rows import Info, Kept

T = TypeVar("T")

_log = logging.getLogger(__name__)

CHECK_EVERY = 1000
"""After how many texts the size is looked at again. Twice as many of the oldest then go where it is too large."""


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
        self._lost = False
        self._trouble: Exception | None = None
        self._unchecked = CHECK_EVERY

    @property
    def keeps_all(self) -> bool:
        """Whether the file can be used, as far as is known, and holds all that it was given to keep."""
        return self._usable and not self._lost

    def get(self, keys: Sequence[bytes]) -> dict[bytes, Kept]:
        """What is kept under these keys."""
        return self._safely(lambda database: dict(rows.look_up(database, keys)), {})

    def put(self, kept: Mapping[bytes, Kept]) -> None:
        """Keep texts, in place of those with the same keys."""

        def write(database: sqlite3.Connection) -> bool:
            with rows.writing(database):
                rows.insert(database, kept)
                self._unchecked += len(kept)
                if self._unchecked >= CHECK_EVERY:
                    self._unchecked = 0
                    if rows.size(database) > self.most_bytes:
                        rows.drop_oldest(database, CHECK_EVERY * 2)
            return True

        if kept and not self._safely(write, False):
            self._note_loss()

    def info(self) -> Info:
        """What it holds; makes no file."""
        if not self.path.exists():
            return Info(self.path)
        return self._safely(lambda database: rows.info(database, self.path), Info(self.path))

    def trim(self, most_bytes: int | None = None, older_than: float | None = None) -> bool:
        """Drop the oldest texts until the file takes at most so many bytes, and those kept more than so many seconds
        ago; whether that could be done."""

        def drop(database: sqlite3.Connection) -> bool:
            if older_than is not None:
                rows.drop_older(database, older_than)
            rows.shrink(database)
            while most_bytes is not None and (size := rows.size(database)) > most_bytes:
                if not (count := rows.count(database)):
                    break
                rows.drop_oldest(database, math.ceil(count * (1 - most_bytes / size)))
                rows.shrink(database)
            return True

        return not self.path.exists() or self._safely(drop, False)

    def clear(self) -> bool:
        """Drop everything; whether that could be done."""

        def drop(database: sqlite3.Connection) -> bool:
            rows.drop_all(database)
            rows.shrink(database)
            return True

        return not self.path.exists() or self._safely(drop, False)

    def close(self) -> None:
        """Close the file; a later use opens it again."""
        with self._lock:
            if self._opened is not None:
                self._opened.close()
            self._opened = None

    def _note_loss(self) -> None:
        """Say that texts were not kept, the first time, and where no warning has said so."""
        with self._lock:
            if self.keeps_all:
                told = "some replies are not kept: %s cannot be written (%s). See to its disk, or name another file"
                _log.warning(told, self.path, self._trouble)
            self._lost = True

    def _safely(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """Work on the database; where it cannot be done, ``otherwise``."""
        with self._lock:
            for _ in range(2):
                if not self._usable:
                    break
                try:
                    return work(self._database())
                except (sqlite3.Error, OSError) as error:
                    self._trouble = error
                    if not self._begin_anew(error):
                        break
            return otherwise

    def _database(self) -> sqlite3.Connection:
        if self._opened is None:
            try:
                self._opened = rows.connect(self.path)
            except (sqlite3.OperationalError, OSError) as error:
                if not damage.is_busy(error):
                    self._usable = False
                    warnings.warn(f"replies are not kept: {self.path} cannot be used ({error})", stacklevel=2)
                raise
        return self._opened

    def _begin_anew(self, error: Exception) -> bool:
        """Set a damaged file aside; False where the error means something else or that cannot be done."""
        if not damage.is_damage(error):
            return False
        self.close()
        try:
            aside = damage.set_aside(self.path)
        except OSError as problem:
            self._usable = False
            warnings.warn(f"replies are not kept: {self.path} is damaged and cannot be moved ({problem})", stacklevel=2)
            return False
        if aside is not None:
            warnings.warn(f"the cache of replies was damaged; it is now {aside} and a new one was begun", stacklevel=2)
        return True
