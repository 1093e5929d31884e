"""options: what several commands of the command line take, and the tables that their words name."""

from __future__ import annotations

import os
import re
from collections import Counter
from enum import StrEnum
from typing import Annotated

import typer

from binder.draft import Drafting
from binder.sources import reader_of, require_here
from binder.table import Table
from binder.vote import Method

DEFAULTS = Drafting()


class Languages(StrEnum):
    """What programs are drafted in."""

    SQL = "sql"
    PYTHON = "python"
    AUTO = "auto"


FILES = (
    "A file (.csv, .tsv, .json, .jsonl, .parquet, .xlsx) or a database's URL, and what programs call it when not by "
    "the file's name; may be repeated."
)
Sources = Annotated[list[str], typer.Option("--table", "-t", metavar="[NAME=]FILE", help=FILES)]
Query = Annotated[str | None, typer.Option(help="The query whose result is the table, for a database's URL.")]
Title = Annotated[str | None, typer.Option(help="What the table is about.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Deadline = Annotated[float, typer.Option(min=0.1, help="The most seconds it may take.")]
MaxRequests = Annotated[int | None, typer.Option(min=1, help="The most requests the model is sent.")]
MaxTokens = Annotated[int | None, typer.Option(min=1, help="The most tokens that are read and written.")]
Unconfined = Annotated[
    bool,
    typer.Option(
        "--unconfined-python", help="Run Python programs even where the kernel cannot keep them from files and network."
    ),
]
Samples = Annotated[
    int | None, typer.Option("--samples", "-n", min=1, help="Programs to sample (20; 1 with the embedded model).")
]
Temperature = Annotated[float, typer.Option(min=0, help="Of several samples; a single one is greedy.")]
Shots = Annotated[int, typer.Option(min=0, help="Worked questions in the prompt.")]
Exemplars = Annotated[str, typer.Option(help="The set of worked questions: wikitq, tabfact.")]
Weighing = Annotated[Method, typer.Option(help="How the samples' answers are weighed.")]
Favoured = Annotated[str | None, typer.Option(help="The answer that `--vote answer` favours.")]
Language = Annotated[Languages, typer.Option(help="What programs are written in; auto is half of them in each.")]


def tables_of_words(sources: list[str], query: str | None, title: str | None, where: str = "--table") -> list[Table]:
    """The tables of the command line.

    Args:
        sources: Files and databases' URLs, each with the table's name before it or not.
        query: The query for a database's URL.
        title: What the table is about.
        where: The option or the argument that names the sources.

    Raises:
        TableError: One cannot be read.
        typer.BadParameter: The options do not fit each other.
    """
    if title is not None and len(sources) > 1:
        raise typer.BadParameter("it is for a single table", param_hint="--title")
    if query is not None and not any("://" in source for source in sources):
        raise typer.BadParameter(f"it is for a database's URL, and no {where} is one", param_hint="--query")
    tables = [_table(source, query, title) for source in sources]
    (name, times), *_ = Counter(table.name.casefold() for table in tables).most_common()
    if times > 1:
        told = f"{times} tables are named {name!r}; name them yourself: NAME=FILE"
        raise typer.BadParameter(told, param_hint=where)
    return tables


def _table(given: str, query: str | None, title: str | None) -> Table:
    name, source = _named(given)
    require_here(source)
    if "://" in source:
        if query is None:
            told = f"{source.split('://')[0]}://… is a database; give the query whose result is the table"
            raise typer.BadParameter(told, param_hint="--query")
        return Table.from_records(source, query, title=title, name=name)
    table: Table = getattr(Table, reader_of(source))(source, title=title, name=name)
    return table


def _named(given: str) -> tuple[str | None, str]:
    """A table's name, if it is given one, and its source.

    Example:
        >>> _named("visits=log/2024.csv"), _named("log/a=b.csv"), _named("sqlite:///shop.db?mode=ro")
        (('visits', 'log/2024.csv'), (None, 'log/a=b.csv'), (None, 'sqlite:///shop.db?mode=ro'))
    """
    parts = re.fullmatch(r"([^\W\d]\w*)=(.+)", given, re.DOTALL)
    return (parts[1], parts[2]) if parts and not os.path.lexists(given) else (None, given)
