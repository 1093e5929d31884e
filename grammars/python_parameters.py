"""python_parameters: the tables that ``solve`` is given, and the other names that a program has for them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from grammars.errors import Complaint, Span
from grammars.nearest import nearest
from grammars.python_edit import Edit
from grammars.python_read import Read
from grammars.python_scope import Scope
from grammars.schema import Schema, TableSchema
from grammars.sql import fold_name

TABLE_WORDS = ("table", "df", "w", "t", "data", "dataframe", "df1", "tbl")


def solve_of(read: Read) -> ast.FunctionDef | None:
    """The program's ``solve``."""
    functions = (node for node in read.tree.body if isinstance(node, ast.FunctionDef) and node.name == "solve")
    return next(functions, None)


def tables_of(read: Read, schema: Schema) -> dict[str, TableSchema]:
    """The table of each parameter of ``solve`` that stands for one."""
    solve = solve_of(read)
    names = [parameter.arg for parameter in solve.args.args] if solve else []
    if len(schema.tables) == 1:
        return dict.fromkeys(names[:1], schema.tables[0])
    return {name: table for name in names if (table := _named(name, schema)) is not None}


def parameter_of(table: TableSchema) -> str:
    """What a parameter for a table is called: its name, made an identifier.

    Example:
        >>> parameter_of(TableSchema("top 10 peaks", ()))
        'top_10_peaks'
    """
    name = re.sub(r"\W+", "_", table.name).strip("_")
    return name if name.isidentifier() else f"table_{name}"


def _named(name: str, schema: Schema) -> TableSchema | None:
    """The table that a parameter names, by its name or its title."""
    for table in schema:
        if fold_name(name) in map(fold_name, (table.name, table.title or table.name, parameter_of(table))):
            return table
    return None


def settle(read: Read, scope: Scope, schema: Schema) -> list[Edit]:
    """The edits that give ``solve`` its parameters, and call the tables by them everywhere."""
    solve = solve_of(read)
    if solve is None:
        return []
    return [
        *_missing(read, solve, schema),
        *_misspelt(read, solve, schema),
        *_renamed(read, scope, schema),
        *_files(read, scope, schema),
    ]


def _missing(read: Read, solve: ast.FunctionDef, schema: Schema) -> Iterator[Edit]:
    """``def solve():`` gets its table."""
    given = solve.args
    if len(schema.tables) == 1 and not (given.args or given.posonlyargs or given.vararg or given.kwonlyargs):
        span = read.span(solve)
        at = read.text.find("(", span.start) + 1 if span else 0
        yield Edit(Span(at, at), "table", "`solve` given its table")


def _misspelt(read: Read, solve: ast.FunctionDef, schema: Schema) -> Iterator[Edit]:
    """A parameter that is nearly a table's name."""
    if len(schema.tables) == 1:
        return
    known = tables_of(read, schema)
    left = {name: name for table in schema if table not in known.values() for name in [parameter_of(table)]}
    for parameter in solve.args.args:
        found, _ = nearest(parameter.arg, left) if parameter.arg not in known and left else (None, [])
        if found is not None:
            yield from _calling(read, parameter.arg, found)


def _calling(read: Read, name: str, found: str) -> Iterator[Edit]:
    """The edits that write one name for another wherever it stands."""
    for node in read.nodes:
        written = node.arg if isinstance(node, ast.arg) else node.id if isinstance(node, ast.Name) else None
        span = read.span(node)
        if written == name and span:
            yield Edit(Span(span.start, span.start + len(name)), found, f"`{name}` read as `{found}`")


def _renamed(read: Read, scope: Scope, schema: Schema) -> Iterator[Edit]:
    """``df`` where nothing is called so, and the names that tables have elsewhere."""
    known = tables_of(read, schema)
    if not known:
        return
    only = next(iter(known)) if len(schema.tables) == 1 else None
    words = {*TABLE_WORDS, *(table.name for table in schema)}
    for node in scope.unbound:
        if only is not None:
            found = only if node.id in words else None
        else:
            found, _ = nearest(node.id, {name: name for name in known})
        if found is not None and (span := read.span(node)):
            yield Edit(span, found, f"`{node.id}` read as `{found}`")


def _files(read: Read, scope: Scope, schema: Schema) -> Iterator[Edit]:
    """``pd.read_csv("peaks.csv")`` is the table that is given."""
    known = tables_of(read, schema)
    for node in read.nodes:
        if isinstance(node, ast.Call) and (scope.path(node.func) or "").startswith("pandas.read_"):
            name = _file_table(node, known, schema)
            if name is not None and (span := read.span(node)):
                yield Edit(span, name, f"`{read.segment(node.func)}` read as the given table")


def _file_table(call: ast.Call, known: dict[str, TableSchema], schema: Schema) -> str | None:
    """The parameter that a file stands for: the only one, or the one it is named after."""
    if len(schema.tables) == 1:
        return next(iter(known), None)
    path = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None
    return _nearest_file(path, known) if isinstance(path, str) and known else None


def _nearest_file(path: str, known: dict[str, TableSchema]) -> str | None:
    stem = re.split(r"[/\\]", path)[-1].partition(".")[0]
    return nearest(stem, {name: name for name in known})[0]


def given(read: Read, scope: Scope, schema: Schema) -> Iterator[Complaint]:
    """Complaints about a program without ``solve``, or whose ``solve`` does not take the tables."""
    solve = solve_of(read)
    if solve is None:
        yield Complaint("solve", "there is no function `solve`", f"write `def solve({_listed(schema)}):`")
        return
    known = tables_of(read, schema)
    required = solve.args.args[: len(solve.args.args) - len(solve.args.defaults)]
    strange = [one for one in required if one.arg not in known]
    strange += [
        one for one in (solve.args.vararg, solve.args.kwarg, *solve.args.kwonlyargs, *solve.args.posonlyargs) if one
    ]
    for parameter in strange:
        message = f"`solve` is given no `{parameter.arg}`"
        yield Complaint("solve", message, f"write `def solve({_listed(schema)}):`", read.span(parameter))
    if not strange and not known:
        yield Complaint(
            "solve", "`solve` takes no table", f"write `def solve({_listed(schema)}):`", read.span(solve.body[0])
        )
    if not any(isinstance(node, ast.Return) and node.value is not None for node in ast.walk(solve)):
        yield Complaint("solve", "`solve` returns nothing", "end it with `return answer`", read.span(solve.body[-1]))


def _listed(schema: Schema) -> str:
    return "table" if len(schema.tables) == 1 else ", ".join(parameter_of(table) for table in schema)
