"""Ask questions of tables from the command line.

Exit status: 0 when it worked, 1 when the question or the program failed or no model is ready, 2 for wrong usage or a
setting that cannot work; why is said in a line.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated

import typer

from binder import cache_cli, lm
from binder.console import render_answer
from binder.engine import DEADLINE, Binder
from binder.errors import BinderError
from binder.failing import Commands, print_json, start
from binder.options import (
    DEFAULTS,
    AsJson,
    Deadline,
    Exemplars,
    Favoured,
    Language,
    Languages,
    MaxRequests,
    MaxTokens,
    Query,
    Samples,
    Shots,
    Sources,
    Temperature,
    Title,
    Unconfined,
    Weighing,
    tables_of_words,
)
from binder.progress import counting_bytes, ready, working
from binder.serve import command as serving
from binder.vote import Method, Vote

if TYPE_CHECKING:
    from binder.lm import LM


app = typer.Typer(name="binder", cls=Commands, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
models = typer.Typer(invoke_without_command=True, help="Which language model would answer, and why.")
app.add_typer(models, name="models")
app.add_typer(cache_cli.app, name="cache")

Source = Annotated[
    str,
    typer.Argument(
        help='A program: SQL with calls such as QA("map@…"; column), or Python that defines solve(table). "-" reads it.'
    ),
]


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="A question about the table, or a statement to check.")],
    table: Sources,
    query: Query = None,
    title: Title = None,
    samples: Samples = None,
    temperature: Temperature = DEFAULTS.temperature,
    shots: Shots = DEFAULTS.shots,
    exemplars: Exemplars = DEFAULTS.exemplars,
    vote: Weighing = Method.MAJORITY,
    favour: Favoured = None,
    language: Language = Languages.SQL,
    unconfined_python: Unconfined = False,
    deadline: Deadline = DEADLINE,
    max_requests: MaxRequests = None,
    max_tokens: MaxTokens = None,
    as_json: AsJson = False,
) -> None:
    """Answer a question about tables."""
    tables = tables_of_words(table, query, title)
    with ready(lm.default(), as_json) as model:
        drafting = replace(DEFAULTS, samples=samples, temperature=temperature, shots=shots, exemplars=exemplars)
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
    tables, text = tables_of_words(table, query, title), _text(program)
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
        checked = engine.check(_text(program), tables_of_words(table, query, title))
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
    tables, text = tables_of_words(table, query, title), _text(program)
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
    else:
        where = f" at {choice.where}" if choice.where else ""
        typer.echo(f"{choice.model or 'no model'}{where}")
        typer.echo(f"  because {choice.why}")
        typer.echo("  ready" if choice.ready else f"  not ready: {choice.missing}")
    if not choice.ready:
        raise typer.Exit(1)


@models.command()
def pull(as_json: AsJson = False) -> None:
    """Get the embedded model's weights once, into the cache folder."""
    with counting_bytes(as_json) as report:
        path = lm.pull(report)
    if as_json:
        print_json({"path": str(path)})
    else:
        typer.echo(str(path))


app.command()(serving.serve)


def main() -> None:
    """Run the command line."""
    start(app, "binder")


def _text(program: str) -> str:
    try:
        return sys.stdin.read() if program == "-" else program
    except UnicodeDecodeError as error:
        raise typer.BadParameter(f"what is read is not {error.encoding} text", param_hint="PROGRAM") from None
