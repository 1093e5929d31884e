"""The commands of ``binder cache``: what is kept of language models' replies, and dropping it."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from binder.lm.cache import Cache

if TYPE_CHECKING:
    from binder.lm.rows import Info

MEGABYTE = 1_000_000
DAY = 86_400

app = typer.Typer(invoke_without_command=True, help="What is kept of language models' replies, and where.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def show(context: typer.Context, as_json: AsJson = False) -> None:
    """Say what is kept, and where."""
    if context.invoked_subcommand is None:
        _print(Cache().info(), as_json)


@app.command()
def trim(
    mb: Annotated[float | None, typer.Option(min=0, help="The most megabytes that may stay.")] = None,
    days: Annotated[float | None, typer.Option(min=0, help="Drop what was kept more days ago.")] = None,
    as_json: AsJson = False,
) -> None:
    """Drop the oldest replies."""
    if mb is None and days is None:
        raise typer.BadParameter("say how much may stay: --mb N, --days N, or both")
    cache = Cache()
    done = cache.trim(None if mb is None else int(mb * MEGABYTE), None if days is None else days * DAY)
    _print(cache.info(), as_json, done)


@app.command()
def clear(as_json: AsJson = False) -> None:
    """Drop every reply."""
    cache = Cache()
    done = cache.clear()
    _print(cache.info(), as_json, done)


def _print(info: Info, as_json: bool, done: bool = True) -> None:
    """What is kept, and that it could not be changed where it was to be."""
    if not done:
        typer.echo(f"binder: {info.path} is in use or cannot be written. Try again when nothing else runs", err=True)
        raise typer.Exit(1)
    if as_json:
        typer.echo(json.dumps(asdict(info) | {"path": str(info.path) if info.path else None}, indent=2))
    elif info.path is None:
        typer.echo("no replies are kept: BINDER_CACHE is off")
    else:
        typer.echo(str(info.path))
        typer.echo(f"  values {info.values:,}, programs {info.drafts:,}, {info.bytes / MEGABYTE:.1f} MB")
        if info.oldest is not None:
            typer.echo(f"  the oldest from {time.strftime('%Y-%m-%d %H:%M', time.localtime(info.oldest))}")
