"""Asking everything: what a program gives, and how many inputs it takes, without a plan.

The model is a pure function of question and input, a ``Judge``. As a DuckDB function it stands in the place of each LM
call: no look-up tables, no narrowing of inputs, no waves.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

import duckdb
from sqlglot import exp

from binder import Table
from binder.coerce import coerce
from binder.inputs import evaluation_order
from binder.lm.base import Request
from binder.plan import _key
from grammars.calls import read_call
from grammars.check import check
from grammars.figures import MACROS
from grammars.reply import Expected
from grammars.schema import Schema

QUESTION = re.compile(r"^Question: (.*)$", re.MULTILINE)

Judge = Callable[[str, tuple[str | None, ...]], Any]


def question_of(request: Request) -> str:
    """What a request asks."""
    return QUESTION.findall(request.messages[-1].content)[-1]


def reply_of(judge: Judge, request: Request) -> str:
    """The model's reply to a request."""
    question = question_of(request)
    if request.purpose == "ans":
        return json.dumps({"answer": judge(question, tuple(cell for row in request.inputs for cell in row))})
    return json.dumps({str(n): judge(question, cells) for n, cells in enumerate(request.inputs, 1)})


def naive_rows(text: str, tables: Sequence[Table], judge: Judge) -> list[tuple[Any, ...]]:
    """The rows of a program by calling the model row by row."""
    schema, tree = _translated(text, tables)
    connection = duckdb.connect()
    connection.execute(MACROS)
    for table in tables:
        connection.register("data", table.data)
        connection.execute(f'CREATE TABLE "{table.name}" AS SELECT * FROM data')
    functions: dict[tuple[str, int, Expected], str] = {}
    for node in list(evaluation_order(tree)):
        call = read_call(node)
        keys = [_key(argument, False, schema) for argument in call.arguments]
        type_ = call.expected.type if call.expected.kind != "ordered" else "BIGINT"
        if "how many" not in call.question and call.expected.kind == "ordered":
            type_ = "VARCHAR"
        signature = (call.question, len(keys), call.expected)
        if signature not in functions:
            functions[signature] = f"model_{len(functions)}"
            function = _model(judge, call.question, len(keys), call.expected)
            connection.create_function(
                functions[signature], function, ["VARCHAR"] * len(keys), type_, null_handling="special"
            )
        node.replace(exp.Anonymous(this=functions[signature], expressions=keys))
    return connection.execute(tree.sql("duckdb")).fetchall()


def naive_inputs(text: str, tables: Sequence[Table], judge: Judge) -> int:
    """How many inputs a program takes where each call asks about every row of its tables, each distinct input once.

    Arguments are columns of a table, other calls, or aggregates of these.
    """
    _, tree = _translated(text, tables)
    rows = [row for table in tables for row in table.data.to_pylist()]
    asked: dict[object, set[tuple[Any, ...]]] = {}
    for node in evaluation_order(tree):
        call = read_call(node)
        names = {column.name for column in node.find_all(exp.Column)}
        inputs = {tuple(_value(a, row, judge) for a in call.arguments) for row in rows if names <= row.keys()}
        asked.setdefault((call.question, str(call.written), call.expected), set()).update(
            cells for cells in inputs if any(cell is not None for cell in cells)
        )
    return sum(map(len, asked.values()))


def comparable(rows: Sequence[tuple[Any, ...]], ordered: bool) -> list[tuple[str, ...]]:
    """Rows as texts, sorted where their order means nothing."""
    texts = [
        tuple("NULL" if v is None else f"{v:g}" if isinstance(v, (int, float)) else str(v) for v in row) for row in rows
    ]
    return texts if ordered else sorted(texts)


def _translated(text: str, tables: Sequence[Table]) -> tuple[Schema, exp.Expr]:
    schema = Schema(tuple(table.schema for table in tables))
    checked = check(text, schema)
    assert checked.program is not None and checked.program.translated is not None, checked.complaints
    return schema, checked.program.translated.copy()


def _model(judge: Judge, question: str, arity: int, expected: Expected) -> Callable[..., Any]:
    """The model as a function of so many texts (DuckDB counts a function's parameters), its replies read as usual."""

    def value(*cells: str | None) -> Any:
        said = judge(question, cells)
        return coerce(said, expected) if isinstance(said, str) else said

    if arity == 1:
        return lambda a: value(a)
    return lambda a, b: value(a, b)


def _value(argument: exp.Expr, row: dict[str, Any], judge: Judge) -> str | None:
    """The text of an argument for a row."""
    if isinstance(argument, exp.Column):
        value = row[argument.name]
    elif isinstance(argument, exp.Anonymous):
        call = read_call(argument)
        value = judge(call.question, tuple(_value(inner, row, judge) for inner in call.arguments))
    else:
        return _value(next(argument.iter_expressions()), row, judge)
    return None if value is None else str(value)
