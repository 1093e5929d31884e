"""Ask questions of tables from the command line.

Exit status: 0 when it worked, 1 when the question or the program failed, 2 for wrong usage or a setting that cannot
work; why is said in a line.
"""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from binder import cache_cli, lm
from binder.console import render_answer
from binder.draft import Drafting
from binder.engine import DEADLINE, Binder
from binder.errors import BinderError
from binder.failing import Commands, print_json, start
from binder.progress import counting_bytes, ready, working
from binder.sources import require_here
from binder.table import Table
from binder.vote import Method, Vote

if TYPE_CHECKING:
    from binder.lm import LM


app = typer.Typer(name="binder", cls=Commands, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
models = typer.Typer(invoke_without_command=True, help="Which language model would answer, and why.")
app.add_typer(models, name="models")
app.add_typer(cache_cli.app, name="cache")

_DEFAULTS = Drafting()

Sources = Annotated[
    list[str],
    typer.Option(
        "--table",
        "-t",
        metavar="[NAME=]FILE",
        help="A file (.csv, .tsv, .json, .jsonl, .parquet, .xlsx) or a database's URL, and what programs call it when "
        "not by the file's name; may be repeated.",
    ),
]
Query = Annotated[str | None, typer.Option(help="The query whose result is the table, for a database's URL.")]
Title = Annotated[str | None, typer.Option(help="What the table is about.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Deadline = Annotated[float, typer.Option(min=0.1, help="The most seconds it may take.")]
MaxRequests = Annotated[int | None, typer.Option(min=1, help="The most requests the model is sent.")]
MaxTokens = Annotated[int | None, typer.Option(min=1, help="The most tokens that are read and written.")]
Source = Annotated[
    str,
    typer.Argument(
        help='A program: SQL with calls such as QA("map@…"; column), or Python that defines solve(table). "-" reads it.'
    ),
]
Unconfined = Annotated[
    bool,
    typer.Option(
        "--unconfined-python", help="Run Python programs even where the kernel cannot keep them from files and network."
    ),
]


class Languages(StrEnum):
    """What programs are drafted in."""

    SQL = "sql"
    PYTHON = "python"
    AUTO = "auto"


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
    language: Annotated[
        Languages, typer.Option(help="What programs are written in; auto is half of them in each.")
    ] = Languages.SQL,
    unconfined_python: Unconfined = False,
    deadline: Deadline = DEADLINE,
    max_requests: MaxRequests = None,
    max_tokens: MaxTokens = None,
    as_json: AsJson = False,
) -> None:
    """Answer a question about tables."""
    tables = _tables(table, query, title)
    with ready(lm.default(), as_json) as model:
        count = samples or (1 if isinstance(model, lm.Local) else _DEFAULTS.samples)
        drafting = replace(_DEFAULTS, samples=count, temperature=temperature, shots=shots, exemplars=exemplars)
        with Binder(
            model,
            drafting=drafting,
            vote=Vote(vote, favour),
            deadline=deadline,
            budget=lm.Budget(max_requests, max_tokens),
            unconfined_python=unconfined_python,
        ) as engine:
            with working(f"asking {model.name}", as_json):
                answer = engine.ask(question, tables, language=language)
            typer.echo(answer.to_json() if as_json else render_answer(answer))


@app.command()
def run(
    program: Source,
    table: Sources,
    query: Query = None,
    title: Title = None,
    unconfined_python: Unconfined = False,
    deadline: Deadline = DEADLINE,
    max_requests: MaxRequests = None,
    max_tokens: MaxTokens = None,
    as_json: AsJson = False,
) -> None:
    """Check and run a program."""
    tables, text = _tables(table, query, title), _text(program)
    with Binder() as engine:
        asks = bool(engine.check(text, tables).calls)
    asked: AbstractContextManager[LM | None] = ready(lm.default(), as_json) if asks else nullcontext()
    budget = lm.Budget(max_requests, max_tokens)
    with (
        asked as model,
        Binder(model, deadline=deadline, budget=budget, unconfined_python=unconfined_python) as engine,
    ):
        with working("running", as_json):
            answer = engine.run(text, tables)
        typer.echo(answer.to_json() if as_json else render_answer(answer))


@app.command()
def check(program: Source, table: Sources, query: Query = None, title: Title = None, as_json: AsJson = False) -> None:
    """Check a program without running it."""
    with Binder() as engine:
        checked = engine.check(_text(program), _tables(table, query, title))
    if as_json:
        print_json({"program": str(checked), "mends": list(checked.mends)})
    else:
        typer.echo("\n".join([str(checked), *(f"mended: {mend}" for mend in checked.mends)]))


@app.command()
def explain(
    program: Source,
    table: Sources,
    query: Query = None,
    title: Title = None,
    analyze: Annotated[bool, typer.Option("--analyze", help="Run it too, and show what it did ask.")] = False,
    price_read: Annotated[
        float | None, typer.Option(min=0, help="Dollars for a million tokens that the model reads.")
    ] = None,
    price_written: Annotated[
        float | None, typer.Option(min=0, help="Dollars for a million tokens that it writes.")
    ] = None,
    deadline: Deadline = DEADLINE,
    as_json: AsJson = False,
) -> None:
    """Show what a program would do and ask, without asking."""
    tables, text = _tables(table, query, title), _text(program)
    price = _price(price_read, price_written)
    shown = working("running", quiet=as_json or not analyze)
    with _model_to_explain(analyze, as_json) as model, Binder(model, deadline=deadline) as engine, shown:
        explanation = engine.explain(text, tables, price=price, analyze=analyze)
    typer.echo(explanation.to_json() if as_json else str(explanation))


def _price(read: float | None, written: float | None) -> lm.Price | None:
    """The price of tokens; one that is not given is nothing."""
    return None if read is None and written is None else lm.Price(read=read or 0.0, written=written or 0.0)


@contextmanager
def _model_to_explain(asked: bool, as_json: bool) -> Iterator[LM | None]:
    """The model that would be asked, started only where it is; none is needed else."""
    if asked:
        with ready(lm.default(), as_json) as model:
            yield model
        return
    try:
        found: LM | None = lm.default()
    except BinderError:
        found = None
    yield found


@models.callback()
def show_model(context: typer.Context, as_json: AsJson = False) -> None:
    """Say which language model would answer, and why."""
    if context.invoked_subcommand is not None:
        return
    choice = lm.describe()
    if as_json:
        print_json(asdict(choice) | {"ready": choice.ready})
        return
    where = f" at {choice.where}" if choice.where else ""
    typer.echo(f"{choice.model or 'no model'}{where}")
    typer.echo(f"  because {choice.why}")
    typer.echo("  ready" if choice.ready else f"  not ready: {choice.missing}")


@models.command()
def pull(as_json: AsJson = False) -> None:
    """Get the embedded model's weights once, into the cache folder."""
    with counting_bytes(as_json) as report:
        path = lm.pull(report)
    if as_json:
        print_json({"path": str(path)})
    else:
        typer.echo(str(path))


def main() -> None:
    """Run the command line."""
    start(app, "binder")


def _tables(sources: list[str], query: str | None, title: str | None) -> list[Table]:
    """The tables of the command line.

    Raises:
        TableError: One cannot be read.
        typer.BadParameter: The options do not fit each other.
    """
    if title is not None and len(sources) > 1:
        raise typer.BadParameter("it is for a single table", param_hint="--title")
    if query is not None and not any("://" in source for source in sources):
        raise typer.BadParameter("it is for a database's URL, and no --table is one", param_hint="--query")
    tables = [_table(source, query, title) for source in sources]
    (name, times), *_ = Counter(table.name.casefold() for table in tables).most_common()
    if times > 1:
        told = f"{times} tables are named {name!r}; name them yourself: -t NAME=FILE"
        raise typer.BadParameter(told, param_hint="--table")
    return tables


def _table(given: str, query: str | None, title: str | None) -> Table:
    name, source = _named(given)
    require_here(source)
    if "://" in source:
        if query is None:
            told = f"{source.split('://')[0]}://… is a database; give the query whose result is the table"
            raise typer.BadParameter(told, param_hint="--query")
        return Table.from_records(source, query, title=title, name=name)
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
    return readers.get(suffixes[-1] if suffixes else "", Table.from_csv)(source, title=title, name=name)


def _named(given: str) -> tuple[str | None, str]:
    """A table's name, if it is given one, and its source.

    Example:
        >>> _named("visits=log/2024.csv"), _named("log/a=b.csv"), _named("sqlite:///shop.db?mode=ro")
        (('visits', 'log/2024.csv'), (None, 'log/a=b.csv'), (None, 'sqlite:///shop.db?mode=ro'))
    """
    parts = re.fullmatch(r"([^\W\d]\w*)=(.+)", given, re.DOTALL)
    return (parts[1], parts[2]) if parts and not os.path.lexists(given) else (None, given)


def _text(program: str) -> str:
    try:
        return sys.stdin.read() if program == "-" else program
    except UnicodeDecodeError as error:
        raise typer.BadParameter(f"what is read is not {error.encoding} text", param_hint="PROGRAM") from None
