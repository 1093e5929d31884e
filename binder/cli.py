"""Ask questions of tables from the command line.

Exit status: 0 when it worked, 1 when the question or the program failed (said in a line or two), 2 for wrong usage.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from binder import cache_cli, lm, loop
from binder.console import render_answer
from binder.draft import Drafting
from binder.engine import DEADLINE, Binder
from binder.errors import BinderError, ConfigurationError, ProgramError, TableError
from binder.progress import counting_bytes, working
from binder.table import Table
from binder.vote import Method, Vote

if TYPE_CHECKING:
    from binder.lm import LM

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
models = typer.Typer(invoke_without_command=True, help="Which language model would answer, and why.")
app.add_typer(models, name="models")
app.add_typer(cache_cli.app, name="cache")

_DEFAULTS = Drafting()

Sources = Annotated[
    list[str],
    typer.Option(
        "--table",
        "-t",
        help="A file (.csv, .tsv, .json, .jsonl, .parquet, .xlsx) or a database's URL; may be repeated.",
    ),
]
Query = Annotated[str | None, typer.Option(help="The query whose result is the table, for a database's URL.")]
Title = Annotated[str | None, typer.Option(help="What the table is about.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Deadline = Annotated[float, typer.Option(min=0.1, help="The most seconds it may take.")]
Source = Annotated[str, typer.Argument(help='A program: SQL with calls such as QA("map@…"; column). "-" reads it.')]


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="A question about the table, or a statement to check.")],
    table: Sources,
    query: Query = None,
    title: Title = None,
    samples: Annotated[
        int | None, typer.Option("--samples", "-n", min=1, help="Programs to sample (20; 1 with the embedded model).")
    ] = None,
    temperature: Annotated[float, typer.Option(min=0, help="Of several samples; a single one is greedy.")] = (
        _DEFAULTS.temperature
    ),
    shots: Annotated[int, typer.Option(min=0, help="Worked questions in the prompt.")] = _DEFAULTS.shots,
    exemplars: Annotated[str, typer.Option(help="The set of worked questions: wikitq, tabfact.")] = _DEFAULTS.exemplars,
    vote: Annotated[Method, typer.Option(help="How the samples' answers are weighed.")] = Method.MAJORITY,
    favour: Annotated[str | None, typer.Option(help="The answer that `--vote answer` favours.")] = None,
    deadline: Deadline = DEADLINE,
    as_json: AsJson = False,
) -> None:
    """Answer a question about tables."""
    with _failing(as_json):
        tables = _tables(table, query, title)
        with _model(as_json) as model:
            count = samples or (1 if isinstance(model, lm.Local) else _DEFAULTS.samples)
            drafting = replace(_DEFAULTS, samples=count, temperature=temperature, shots=shots, exemplars=exemplars)
            assert model is not None
            with Binder(model, drafting=drafting, vote=Vote(vote, favour), deadline=deadline) as engine:
                with working(f"asking {model.name}", as_json):
                    answer = engine.ask(question, tables)
                typer.echo(answer.to_json() if as_json else render_answer(answer))


@app.command()
def run(
    program: Source,
    table: Sources,
    query: Query = None,
    title: Title = None,
    deadline: Deadline = DEADLINE,
    as_json: AsJson = False,
) -> None:
    """Check and run a program."""
    with _failing(as_json):
        tables, text = _tables(table, query, title), _text(program)
        with Binder() as engine:
            asks = bool(engine.explain(text, tables).plan.steps)
        with _model(as_json, needed=asks) as model, Binder(model, deadline=deadline) as engine:
            with working("running", as_json):
                answer = engine.run(text, tables)
            typer.echo(answer.to_json() if as_json else render_answer(answer))


@app.command()
def check(program: Source, table: Sources, query: Query = None, title: Title = None, as_json: AsJson = False) -> None:
    """Check a program without running it."""
    with _failing(as_json), Binder() as engine:
        checked = engine.check(_text(program), _tables(table, query, title))
        if as_json:
            _print_json({"program": checked.sql(), "mends": list(checked.mends)})
        else:
            typer.echo("\n".join([checked.sql(), *(f"mended: {mend}" for mend in checked.mends)]))


@app.command()
def explain(program: Source, table: Sources, query: Query = None, title: Title = None, as_json: AsJson = False) -> None:
    """Show what a program would do and ask, without asking."""
    with _failing(as_json), Binder() as engine:
        explanation = engine.explain(_text(program), _tables(table, query, title))
        typer.echo(explanation.to_json() if as_json else str(explanation))


@models.callback()
def show_model(context: typer.Context, as_json: AsJson = False) -> None:
    """Say which language model would answer, and why."""
    if context.invoked_subcommand is not None:
        return
    with _failing(as_json):
        choice = lm.describe()
        if as_json:
            _print_json(asdict(choice) | {"ready": choice.ready})
            return
        where = f" at {choice.where}" if choice.where else ""
        typer.echo(f"{choice.model or 'no model'}{where}")
        typer.echo(f"  because {choice.why}")
        typer.echo("  ready" if choice.ready else f"  not ready: {choice.missing}")


@models.command()
def pull(as_json: AsJson = False) -> None:
    """Get the embedded model's weights once, into the cache folder."""
    with _failing(as_json):
        with counting_bytes(as_json) as report:
            path = lm.pull(report)
        if as_json:
            _print_json({"path": str(path)})
        else:
            typer.echo(str(path))


