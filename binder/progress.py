"""Progress displays for the command line, on standard error, so that output can be piped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TransferSpeedColumn,
)


@contextmanager
def counting_bytes(quiet: bool = False) -> Iterator[Callable[[int, int, str], None]]:
    """A bar for what arrives or is read in bytes; call it with the bytes done, those in all, and what is done."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=quiet, transient=True) as display:
        task = display.add_task("", total=None)
        yield lambda done, total, what: display.update(task, completed=done, total=total or None, description=what)


@contextmanager
def working(what: str, quiet: bool = False) -> Iterator[None]:
    """A spinner with the seconds gone, while something takes its time."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=quiet, transient=True) as display:
        display.add_task(what, total=None)
        yield
