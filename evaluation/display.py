"""The live display of a run: what is done, how right it is so far, what it costs, and how long it will take."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from binder.lm.base import Usage
from evaluation.intervals import wilson
from evaluation.records import Record


@dataclass(frozen=True)
class Price:
    """Dollars for a million tokens read and written."""

    read: float = 0.0
    written: float = 0.0

    def of(self, usage: Usage) -> float:
        """Dollars for a cost in tokens."""
        return (usage.prompt_tokens * self.read + usage.completion_tokens * self.written) / 1e6


@dataclass
class Tally:
    """What the records seen so far add up to."""

    done: int = 0
    scored: int = 0
    right: int = 0
    usage: Usage = field(default_factory=Usage)

    def add(self, record: Record) -> None:
        """Count a record of either phase."""
        self.done += 1
        self.usage += Usage(**record["usage"])
        if "right" in record:
            self.scored += 1
            self.right += record["right"]

    def text(self, price: Price) -> str:
        """Such as ``62.5 % [46-77] · 80 requests · 91,200 tokens``."""
        parts = [accuracy(self.right, self.scored)] if self.scored else []
        parts += [f"{self.usage.requests:,} requests", f"{self.usage.tokens:,} tokens"]
        cost = price.of(self.usage)
        return " · ".join([*parts, *([f"${cost:.2f}"] if cost else [])])


class Seen(Protocol):
    """Takes the record of a finished example."""

    def __call__(self, record: Record) -> None:
        """Take one."""
        ...


def accuracy(right: int, n: int) -> str:
    """A share with its 95 % interval, such as ``25.0 % [16-37] of 60``."""
    low, high = wilson(right, n)
    return f"{100 * right / n:.1f} % [{100 * low:.0f}-{100 * high:.0f}] of {n:,}"


@contextmanager
def watching(total: int, price: Price, quiet: bool = False) -> Iterator[Seen]:
    """A display of so many examples, on standard error; call it with each finished example's record.

    Where standard error is no terminal, a line is written for every tenth of them.
    """
    tally, console = Tally(), Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    live = console.is_terminal and not quiet
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=not live, transient=True) as progress:
        task = progress.add_task("", total=total)

        def see(record: Record) -> None:
            tally.add(record)
            progress.update(task, completed=tally.done, description=tally.text(price))
            if not live and not quiet and tally.done * 10 // total > (tally.done - 1) * 10 // total:
                console.print(f"{tally.done:,} of {total:,}: {tally.text(price)}", highlight=False)

        yield see