def main() -> None:
    """Run the command line."""
    # A terminated command must end its model server, so it leaves by an exception as an interrupted one does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    app()


@contextmanager
def _failing(as_json: bool) -> Iterator[None]:
    """A failure that the user can mend is said plainly, with exit status 1."""
    try:
        yield
    except BinderError as error:
        if as_json:
            _print_json({"error": type(error).__name__, "message": str(error), **_places(error)})
        else:
            typer.echo(f"binder: {error}", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        typer.echo("binder: interrupted", err=True)
        raise typer.Exit(130) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader left; nothing is to be said
        raise typer.Exit(1) from None


def _places(error: BinderError) -> dict[str, Any]:
    """A refused program's complaints, as data."""
    if not isinstance(error, ProgramError):
        return {}
    return {"program": error.text, "complaints": [asdict(complaint) for complaint in error.complaints]}


@contextmanager
def _model(quiet: bool, needed: bool = True) -> Iterator[LM | None]:
    """The language model that answers, its weights there and loaded; ended with the command."""
    if not needed:
        yield None
        return
    model = lm.default()
    try:
        if isinstance(model, lm.Local):
            with counting_bytes(quiet) as report:
                loop.wait_for(model.start(report))
        yield model
    finally:
        loop.wait_for(model.aclose())


def _tables(sources: list[str], query: str | None, title: str | None) -> list[Table]:
    """The tables of the command line.

    Raises:
        TableError: One cannot be read.
    """
    if title is not None and len(sources) > 1:
        raise ConfigurationError("--title is for a single table")
    return [_table(source, query, title) for source in sources]


def _table(source: str, query: str | None, title: str | None) -> Table:
    if "://" in source:
        if query is None:
            raise TableError(f"{source.split('://')[0]}://… is a database: give --query 'SELECT …'")
        return Table.from_records(source, query, title=title)
    readers = {
        ".csv": Table.from_csv,
        ".tsv": Table.from_tsv,
        ".json": Table.from_json,
        ".jsonl": Table.from_json,
        ".ndjson": Table.from_json,
        ".parquet": Table.from_parquet,
        ".xlsx": Table.from_excel,
    }
    suffixes = [suffix.lower() for suffix in Path(source).suffixes if suffix.lower() not in (".gz", ".zst")]
    return readers.get(suffixes[-1] if suffixes else "", Table.from_csv)(source, title=title)


def _text(program: str) -> str:
    return sys.stdin.read() if program == "-" else program


def _print_json(document: dict[str, Any]) -> None:
    typer.echo(json.dumps(document, ensure_ascii=False, indent=2))
