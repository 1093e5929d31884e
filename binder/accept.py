"""accept: from a program's text to a plan that DuckDB will run, or every reason why not, before anything is spent."""

from __future__ import annotations

from binder import literals
from binder.binding import complain
from binder.database import Session
from binder.errors import ProgramError
from binder.execute import prepare
from binder.plan import Plan, make_plan
from binder.table import Table
from grammars.check import check
from grammars.program import Program
from grammars.schema import Schema

_REMEMBERED = 1000  # programs whose checks are kept for the same tables


def accept(source: str, tables: tuple[Table, ...], session: Session, mend_values: bool) -> tuple[Program, Plan]:
    """A program that DuckDB will run, and its plan.

    Raises:
        ProgramError: There are complaints.
    """
    known = session.checked.get(source)
    if known is not None:
        prepare(known[1], session)
        return known
    schema = schema_of(tables)
    checked = check(source, schema)
    if checked.program is None:
        raise ProgramError(checked.text, checked.complaints)
    program = literals.mend(checked.program, schema, session) if mend_values else checked.program
    plan = make_plan(program, schema)
    prepare(plan, session)
    for query in (*(step.inputs for step in plan.steps), plan.query):
        problem = session.bind(query)
        if problem is not None:
            raise ProgramError(checked.text, (complain(problem, program),))
    if len(session.checked) >= _REMEMBERED:
        session.checked.clear()
    session.checked[source] = program, plan
    return program, plan


def schema_of(tables: tuple[Table, ...]) -> Schema:
    """What a program over these tables may refer to."""
    return Schema(tuple(table.schema for table in tables))
