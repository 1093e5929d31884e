"""The rewrite of every operator and function: a node class or a name, looked up in one of a few tables.

Most functions need only their operands viewed as number or text; those are rows of ``_VIEWS``. The others have rewrites
in ``operators``, ``texts`` and ``dates``.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from .compare import compare
from .dates import DATES, NAMED_DATES
from .operators import OPERATORS, Rewrite
from .owntext import own_text
from .schema import Kind
from .texts import TEXTS, printf
from .values import (
    BOOLEAN,
    DATE,
    DURATION,
    INTEGER,
    NUMBER,
    TEXT,
    View,
    function,
    integer,
    kind,
    literal_number,
    null,
    number,
    real,
    string,
    text,
    truth,
    typed,
    value,
)


def _places(node: exp.Expr) -> exp.Expr:
    """How many decimals to round to; SQLite takes fewer than none for none."""
    places = integer(node)
    return literal_number("0") if isinstance(places, exp.Neg) else places


# The operands' views and the result's type; None: the type of the first operand.
_VIEWS: dict[type[exp.Expr], tuple[dict[str, View], exp.DataType | None]] = {
    exp.Lower: ({"this": own_text}, TEXT),
    exp.Upper: ({"this": own_text}, TEXT),
    exp.Trim: ({"this": own_text, "expression": own_text}, TEXT),
    exp.Replace: ({"this": own_text, "expression": own_text, "replacement": own_text}, TEXT),
    exp.Substring: ({"this": own_text, "start": integer, "length": integer}, TEXT),
    exp.Left: ({"this": own_text, "expression": integer}, TEXT),
    exp.Right: ({"this": own_text, "expression": integer}, TEXT),
    exp.Pad: ({"this": own_text, "expression": integer, "fill_pattern": own_text}, TEXT),
    exp.Repeat: ({"this": own_text, "times": integer}, TEXT),
    exp.Reverse: ({"this": own_text}, TEXT),
    exp.Initcap: ({"this": own_text}, TEXT),
    exp.SplitPart: ({"this": own_text, "delimiter": own_text, "part_index": integer}, TEXT),
    exp.DPipe: ({"this": own_text, "expression": own_text}, TEXT),
    exp.Hex: ({"this": own_text}, TEXT),
    exp.RegexpExtract: ({"this": own_text, "expression": own_text}, TEXT),
    exp.RegexpReplace: ({"this": own_text, "expression": own_text, "replacement": own_text}, TEXT),
    exp.Translate: ({"this": own_text}, TEXT),
    exp.Ascii: ({"this": own_text}, INTEGER),
    exp.Levenshtein: ({"this": own_text, "expression": own_text}, INTEGER),
    exp.StartsWith: ({"this": own_text, "expression": own_text}, BOOLEAN),
    exp.EndsWith: ({"this": own_text, "expression": own_text}, BOOLEAN),
    exp.Contains: ({"this": own_text, "expression": own_text}, BOOLEAN),
    exp.Length: ({"this": own_text}, INTEGER),
    exp.Unicode: ({"this": own_text}, INTEGER),
    exp.StrPosition: ({"this": own_text, "substr": own_text}, INTEGER),
    exp.Abs: ({"this": number}, None),
    exp.Neg: ({"this": number}, None),
    exp.Floor: ({"this": number}, None),
    exp.Ceil: ({"this": number}, None),
    exp.Sign: ({"this": number}, INTEGER),
    exp.Round: ({"this": real, "decimals": _places}, NUMBER),
    exp.Trunc: ({"this": number, "decimals": integer}, NUMBER),
    exp.Pow: ({"this": number, "expression": number}, NUMBER),
    exp.Exp: ({"this": number}, NUMBER),
    **dict.fromkeys((exp.Sin, exp.Cos, exp.Tan, exp.Degrees, exp.Radians), ({"this": real}, NUMBER)),
    exp.BitwiseAnd: ({"this": integer, "expression": integer}, INTEGER),
    exp.BitwiseOr: ({"this": integer, "expression": integer}, INTEGER),
    exp.BitwiseRightShift: ({"this": integer, "expression": integer}, INTEGER),
    exp.BitwiseXor: ({"this": integer, "expression": integer}, INTEGER),
    exp.BitwiseNot: ({"this": integer}, INTEGER),
    exp.Min: ({"this": value}, None),
    exp.Max: ({"this": value}, None),
    exp.Count: ({"this": value}, INTEGER),
    exp.CountIf: ({"this": truth}, INTEGER),
    exp.Median: ({"this": number}, NUMBER),
    exp.Stddev: ({"this": number}, NUMBER),
    exp.StddevPop: ({"this": number}, NUMBER),
    exp.StddevSamp: ({"this": number}, NUMBER),
    exp.Variance: ({"this": number}, NUMBER),
    exp.VariancePop: ({"this": number}, NUMBER),
    exp.AnyValue: ({"this": value}, None),
    exp.LogicalAnd: ({"this": truth}, BOOLEAN),
    exp.LogicalOr: ({"this": truth}, BOOLEAN),
    exp.GroupConcat: ({"this": own_text, "separator": own_text}, TEXT),
    exp.And: ({"this": truth, "expression": truth}, BOOLEAN),
    exp.Or: ({"this": truth, "expression": truth}, BOOLEAN),
    exp.Not: ({"this": truth}, BOOLEAN),
    exp.Where: ({"this": truth}, None),
    exp.Having: ({"this": truth}, None),
    exp.Exists: ({}, BOOLEAN),
    exp.Paren: ({}, None),
    exp.Distinct: ({}, None),
    exp.Order: ({}, None),
    exp.Filter: ({}, None),
    exp.Window: ({}, None),
    exp.IgnoreNulls: ({}, None),
    exp.RespectNulls: ({}, None),
    exp.RowNumber: ({}, INTEGER),
    exp.Rank: ({}, INTEGER),
    exp.DenseRank: ({}, INTEGER),
    exp.Ntile: ({"this": integer}, INTEGER),
    exp.PercentRank: ({}, NUMBER),
    exp.CumeDist: ({}, NUMBER),
    exp.Lag: ({"this": value}, None),
    exp.Lead: ({"this": value}, None),
    exp.FirstValue: ({"this": value}, None),
    exp.LastValue: ({"this": value}, None),
    exp.NthValue: ({"this": value}, None),
    exp.CurrentDate: ({}, DATE),
}


def rewrite(node: exp.Expr) -> exp.Expr:
    """The DuckDB form of one node, its operands being done; a node no table knows stays as it is."""
    if isinstance(node, exp.Anonymous):
        special = NAMED.get(node.name.lower())
        return special(node.expressions) if special else node
    rule = _RULES.get(type(node))
    if rule is not None:
        return rule(node)
    entry = _VIEWS.get(type(node))
    return _viewed(node, *entry) if entry else node


def _viewed(node: exp.Expr, views: dict[str, View], type_: exp.DataType | None) -> exp.Expr:
    for name, view in views.items():
        operand = node.args.get(name)
        if isinstance(operand, exp.Expr):
            node.set(name, _inside(operand, view))
    first = node.this if isinstance(node.this, exp.Expr) else None
    if isinstance(first, exp.Distinct):
        first = first.expressions[0]
    return typed(node, type_ or (first.type if first else None))


def _inside(operand: exp.Expr, view: View) -> exp.Expr:
    """A view of an operand, or of what DISTINCT or ORDER BY wraps inside an aggregate."""
    if isinstance(operand, exp.Distinct):
        operand.set("expressions", [view(each) for each in operand.expressions])
        return operand
    if isinstance(operand, exp.Order):
        operand.set("this", _inside(operand.this, view))
        return typed(operand, operand.this.type)
    return view(operand)


def _sum(node: exp.Expr) -> exp.Expr:
    """SUM and AVG; of spans of time they give a span."""
    operand = node.this.expressions[0] if isinstance(node.this, exp.Distinct) else node.this
    spans = kind(operand) is Kind.DURATION and not isinstance(node.parent, exp.Filter | exp.Window)
    node = _viewed(node, {"this": number}, NUMBER if isinstance(node, exp.Avg) else None)
    return function("TO_SECONDS", operand.type or DURATION, node) if spans else node


def _total(arguments: list[exp.Expr]) -> exp.Expr:
    total = typed(exp.Sum(this=number(arguments[0])), NUMBER)
    return typed(exp.Coalesce(this=total, expressions=[literal_number("0.0")]), NUMBER)


def _field(arguments: list[exp.Expr]) -> exp.Expr:
    """MySQL's ``field(x, a, b, …)``: which of the others the first equals, counted from 1; 0 where none."""
    subject, *options = arguments
    tests = [compare(exp.EQ, subject.copy(), option) for option in options]
    ifs = [exp.If(this=test, true=literal_number(str(at))) for at, test in enumerate(tests, 1)]
    return typed(exp.Case(ifs=ifs, default=literal_number("0")), INTEGER)


