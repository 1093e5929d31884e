"""Delimited text files: how one is written, told from its start, and DuckDB's reader told so.

The first record is the header. A record with fewer cells than the header is filled up with missing ones; one with more
is an error that names its line.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import dropwhile, islice
from pathlib import Path
from typing import BinaryIO, cast

from binder.cells import quoted
from binder.errors import TableError
from binder.fields import Field

_HEAD = 1 << 17
_RECORDS = 100
_DELIMITERS = ",;\t|"
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class Dialect:
    """How a delimited file is written.

    Attributes:
        delimiter: What stands between cells.
        quote: What stands around a cell that holds a delimiter, or an empty string for nothing.
        escape: What stands before a quote inside a quoted cell: the quote itself, or a backslash.
    """

    delimiter: str = ","
    quote: str = '"'
    escape: str = '"'

    def records(self, text: str) -> Iterator[list[str]]:
        """The records of a text.

        Raises:
            csv.Error: The text is not written so.
        """
        doubled = self.escape == self.quote
        return csv.reader(
            io.StringIO(text, newline=""),
            delimiter=self.delimiter,
            quotechar=self.quote or None,
            quoting=csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            doublequote=doubled,
            escapechar=None if doubled or not self.quote else self.escape,
            strict=True,
        )


@dataclass(frozen=True)
class Delimited:
    """A delimited file that DuckDB can read.

    Attributes:
        path: Where it is: UTF-8 text, perhaps compressed.
        dialect: How it is written.
        headers: What it calls its columns; empty texts when its first record is not a header.
        named: Whether its first record is the header.
        told: Whether DuckDB must be told that its lines end as on Windows.
    """

    path: Path
    dialect: Dialect
    headers: tuple[str, ...]
    named: bool
    told: bool = False

    @property
    def fields(self) -> tuple[Field, ...]:
        """The file's columns, as ``relation`` gives them."""
        return tuple(Field(header, f"h{position}", "VARCHAR") for position, header in enumerate(self.headers))

    def relation(self, dialect: Dialect, padded: bool) -> str:
        """What to write after FROM to read the file's cells as text, in columns of neutral names.

        Args:
            dialect: How to read it.
            padded: Whether a short record is filled up; slower, since DuckDB then reads with one thread.
        """
        columns = ", ".join(f"'h{position}': 'VARCHAR'" for position in range(len(self.headers)))
        padding = ", null_padding=true, parallel=false" if padded else ""
        line_end = r", new_line='\r\n'" if self.told else ""
        return (
            f"read_csv({quoted(pattern_of(self.path))}, auto_detect=false, header={self.named}, "
            f"columns={{{columns}}}, delim={quoted(dialect.delimiter)}, quote={quoted(dialect.quote)}, "
            f"escape={quoted(dialect.escape)}{padding}{line_end})"
        )

    def attempts(self) -> Iterator[str]:
        """The relations to try, the likeliest first; a later one never drops a character that an earlier one keeps."""
        yield self.relation(self.dialect, padded=False)
        yield self.relation(self.dialect, padded=True)
        for style in _STYLES:
            if (other := Dialect(self.dialect.delimiter, *style)) != self.dialect:
                yield self.relation(other, padded=False)


def pattern_of(path: Path) -> str:
    """The path for DuckDB's readers, which take ``*``, ``?`` and ``[`` in it for patterns."""
    return re.sub(r"[*?\[]", r"[\g<0>]", str(path))


_STYLES = (('"', '"'), ('"', "\\"), ("", ""))


