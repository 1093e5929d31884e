"""accept_python: from a Python program's text to one that may run, or every reason why not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlglot import exp

from binder import literals
from binder.bounds import Bound
from binder.errors import ProgramError
from binder.plan import Plan, Stage, Step, make_plan
from binder.script import Script, described
from grammars.calls import ANS, MAP, make_call
from grammars.check import check
from grammars.python import check_python

if TYPE_CHECKING:
    from binder.database import Session
    from grammars.python import PythonCall, PythonProgram
    from grammars.schema import Schema, TableSchema

_PROGRAM = "the program"


def accept_python(source: str, schema: Schema, session: Session, mend_values: bool) -> tuple[PythonProgram, Script]:
    """A Python program that may run.

    Raises:
        ProgramError: There are complaints.
    """
    checked = check_python(source, schema)
    if checked.program is None:
        raise ProgramError(checked.text, checked.complaints)
    program = literals.mend_python(checked.program, schema, session) if mend_values else checked.program
    return program, Script(program)


def readable_plan(program: PythonProgram, schema: Schema) -> Plan:
    """What the calls of a program would ask about the whole of their tables, as far as the code tells.

    The program may ask about fewer rows, or not at all; so what there is is the most.
    """
    return Plan(tuple(Stage((_step(call, schema),)) for call in program.calls), program.text, ())


def _step(call: PythonCall, schema: Schema) -> Step:
    """A call's step, its inputs those of the SQL call that asks the same of a whole table."""
    table = next((table for table in schema if all(table.column(name) for name in call.columns or ())), None)
    if call.question is None or table is None or (call.per_row and not call.columns):
        return _unknown(call)
    planned = check(_as_sql(call, call.question, table), schema).program
    assert planned is not None
    step = make_plan(planned, schema).steps[0]
    most = Bound(f"SELECT COUNT(*) FROM ({step.inputs})", step.inputs)
    shown = described(call.per_row, call.question, step.labels)
    return replace(step, table="", call=shown, expected=call.expected, waits_for=(_PROGRAM,), at_most=most)


def _unknown(call: PythonCall) -> Step:
    """The step of a call whose question or columns the program computes, so that its inputs cannot be counted."""
    labels = call.columns or ("",)
    shown = described(call.per_row, call.question or "…", labels)
    blocks = (False,) * len(labels)
    most = Bound(None)
    return Step(
        "", shown, call.per_row, call.question or "", labels, blocks, call.expected, "", (_PROGRAM,), at_most=most
    )


def _as_sql(call: PythonCall, question: str, table: TableSchema) -> str:
    columns = [exp.column(name, quoted=True) for name in call.columns or [column.name for column in table.columns]]
    source = exp.to_identifier(table.name, quoted=True)
    rows = exp.select(*columns).from_(exp.Table(this=source))
    if call.per_row:
        asked = make_call(MAP, question, list(columns))
        return exp.select(asked).from_(exp.Table(this=source)).sql("sqlite")
    return exp.select(make_call(ANS, question, [exp.Subquery(this=rows)])).sql("sqlite")
