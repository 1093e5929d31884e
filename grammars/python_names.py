"""python_names: the columns that a program takes from its tables exist; a name that is nearly right is mended.

Only what surely is taken from a given table is looked at, and a column that the program may make itself is left alone.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice

from grammars.errors import Complaint, Span
from grammars.nearest import nearest
from grammars.python_allowed import BUILTINS, MEMBERS, METHODS
from grammars.python_calls import argument
from grammars.python_edit import Edit
from grammars.python_frames import Frames
from grammars.python_parameters import tables_of
from grammars.python_read import Read
from grammars.python_scope import Scope
from grammars.schema import Schema, TableSchema

MOST = 20  # complaints of one rule: a program with more is written anew

# Methods of a frame that are given columns: the position and the keyword.
_GIVEN_COLUMNS = {
    "sort_values": (0, "by"),
    "groupby": (0, "by"),
    "drop_duplicates": (0, "subset"),
    "set_index": (0, "keys"),
    "explode": (0, "column"),
    "nlargest": (1, "columns"),
    "nsmallest": (1, "columns"),
    "dropna": (9, "subset"),
}


def resolve(read: Read, scope: Scope, schema: Schema) -> list[Edit]:
    """The edits that spell columns and functions of modules as they are called."""
    return [*_columns(read, scope, schema), *_attributes(read, scope, schema), *_members(read, scope)]


def unknown(read: Read, scope: Scope, schema: Schema) -> Iterator[Complaint]:
    """Complaints about columns that no table has, and names that stand for nothing."""
    for node, name, table in _taken(read, scope, schema):
        spellings = _spellings(table)
        if name not in spellings.values():
            hint = _meant(nearest(name, spellings)[1]) or _listed(table)
            yield Complaint("names", f"no column {name!r}", hint, read.span(node))
    tables = ", ".join(f"`{name}`" for name in tables_of(read, schema))
    known = {name: name for name in scope.bound | BUILTINS}
    unbound = {node.id: node for node in reversed(scope.unbound) if not node.id.startswith("__")}
    for used in islice(unbound.values(), MOST):
        hint = _meant(nearest(used.id, known)[1]) or f"the tables are {tables}; a text is put in quotation marks"
        yield Complaint("names", f"no name `{used.id}`", hint, read.span(used))


def _meant(close: list[str]) -> str:
    """The question whether one of these is meant, or an empty string."""
    return "did you mean " + " or ".join(f"`{name}`" for name in close) + "?" if close else ""


def _columns(read: Read, scope: Scope, schema: Schema) -> Iterator[Edit]:
    for node, name, table in _taken(read, scope, schema):
        spellings = _spellings(table)
        if name in spellings.values():
            continue
        found, span = _meant_column(name, table), read.span(node)
        if found is not None and span and (quote := read.text[span.start]) in "\"'":
            yield Edit(span, written(found, quote), f"column `{name}` read as `{found}`")


def written(text: str, quote: str) -> str:
    """A text as a program has it, in quotation marks of that kind."""
    escaped = text.replace("\\", "\\\\").replace(quote, "\\" + quote).replace("\n", "\\n")
    return f"{quote}{escaped}{quote}"


def _attributes(read: Read, scope: Scope, schema: Schema) -> Iterator[Edit]:
    """``table.country`` is the column `country`, also where it is no attribute that a program may use."""
    frames, own = Frames(read, scope, schema), made(read)
    known = own | {column.name for table in schema for column in table.columns}
    for node in read.nodes:
        if not isinstance(node, ast.Attribute) or node.attr in METHODS or node.attr.startswith("_"):
            continue
        if scope.path(node) is not None:
            continue
        table = frames.table(node.value)
        found = node.attr if node.attr in known else _meant_column(node.attr, table) if table is not None else None
        if found is not None:
            yield from subscript(read, node, found, f"`.{node.attr}` read as the column `{found}`")


def subscript(read: Read, node: ast.Attribute, column: str, mend: str) -> Iterator[Edit]:
    """The edit that writes an attribute as the column of that name."""
    span, value = read.span(node), read.span(node.value)
    if span and value and read.text[value.end : span.end].strip().startswith("."):
        quote = "'" if _inside_text(read, node) else '"'
        yield Edit(Span(value.end, span.end), f"[{written(column, quote)}]", mend)


def _inside_text(read: Read, node: ast.AST) -> bool:
    """Whether a node stands inside an f-string in double quotes."""
    texts = [holder for holder in read.around(node) if isinstance(holder, ast.JoinedStr)]
    return any('"' in read.segment(text)[:3] for text in texts)


def _members(read: Read, scope: Scope) -> Iterator[Edit]:
    """``Counter(…)`` without its import is ``collections.Counter``; ``datetime.strptime`` is the class's."""
    for node in scope.unbound:
        modules = [
            module
            for module in ("collections", "itertools", "functools", "datetime", "math", "statistics")
            if node.id in MEMBERS[module]
        ]
        if len(modules) == 1 and (span := read.span(node)):
            yield Edit(span, f"{modules[0]}.{node.id}", f"`{node.id}` read as `{modules[0]}.{node.id}`")
    for attribute in read.nodes:
        if not isinstance(attribute, ast.Attribute) or attribute.attr not in (
            "strptime",
            "now",
            "today",
            "fromisoformat",
        ):
            continue
        if scope.path(attribute.value) == "datetime" and (span := read.span(attribute.value)):
            yield Edit(Span(span.end, span.end), ".datetime", "`datetime` read as the class `datetime.datetime`")


