"""accept: from a program's text to a plan that DuckDB will run, or every reason why not, before anything is spent."""

from __future__ import annotations

from binder import literals
from binder.binding import complain
from binder.database import Session
from binder.errors import ProgramError
from binder.execute import prepare
from binder.filters import Selectivity
from binder.plan import Plan, make_plan
from binder.table import Table
from grammars.check import TOO_DEEP, check
from grammars.program import Program
from grammars.schema import Schema

_REMEMBERED = 1000  # programs whose checks are kept for the same tables


def accept(
    source: str, tables: tuple[Table, ...], session: Session, mend_values: bool, selectivity: Selectivity | None = None
) -> tuple[Program, Plan]:
    """A program that DuckDB will run, and its plan.

    Raises:
        ProgramError: There are complaints.
    """
    schema = schema_of(tables)
    known = session.checked.get(source)
    if known is not None:
        program, plan = known
        if plan.arranged:  # more may be known by now of how selective its conditions are
            plan = make_plan(program, schema, selectivity)
        prepare(plan, session)
        return program, plan
    checked = check(source, schema)
    if checked.program is None:
        raise ProgramError(checked.text, checked.complaints)
    try:
        program = literals.mend(checked.program, schema, session) if mend_values else checked.program
        plan = make_plan(program, schema, selectivity)
    except RecursionError:  # planning goes a little deeper than checking
        raise ProgramError(checked.text, (TOO_DEEP,)) from None
    prepare(plan, session)
    for query, parameters in plan.queries:
        problem = session.bind(query, parameters)
        if problem is not None:
            raise ProgramError(checked.text, (complain(problem, program),))
    if len(session.checked) >= _REMEMBERED:
        session.checked.clear()
    session.checked[source] = program, plan
    return program, plan


def schema_of(tables: tuple[Table, ...]) -> Schema:
    """What a program over these tables may refer to."""
    return Schema(tuple(table.schema for table in tables))
