"""literals: texts that a program compares with a column for equality and that no cell of the column equals.

The likeliest causes are a slip in the spelling, which is mended where just one value of the column is nearly the same,
and a program that compares where it should ask, which its author (the LM) can mend when it is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from sqlglot import exp

from binder.database import Session, quoted
from grammars.check import check
from grammars.nearest import MARK
from grammars.program import Program
from grammars.python import PythonProgram, check_python
from grammars.python_edit import Edit, edited
from grammars.python_literals import compared
from grammars.schema import Column, Kind, Schema, TableSchema

# Letters and digits alone, without case and accents.
_BARE = "regexp_replace(strip_accents(lower({0})), '[^\\p{{L}}\\p{{N}}]+', '', 'g')"
# What no slip changes, as ``grammars.nearest.marks`` finds it in names.
_WORDS = "regexp_extract_all(regexp_replace(strip_accents(lower({0})), '[''’]', '', 'g'), '\\p{{L}}+|\\p{{N}}')"
_MARKS = f"list_filter({_WORDS}, lambda word: regexp_full_match(word, '{MARK.replace('{', '{{').replace('}', '}}')}'))"
_WITHOUT_NOTE = "regexp_replace({0}, '\\s*[(\\[].*$', '')"
_LETTERS_A_SLIP = 6  # how many letters a text must have for one slip in it, so that Fiji is not read as Fuji
_SHOWN = 5
_MOST = 20
"""How many literals of a program are looked up: each takes a look at its column."""


@dataclass(frozen=True)
class Unmatched:
    """A literal that no cell of its column equals.

    Attributes:
        column: The column's name.
        literal: The literal's node in the program's tree.
        near: The values of the column that are nearly the same, at most two.
        sample: Some values of the column.
    """

    column: str
    literal: exp.Literal
    near: tuple[str, ...]
    sample: tuple[str, ...]


def unmatched(program: Program, schema: Schema, session: Session) -> list[Unmatched]:
    """The literals of a program that no cell of their column equals, case aside."""
    found = []
    for node, literal in islice(_compared(program.tree), _MOST):
        for table, column in _columns(node, schema):
            if not _exists(table, column, literal.name, session):
                near = _near(table, column, literal.name, session)
                found.append(Unmatched(column.name, literal, near, _sample(table, column, session)))
    return found


def mend(program: Program, schema: Schema, session: Session) -> Program:
    """The program with each unmatched literal that is nearly one value of its column spelled as that value."""
    slips = [one for one in unmatched(program, schema, session) if len(one.near) == 1]
    if not slips:
        return program
    tree = program.tree.copy()
    places = {id(old): new for old, new in zip(program.tree.walk(), tree.walk(), strict=True)}
    for slip in slips:
        places[id(slip.literal)].set("this", slip.near[0])
    notes = [
        f"'{one.literal.name}' read as '{one.near[0]}', the value of `{one.column}` nearest to it" for one in slips
    ]
    mended = check(replace(program, tree=tree).sql(), schema).program
    return replace(mended, source=program.source, mends=(*program.mends, *notes)) if mended else program


def mend_python(program: PythonProgram, schema: Schema, session: Session) -> PythonProgram:
    """A Python program with each text that no cell of its column is spelled as one value of the column, where that is
    the same but for its case, or nearly the same."""
    edits = []
    for one in islice(compared(program, schema), _MOST):
        near = _meant(one.table, one.column, one.text, session)
        if near is not None:
            told = f"'{one.text}' read as '{near}', the value of `{one.column.name}` nearest to it"
            edits.append(Edit(one.span, repr(near), told))
    text, mends = edited(program.text, edits)
    mended = check_python(text, schema).program if edits else None
    return replace(mended, source=program.source, mends=(*program.mends, *mends)) if mended else program


def _meant(table: TableSchema, column: Column, text: str, session: Session) -> str | None:
    """The one value of a column that a text stands for and is not spelled as; None where there is none, or several."""
    name, source = quoted(column.name), quoted(table.name)
    query = f"SELECT DISTINCT {name} FROM {source} WHERE lower({name}) = lower($1) ORDER BY 1 LIMIT 2"
    same = [value for (value,) in session.rows(query, [text])]
    if text in same or session.rows(f"SELECT 1 FROM {source} WHERE {name} = $1 LIMIT 1", [text]):
        return None
    near = same or _near(table, column, text, session)
    return near[0] if len(near) == 1 else None


def describe(program: Program, schema: Schema, session: Session) -> str:
    """What to tell a program's author about its unmatched literals; empty when there are none."""
    lines = []
    for one in unmatched(program, schema, session):
        held = ", ".join(f"'{value}'" for value in one.sample)
        lines.append(
            f"no cell of `{one.column}` is '{one.literal.name}'; it holds {held}, …. Where the cells do not say it "
            f"themselves, ask: QA(\"map@…?\"; `{one.column}`) = 'yes'"
        )
    return "\n".join(lines)


def _compared(tree: exp.Expr) -> Iterator[tuple[exp.Column, exp.Literal]]:
    """Columns and the texts they are compared with for equality."""
    for node in tree.find_all(exp.EQ, exp.In):
        sides = [node.this, *(node.expressions if isinstance(node, exp.In) else [node.expression])]
        columns = [side for side in sides if isinstance(side, exp.Column)]
        for literal in sides:
            if len(columns) == 1 and isinstance(literal, exp.Literal) and literal.is_string:
                yield columns[0], literal


def _columns(node: exp.Column, schema: Schema) -> list[tuple[TableSchema, Column]]:
    """The text column that a node is, where only one table has a column of that name."""
    found = [(table, column) for table in schema if (column := table.column(node.name))]
    return found if len(found) == 1 and found[0][1].kind is Kind.TEXT else []


def _exists(table: TableSchema, column: Column, text: str, session: Session) -> bool:
    name = quoted(column.name)
    query = f"SELECT 1 FROM {quoted(table.name)} WHERE lower({name}) = lower($1) LIMIT 1"
    return bool(session.rows(query, [text]))


def _near(table: TableSchema, column: Column, text: str, session: Session) -> tuple[str, ...]:
    name = quoted(column.name)
    bare, wanted = _BARE.format(name), _BARE.format("$1")
    same = f"{bare} = {wanted} OR {_BARE.format(_WITHOUT_NOTE.format(name))} = {wanted}"
    slips = f"levenshtein({bare}, {wanted}) <= length({wanted}) // {_LETTERS_A_SLIP}"
    marks = f"{_MARKS.format(name)} = {_MARKS.format('$1')}"
    query = (
        f"SELECT DISTINCT {name} FROM {quoted(table.name)} "
        f"WHERE {wanted} <> '' AND ({same} OR ({slips} AND {marks})) ORDER BY 1 LIMIT 2"
    )
    return tuple(value for (value,) in session.rows(query, [text]))


def _sample(table: TableSchema, column: Column, session: Session) -> tuple[str, ...]:
    name = quoted(column.name)
    query = f"SELECT DISTINCT {name} FROM {quoted(table.name)} WHERE {name} IS NOT NULL LIMIT {_SHOWN}"
    return tuple(value for (value,) in session.rows(query))
