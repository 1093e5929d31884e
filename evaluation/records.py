"""JSON Lines files that outlive a kill: each line is written at once; one that is damaged is left out and redone."""

from __future__ import annotations

import contextlib
import json
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

Record = dict[str, Any]


def read(path: Path, holds: Callable[[Record], object] = bool) -> list[Record]:
    """The records of a file, none when there is no file.

    A last line without its end is cut off the file. Another line that is damaged is warned of and left out, so that
    what it held is done again.

    Args:
        path: The file.
        holds: Reads what a record holds; one of which it raises a ``LookupError``, ``TypeError`` or ``ValueError`` is
            damaged.
    """
    if not path.exists():
        return []
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        with path.open("r+b") as file:
            file.truncate(whole)
    found = (_record(path, number, line, holds) for number, line in enumerate(content[:whole].splitlines(), 1))
    return [record for record in found if record is not None]


def write_sorted(path: Path) -> None:
    """Rewrites a finished file with its records in the order of their ids."""
    records = sorted(read(path), key=lambda record: str(record["id"]))
    replace(path, b"".join(map(_line, records)))


def replace(path: Path, content: bytes) -> None:
    """Write a file so that it is never there in part."""
    beside = path.with_suffix(".new")
    beside.write_bytes(content)
    beside.replace(path)


class Appender:
    """Appends records to a file; each is there once ``add`` has returned."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def add(self, record: Record) -> None:
        """Write a record as one line.

        Raises:
            OSError: It could not be written whole; what was written of it is taken back.
        """
        line, start = _line(record), self._file.seek(0, os.SEEK_END)
        try:
            while line:
                line = line[self._file.write(line) :]  # a disk that is nearly full takes a part
        except OSError:
            self._file.truncate(start)
            raise

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _line(record: Record) -> bytes:
    return json.dumps(record, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"


def _record(path: Path, number: int, line: bytes, holds: Callable[[Record], object]) -> Record | None:
    with contextlib.suppress(LookupError, TypeError, ValueError, RecursionError):
        record = json.loads(line.decode("utf-8", "surrogatepass"))
        if isinstance(record, dict) and record.keys() & {"id", "about"}:
            holds(record)
            return record
    warnings.warn(f"{path}, line {number}, is damaged and left out; a run does again what it held", stacklevel=2)
    return None
