"""python_kinds: what each LM call must return, read from where its value is used.

``t[q] == "yes"`` asks for yes or no, ``t[q].sum()`` for a number, ``t.sort_values(q)`` for what can be sorted by,
``t[q].isin(["red", "blue"])`` for one of these or something else.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace
from functools import cached_property, reduce

from grammars.kinds import among, merge
from grammars.python_allowed import words
from grammars.python_calls import argument, columns_of, lm_calls, question_of, text_of
from grammars.python_program import PythonCall
from grammars.python_read import Read
from grammars.python_scope import Scope
from grammars.python_uses import SAME, Uses, is_map
from grammars.reply import Expected, ReplyKind
from grammars.schema import Kind, Schema

_TEXT = Expected()
_NUMBER = Expected(ReplyKind.NUMBER)
_DATE = Expected(ReplyKind.DATE)
_SORTED = Expected(ReplyKind.ORDERED)

# Methods by what they ask of the values they are called on; what is not here leaves them texts.
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
    uses = Uses(read, scope)
    asked = _Asked(uses, schema)
    return tuple(
        PythonCall(
            per_row=is_map(call),
            question=question_of(call, uses.texts),
            columns=columns_of(call, uses.texts),
            expected=asked.expected(call),
            line=call.lineno,
        )
        for call in sorted(lm_calls(read), key=lambda call: (call.lineno, call.col_offset))
    )


@dataclass(frozen=True)
class _Asked:
    """What a program asks of the values of its calls, by what it does with them."""

    uses: Uses
    schema: Schema

    def expected(self, call: ast.Call) -> Expected:
        """What the values of a call must be."""
        found = [self._asked_of(node, whole=not is_map(call)) for node in self.uses.of(call)]
        for name in self.uses.names(call):
            found += self._named_by(name)
        telling = [one for one in found if one != _TEXT]
        return reduce(merge, telling) if telling else _TEXT

    def _asked_of(self, node: ast.expr, whole: bool) -> Expected:
        """What the place of a value asks of it; a whole value, which a call gives, may have to be a list."""
        parent = self.uses.read.parents[node]
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
        call = self.uses.read.parents[node]
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
        name = text_of(node, self.uses.texts) or getattr(node, "id", getattr(node, "attr", ""))
        return str(name).lower().startswith(("int", "float"))

    def _argument(self, call: ast.Call, node: ast.expr, whole: bool) -> Expected:
        """What a function asks of what it is given."""
        name = self.uses.function(call)
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
        holder = self.uses.read.parents[node]
        return isinstance(holder, ast.keyword) and holder.arg == "key"

    def _named_by(self, name: str) -> list[Expected]:
        """What methods ask of a column that they are given by its name."""
        found = [_AGGREGATES[one] for column, one in self._aggregated if column == name]
        for node in self.uses.read.nodes:
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
        for node in self.uses.read.nodes:
            if isinstance(node, ast.Dict):
                pairs.extend(zip(node.keys, node.values, strict=True))
            elif isinstance(node, ast.Tuple) and len(node.elts) == 2:
                pairs.append((node.elts[0], node.elts[1]))
        named = [(text_of(column, self.uses.texts), text_of(how, self.uses.texts)) for column, how in pairs]
        return [(column, how) for column, how in named if column is not None and how in _AGGREGATES]

    def _named(self, node: ast.expr | None) -> list[str | None]:
        return [text_of(each, self.uses.texts) for each in (node.elts if isinstance(node, ast.List) else [node])]

    def _beside(self, others: list[ast.expr], equality: bool) -> Expected:
        """What is compared with the others must be."""
        texts = [text for other in others if (text := text_of(other, self.uses.texts)) is not None]
        if others and len(texts) == len(others):
            return among(texts, equality)
        kinds = {self._kind(other) for other in others}
        kind = kinds.pop() if len(kinds) == 1 else ReplyKind.TEXT
        return _SORTED if kind is ReplyKind.TEXT and not equality and not texts else Expected(kind, tuple(texts))

    def _kind(self, node: ast.expr) -> ReplyKind:
        """The kind of what a value is compared with."""
        if isinstance(node, ast.Constant):
            number = isinstance(node.value, int | float) and not isinstance(node.value, bool)
            return ReplyKind.NUMBER if number else ReplyKind.TEXT
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
        name = self.uses.function(node) or getattr(node.func, "attr", "")
        if name in _DATE_FUNCTIONS:
            return ReplyKind.DATE
        if name in _NUMBER_FUNCTIONS | _NUMERIC | {"len", "count", "nunique"}:
            return ReplyKind.NUMBER
        kept = isinstance(node.func, ast.Attribute) and name in SAME | {"max", "min"}
        return self._kind(node.func.value) if kept else ReplyKind.TEXT  # type: ignore[attr-defined]

    def _kind_of_column(self, node: ast.Subscript) -> ReplyKind:
        name = text_of(node.slice, self.uses.texts)
        if name is None:
            inner = node.value.value if isinstance(node.value, ast.Attribute) else node.value
            return self._kind(inner) if isinstance(inner, ast.Subscript) else ReplyKind.TEXT
        columns = [column for table in self.schema if (column := table.column(name))]
        if len({column.kind.numeric for column in columns}) != 1:
            return ReplyKind.TEXT
        kind = columns[0].kind
        if kind.numeric:
            return ReplyKind.NUMBER
        return ReplyKind.DATE if kind in (Kind.DATE, Kind.TIMESTAMP) else ReplyKind.TEXT


def _listed(node: ast.expr) -> list[ast.expr]:
    """The values of a list that is written down, or the expression itself."""
    return list(node.elts) if isinstance(node, ast.List | ast.Tuple | ast.Set) else [node]
