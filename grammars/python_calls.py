"""python_calls: the LM calls of a program: where they stand, and whether they are given what they need."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from grammars.asked import read_question
from grammars.calls import MAP
from grammars.errors import Complaint, Span
from grammars.python_edit import Edit
from grammars.python_parameters import tables_of
from grammars.python_read import Read
from grammars.python_scope import Scope
from grammars.schema import Schema

ARGUMENTS = {"qa_map": ("table", "question", "columns"), "qa_ans": ("table", "question", "columns")}
USAGE = {
    "qa_map": 'write table = qa_map(table, "question", "column"), and then table["question"]',
    "qa_ans": 'write value = qa_ans(table, "question", ["column", "other column"])',
}
# What a column has and a table lacks: where qa_map's result is used so, its new column is meant.
_OF_A_COLUMN = ("str", "dt", "isin", "map", "unique", "tolist", "to_list", "value_counts", "astype", "iloc", "values")


def argument(call: ast.Call, position: int, name: str) -> ast.expr | None:
    """An argument of a call, by its position or its name.

    Example:
        >>> argument(ast.parse("f(a, by=b)", mode="eval").body, 1, "by").id
        'b'
    """
    by_name = (keyword.value for keyword in call.keywords if keyword.arg == name)
    return next(by_name, call.args[position] if position < len(call.args) else None)


def lm_calls(read: Read) -> Iterator[ast.Call]:
    """The LM calls of a program, in the order of the text."""
    for node in read.nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ARGUMENTS:
            yield node


def texts_of(read: Read, scope: Scope) -> dict[str, str]:
    """The names that stand for one text, written down once."""
    counted: dict[str, list[ast.AST]] = {}
    for binding in scope.bindings:
        counted.setdefault(binding.name, []).append(binding.node)
    found = {}
    for name, nodes in counted.items():
        parent = read.parents.get(nodes[0])
        value = parent.value if isinstance(parent, ast.Assign) and nodes[0] in parent.targets else None
        if len(nodes) == 1 and isinstance(value, ast.Constant) and isinstance(value.value, str):
            found[name] = value.value
    return found


def question_of(call: ast.Call, texts: dict[str, str]) -> str | None:
    """What a call asks, or None where it is put together while the program runs."""
    return text_of(argument(call, 1, "question"), texts)


def text_of(node: ast.expr | None, texts: dict[str, str]) -> str | None:
    """The text that a node is, or that the name of it stands for."""
    if isinstance(node, ast.Name):
        return texts.get(node.id)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def columns_of(call: ast.Call, texts: dict[str, str]) -> tuple[str, ...] | None:
    """The columns that a call is asked over, or None where they are not written down."""
    node = argument(call, 2, "columns")
    named = [text_of(each, texts) for each in (node.elts if isinstance(node, ast.List | ast.Tuple) else [node])]
    return tuple(name for name in named if name is not None) if named and None not in named else None


def mended(read: Read, scope: Scope, schema: Schema) -> list[Edit]:
    """The edits that make SQL's calls Python's, give a call its table, and take the column where it is meant."""
    parameters = list(tables_of(read, schema))
    table = parameters[0] if len(parameters) == 1 else None
    return [
        *_from_sql(read, scope, table),
        *_without_table(read, table),
        *_unquoted(read, scope, schema),
        *_columns_meant(read, scope),
    ]


def _from_sql(read: Read, scope: Scope, table: str | None) -> Iterator[Edit]:
    """``QA("map@…", "country")`` is ``qa_map(table, "…", "country")``, and its column."""
    for node in scope.unbound:
        call = read.parents[node]
        if node.id.lower() != "qa" or not isinstance(call, ast.Call) or call.func is not node or table is None:
            continue
        first = call.args[0] if call.args else None
        span, place = read.span(node), read.span(first) if first is not None else None
        if not isinstance(first, ast.Constant) or not isinstance(first.value, str) or span is None or place is None:
            continue
        asked = read_question(first.value)
        name = "qa_map" if asked.name == MAP else "qa_ans"
        mend = f"`{node.id}` read as `{name}`"
        quote = read.text[place.start]
        prefix = first.value.partition("@")[0] if "@" in first.value else ""
        start = place.start + 1 + len(prefix) + bool(prefix)
        yield Edit(Span(span.start, start), f"{name}({table}, {quote}", mend)
        whole = call.args[1] if len(call.args) > 1 else None
        if isinstance(whole, ast.Name) and whole.id == table and (given := read.span(whole)):
            yield Edit(Span(read.offset(first.end_lineno or 1, first.end_col_offset or 0), given.end), "", mend)


def _without_table(read: Read, table: str | None) -> Iterator[Edit]:
    """``qa_map("is it big?", "size")`` is asked of the only table."""
    for call in lm_calls(read):
        first = call.args[0] if call.args else None
        asked = isinstance(first, ast.Constant) and isinstance(first.value, str) and len(call.args) < 3
        named = {keyword.arg for keyword in call.keywords}
        lacks = asked and not named & {"table", "question"} and (len(call.args) < 2 or not _is_question(call.args[1]))
        if lacks and table is not None and first is not None and (span := read.span(first)):
            yield Edit(Span(span.start, span.start), f"{table}, ", "an LM call given its table")


def _unquoted(read: Read, scope: Scope, schema: Schema) -> Iterator[Edit]:
    """``qa_map(table, "is it big?", size)`` names the column `size`."""
    names = {column.name for table in schema for column in table.columns}
    asked = {argument(call, 2, "columns") for call in lm_calls(read)}
    for node in scope.unbound:
        listed = node in asked or read.parents[node] in asked
        if listed and node.id in names and (span := read.span(node)):
            yield Edit(span, f'"{node.id}"', f"column `{node.id}` put in quotation marks")


def _is_question(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.rstrip().endswith("?")


def _columns_meant(read: Read, scope: Scope) -> Iterator[Edit]:
    """``table["big"] = qa_map(…)`` means the new column, and a call whose result is dropped means the table."""
    texts = texts_of(read, scope)
    for call in lm_calls(read):
        question, node, span = question_of(call, texts), argument(call, 1, "question"), read.span(call)
        if (
            not isinstance(call.func, ast.Name)
            or call.func.id != "qa_map"
            or not span
            or question is None
            or node is None
        ):
            continue
        if _stands_for_column(read, call):
            yield Edit(Span(span.end, span.end), f"[{read.segment(node)}]", "the new column of `qa_map` taken")
        elif isinstance(read.parents[call], ast.Expr) and isinstance(frame := argument(call, 0, "table"), ast.Name):
            yield Edit(Span(span.start, span.start), f"{frame.id} = ", "the table that `qa_map` gives kept")


def _stands_for_column(read: Read, call: ast.Call) -> bool:
    parent = read.parents[call]
    if isinstance(parent, ast.Assign):
        target = parent.targets[0]
        return isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant)
    if isinstance(parent, ast.Attribute):
        return parent.attr in _OF_A_COLUMN
    return isinstance(parent, ast.Compare | ast.BoolOp | ast.UnaryOp)


def complete(read: Read, scope: Scope, schema: Schema) -> Iterator[Complaint]:
    """Complaints about calls that lack an argument, or whose question says nothing."""
    texts = texts_of(read, scope)
    for call in lm_calls(read):
        name = call.func.id  # type: ignore[attr-defined]
        wrong = _wrong(call, name, texts)
        if wrong:
            yield Complaint("calls", wrong, USAGE[name], read.span(call))


def _wrong(call: ast.Call, name: str, texts: dict[str, str]) -> str | None:
    """What is wrong with a call, or None."""
    known = ARGUMENTS[name]
    if any(isinstance(node, ast.Starred) for node in call.args) or any(
        keyword.arg is None for keyword in call.keywords
    ):
        return f"{name} with arguments that cannot be told"
    given = [*known[: len(call.args)], *(keyword.arg for keyword in call.keywords)]
    if len(call.args) > len(known) or len(given) > len(set(given)):
        return f"{name} is given {len(call.args) + len(call.keywords)} arguments, and takes {len(known)}"
    strange = [one for one in given if one not in known]
    if strange:
        return f"{name} takes no {strange[0]!r}"
    missing = [one for one in known if one not in given and not (name == "qa_ans" and one == "columns")]
    if missing:
        return f"{name} is given no {missing[0]}"
    question = argument(call, 1, "question")
    if isinstance(question, ast.Constant) and not (isinstance(question.value, str) and question.value.strip()):
        return f"{name} asks no question"
    if isinstance(question, ast.List | ast.Dict | ast.Tuple | ast.Set | ast.Lambda):
        return f"the question of {name} is no text"
    table = argument(call, 0, "table")
    return f"the table of {name} is a text" if name == "qa_map" and text_of(table, {}) is not None else None
