"""Every worked question is a test: its table types as stated, its program checks, runs and gives the stated answer."""

from __future__ import annotations

import csv
import json
import re
import sys
from pathlib import Path

import pytest

from binder import Binder, Table
from binder.lm import Request, Scripted
from binder.pack import pack
from binder.render import PANDAS
from binder.sandbox.tables import Given
from exemplars import store
from exemplars.exemplar import ExampleTable, ProgramExemplar
from grammars.calls import Spelling

EXEMPLARS = [*store.programs("wikitq"), *store.programs("tabfact")]
every_exemplar = pytest.mark.parametrize("exemplar", EXEMPLARS, ids=lambda exemplar: exemplar.id)


def load(table: ExampleTable, folder: Path) -> Table:
    path = folder / f"{table.name}.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([table.header, *([cell or "" for cell in row] for row in table.rows)])
    return Table.from_csv(path, name=table.name, title=table.title)


def scripted(exemplar: ProgramExemplar) -> Scripted:
    """A model that drafts the exemplar's program and says what the exemplar says it must; anything else is an error."""

    def reply(request: Request) -> str:
        if request.purpose == "draft":
            return (exemplar.python or "") if "def solve" in request.prompt else exemplar.program
        [question] = re.findall(r"^Question: (.*)$", request.messages[-1].content, re.MULTILINE)
        said = exemplar.replies[f"{request.purpose}@{question}"]
        if isinstance(said, str):
            return json.dumps({"answer": said})
        return json.dumps({n: said[" | ".join(map(str, cells))] for n, cells in enumerate(request.inputs, 1)})

    return Scripted(reply)


@every_exemplar
def test_its_columns_are_typed_as_it_states(exemplar: ProgramExemplar, tmp_path: Path) -> None:
    for example in exemplar.tables:
        table = load(example, tmp_path)
        assert tuple(column.name for column in table.columns) == example.header
        assert tuple(column.kind for column in table.columns) == example.kinds


@every_exemplar
def test_its_frames_are_typed_as_the_prompt_says(exemplar: ProgramExemplar, tmp_path: Path) -> None:
    packed = pack([load(example, tmp_path) for example in exemplar.tables])
    for example, given in zip(exemplar.tables, Given.read(packed.described, packed.data).tables, strict=True):
        assert tuple(given.frame.columns) == example.header
        dtypes = [str(dtype).partition("[")[0] for dtype in given.frame.dtypes]
        assert dtypes == [PANDAS[kind] for kind in example.kinds]


@every_exemplar
def test_its_program_gives_its_answer(exemplar: ProgramExemplar, tmp_path: Path) -> None:
    tables = [load(table, tmp_path) for table in exemplar.tables]
    with Binder(lm=scripted(exemplar)) as binder:
        assert binder.ask(exemplar.question, tables, n=1).texts == exemplar.answer


@every_exemplar
@pytest.mark.skipif(sys.platform != "linux", reason="the sandbox needs Linux's Landlock and seccomp")
def test_its_python_program_gives_its_answer_too(exemplar: ProgramExemplar, tmp_path: Path) -> None:
    tables = [load(table, tmp_path) for table in exemplar.tables]
    with Binder(lm=scripted(exemplar)) as binder:
        answer = binder.ask(exemplar.question, tables, n=1, language="python")
        assert answer.texts == exemplar.answer
        assert not answer.program.mends
        assert str(answer.program) == exemplar.python


@every_exemplar
@pytest.mark.parametrize("spelling", list(Spelling))
def test_its_program_survives_printing(exemplar: ProgramExemplar, spelling: Spelling, tmp_path: Path) -> None:
    tables = [load(table, tmp_path) for table in exemplar.tables]
    with Binder(lm=scripted(exemplar)) as binder:
        program = binder.check(exemplar.program, tables)
        again = binder.check(program.sql(spelling), tables)
        assert again.sql() == program.sql()
        assert not program.mends
        assert binder.run(program.sql(spelling), tables).texts == exemplar.answer


@every_exemplar
def test_it_states_a_reply_for_each_of_its_calls(exemplar: ProgramExemplar) -> None:
    calls = re.findall(r'qa_(map|ans)\(\w+, "([^"]*)"', exemplar.python or "")
    assert {f"{kind}@{question}" for kind, question in calls} == set(exemplar.replies)
    assert set(re.findall(r'"((?:map|ans)@[^"]*)"', exemplar.program)) == set(exemplar.replies)
