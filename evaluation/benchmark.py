"""What the runner needs to know of a benchmark: how it is read, written and scored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from binder.table import Table
from evaluation import tabfact, wikitq
from evaluation.denotation import entailment, matches, matches_leniently
from evaluation.example import Example
from grammars.reply import Expected, ReplyKind

Texts = Sequence[str] | None


@dataclass(frozen=True)
class Benchmark:
    """A benchmark.

    Attributes:
        name: Its name, which is also that of its set of worked questions.
        examples: The examples of a split of a data folder.
        rows: The cells of a table's file, the header first.
        table: The table of an example.
        write: Writes examples, each with a table of its own, as a split of a new data folder.
        right: Whether an answer's texts are right as the official scorer has it; None stands for no answer.
        lenient: The same as the Binder paper's scripts have it.
        asks: What an end-to-end reply must be.
        judges: Whether its examples are statements to judge, rather than questions.
    """

    name: str
    examples: Callable[[Path, str], tuple[Example, ...]]
    rows: Callable[[Path], list[list[str]]]
    table: Callable[[Example], Table]
    write: Callable[[Path, str, Sequence[tuple[Example, Sequence[Sequence[str]]]]], None]
    right: Callable[[Example, Texts], bool]
    lenient: Callable[[Example, Texts], bool]
    asks: Expected
    judges: bool = False


def _denotes(example: Example, texts: Texts) -> bool:
    return texts is not None and matches(example.target, example.canon, texts)


def _denotes_leniently(example: Example, texts: Texts) -> bool:
    return texts is not None and matches_leniently(example.question, example.target, texts)


def _judges(example: Example, texts: Texts) -> bool:
    return entailment(texts) is (example.target == ("1",))


def raw(data: Path, split: str) -> tuple[Example, ...]:
    """TabFact's statements as they were written."""
    return tabfact.examples(data, split, raw=True)


WIKITQ = Benchmark(
    "wikitq",
    wikitq.examples,
    wikitq.rows,
    wikitq.table,
    wikitq.write,
    _denotes,
    _denotes_leniently,
    Expected(ReplyKind.TEXT, many=True),
)
TABFACT = Benchmark(
    "tabfact",
    tabfact.examples,
    tabfact.rows,
    tabfact.table,
    tabfact.write,
    _judges,
    _judges,
    Expected(ReplyKind.YES_NO),
    judges=True,
)
BENCHMARKS = {benchmark.name: benchmark for benchmark in (WIKITQ, TABFACT)}
