"""python_modern: what today's pandas and numpy no longer have, written as they have it now.

Only what has one equal is mended; the rest is left to fail with a complaint that says what to write.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from grammars.errors import Span
from grammars.python_edit import Edit
from grammars.python_frames import Frames
from grammars.python_read import Read
from grammars.python_scope import Scope
from grammars.schema import Schema

# Attributes by the name they have now.
_RENAMED = {
    "applymap": "map",
    "iteritems": "items",
    "ix": "loc",
    "pad": "ffill",
    "backfill": "bfill",
    "as_matrix": "to_numpy",
    "get_values": "to_numpy",
    "is_monotonic": "is_monotonic_increasing",
    "weekofyear": "isocalendar().week",
}
_MEMBERS = {
    "numpy.NaN": "nan",
    "numpy.NAN": "nan",
    "numpy.Inf": "inf",
    "numpy.product": "prod",
    "numpy.cumproduct": "cumprod",
    "numpy.in1d": "isin",
    "numpy.row_stack": "vstack",
    "numpy.trapz": "trapezoid",
    "numpy.round_": "round",
}
_WHOLE = {
    "numpy.float": "float",
    "numpy.int": "int",
    "numpy.object": "object",
    "numpy.str": "str",
    "pandas.np": "np",
    "pandas.datetime": "datetime.datetime",
    "pandas.value_counts": "pd.Series.value_counts",
}
_FILLED = {"ffill": "ffill", "pad": "ffill", "bfill": "bfill", "backfill": "bfill"}
_FREQUENCIES = {"M": "ME", "Q": "QE", "Y": "YE", "A": "YE", "H": "h", "T": "min", "S": "s", "BM": "BME"}
_TAKES_FREQUENCY = ("resample", "date_range", "Grouper", "asfreq")


def renewed(read: Read, scope: Scope, schema: Schema) -> list[Edit]:
    """The edits that write what was dropped as it is written now."""
    return [edit for mend in _MENDS for edit in mend(read, scope, schema)]


def _tail(read: Read, node: ast.Attribute) -> Span | None:
    """Where an attribute's own name stands."""
    span = read.span(node)
    name = Span(span.end - len(node.attr), span.end) if span else None
    return name if name and read.text[name.start : name.end] == node.attr else None


def _names(read: Read, scope: Scope, schema: Schema) -> Iterator[Edit]:
    """Names that have one equal now."""
    for node in read.nodes:
        if not isinstance(node, ast.Attribute) or (span := _tail(read, node)) is None:
            continue
        path = scope.path(node)
        if path in _WHOLE and (whole := read.span(node)):
            yield Edit(whole, _WHOLE[path], f"`{read.segment(node)}` read as `{_WHOLE[path]}`")
        elif path in _MEMBERS:
            yield Edit(span, _MEMBERS[path], f"`{node.attr}` read as `{_MEMBERS[path]}`")
        elif path is None and node.attr in _RENAMED and not _pads_text(node):
            yield Edit(span, _RENAMED[node.attr], f"`.{node.attr}` read as `.{_RENAMED[node.attr]}`")


def _pads_text(node: ast.Attribute) -> bool:
    """Whether ``pad`` is the one of texts, which is still there."""
    return isinstance(node.value, ast.Attribute) and node.value.attr == "str"


def _appended(read: Read, scope: Scope, schema: Schema) -> Iterator[Edit]:
    """``a = a.append(b)``, which nobody writes of a list, is ``a = pd.concat([a, b])``."""
    for node in read.nodes:
        kept = ast.Assign | ast.AnnAssign | ast.NamedExpr | ast.Return | ast.Attribute | ast.Subscript
        if not isinstance(node, ast.Call) or len(node.args) != 1 or not isinstance(read.parents[node], kept):
            continue
        if not isinstance(node.func, ast.Attribute) or node.func.attr != "append" or scope.path(node.func):
            continue
        value, added, whole = read.span(node.func.value), read.span(node.args[0]), read.span(node)
        if value and added and whole:
            mend = "`.append` read as `pd.concat`"
            row = isinstance(node.args[0], ast.Dict)
            yield Edit(Span(value.start, value.start), "pd.concat([", mend)
            yield Edit(Span(value.end, added.start), ", pd.DataFrame([" if row else ", ", mend)
            yield Edit(Span(added.end, added.end), "])]" if row else "]", mend)


