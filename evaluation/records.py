"""JSON Lines files that outlive a kill: each line is written at once, and one torn by a kill is dropped and redone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Self

from evaluation.example import DataSetError

Record = dict[str, Any]


def read(path: Path) -> list[Record]:
    """The records of a file, none when there is no file; a last line without its end is cut off the file.

    Raises:
        DataSetError: Another line is no JSON object.
    """
    if not path.exists():
        return []
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        with path.open("r+b") as file:
            file.truncate(whole)
    return [_record(path, number, line) for number, line in enumerate(content[:whole].splitlines(), 1)]


def write_sorted(path: Path) -> None:
    """Rewrites a finished file with its records in the order of their ids."""
    records = sorted(read(path), key=lambda record: str(record["id"]))
    beside = path.with_suffix(".new")
    beside.write_bytes(b"".join(map(_line, records)))
    beside.replace(path)


class Appender:
    """Appends records to a file; each is there once ``add`` has returned."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def add(self, record: Record) -> None:
        """Write a record as one line."""
        self._file.write(_line(record))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _line(record: Record) -> bytes:
    return json.dumps(record, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"


def _record(path: Path, number: int, line: bytes) -> Record:
    try:
        record: Record = json.loads(line.decode("utf-8", "surrogatepass"))
    except ValueError as error:
        raise DataSetError(f"{path}, line {number}, is no JSON ({error}); remove that line and run again") from error
    return record
