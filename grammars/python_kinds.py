"""python_kinds: what each LM call must return, read from where its value is used.

A call's value is followed from the call, or from wherever its column is read, to what is done with it: through names,
columns it is assigned to, lambdas, and methods that leave it what it is. ``t[q] == "yes"`` asks for yes or no,
``t[q].sum()`` for a number, ``t.sort_values(q)`` for what can be sorted by, ``t[q].isin(["red", "blue"])`` for one of
these or something else. A value that stands as a condition of its own is compared with ``"yes"``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, reduce

from grammars.errors import Span
from grammars.kinds import among, merge
from grammars.python_allowed import words
from grammars.python_calls import argument, columns_of, lm_calls, question_of, text_of, texts_of
from grammars.python_edit import Edit
from grammars.python_frames import Frames
from grammars.python_program import PythonCall
from grammars.python_read import Read
from grammars.python_scope import Scope
from grammars.reply import Expected, ReplyKind
from grammars.schema import Kind, Schema

_TEXT = Expected()
_NUMBER = Expected(ReplyKind.NUMBER)
_DATE = Expected(ReplyKind.DATE)
_SORTED = Expected(ReplyKind.ORDERED)

# Methods by what they ask of the values they are called on; what is not here leaves them texts.
_SAME = words("""
    astype str strip lower upper title casefold capitalize fillna dropna copy head tail iloc loc iat at values item
    tolist to_list to_numpy unique drop_duplicates reset_index replace squeeze first last get
    """)
_NUMERIC = words("""
    sum mean median std var cumsum prod product round abs diff quantile add sub subtract mul multiply div divide
    truediv
    floordiv mod pow radd rsub rmul rdiv corr cov sem skew pct_change
    """)
_ORDERING = words(
    "max min idxmax idxmin argmax argmin nlargest nsmallest rank sort_values cummax cummin sort argsort between"
)
_COMPARING = words("gt ge lt le")
_EQUATING = words("eq ne")
_MOMENTS = words("dt")
# Functions likewise, by their last name.
_NUMBER_FUNCTIONS = words("float int sum round abs to_numeric mean fsum median average fmean nansum nanmean sqrt log")
_DATE_FUNCTIONS = words("to_datetime strptime Timestamp fromisoformat")
_ORDER_FUNCTIONS = words("max min sorted")
_SAME_FUNCTIONS = words("str list tuple set enumerate reversed zip next iter Series array Counter")
# Methods that are given the columns they order or add up by.
_BY_COLUMN = {
    "sort_values": ("by", 0, _SORTED),
    "nlargest": ("columns", 1, _SORTED),
    "nsmallest": ("columns", 1, _SORTED),
}
_AGGREGATES = {
    **dict.fromkeys(("sum", "mean", "median", "std", "var"), _NUMBER),
    **dict.fromkeys(("min", "max"), _SORTED),
}


def python_calls(read: Read, scope: Scope, schema: Schema) -> tuple[PythonCall, ...]:
    """The LM calls of a program, each with what it must return."""
    uses = Uses(read, scope, schema)
    return tuple(
        PythonCall(
            per_row=_is_map(call),
            question=question_of(call, uses.texts),
            columns=columns_of(call, uses.texts),
            expected=uses.expected(call),
            line=call.lineno,
        )
        for call in sorted(lm_calls(read), key=lambda call: (call.lineno, call.col_offset))
    )


def _is_map(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id == "qa_map"


def conditions(read: Read, scope: Scope, schema: Schema) -> list[Edit]:
    """The edits that compare a value with ``"yes"`` where it stands as a condition of its own."""
    uses, edits = Uses(read, scope, schema), []
    for call in lm_calls(read):
        for node in uses.of(call):
            span = read.span(node)
            if span is None or any(isinstance(holder, ast.JoinedStr) for holder in read.around(node)):
                continue
            if uses.is_condition(node):
                held = isinstance(read.parents[node], ast.UnaryOp | ast.BinOp)
                edits.append(Edit(Span(span.start, span.start), "(" if held else "", _COMPARED))
                edits.append(Edit(Span(span.end, span.end), ' == "yes")' if held else ' == "yes"', _COMPARED))
            elif (truth := _truth(node, read)) is not None and (place := read.span(truth)):
                edits.append(
                    Edit(
                        place, '"yes"' if truth.value else '"no"', 'True and False of an LM call read as "yes" and "no"'
                    )
                )
    return list(dict.fromkeys(edits))


_COMPARED = 'a condition that an LM call answers compared with "yes"'


def _truth(node: ast.expr, read: Read) -> ast.Constant | None:
    """The True or False that a value is compared with."""
    parent = read.parents[node]
    if (
        isinstance(parent, ast.Compare)
        and parent.left is node
        and len(parent.ops) == 1
        and isinstance(parent.ops[0], ast.Eq | ast.NotEq)
    ):
        other = parent.comparators[0]
        return other if isinstance(other, ast.Constant) and isinstance(other.value, bool) else None
    return None


@dataclass(frozen=True)
class Uses:
    """Where the values of LM calls go in a program."""

    read: Read
    scope: Scope
    schema: Schema

    @cached_property
    def texts(self) -> dict[str, str]:
        """The names that stand for one text."""
        return texts_of(self.read, self.scope)

    @cached_property
    def _frames(self) -> Frames:
        return Frames(self.read, self.scope, self.schema)

    @cached_property
    def _columns(self) -> dict[str, list[ast.expr]]:
        """Where each column is read, by its name."""
        found: dict[str, list[ast.expr]] = {}
        for node in self.read.nodes:
            if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
                last = node.slice.elts[-1] if isinstance(node.slice, ast.Tuple) and node.slice.elts else node.slice
                if (name := text_of(last, self.texts)) is not None:
                    found.setdefault(name, []).append(node)
        return found

    @cached_property
    def _loads(self) -> dict[str, list[ast.expr]]:
        """Where each name is read."""
        found: dict[str, list[ast.expr]] = {}
        for node in self.read.nodes:
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                found.setdefault(node.id, []).append(node)
        return found

    def expected(self, call: ast.Call) -> Expected:
        """What the values of a call must be."""
        found = [self._asked_of(node, whole=not _is_map(call)) for node in self.of(call)]
        for name in self._names(call):
            found += self._named_by(name)
        telling = [one for one in found if one != _TEXT]
        return reduce(merge, telling) if telling else _TEXT

    def of(self, call: ast.Call) -> list[ast.expr]:
        """Every expression that is the value of a call, or a column of its values."""
        done: dict[ast.expr, None] = {}
        waiting: list[ast.expr] = (
            [node for name in self._names(call) for node in self._read(name)] if _is_map(call) else [call]
        )
        while waiting:
            node = waiting.pop(0)
            if node not in done:
                done[node] = None
                waiting.extend(self._on(node))
        return list(done)

    def _names(self, call: ast.Call) -> list[str]:
        """The names of the column that a map makes: its question, and what the program renames it to."""
        question = question_of(call, self.texts) if _is_map(call) else None
        return [] if question is None else [question, *self._renames.get(question, [])]

    @cached_property
    def _renames(self) -> dict[str, list[str]]:
        """What ``rename(columns={…})`` calls each column."""
        found: dict[str, list[str]] = {}
        for node in self.read.nodes:
            if isinstance(node, ast.keyword) and node.arg == "columns" and isinstance(node.value, ast.Dict):
                for old, new in zip(node.value.keys, node.value.values, strict=True):
                    names = text_of(old, self.texts), text_of(new, self.texts)
                    if names[0] is not None and names[1] is not None:
                        found.setdefault(names[0], []).append(names[1])
        return found

    def _read(self, name: str | None) -> list[ast.expr]:
        """Where a column of that name is read."""
        return self._columns.get(name, []) if name is not None else []

    def _on(self, node: ast.expr) -> Iterator[ast.expr]:
        """The expressions that a value goes on to."""
        parent = self.read.parents[node]
        if isinstance(parent, ast.Attribute) and parent.attr in _SAME:
            yield self._called(parent)
        elif isinstance(parent, ast.Subscript) and parent.value is node:
            yield parent
        elif isinstance(parent, ast.Assign) and parent.value is node:
            yield from self._assigned(parent.targets)
        elif isinstance(parent, ast.NamedExpr):
            yield from (parent, *self._loads.get(parent.target.id, []))
        elif isinstance(parent, ast.For | ast.comprehension) and parent.iter is node:
            yield from self._assigned([parent.target])
        elif isinstance(parent, ast.keyword):
            call = self.read.parents[parent]
            if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "assign" and parent.arg:
                yield from self._read(parent.arg)
        elif isinstance(parent, ast.Call) and node in parent.args and self._function(parent) in _SAME_FUNCTIONS:
            yield parent
        elif isinstance(parent, ast.Attribute) and parent.attr in ("apply", "map"):
            yield from self._lambda(self.read.parents[parent])

    def _called(self, node: ast.Attribute) -> ast.expr:
        """A method's call, or the attribute itself, such as ``.str`` or ``.iloc``."""
        parent = self.read.parents[node]
        return parent if isinstance(parent, ast.Call) and parent.func is node else node

    def _assigned(self, targets: list[ast.expr]) -> Iterator[ast.expr]:
        for target in targets:
            if isinstance(target, ast.Name):
                yield from self._loads.get(target.id, [])
            elif isinstance(target, ast.Subscript):
                yield from self._read(text_of(target.slice, self.texts))

    def _lambda(self, call: ast.AST) -> Iterator[ast.expr]:
        function = call.args[0] if isinstance(call, ast.Call) and call.args else None
        if isinstance(function, ast.Lambda) and len(function.args.args) == 1:
            name = function.args.args[0].arg
            yield from (node for node in ast.walk(function.body) if isinstance(node, ast.Name) and node.id == name)

    def _function(self, call: ast.Call) -> str:
        """The last name of a function that is called, methods of values left out."""
        if isinstance(call.func, ast.Name):
            return call.func.id
        return call.func.attr if isinstance(call.func, ast.Attribute) and self.scope.path(call.func) else ""

    def is_condition(self, node: ast.expr) -> bool:
        """Whether a value stands where a truth is asked for."""
        parent = self.read.parents[node]
        if isinstance(parent, ast.If | ast.While | ast.IfExp):
            return parent.test is node
        if isinstance(parent, ast.UnaryOp):
            return isinstance(parent.op, ast.Not | ast.Invert)
        if isinstance(parent, ast.BinOp):
            return isinstance(parent.op, ast.BitAnd | ast.BitOr)
        if isinstance(parent, ast.comprehension):
            return node in parent.ifs
        if isinstance(parent, ast.Subscript) and parent.slice is node:
            return self._frames.table(parent.value) is not None and not isinstance(node, ast.Name)
        return isinstance(parent, ast.BoolOp) and not isinstance(self.read.parents[parent], ast.Return | ast.Assign)

    def _asked_of(self, node: ast.expr, whole: bool) -> Expected:
        """What the place of a value asks of it; a whole value, which a call gives, may have to be a list."""
        parent = self.read.parents[node]
        listed = whole and isinstance(node, ast.Name | ast.Call)
        if isinstance(parent, ast.Compare):
            return self._compared(node, parent, listed)
        if isinstance(parent, ast.Lambda):
            return _SORTED if self._is_key(parent) else _TEXT
        if isinstance(parent, ast.BinOp):
            return _TEXT if isinstance(parent.op, ast.BitAnd | ast.BitOr) or self._is_text(parent) else _NUMBER
        if isinstance(parent, ast.UnaryOp | ast.AugAssign):
            number = isinstance(parent, ast.AugAssign) or isinstance(parent.op, ast.USub)
            return _NUMBER if number else _TEXT
        if isinstance(parent, ast.Attribute):
            return self._method(parent)
        if isinstance(parent, ast.Call) and node in parent.args:
            return self._argument(parent, node, listed)
        if isinstance(parent, ast.For | ast.comprehension) and parent.iter is node and listed:
            return replace(_TEXT, many=True)
        return _TEXT

    def _is_text(self, node: ast.BinOp) -> bool:
        """Whether an operator puts texts together."""
        sides = (node.left, node.right)
        return any(
            isinstance(side, ast.JoinedStr)
            or (isinstance(getattr(side, "value", None), str) and isinstance(side, ast.Constant))
            for side in sides
        )

    def _compared(self, node: ast.expr, compare: ast.Compare, whole: bool) -> Expected:
        sides = [compare.left, *compare.comparators]
        at = sides.index(node)
        operators = compare.ops[max(0, at - 1) : at + 1]
        if isinstance(operators[0], ast.In | ast.NotIn):
            if at == 0:
                return self._beside(_listed(sides[1]), True)
            found = self._beside([sides[0]], True)
            return replace(found, labels=(), closed=False, many=True) if whole else found
        others = [side for number, side in enumerate(sides) if number in (at - 1, at + 1)]
        return self._beside(others, isinstance(operators[0], ast.Eq | ast.NotEq))

    def _method(self, node: ast.Attribute) -> Expected:
        """What a method asks of what it is called on."""
        call = self.read.parents[node]
        given = call.args[0] if isinstance(call, ast.Call) and call.args else None
        if node.attr in _MOMENTS:
            return _DATE
        if node.attr in _NUMERIC:
            return _NUMBER
        if node.attr in _ORDERING:
            return _SORTED
        if node.attr in _COMPARING | _EQUATING and given is not None:
            return self._beside([given], node.attr in _EQUATING)
        if node.attr == "isin" and given is not None:
            return self._beside(_listed(given), True)
        if node.attr in ("map", "replace") and isinstance(given, ast.Dict):
            return self._beside([key for key in given.keys if key is not None], True)
        if node.attr == "astype" and given is not None:
            return _NUMBER if self._names_number(given) else _TEXT
        return _AGGREGATES.get(str(getattr(given, "value", "")), _TEXT) if node.attr in ("agg", "transform") else _TEXT

    def _names_number(self, node: ast.expr) -> bool:
        name = text_of(node, self.texts) or getattr(node, "id", getattr(node, "attr", ""))
        return str(name).lower().startswith(("int", "float"))

    def _argument(self, call: ast.Call, node: ast.expr, whole: bool) -> Expected:
        """What a function asks of what it is given."""
        name = self._function(call)
        if name in _NUMBER_FUNCTIONS:
            return _NUMBER
        if name in _DATE_FUNCTIONS:
            return _DATE
        if name in _ORDER_FUNCTIONS:
            return _SORTED
        if isinstance(call.func, ast.Attribute) and call.func.attr == "isin" and whole:
            return replace(self._beside([call.func.value], True), labels=(), closed=False, many=True)
        return _TEXT

    def _is_key(self, node: ast.Lambda) -> bool:
        """Whether a lambda gives what ``sorted``, ``max`` or ``min`` goes by."""
        holder = self.read.parents[node]
        return isinstance(holder, ast.keyword) and holder.arg == "key"

    def _named_by(self, name: str) -> list[Expected]:
        """What methods ask of a column that they are given by its name."""
        found = [_AGGREGATES[one] for column, one in self._aggregated if column == name]
        for node in self.read.nodes:
            method = node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""
            if method in _BY_COLUMN and isinstance(node, ast.Call):
                keyword, position, expected = _BY_COLUMN[method]
                if name in self._named(argument(node, position, keyword)):
                    found.append(expected)
        return found

    @cached_property
    def _aggregated(self) -> list[tuple[str, str]]:
        """Columns and how they are aggregated: ``{"votes": "sum"}``, ``total=("votes", "sum")``."""
        pairs: list[tuple[ast.expr | None, ast.expr]] = []
        for node in self.read.nodes:
            if isinstance(node, ast.Dict):
                pairs.extend(zip(node.keys, node.values, strict=True))
            elif isinstance(node, ast.Tuple) and len(node.elts) == 2:
                pairs.append((node.elts[0], node.elts[1]))
        named = [(text_of(column, self.texts), text_of(how, self.texts)) for column, how in pairs]
        return [(column, how) for column, how in named if column is not None and how in _AGGREGATES]

    def _named(self, node: ast.expr | None) -> list[str | None]:
        return [text_of(each, self.texts) for each in (node.elts if isinstance(node, ast.List) else [node])]

    def _beside(self, others: list[ast.expr], equality: bool) -> Expected:
        """What is compared with the others must be."""
        texts = [text for other in others if (text := text_of(other, self.texts)) is not None]
        if others and len(texts) == len(others):
            return among(texts, equality)
        kinds = {self._kind(other) for other in others}
        kind = kinds.pop() if len(kinds) == 1 else ReplyKind.TEXT
        return _SORTED if kind is ReplyKind.TEXT and not equality and not texts else Expected(kind, tuple(texts))

    def _kind(self, node: ast.expr) -> ReplyKind:
        """The kind of what a value is compared with."""
        if isinstance(node, ast.Constant):
            return (
                ReplyKind.NUMBER
                if isinstance(node.value, int | float) and not isinstance(node.value, bool)
                else ReplyKind.TEXT
            )
        if isinstance(node, ast.UnaryOp):
            return self._kind(node.operand)
        if isinstance(node, ast.BinOp):
            return ReplyKind.TEXT if self._is_text(node) else ReplyKind.NUMBER
        if isinstance(node, ast.Call):
            return self._kind_of_call(node)
        if isinstance(node, ast.Subscript):
            return self._kind_of_column(node)
        return ReplyKind.TEXT

    def _kind_of_call(self, node: ast.Call) -> ReplyKind:
        name = self._function(node) or getattr(node.func, "attr", "")
        if name in _DATE_FUNCTIONS:
            return ReplyKind.DATE
        if name in _NUMBER_FUNCTIONS | _NUMERIC | {"len", "count", "nunique"}:
            return ReplyKind.NUMBER
        kept = isinstance(node.func, ast.Attribute) and name in _SAME | {"max", "min"}
        return self._kind(node.func.value) if kept else ReplyKind.TEXT  # type: ignore[attr-defined]

    def _kind_of_column(self, node: ast.Subscript) -> ReplyKind:
        name = text_of(node.slice, self.texts)
        if name is None:
            inner = node.value.value if isinstance(node.value, ast.Attribute) else node.value
            return self._kind(inner) if isinstance(inner, ast.Subscript) else ReplyKind.TEXT
        columns = [column for table in self.schema if (column := table.column(name))]
        if len({column.kind.numeric for column in columns}) != 1:
            return ReplyKind.TEXT
        kind = columns[0].kind
        return (
            ReplyKind.NUMBER
            if kind.numeric
            else ReplyKind.DATE
            if kind in (Kind.DATE, Kind.TIMESTAMP)
            else ReplyKind.TEXT
        )


def _listed(node: ast.expr) -> list[ast.expr]:
    """The values of a list that is written down, or the expression itself."""
    return list(node.elts) if isinstance(node, ast.List | ast.Tuple | ast.Set) else [node]