@contextmanager
def delimited(path: Path, *, delimiter: str | None, header: bool, encoding: str | None) -> Iterator[Delimited]:
    """Find out how a file is written; one that DuckDB cannot read is rewritten for the time of the context.

    Raises:
        TableError: It is empty, is no text, or is not in the encoding that was named.
    """
    start = _start(path)
    encoding = _codec(encoding) if encoding else _encoding(path, start)
    text = start.decode(encoding, "replace").removeprefix("\ufeff")
    if not text.strip():
        raise TableError(f"{path.name} is empty: it has no header and no rows")
    blank = len(text) - len(text.lstrip("\r\n"))
    dialect = sniff(text[blank:], delimiter, whole=len(start) < _HEAD)
    try:
        first = next(dialect.records(text[blank:]))
    except csv.Error as error:
        raise TableError(f"{path.name}: its first record cannot be read: {error}; is a quote missing?") from error
    headers = tuple(first if header else [""] * len(first))
    ends = _line_ends(text)
    as_it_is = encoding in ("utf-8", "utf-8-sig") and not blank and len(ends) < 2
    # DuckDB takes the first line break for the end of a line, also where a header holds it.
    told = as_it_is and ends == {"\r\n"} and any("\n" in header for header in first)
    with nullcontext(path) if as_it_is else _rewritten(path, encoding) as readable:
        yield Delimited(readable, dialect, headers, header, told)


def sniff(text: str, delimiter: str | None = None, whole: bool = True) -> Dialect:
    """How a delimited text is written, from its start.

    The delimiter is the one that splits the most records into as many cells as the header. Quotes inside quoted cells
    are doubled, unless the text only parses with backslashes before them, or only with quotes that mean nothing.

    Args:
        text: The start of the file.
        delimiter: The delimiter, when it is known.
        whole: Whether the text is all of the file, so that its last record is complete.

    Example:
        >>> sniff('a;b\\n"say \\\\"hi\\\\"";2\\n')
        Dialect(delimiter=';', quote='"', escape='\\\\')
    """
    best, best_score = Dialect(delimiter or ","), (False, 0.0, 0)
    for candidate in delimiter or _DELIMITERS:
        for style in _STYLES:
            dialect = Dialect(candidate, *style)
            widths = _widths(dialect, text, whole)
            if widths:
                score = _score(widths)
                if score > best_score:
                    best, best_score = dialect, score
                break
    return best


def _widths(dialect: Dialect, text: str, whole: bool) -> list[int]:
    """How many cells each of the first records has; none when the text is not written so."""
    widths: list[int] = []
    try:
        for record in islice(dialect.records(text), _RECORDS):
            widths.append(len(record))
    except csv.Error as error:
        if whole or "unexpected end" not in str(error):
            return []
    if not whole and len(widths) < _RECORDS:
        widths = widths[:-1]
    return [width for width in widths if width]


def _score(widths: list[int]) -> tuple[bool, float, int]:
    split = sum(width > 1 for width in widths) / len(widths)
    alike = sum(width == widths[0] for width in widths) / len(widths)
    return widths[0] > 1 and split > 0.5, alike, widths[0]


def _start(path: Path) -> bytes:
    """The first bytes of a file, unpacked."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            return file.read(_HEAD)
    except (OSError, EOFError) as error:
        raise TableError(f"cannot read {path}: {error}") from error


def _encoding(path: Path, start: bytes) -> str:
    """The encoding of a file: as its byte order mark says, UTF-8 when it can be, or else Windows-1252."""
    for mark, encoding in _BOMS:
        if start.startswith(mark):
            return encoding
    if b"\0" in start:
        raise TableError(f"{path.name} is not a text file: it holds zero bytes; name its encoding if it is text")
    try:
        codecs.utf_8_decode(start, "strict", len(start) < _HEAD)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _codec(encoding: str) -> str:
    """The codec of a name."""
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        raise TableError(f"there is no encoding {encoding!r}; name one that Python knows, such as utf-8") from None


def _line_ends(text: str) -> set[str]:
    """The line ends outside quotes."""
    return set(re.findall(r"\r\n|\r|\n", re.sub(r'"[^"]*"', "", text)))


@contextmanager
def _rewritten(path: Path, encoding: str) -> Iterator[Path]:
    """A temporary copy in UTF-8, with one kind of line ends and no blank line at its start."""
    with tempfile.TemporaryDirectory(prefix="binder-") as folder:
        copy = Path(folder) / path.name.removesuffix(".gz")
        try:
            with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as packed, copy.open("wb") as target:
                lines = io.TextIOWrapper(cast("BinaryIO", packed), encoding=encoding)
                target.writelines(line.encode() for line in dropwhile(lambda line: line == "\n", lines))
        except UnicodeError as error:
            raise TableError(f"{path.name} is not written in {encoding}: {error}; name its encoding") from error
        yield copy
