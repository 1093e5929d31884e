"""robustness: harder data sets made from a benchmark's own, in its own layout, so that any run takes them.

In the manner of the Binder paper's two studies (Cheng et al., 2023): tables grown to many rows with rows of their own
kind, and distracting rows and columns. The gold answer must stay right, so rows are added only to look-ups: questions
without counting, order or arithmetic, whose answer stands in one row beside a cell that the question names. No added
cell has a telling word in common with the question or the answer. Distracting columns go to any question.
"""

from __future__ import annotations

import random
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from binder.errors import ConfigurationError
from evaluation.benchmark import Benchmark
from evaluation.example import Example

Rows = list[list[str]]

TRIES = 20
# What a question that depends on rows it does not name has in it.
_WHOLE_TABLE = re.compile(
    r"\b(how (many|much|long|often)|number|count|total|sum|average|mean|difference|combined|more|less|fewer|most|least"
    r"|fewest|only|all|every|each|any|no|not|never|none|other|besides|same|both|either|or|than|first|last|next"
    r"|previous|prior|before|after|above|below|between|following|consecutive|top|bottom|rank\w*|\w{2,}est|list"
    r"|name (a|an|all))\b"
)
_PLAIN_NUMBER = re.compile(r"[$£€]?\d[\d,.]*\s?%?")
_YEAR = re.compile(r"(1[5-9]|20)\d\d")
_COMMON = frozenset({"the", "and", "for", "was", "were", "did", "does", "has", "had", "have", "are", "with", "from"})


@dataclass(frozen=True)
class Harder:
    """What makes a data set harder.

    Attributes:
        rows: How many rows tables are grown to, with rows of their own kind; None to leave them.
        distracting_rows: How many rows are added that agree with the answering row in all but what the question asks.
        columns: How many columns of other tables are added.
    """

    rows: int | None = None
    distracting_rows: int = 0
    columns: int = 0

    @property
    def adds_rows(self) -> bool:
        """Whether the examples must be look-ups."""
        return self.rows is not None or self.distracting_rows > 0


def make(
    benchmark: Benchmark, examples: Sequence[Example], split: str, out: Path, harder: Harder, seed: int = 0
) -> tuple[Example, ...]:
    """Write a harder data set, each example with a table of its own.

    Args:
        benchmark: The benchmark, whose layout is written.
        examples: The examples to make it from.
        split: The split's name.
        out: The folder to write, which must be new or empty.
        harder: What to add.
        seed: Makes the same set again.

    Returns:
        The examples that were taken.

    Raises:
        ConfigurationError: The folder is not empty, or no example can be taken.
    """
    if out.exists() and any(out.iterdir()):
        raise ConfigurationError(f"{out} is not empty; name a new folder")
    tables = {source: benchmark.rows(source) for source in dict.fromkeys(example.source for example in examples)}
    columns = _columns(tables.values())
    taken = []
    for example in examples:
        rows = tables[example.source]
        if harder.adds_rows and not is_lookup(example, rows):
            continue
        taken.append((example, harden(example, rows, columns, harder, random.Random(f"{seed} {example.id}"))))
    if not taken:
        raise ConfigurationError(f"none of {len(examples)} examples is a look-up that rows could be added to")
    benchmark.write(out, split, taken)
    return tuple(example for example, _ in taken)


def is_lookup(example: Example, rows: Rows) -> bool:
    """Whether added rows that share no telling word with question and answer cannot change the answer."""
    return not _WHOLE_TABLE.search(example.question.lower()) and _answering_row(example, rows) is not None


