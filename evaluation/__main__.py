"""Run benchmarks, compare runs, and make harder data sets.

A run is resumed by giving the same command again. Exit status: 0 when it worked, 1 when it failed, 2 for wrong
usage or a setting that cannot work.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from binder.draft import SAMPLES, Drafting
from binder.errors import ConfigurationError
from binder.failing import Commands, failing, start
from binder.vote import Method, Vote
from evaluation import efficiency as spending
from evaluation import peers, published
from evaluation.benchmark import BENCHMARKS, TABFACT, WIKITQ
from evaluation.display import Price, watching
from evaluation.example import Example
from evaluation.models import model
from evaluation.report import write as write_report
from evaluation.robustness import Harder, make
from evaluation.run import Phase, drafted, run
from evaluation.settings import Mode, Settings, fingerprint, select
from evaluation.timing import measure, table

app = typer.Typer(name="binder-eval", cls=Commands, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
BenchmarkName = Literal["wikitq", "tabfact"]
_DEFAULTS, _VOTE = Drafting(), Vote()
# The options that decide the results just as they are given.
_AS_GIVEN = ("split", "raw", "mode", "samples", "temperature", "shots", "nearest", "vote", "favour", "weight", "seed")

Name = Annotated[BenchmarkName, typer.Argument(help="The benchmark.")]
Data = Annotated[Path, typer.Option(help="The data set's folder, as `git clone` makes it.", show_default=False)]
Out = Annotated[Path, typer.Option(help="The run's folder; a run that is there goes on.", show_default=False)]
Split = Annotated[str, typer.Option(help="The split.")]
Lm = Annotated[
    str | None,
    typer.Option(
        "--lm",
        help="The language model: local, none, FILE.py:NAME (a function or a model), or a name on an OpenAI-compatible "
        "server; else the one that `binder models` tells of (with --programs: none).",
    ),
]
BaseUrl = Annotated[str | None, typer.Option(help="The server's address, when OPENAI_BASE_URL does not say it.")]
ModeOption = Annotated[
    Mode,
    typer.Option(
        help="SQL with LM calls, plain SQL, Python with LM calls, SQL and Python together, or the LM end to end."
    ),
]
Samples = Annotated[int, typer.Option(min=1, help="Programs a question.")]
Temperature = Annotated[float, typer.Option(min=0, help="Of several samples; a single one is greedy.")]
Shots = Annotated[int, typer.Option(min=0, help="Worked questions in the prompt.")]
Exemplars = Annotated[str | None, typer.Option(help="The set of worked questions; the benchmark's own by default.")]
Nearest = Annotated[bool, typer.Option(help="Show the worked questions nearest to each question.")]
Repairs = Annotated[
    int | None, typer.Option(min=0, help="How often to send programs back while none gives an answer (2; of a file 0).")
]
VoteOption = Annotated[Method, typer.Option(help="How samples are weighed.")]
Favour = Annotated[str | None, typer.Option(help="The answer that `--vote answer` favours.")]
Weight = Annotated[float, typer.Option(min=0, help="What a favoured sample counts.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Only so many examples: the first, or with --seed random ones.")]
Ids = Annotated[str | None, typer.Option(help="Only these examples, by id, separated by commas.")]
Seed = Annotated[int | None, typer.Option(help="Draws --limit, and makes samples repeatable where the model can.")]
PhaseOption = Annotated[Phase, typer.Option(help="Only draft programs, only run them, or both.")]
Concurrency = Annotated[int, typer.Option(min=1, help="Examples in flight at once.")]
Programs = Annotated[Path | None, typer.Option(help="Run this file's programs (published Binder format).")]
Export = Annotated[Path | None, typer.Option(help="Write the programs to a file in the published Binder format.")]
PriceRead = Annotated[float, typer.Option(min=0, help="Dollars for a million tokens read.")]
PriceWritten = Annotated[float, typer.Option(min=0, help="Dollars for a million tokens written.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
Raw = Annotated[bool, typer.Option(help="Take the statements as they were written, not tokenized.")]


def _benchmark(name: str, usual_split: str) -> Callable[..., None]:
    """The command that runs a benchmark; both have the same options."""

    def command(
        data: Data,
        out: Out,
        split: Split = usual_split,
        lm: Lm = None,
        base_url: BaseUrl = None,
        mode: ModeOption = Mode.BINDER,
        samples: Samples = SAMPLES,
        temperature: Temperature = _DEFAULTS.temperature,
        shots: Shots = _DEFAULTS.shots,
        exemplars: Exemplars = None,
        nearest: Nearest = False,
        repairs: Repairs = None,
        vote: VoteOption = Method.MAJORITY,
        favour: Favour = None,
        weight: Weight = _VOTE.weight,
        limit: Limit = None,
        ids: Ids = None,
        seed: Seed = None,
        raw: Raw = False,
        phase: PhaseOption = Phase.BOTH,
        concurrency: Concurrency = 8,
        programs: Programs = None,
        export: Export = None,
        price_read: PriceRead = 0.0,
        price_written: PriceWritten = 0.0,
        quiet: Quiet = False,
    ) -> None:
        _carry_out(name, locals())

    return command


def _carry_out(benchmark: str, given: dict[str, Any]) -> None:
    """Run a benchmark and report on it, as a command's options say, by their names."""
    out, phase, quiet = given["out"], given["phase"], given["quiet"]
    price = Price(given["price_read"], given["price_written"])
    with failing("binder-eval", how_on=f"the same command again goes on from {out}"):
        settings = _settings(benchmark, given)
        _require_sense(given)
        everything = settings.of().examples(given["data"].resolve(), settings.split)
        programs = published.load(given["programs"], everything) if given["programs"] else None
        chosen = _chosen(everything, programs, given)
        named = "none" if programs is not None and given["lm"] is None else given["lm"]
        with (
            model(named, base_url=given["base_url"], quiet=quiet) as asked,
            watching(len(chosen), price, quiet) as seen,
        ):
            how = {"phase": phase, "concurrency": given["concurrency"], "programs": programs, "seen": seen}
            run(out, replace(settings, lm=asked.name), chosen, asked, **how)
        if given["export"]:
            published.save(given["export"], everything, drafted(out))
        if phase is not Phase.ANNOTATE:
            typer.echo(write_report([out], out, price), nl=False)


