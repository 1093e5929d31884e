"""Progress displays for the command line: on standard error, so that output can be piped, and only in a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TransferSpeedColumn,
)

from binder import loop
from binder.lm import LM, Local


@contextmanager
def counting_bytes(quiet: bool = False) -> Iterator[Callable[[int, int, str], None]]:
    """A bar for what arrives or is read in bytes; call it with the bytes done, those in all, and what is done."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with _display(columns, quiet) as display:
        task = display.add_task("", total=None)
        yield lambda done, total, what: display.update(task, completed=done, total=total or None, description=what)


@contextmanager
def working(what: str, quiet: bool = False) -> Iterator[None]:
    """A spinner with the seconds gone, while something takes its time."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with _display(columns, quiet) as display:
        display.add_task(what, total=None)
        yield


@contextmanager
def ready(model: LM, quiet: bool = False) -> Iterator[LM]:
    """The language model ready to answer, the embedded one's weights there and loaded; ended with the context.

    Raises:
        LMUnavailable: The embedded model cannot be started.
    """
    try:
        if isinstance(model, Local):
            with counting_bytes(quiet) as report:
                loop.wait_for(model.start(report))
        yield model
    finally:
        loop.wait_for(model.aclose())


def _display(columns: Iterable[ProgressColumn], quiet: bool) -> Progress:
    console = Console(stderr=True)
    return Progress(*columns, console=console, disable=quiet or not console.is_terminal, transient=True)