@lru_cache(maxsize=1000)
def _meant_column(name: str, table: TableSchema) -> str | None:
    """The column that a name nearly right stands for, or None."""
    return nearest(name, _spellings(table))[0]


def _spellings(table: TableSchema) -> dict[str, str]:
    named = {column.name: column.name for column in table.columns}
    return {**{column.label: column.name for column in table.columns if column.label}, **named}


def _listed(table: TableSchema) -> str:
    names = [column.name for column in table.columns]
    return "the columns are " + ", ".join(f"`{name}`" for name in names[:12]) + (", …" if len(names) > 12 else "")


def _taken(read: Read, scope: Scope, schema: Schema) -> Iterator[tuple[ast.Constant, str, TableSchema]]:
    """The texts that name a column of a table, where the program makes no column of that name."""
    frames, own = Frames(read, scope, schema), made(read)
    if _makes_unknown(read, frames):
        return
    for place, of in _places(read):
        table = frames.table(of)
        if table is not None:
            yield from ((node, name, table) for node, name in _texts(place) if name not in own)


def _places(read: Read) -> Iterator[tuple[ast.expr, ast.expr]]:
    """The expressions that name columns, each with the expression that it takes them from."""
    for node in read.nodes:
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            if not isinstance(node.value, ast.Attribute) or node.value.attr not in ("loc", "iloc", "at", "iat"):
                yield node.slice, node.value
            elif node.value.attr in ("loc", "at") and isinstance(node.slice, ast.Tuple) and len(node.slice.elts) == 2:
                yield node.slice.elts[1], node.value.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _GIVEN_COLUMNS:
            named = argument(node, *_GIVEN_COLUMNS[node.func.attr])
            if named is not None:
                yield named, node.func.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("qa_map", "qa_ans"):
            named, frame = argument(node, 2, "columns"), argument(node, 0, "table")
            if named is not None and frame is not None:
                yield named, frame


def _texts(node: ast.expr) -> Iterator[tuple[ast.Constant, str]]:
    """The texts that an expression is, or lists."""
    for each in node.elts if isinstance(node, ast.List | ast.Tuple) else [node]:
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each, each.value


def made(read: Read) -> set[str]:
    """The columns that a program may make: every text and keyword that stands elsewhere than where columns are read."""
    reading = {id(text) for place, _ in _places(read) for text, _ in _texts(place)}
    texts = {node.value for node in read.nodes if isinstance(node, ast.Constant) and id(node) not in reading}
    keywords = {node.arg for node in read.nodes if isinstance(node, ast.keyword) and node.arg}
    indexed = {"index", "level_0"} if any(getattr(node, "attr", "") == "reset_index" for node in read.nodes) else set()
    return {text for text in texts if isinstance(text, str)} | keywords | indexed


def _makes_unknown(read: Read, frames: Frames) -> bool:
    """Whether a program gives a table a column whose name is not written down."""
    return any(_is_unknown(node, frames) for node in read.nodes)


def _is_unknown(node: ast.AST, frames: Frames) -> bool:
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
        last = node.slice.elts[-1] if isinstance(node.slice, ast.Tuple) and node.slice.elts else node.slice
        return frames.table(node.value) is not None and not isinstance(last, ast.Constant | ast.List)
    if isinstance(node, ast.Assign):
        named = any(isinstance(target, ast.Attribute) and target.attr == "columns" for target in node.targets)
        return named and not isinstance(node.value, ast.List)
    if not isinstance(node, ast.Call):
        return False
    if isinstance(node.func, ast.Name):
        asked = argument(node, 1, "question") if node.func.id == "qa_map" else None
        return isinstance(asked, ast.JoinedStr | ast.BinOp | ast.Call)
    inplace = any(keyword.arg == "inplace" for keyword in node.keywords)
    renamed = inplace and getattr(node.func, "attr", "") in ("rename", "set_axis")
    return renamed and not any(isinstance(keyword.value, ast.Dict) for keyword in node.keywords)