def _settings(benchmark: str, given: dict[str, Any]) -> Settings:
    """What decides the results, but for the language model's name."""
    if given["raw"] and benchmark != TABFACT.name:
        raise ConfigurationError("--raw is for TabFact, whose statements come in two spellings")
    programs = given["programs"]
    usual_repairs = 0 if programs else _DEFAULTS.repairs
    return Settings(
        benchmark=benchmark,
        data=str(given["data"].resolve()),
        lm="",
        exemplars=given["exemplars"] or benchmark,
        repairs=usual_repairs if given["repairs"] is None else given["repairs"],
        programs=fingerprint(programs) if programs else None,
        **{option: given[option] for option in _AS_GIVEN},
    )


def _require_sense(given: dict[str, Any]) -> None:
    """Refuse at the start what would fail at the end.

    Raises:
        ConfigurationError: Nothing could be drafted, or the file of programs could not be written.
    """
    if given["lm"] == "none" and given["programs"] is None and given["phase"] is not Phase.EXECUTE:
        raise ConfigurationError("--lm none drafts no programs; name a model, or give the programs with --programs")
    export = given["export"]
    if export is not None and (export.is_dir() or not export.resolve().parent.is_dir()):
        raise ConfigurationError(f"--export {export} cannot be written; name a file in a folder that is there")


def _chosen(everything: Sequence[Example], programs: Container[str] | None, given: dict[str, Any]) -> Sequence[Example]:
    """The examples that are run: those asked for, of those that there are programs for."""
    known = [one for one in everything if programs is None or one.id in programs]
    ids = [name.strip() for name in (given["ids"] or "").split(",") if name.strip()]
    if given["ids"] is not None and not ids:
        raise ConfigurationError("--ids names no example; give ids separated by commas, or leave it out")
    return select(known, ids=ids, limit=given["limit"], seed=given["seed"])


for _name, _split in ((WIKITQ.name, "random-split-1-dev"), (TABFACT.name, "val")):
    app.command(_name, help=f"Run {_name}.")(_benchmark(_name, _split))


@app.command()
def harder(
    benchmark: Name,
    data: Data,
    out: Annotated[Path, typer.Option(help="The new data set's folder.", show_default=False)],
    split: Split,
    rows: Annotated[int | None, typer.Option(min=1, help="Grow tables to so many rows of their own kind.")] = None,
    distracting_rows: Annotated[
        int, typer.Option(min=0, help="Add rows that agree with the answering one in all but what is asked.")
    ] = 0,
    distracting_columns: Annotated[int, typer.Option(min=0, help="Add columns of other tables.")] = 0,
    limit: Limit = None,
    seed: Annotated[int, typer.Option(help="Makes the same set again.")] = 0,
) -> None:
    """Make a harder data set: larger tables, distracting rows and columns."""
    chosen = select(BENCHMARKS[benchmark].examples(data, split), limit=limit, seed=seed)
    wanted = Harder(rows, distracting_rows, distracting_columns)
    taken = make(BENCHMARKS[benchmark], chosen, split, out, wanted, seed)
    typer.echo(f"{len(taken)} of {len(chosen)} examples, in {out}")


@app.command()
def timing(
    benchmark: Name,
    data: Data,
    programs: Annotated[Path, typer.Option(help="A file of programs (published Binder format).", show_default=False)],
    split: Split,
    lm: Lm = None,
    base_url: BaseUrl = None,
    vote: VoteOption = Method.MAJORITY,
    limit: Limit = None,
) -> None:
    """Time the questions of a program file outside the language model, step by step."""
    with model(lm or "none", base_url=base_url) as asked:
        examples = BENCHMARKS[benchmark].examples(data, split)
        given = published.load(programs, examples)
        chosen = select([example for example in examples if given.get(example.id)], limit=limit)
        typer.echo(table(measure(BENCHMARKS[benchmark], chosen, given, asked, Vote(vote))), nl=False)


@app.command()
def efficiency(
    peer_python: Annotated[
        str | None, typer.Option(help="The interpreter of an environment with BlendSQL, to run the same cases there.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Count the LM requests of the planner's cases against a stub server, and time the engine outside the model."""
    found = peers.find(peer_python)
    figures = spending.measure(found, seen=lambda what: typer.echo(what, err=True))
    typer.echo((spending.document if json else spending.table)(figures, spending.machine(found)), nl=False)


@app.command()
def report(
    runs: Annotated[list[Path], typer.Argument(help="Runs' folders; several are compared.")],
    to: Annotated[Path, typer.Option(help="The folder to write report.html, report.json and report.md to.")],
    price_read: PriceRead = 0.0,
    price_written: PriceWritten = 0.0,
) -> None:
    """Report on runs, side by side."""
    typer.echo(write_report(runs, to, Price(price_read, price_written)), nl=False)


def main() -> None:
    """Run the command line."""
    start(app, "binder-eval")


if __name__ == "__main__":
    main()