def _div(arguments: list[exp.Expr]) -> exp.Expr:
    """``div(a, b)``: the quotient, what is behind the point cut off."""
    return OPERATORS[exp.IntDiv](exp.IntDiv(this=arguments[0], expression=arguments[1]))


def _regexp_substring(node: exp.Expr) -> exp.Expr:
    """MySQL's ``regexp_substr(x, pattern)``: NULL where nothing matches."""
    found = function("REGEXP_EXTRACT", TEXT, own_text(node.this), text(node.expression))
    return typed(exp.Nullif(this=found, expression=string("")), TEXT)


def _quote(arguments: list[exp.Expr]) -> exp.Expr:
    """``quote(x)``: a value as SQL spells it."""
    operand = value(arguments[0])
    spelled, known = text(operand), kind(operand)
    if known is None or not (known.numeric or known is Kind.BOOLEAN):
        doubled = function("REPLACE", TEXT, spelled, string("'"), string("''"))
        spelled = typed(exp.Concat(expressions=[string("'"), doubled, string("'")]), TEXT)
    missing = exp.If(this=exp.Is(this=operand.copy(), expression=null()), true=string("NULL"))
    return typed(exp.Case(ifs=[missing], default=spelled), TEXT)


_RULES: dict[type[exp.Expr], Rewrite] = {
    **OPERATORS,
    **TEXTS,
    **DATES,
    exp.Sum: _sum,
    exp.Avg: _sum,
    exp.RegexpSubstr: _regexp_substring,
}

NAMED: dict[str, Callable[[list[exp.Expr]], exp.Expr]] = {
    **NAMED_DATES,
    "field": _field,
    "div": _div,
    "total": _total,
    "quote": _quote,
    "printf": printf,
    "mid": lambda arguments: function("SUBSTRING", TEXT, own_text(arguments[0]), *map(integer, arguments[1:])),
    "octet_length": lambda arguments: function("STRLEN", INTEGER, own_text(arguments[0])),
    "likely": lambda arguments: arguments[0],
    "unlikely": lambda arguments: arguments[0],
    "isnull": lambda arguments: typed(exp.Is(this=arguments[0], expression=null()), BOOLEAN),
}
