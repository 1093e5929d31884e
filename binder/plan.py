"""The plan of a checked program: which LM calls to ask, in what order, about which inputs, and the final query.

Each step asks one call about the inputs that an SQL query gives and keeps the replies in a temporary table, by key:
the texts of the call's arguments. In the final query, and in the inputs of later steps, the call is a look-up in that
table, so a value can only reach the rows that hold its key. Steps that ask the same share a table.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlglot
from sqlglot import exp

from binder.cells import rendering
from binder.inputs import evaluation_order, inputs_query, key_names
from grammars.calls import Call, read_call
from grammars.program import Program
from grammars.reply import Expected
from grammars.schema import Column, Schema
from grammars.spelling import with_spelling


@dataclass(frozen=True)
class Step:
    """One LM call to be asked.

    Attributes:
        table: The temporary table of its replies: the inputs as ``k0``, ``k1``, …, the value as ``value``.
        call: The call as the program spells it.
        per_row: True for a map, False for an ans.
        question: What is asked.
        labels: What each argument is called in the prompt.
        blocks: For each argument, whether its text is a block of rows (a JSON array) or one value.
        expected: What a reply must be.
        inputs: The query for the distinct inputs.
        waits_for: The tables of earlier replies that ``inputs`` reads.
    """

    table: str
    call: str
    per_row: bool
    question: str
    labels: tuple[str, ...]
    blocks: tuple[bool, ...]
    expected: Expected
    inputs: str
    waits_for: tuple[str, ...]

    @property
    def columns(self) -> list[tuple[str, str]]:
        """The names and types of the columns of its table, before its replies settle an ordered one's type."""
        return [*((name, "VARCHAR") for name in key_names(len(self.labels))), ("value", self.expected.type)]


@dataclass(frozen=True)
class Plan:
    """The steps of a program, and the query that gives its answer once they are done.

    Attributes:
        steps: In the order in which they must be asked.
        query: The final query.
        spellings: For each output column, the further output column that keeps its cells' own text, or None.
    """

    steps: tuple[Step, ...]
    query: str
    spellings: tuple[str | None, ...]


def make_plan(program: Program, schema: Schema) -> Plan:
    """The plan of a checked program; nothing is run and no LM is asked."""
    assert program.translated is not None
    tree = program.translated.copy()
    steps: list[Step] = []
    tables: dict[tuple[object, ...], str] = {}
    for node in list(evaluation_order(tree)):
        call = read_call(node)
        labels = tuple(_label(argument) for argument in call.arguments) or ("",)
        blocks = tuple(not call.per_row and isinstance(a, exp.Subquery) for a in call.arguments) or (False,)
        keys = [_key(argument, block, schema) for argument, block in zip(call.arguments, blocks, strict=False)]
        keys = keys or [exp.Literal.string("")]
        same = (node.name, call.question, labels, blocks, call.expected)
        table = tables.setdefault(same, f"__replies_{len(tables) + 1}")
        inputs = inputs_query(node, keys)
        read = {source.name for source in inputs.find_all(exp.Table)}
        waits = tuple(name for name in dict.fromkeys(step.table for step in steps) if name in read)
        described = _describe(call, labels)
        steps.append(
            Step(
                table,
                described,
                call.per_row,
                call.question,
                labels,
                blocks,
                call.expected,
                inputs.sql("duckdb"),
                waits,
            )
        )
        node.replace(_look_up(table, keys))
    query, spellings = with_spelling(tree, schema)
    return Plan(tuple(steps), query.sql("duckdb"), spellings)


def _look_up(table: str, keys: list[exp.Expr]) -> exp.Expr:
    """The reply for a row's key."""
    equal = [
        exp.NullSafeEQ(this=exp.column(name, table), expression=key.copy())
        for name, key in zip(key_names(len(keys)), keys, strict=True)
    ]
    return exp.Subquery(this=exp.select(exp.column("value", table)).from_(table).where(*equal))


def _describe(call: Call, labels: tuple[str, ...]) -> str:
    kind = "map" if call.per_row else "ans"
    return "QA(" + "; ".join([f'"{kind}@{call.question}"', *(label for label in labels if label)]) + ")"


def _label(argument: exp.Expr) -> str:
    """What an argument is called in a prompt."""
    if isinstance(argument, exp.Column):
        return argument.name
    if isinstance(argument, exp.Subquery):
        return ", ".join(select.alias_or_name or select.sql("sqlite") for select in argument.this.selects)
    return argument.sql("sqlite")


def _key(argument: exp.Expr, block: bool, schema: Schema) -> exp.Expr:
    """The text of an argument: a cell's own spelling, a value's plain rendering, a block of rows as JSON."""
    if block:
        return _block(argument, schema)
    return sqlglot.parse_one(_text(argument, schema), dialect="duckdb")


def _text(value: exp.Expr, schema: Schema) -> str:
    sql = value.sql("duckdb")
    if isinstance(value, exp.Literal) and value.is_string:
        return sql
    column = _base_column(value, schema) if isinstance(value, exp.Column) else None
    if column is None:
        known = value.type.sql("duckdb") if value.type is not None else "UNKNOWN"
        return sql if known in ("VARCHAR", "TEXT") else rendering(sql, known)
    plain = rendering(sql, column.type)
    if column.spelling is None:
        return plain
    spelling = exp.column(column.spelling, value.args.get("table"), quoted=True).sql("duckdb")
    return f"COALESCE({spelling}, {plain})"


def _base_column(value: exp.Column, schema: Schema) -> Column | None:
    """The table column that a column of a query is, or None for one of a subquery."""
    query = value.find_ancestor(exp.Select)
    while query is not None:
        sources = [query.args.get("from_"), *(query.args.get("joins") or [])]
        for source in (part.this for part in sources if part is not None):
            if source.alias_or_name == value.table:
                table = schema.table(source.name) if isinstance(source, exp.Table) else None
                return table.column(value.name) if table else None
        query = query.find_ancestor(exp.Select)
    return None


def _block(argument: exp.Expr, schema: Schema) -> exp.Expr:
    """The rows of a subquery as the text of a JSON array of objects; NULL when there are none."""
    assert isinstance(argument, exp.Subquery)
    query, spellings = with_spelling(argument.this, schema)
    names = _distinct_names([select.alias_or_name or select.sql("sqlite") for select in argument.this.selects])
    columns = [f"c{index}" for index in range(len(names))]
    kept = {name: f"s{index}" for index, name in enumerate(dict.fromkeys(name for name in spellings if name))}
    texts = []
    for index, (column, select) in enumerate(zip(columns, argument.this.selects, strict=True)):
        plain = rendering(column, select.type.sql("duckdb") if select.type is not None else "UNKNOWN")
        spelling = spellings[index]
        texts.append(f"COALESCE({kept[spelling]}, {plain})" if spelling else plain)
    fields = ", ".join(f"{exp.Literal.string(name).sql()}: {text}" for name, text in zip(names, texts, strict=True))
    aliases = ", ".join([*columns, *kept.values()])
    sql = f"(SELECT CAST(TO_JSON(LIST({{{fields}}})) AS VARCHAR) FROM ({query.sql('duckdb')}) AS __block({aliases}))"
    return sqlglot.parse_one(sql, dialect="duckdb")


def _distinct_names(names: list[str]) -> list[str]:
    """The names, those that repeat numbered."""
    seen: dict[str, int] = {}
    result = []
    for name in names:
        seen[name.casefold()] = seen.get(name.casefold(), 0) + 1
        result.append(name if seen[name.casefold()] == 1 else f"{name} ({seen[name.casefold()]})")
    return result