def _filled(read: Read, scope: Scope, schema: Schema) -> Iterator[Edit]:
    """``fillna(method="ffill")`` is ``ffill()``."""
    for node in read.nodes:
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr != "fillna":
            continue
        methods = [one for one in node.keywords if one.arg == "method" and isinstance(one.value, ast.Constant)]
        found = _FILLED.get(methods[0].value.value) if len(methods) == 1 else None  # type: ignore[attr-defined]
        start, whole = _tail(read, node.func), read.span(node)
        if found and len(node.keywords) == 1 and not node.args and start and whole:
            yield Edit(Span(start.start, whole.end), f"{found}()", f"`fillna(method=…)` read as `{found}()`")


def _swapped(read: Read, scope: Scope, schema: Schema) -> Iterator[Edit]:
    """``mad()`` is the mean distance from the mean; ``swapaxes`` of a frame is ``T``."""
    frames = Frames(read, scope, schema)
    for node in read.nodes:
        if (
            not isinstance(node, ast.Call)
            or not isinstance(node.func, ast.Attribute)
            or (whole := read.span(node)) is None
        ):
            continue
        value = read.segment(node.func.value)
        if node.func.attr == "mad" and not node.args:
            yield Edit(whole, f"({value} - {value}.mean()).abs().mean()", "`.mad()` written out")
        elif node.func.attr == "swapaxes" and frames.table(node.func.value) is not None:
            yield Edit(whole, f"{value}.T", "`.swapaxes` read as `.T`")


def _frequencies(read: Read, scope: Scope, schema: Schema) -> Iterator[Edit]:
    """``resample("M")`` is ``resample("ME")``."""
    for node in read.nodes:
        if not isinstance(node, ast.Call) or getattr(node.func, "attr", "") not in _TAKES_FREQUENCY:
            continue
        keywords = [one.value for one in node.keywords if one.arg in ("freq", "rule")]
        for given in [*node.args[:1], *keywords]:
            written = given.value if isinstance(given, ast.Constant) else None
            if isinstance(written, str) and written in _FREQUENCIES and (span := read.span(given)):
                now = _FREQUENCIES[written]
                yield Edit(span, f'"{now}"', f"frequency `{written}` read as `{now}`")


def _is_true(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _in_place(read: Read, scope: Scope, schema: Schema) -> Iterator[Edit]:
    """``table["a"].fillna(0, inplace=True)`` changes a copy now; what it gives is put into the table."""
    for node in read.nodes:
        call = node.value if isinstance(node, ast.Expr) else None
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
            continue
        column = call.func.value
        named = (
            isinstance(column, ast.Subscript)
            and isinstance(column.value, ast.Name)
            and isinstance(column.slice, ast.Constant)
        )
        inplace = next((one for one in call.keywords if one.arg == "inplace" and _is_true(one.value)), None)
        if not named or inplace is None or (span := read.span(column)) is None or (place := read.span(inplace)) is None:
            continue
        mend = "a column changed in place put back into its table"
        yield Edit(Span(span.start, span.start), f"{read.segment(column)} = ", mend)
        before, after = read.text[: place.start].rstrip(), read.text[place.end :]
        start = len(before) - 1 if before.endswith(",") else place.start
        comma = len(after) - len(after.lstrip(", ")) if start == place.start else 0
        yield Edit(Span(start, place.end + comma), "", mend)


def _chained(read: Read, scope: Scope, schema: Schema) -> Iterator[Edit]:
    """``table["a"][condition] = value`` changes a copy now; ``table.loc[condition, "a"] = value`` the table."""
    frames = Frames(read, scope, schema)
    for node in read.nodes:
        if (
            not isinstance(node, ast.Subscript)
            or not isinstance(node.ctx, ast.Store)
            or not isinstance(node.value, ast.Subscript)
        ):
            continue
        column = node.value
        if (
            frames.table(column.value) is None
            or not isinstance(column.slice, ast.Constant)
            or (span := read.span(node)) is None
        ):
            continue
        table, index, name = (read.segment(part) for part in (column.value, node.slice, column.slice))
        yield Edit(span, f"{table}.loc[{index}, {name}]", "a change of a column's rows written with `.loc`")


_Mend = Callable[[Read, Scope, Schema], Iterator[Edit]]
_MENDS: tuple[_Mend, ...] = (_names, _appended, _filled, _swapped, _frequencies, _in_place, _chained)
