"""The terminal's views: they say what the HTML says, and nothing in them drives the terminal or is read as markup."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import pandas
import pytest
from rich.console import Console

from binder import Answer, Binder, ProgramError, Table
from binder.console import render_answer
from binder.lm import Request, Scripted
from binder.trace import Sample

NASTY = "[bold]K2[/bold] \x1b[31mred\x07"
PROGRAM = "SELECT name FROM w WHERE QA(\"map@is it [red]in[/red] Asia?\"; land) = 'yes'"


def reply(request: Request) -> str:
    said = {"Peru": "no", "Nepal": "maybe so", "Fiji": "Yes, it is."}
    return json.dumps({n: said.get(str(cells[0]), "yes") for n, cells in enumerate(request.inputs, 1)})


@pytest.fixture(scope="module")
def table() -> Table:
    names = [NASTY, "Everest", "Huascarán", "Tomanivi"]
    frame = pandas.DataFrame(
        {"name": names, "land": ["Pakistan", "Nepal", "Peru", "Fiji"], "height": ["8,611", "1", "2", "3"]}
    )
    return Table.from_pandas(frame, name="peaks", title=NASTY)


@pytest.fixture(scope="module")
def engine() -> Iterator[Binder]:
    with pytest.MonkeyPatch.context() as patch, Binder(lm=Scripted(reply), cache=False) as one:
        patch.setattr("binder.desk.UNREADABLE_SHARE", 0.25)
        yield one


@pytest.fixture(scope="module")
def answer(engine: Binder, table: Table) -> Answer:
    samples = [Sample(PROGRAM), Sample(PROGRAM), Sample("SELECT nme FROM w LIMIT 1")]
    return engine.decide("which?", table, samples).answer()


def printed(shown: object, terminal: bool = False) -> str:
    file = io.StringIO()
    Console(file=file, width=200, force_terminal=terminal).print(shown)
    return file.getvalue()


def test_an_answer_says_all_that_the_html_says(answer: Answer) -> None:
    shown = render_answer(answer)
    for line in (
        "            Peru -> no",
        "            Fiji -> Yes, it is. (read as yes)",
        "vote      67% of 3 samples, 2 distinct programs",
        "            1 sample, weight 1: SELECT name FROM peaks AS w LIMIT 1",
        "rows      peaks: 2 of 4 rows; ● marks what the program names",
        "            row_id 3  ● name: Tomanivi | ● land: Fiji | height: 3",
    ):
        assert line in shown.splitlines()
    assert "(yes/no; 4 inputs, " in shown and " tokens read, " in shown
    assert "Nepal -> maybe so (" in shown or "Nepal -> unreadable, so NULL" in shown


def test_rich_prints_the_same_and_numbers_the_calls(answer: Answer) -> None:
    first, *rest = printed(answer).splitlines()
    assert first.endswith("QA(\"map@is it [red]in[/red] Asia?\"; land) [step 1] = 'yes'")
    assert [line.rstrip() for line in rest] == [line.rstrip() for line in render_answer(answer).splitlines()[1:]]


def test_nothing_drives_the_terminal_or_is_markup(engine: Binder, table: Table, answer: Answer) -> None:
    with pytest.raises(ProgramError) as refused:
        engine.check("SELECT '\x1b[31m[bold]x' FROM w WHERE foo(1)", table)
    for shown in (answer, answer.trace, table, refused.value, answer.program):
        text = printed(shown)
        assert "\x1b" not in text and "\x07" not in text
    assert "[bold]K2[/bold] \\x1b[31mred\\x07" in printed(table)
    assert "\x1b[4mQA(" in printed(answer.program, terminal=True)


def test_long_ones_are_cut(engine: Binder) -> None:
    many = Table.from_pandas(pandas.DataFrame({"n": range(60), "m": range(60)}))
    shown = render_answer(engine.run('SELECT n, QA("map@so?"; m) FROM w WHERE n < 50', many)).splitlines()
    assert "            … and 30 more" in shown[20:]
    assert [line.strip() for line in shown].count("… and 30 more") == 2
    assert "          … and 30 more rows" in shown
    assert "            … and 40 more" in printed(many).splitlines()
    assert "rows      w: all 60 rows" in render_answer(engine.run("SELECT SUM(n) FROM w", many))


def test_a_python_program_keeps_its_lines(engine: Binder, table: Table) -> None:
    shown = printed(engine.run("def solve(table):\n    return table['land'].tolist()\n", table)).splitlines()
    assert shown[0].rstrip() == "program   def solve(table):"
    assert shown[1].rstrip() == "              return table['land'].tolist()"
    assert "rows      not told: a Python program does not say which rows its values came from" in shown


def test_ipython_shows_the_same_as_text(answer: Answer, table: Table) -> None:
    class Printer:
        def __init__(self) -> None:
            self.said = ""

        def text(self, text: str) -> None:
            self.said += text

    for shown in (answer, answer.trace, table, answer.program, answer.diff(answer)):
        printer = Printer()
        shown._repr_pretty_(printer, False)
        assert printer.said and "Select(" not in printer.said
    assert "step 1" in str(answer.__rich__())