def harden(
    example: Example, rows: Rows, columns: Mapping[str, Sequence[str]], harder: Harder, rng: random.Random
) -> Rows:
    """An example's table, made harder.

    Args:
        example: The example.
        rows: The table's cells, the header first.
        columns: The cells of all tables of the data set, by header.
        harder: What to add.
        rng: Decides what and where.
    """
    header, *body = rows
    spoken = _telling(example.question, *example.target)
    pools = [_pool(name, [row[at] for row in body], columns, spoken) for at, name in enumerate(header)]
    answering = _answering_row(example, rows)

    def like(row: Sequence[str], all_cells: bool) -> list[str]:
        """A new row, with other cells where the row's own are spoken of, or everywhere."""
        cells = zip(row, pools, strict=True)
        return [_another(c, pool, spoken, rng) if all_cells or _telling(c) & spoken else c for c, pool in cells]

    near = [like(body[answering], False) for _ in range(harder.distracting_rows)] if answering is not None else []
    missing = max(0, (harder.rows or 0) - len(body) - len(near))
    own_kind = [like(rng.choice(body), True) for _ in range(missing)]
    grown = [header, *_interleaved(body, [*near, *own_kind], rng)]
    return _widened(grown, columns, spoken, harder.columns, rng)


def _columns(tables: Collection[Rows]) -> dict[str, list[str]]:
    """The distinct cells under each header of all tables."""
    found: dict[str, dict[str, None]] = {}
    for header, *body in tables:
        for at, name in enumerate(header):
            if name.strip():
                found.setdefault(name.strip().casefold(), {}).update((row[at], None) for row in body if row[at].strip())
    return {name: list(cells) for name, cells in found.items()}


def _answering_row(example: Example, rows: Rows) -> int | None:
    """The first row that holds a cell that the question names and one of the answer; of a statement, such a cell."""
    asked, judged = _words(example.question), example.target in (("1",), ("0",))
    for at, row in enumerate(rows[1:]):
        if any(_runs_in(cell, asked) for cell in row) and (judged or any(cell in example.target for cell in row)):
            return at
    return None


def _pool(name: str, own: Sequence[str], columns: Mapping[str, Sequence[str]], spoken: Collection[str]) -> list[str]:
    """What else could stand in a column: its own cells, and those under the same header elsewhere."""
    cells = dict.fromkeys([*own, *columns.get(name.strip().casefold(), ())])
    return [cell for cell in cells if not _telling(cell) & set(spoken)]


def _another(cell: str, pool: Sequence[str], spoken: Collection[str], rng: random.Random) -> str:
    """Another cell of the same kind: a number of as many digits (a year stays one), or any cell of the pool."""
    if _PLAIN_NUMBER.fullmatch(cell) and not _YEAR.fullmatch(cell):
        for _ in range(TRIES):
            other = re.sub(r"\d", lambda digit: str(rng.randint(digit.start() == 0, 9)), cell)
            if not _telling(other) & set(spoken):
                return other
    return rng.choice(pool) if pool else ""


def _interleaved(body: Rows, added: Rows, rng: random.Random) -> Iterator[list[str]]:
    """The table's rows in their order, with the added ones anywhere between."""
    places = set(rng.sample(range(len(body) + len(added)), len(added)))
    kept, new = iter(body), iter(added)
    for place in range(len(body) + len(added)):
        yield next(new) if place in places else next(kept)


def _widened(
    rows: Rows, columns: Mapping[str, Sequence[str]], spoken: Collection[str], count: int, rng: random.Random
) -> Rows:
    """The table with columns of others, none of a name that it has or the question speaks of."""
    header, *body = rows
    have = {name.strip().casefold() for name in header}
    free = [name for name in columns if name not in have and not _telling(name) & set(spoken)]
    for name in rng.sample(free, min(count, len(free))):
        cells = [cell for cell in columns[name] if not _telling(cell) & set(spoken)] or [""]
        header = [*header, name]
        body = [[*row, rng.choice(cells)] for row in body]
    return [header, *body]


def _words(text: str) -> str:
    """A text's words with a space around each."""
    return " ".join(["", *re.findall(r"[^\W_]+", text.casefold()), ""])


def _runs_in(cell: str, asked: str) -> bool:
    """Whether a text's words stand in another, in a row."""
    words = _words(cell)
    return len(words) > 3 and words in asked


def _telling(*texts: str) -> set[str]:
    """The words that could tell a row from another."""
    words = {word for text in texts for word in _words(text).split()}
    return {word for word in words if (len(word) > 2 or word.isdigit()) and word not in _COMMON}
