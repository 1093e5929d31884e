"""Tables whose cells and headers try to be something else: each loads or is refused, and answers are right.

The scripted model reads its prompt as strictly as can be: every line after the last heading is one input, numbered in
order, and JSON; were a cell to end its line, or to pass for another input, the reading would fail.
"""

from __future__ import annotations

import io
import json
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pandas
import pytest
from rich.console import Console

from binder import Binder, Table, TableError
from binder.headers import readable
from binder.lm import Scripted
from binder.lm.base import Request
from binder.prompt import tokens
from binder.render import render_table
from tests.support.hostile_tables import CELLS, HEADERS, PLAIN, TABLES, HostileTable

CONTEXT = 16_000


def read_strictly(request: Request) -> list[str]:
    """The inputs that a map's prompt shows, as its text has them."""
    turn = request.messages[-1].content
    assert tokens(*request.messages) + request.max_tokens <= CONTEXT
    lines = turn.splitlines()
    start = next(index for index, line in enumerate(lines) if line.startswith("Inputs, by number ("))
    numbers, texts = zip(*(line.split(": ", 1) for line in lines[start + 1 :]), strict=True)
    assert numbers == tuple(str(number) for number in range(1, len(request.inputs) + 1))
    return [json.loads(text) for text in texts]


def answer(request: Request) -> str:
    """Says yes to what is none of the plain cells."""
    inputs = read_strictly(request)
    assert inputs == [cells[0] for cells in request.inputs]
    return json.dumps({str(n): "no" if text in PLAIN else "yes" for n, text in enumerate(inputs, 1)})


@pytest.fixture(scope="module")
def engine() -> Iterator[Binder]:
    with Binder(lm=Scripted(answer, context=CONTEXT), cache=False) as engine:
        yield engine


def test_there_are_enough_tables() -> None:
    assert len(TABLES) >= 200 and len({str(table) for table in TABLES}) == len(TABLES)
    assert {table.cell for table in TABLES} == set(CELLS.values())
    assert {table.header for table in TABLES} == set(HEADERS.values())


@pytest.mark.parametrize("hostile", TABLES, ids=str)
def test_a_hostile_table_answers_as_a_plain_one_does(hostile: HostileTable, engine: Binder, tmp_path: Path) -> None:
    try:
        table = hostile.load(tmp_path)
    except TableError:
        assert hostile.source == "csv"  # a file may be no UTF-8; what is given as data is always taken
        return
    first, n = ("`" + column.name.replace("`", "``") + "`" for column in table.columns)
    assert engine.run(f"SELECT {n} FROM w ORDER BY {n} DESC", table).values == (3, 2, 1)
    shown = engine.run(f"SELECT {first} FROM w WHERE {n} = 2", table)
    if hostile.source == "pandas":
        assert shown.texts == (readable(hostile.cell),)
    asked = engine.run(f"SELECT {n} FROM w WHERE QA(\"map@is it odd?\"; {first}) = 'yes'", table)
    assert asked.values == (2,)
    assert_shown_safely(table, shown, asked)


def assert_shown_safely(table: Table, *answers: object) -> None:
    """In a prompt, each row is a line; in a notebook no mark-up is a cell's; in a terminal, no control character."""
    text = render_table(table, "is it odd?").text
    assert len(text.splitlines()) == 2 + table.num_rows and len(text) <= 4000
    for shown in (table, *answers):
        html = shown._repr_html_()  # type: ignore[attr-defined]
        assert "<script>alert" not in html and "<img src=x" not in html and '" onmouseover="' not in html
        assert not _controls(html)
        console = Console(file=io.StringIO(), width=200, color_system=None)
        console.print(shown)
        assert not _controls(console.file.getvalue())  # type: ignore[attr-defined]


def _controls(text: str) -> set[str]:
    """The control characters of a text, and those that turn its direction around."""
    turning = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    return {one for one in text if (unicodedata.category(one) in ("Cc", "Cs") and one not in "\n\t") or one in turning}


def test_five_thousand_columns_are_a_table_and_a_short_prompt(engine: Binder) -> None:
    wide = Table.from_pandas(pandas.DataFrame([range(5000), range(5000)], columns=[f"c {n}" for n in range(5000)]))
    shown = render_table(wide, "what is c 4321?")
    assert len(shown.text) <= 4000 and shown.cuts.columns > 4000
    assert engine.run("SELECT `c 4321` FROM w", wide).values == (4321, 4321)
