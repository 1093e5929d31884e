"""magic: what ``%load_ext binder`` adds to IPython: the ``%%binder`` cell, and views of what it has no methods for."""

from __future__ import annotations

import re
import shlex
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any, NoReturn

from binder.answer import Answer
from binder.engine import Binder
from binder.errors import BinderError, ConfigurationError, ProgramError
from binder.notebook.html import html_of
from binder.notebook.waiting import shown
from binder.sources import reader_of
from binder.table import Table
from grammars.language import Language, language_of
from grammars.program import Program
from grammars.python import PythonProgram

ENGINE = "binder_engine"
"""The variable that holds the cells' engine; made where there is none."""

# A question may begin with the same words: "With which name …", "Select the 3 highest peaks".
_PROGRAM = re.compile(
    r"(?:--[^\n]*\n|/\*(?:[^*]|\*(?!/))*\*/|[\s(])*"
    r"(?:SELECT\b(?=.*\bFROM\b|\s*[\d'\"(*])|WITH\b(?=.*\bAS\s*\()|QA\s*\(|qa_ans\s*\(|VALUES\s*\()",
    re.IGNORECASE | re.DOTALL,
)


class _Words(ArgumentParser):
    """The words after ``%%binder``; what is wrong with them is an error of ours, not the end of the process."""

    def error(self, message: str) -> NoReturn:
        raise ConfigurationError(f"%%binder: {message}; write %%binder TABLE, and a question or a program below")


def load(shell: Any) -> None:
    """Add the magic to a shell; ``%load_ext binder`` calls this."""
    register_views(shell)
    shell.register_magic_function(lambda line, cell: run_cell(shell, line, cell), "cell", "binder")
    shell.set_custom_exc((BinderError,), _say)
    shell.Completer.custom_matchers.append(_matcher(shell))


def register_views(shell: Any) -> None:
    """Have a shell show programs as HTML; the other views are methods of what they show."""
    html = shell.display_formatter.formatters["text/html"]
    for kind in (Program, PythonProgram):
        html.for_type(kind, html_of)


def run_cell(shell: Any, line: str, cell: str) -> Answer:
    """Answer a cell: a question is asked, a program in SQL or Python is run.

    Args:
        shell: Its variables name the tables.
        line: The words after ``%%binder``: tables (variables that hold a ``Table`` or a data frame, or files), ``-n``
            and ``--language`` as ``Binder.ask`` takes them, ``-o NAME`` for a variable that gets the answer.
        cell: The question or the program.

    Raises:
        BinderError: Whatever ``Binder.ask`` and ``Binder.run`` raise, or the words make no sense.
    """
    words = _words(line)
    if not cell.strip():
        raise ConfigurationError("%%binder: the cell is empty; write a question or a program in it")
    tables = [_table(shell, name) for name in words.table]
    engine = shell.user_ns.get(ENGINE)
    if not isinstance(engine, Binder):
        engine = shell.user_ns[ENGINE] = Binder()
    if _PROGRAM.match(cell) or language_of(cell) is Language.PYTHON:
        answer = shown(engine, lambda: engine.arun(cell, tables))
    else:
        question = " ".join(cell.split())
        answer = shown(engine, lambda: engine.aask(question, tables, n=words.samples, language=words.language))
    if words.output:
        shell.user_ns[words.output] = answer
    return answer


def columns(shell: Any, cell: str, begun: str) -> list[str]:
    """The names of columns that a word may go on to, in a cell that begins with ``%%binder``.

    Args:
        shell: Its variables name the tables.
        cell: The whole cell.
        begun: The word as far as it is written.
    """
    first, _, body = cell.partition("\n")
    if not first.startswith("%%binder") or not body:
        return []
    try:
        tables = [_table(shell, name) for name in _words(first.removeprefix("%%binder")).table]
    except BinderError:
        return []
    names = dict.fromkeys(column.name for table in tables for column in table.columns)
    return [name for name in names if name.casefold().startswith(begun.casefold())]


def _matcher(shell: Any) -> Any:
    """What completes words in cells."""
    from IPython.core.completer import SimpleCompletion, context_matcher

    @context_matcher()
    def binder_columns(context: Any) -> Any:
        found = columns(shell, context.full_text, context.token)
        return {"completions": [SimpleCompletion(text=name, type="column") for name in found], "ordered": True}

    return binder_columns


def _words(line: str) -> Namespace:
    parser = _Words(prog="%%binder", add_help=False)
    parser.add_argument("table", nargs="+")
    parser.add_argument("-n", "--samples", type=int)
    parser.add_argument("--language", choices=["sql", "python", "auto"])
    parser.add_argument("-o", "--output")
    try:
        return parser.parse_args(shlex.split(line))
    except ValueError as error:
        raise ConfigurationError(f"%%binder: {error} in {line!r}; close it, or leave it out") from None


def _table(shell: Any, name: str) -> Table:
    """The table that a word means.

    Raises:
        ConfigurationError: It is no variable that holds one, and no file.
        TableError: The file cannot be read.
    """
    held: Any = shell.user_ns.get(name)
    if isinstance(held, Table):
        return held
    if hasattr(held, "__dataframe__") and hasattr(held, "iloc"):
        return Table.from_pandas(held, name=name)
    if held is None and Path(name).suffix:
        table: Table = getattr(Table, reader_of(name))(name)
        return table
    what = f"holds a {type(held).__name__}" if name in shell.user_ns else "is no variable, and no file"
    raise ConfigurationError(f"%%binder: {name} {what}; name a Table, a data frame or a file")


def _say(shell: Any, kind: type[BaseException], error: BaseException, trace: Any, tb_offset: Any = None) -> None:
    """Show an error of ours as what it says, without a traceback."""
    from IPython.display import HTML, display

    if isinstance(error, ProgramError):
        display(HTML(html_of(error)))
    else:
        print(f"{kind.__name__}: {error}")
