"""Operators and functions with SQLite's meaning: one rewrite a node class, in a table.

A rewrite takes a node whose operands are rewritten and typed already, and returns the DuckDB node, typed. Most need
only their operands viewed as number or text; those are rows of ``_VIEWS``. Dates and times are in ``moments``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from sqlglot import exp

from . import moments
from .compare import between, by_length_first, compare, one_of, one_of_query
from .schema import Kind
from .values import (
    BOOLEAN,
    DATE,
    INTEGER,
    NUMBER,
    TEXT,
    TIMESTAMP,
    View,
    cast,
    function,
    integer,
    is_text_literal,
    kind,
    literal_number,
    null,
    number,
    real,
    string,
    text,
    truth,
    typed,
    unify,
    value,
)

Rewrite = Callable[[exp.Expr], exp.Expr]

# The operands' views and the result's type; None: the type of the first operand.
_VIEWS: dict[type[exp.Expr], tuple[dict[str, View], exp.DataType | None]] = {
    exp.Lower: ({"this": text}, TEXT),
    exp.Upper: ({"this": text}, TEXT),
    exp.Trim: ({"this": text, "expression": text}, TEXT),
    exp.Replace: ({"this": text, "expression": text, "replacement": text}, TEXT),
    exp.Substring: ({"this": text, "start": integer, "length": integer}, TEXT),
    exp.Left: ({"this": text, "expression": integer}, TEXT),
    exp.Right: ({"this": text, "expression": integer}, TEXT),
    exp.Pad: ({"this": text, "expression": integer, "fill_pattern": text}, TEXT),
    exp.Repeat: ({"this": text, "times": integer}, TEXT),
    exp.Reverse: ({"this": text}, TEXT),
    exp.Initcap: ({"this": text}, TEXT),
    exp.SplitPart: ({"this": text, "delimiter": text, "part_index": integer}, TEXT),
    exp.DPipe: ({"this": text, "expression": text}, TEXT),
    exp.Hex: ({"this": text}, TEXT),
    exp.Length: ({"this": text}, INTEGER),
    exp.Unicode: ({"this": text}, INTEGER),
    exp.StrPosition: ({"this": text, "substr": text}, INTEGER),
    exp.SimilarTo: ({"this": text, "expression": text}, BOOLEAN),
    exp.Abs: ({"this": number}, None),
    exp.Neg: ({"this": number}, None),
    exp.Floor: ({"this": number}, None),
    exp.Ceil: ({"this": number}, None),
    exp.Sign: ({"this": number}, INTEGER),
    exp.Round: ({"this": real, "decimals": integer}, NUMBER),
    exp.Trunc: ({"this": number, "decimals": integer}, NUMBER),
    exp.Pow: ({"this": number, "expression": number}, NUMBER),
    exp.Exp: ({"this": number}, NUMBER),
    exp.BitwiseAnd: ({"this": integer, "expression": integer}, INTEGER),
    exp.BitwiseOr: ({"this": integer, "expression": integer}, INTEGER),
    exp.BitwiseRightShift: ({"this": integer, "expression": integer}, INTEGER),
    exp.BitwiseNot: ({"this": integer}, INTEGER),
    exp.Avg: ({"this": number}, NUMBER),
    exp.Sum: ({"this": number}, None),
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
    exp.GroupConcat: ({"this": text, "separator": text}, TEXT),
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
        special = _NAMED.get(node.name.lower())
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


def _literal(node: exp.Expr) -> exp.Expr:
    return string(node.this) if is_text_literal(node) else literal_number(node.this)


def _comparison(node: exp.Expr) -> exp.Expr:
    assert isinstance(node, exp.Binary)
    return by_length_first(compare(type(node), node.left, node.right))


def _between(node: exp.Expr) -> exp.Expr:
    return between(node.this, node.args["low"], node.args["high"])


def _in(node: exp.Expr) -> exp.Expr:
    query = node.args.get("query")
    return one_of_query(node.this, query) if query else one_of(node.this, list(_options(node)))


def _options(node: exp.Expr) -> Iterator[exp.Expr]:
    """What stands inside IN, the rows of VALUES spelled out."""
    for option in node.expressions:
        rows = option.expressions if isinstance(option, exp.Values) else [option]
        for row in rows:
            single = isinstance(row, exp.Tuple) and len(row.expressions) == 1
            yield row.expressions[0] if single else row


def _left_shift(node: exp.Expr) -> exp.Expr:
    """DuckDB shifts no negative number to the left."""
    assert isinstance(node, exp.Binary)
    factor = exp.Paren(this=exp.BitwiseLeftShift(this=literal_number("1"), expression=integer(node.right)))
    return typed(exp.Mul(this=integer(node.left), expression=factor), INTEGER)


def _like(node: exp.Expr) -> exp.Expr:
    """LIKE ignores case; a pattern without letters needs no folding."""
    subject, pattern = text(node.this), text(node.expression)
    plain = is_text_literal(pattern) and pattern.name.upper() == pattern.name.lower()
    like = exp.Like if plain else exp.ILike
    return typed(like(this=subject, expression=pattern, negate=node.args.get("negate")), BOOLEAN)


def _glob(node: exp.Expr) -> exp.Expr:
    """GLOB; DuckDB negates a set of letters with ``!``."""
    pattern = text(node.expression)
    if is_text_literal(pattern):
        pattern = string(pattern.name.replace("[^", "[!"))
    else:
        pattern = function("REPLACE", TEXT, pattern, string("[^"), string("[!"))
    return typed(exp.Glob(this=text(node.this), expression=pattern), BOOLEAN)


def _root(node: exp.Expr) -> exp.Expr:
    """A root or logarithm; of what has none it is NULL."""
    views: dict[str, View] = {"this": number, "expression": number}
    node = _viewed(node, views, NUMBER)
    subject = node.args.get("expression") or node.this
    if isinstance(subject, exp.Literal) and float(subject.this) > 0:
        return node
    least = exp.GTE if isinstance(node, exp.Sqrt) else exp.GT
    test = least(this=subject.copy(), expression=literal_number("0"))
    return typed(exp.Case(ifs=[exp.If(this=test, true=node)]), NUMBER)


def _escape(node: exp.Expr) -> exp.Expr:
    return typed(node, BOOLEAN)


def _is(node: exp.Expr) -> exp.Expr:
    if isinstance(node.expression, exp.Boolean):
        node.set("this", exp.Paren(this=truth(node.this)))
    return typed(node, BOOLEAN)


def _regexp(node: exp.Expr) -> exp.Expr:
    return typed(exp.RegexpLike(this=text(node.this), expression=text(node.expression), flag=string("i")), BOOLEAN)


def _arithmetic(node: exp.Expr) -> exp.Expr:
    assert isinstance(node, exp.Binary)
    left, right = node.left, node.right
    if isinstance(right, exp.Interval):
        return _shifted(type(node), left, right)
    left, right = number(left), number(right)
    whole = kind(left) is Kind.INTEGER and kind(right) is Kind.INTEGER
    return typed(type(node)(this=left, expression=right), INTEGER if whole else NUMBER)


def _shifted(operator: type[exp.Binary], node: exp.Expr, interval: exp.Interval) -> exp.Expr:
    amount, unit = interval.this, interval.args.get("unit")
    if isinstance(amount, exp.Literal) and unit is not None:
        return moments.shift(moments.moment(node), operator, amount.name, unit.name.lower())
    return typed(operator(this=moments.moment(node), expression=interval), TIMESTAMP)


def _divide(node: exp.Expr) -> exp.Expr:
    """``/`` cuts off between integers; what is divided by zero is NULL."""
    assert isinstance(node, exp.Binary)
    left, right = number(node.left), _nonzero(number(node.right))
    if kind(left) is Kind.INTEGER and kind(right) is Kind.INTEGER:
        return typed(exp.IntDiv(this=left, expression=right), INTEGER)
    return typed(exp.Div(this=left, expression=right), NUMBER)


def _remainder(node: exp.Expr) -> exp.Expr:
    assert isinstance(node, exp.Binary)
    return typed(exp.Mod(this=integer(node.left), expression=_nonzero(integer(node.right))), INTEGER)


def _nonzero(node: exp.Expr) -> exp.Expr:
    core = node.this if isinstance(node, exp.Neg) else node
    if isinstance(core, exp.Literal) and float(core.this) != 0:
        return node
    return typed(exp.Nullif(this=node, expression=literal_number("0")), node.type)


def _cast(node: exp.Expr) -> exp.Expr:
    """CAST by SQLite's affinities: text without a number is 0. DATE and BOOLEAN, which it lacks, are themselves."""
    assert isinstance(node, exp.Cast)
    wanted = kind(typed(exp.Null(), node.to))
    operand = value(node.this)
    match wanted:
        case Kind.TEXT:
            return text(operand)
        case Kind.DATE:
            return moments.to_date([operand])
        case Kind.TIMESTAMP:
            return moments.to_timestamp([operand])
        case Kind.TIME:
            return moments.to_time([operand])
        case Kind.BOOLEAN:
            return truth(operand)
        case Kind.NUMBER:
            return real(_number_or_zero(operand))
        case Kind.DECIMAL:
            return _number_or_zero(operand)
        case Kind.INTEGER:
            return integer(_number_or_zero(operand))
        case Kind.DURATION:
            return typed(node, node.to)
        case _:
            named = node.to.args.get("kind") or ""
            return integer(_number_or_zero(operand)) if str(named).lower() in ("signed", "unsigned") else operand


def _number_or_zero(node: exp.Expr) -> exp.Expr:
    if kind(node) is not Kind.TEXT:
        return number(node)
    found = number(node)
    if isinstance(node, exp.Literal):
        return literal_number("0") if isinstance(found, exp.Null) else found
    if isinstance(found, exp.TryCast):
        present = exp.Case().when(exp.Not(this=exp.Is(this=node.copy(), expression=null())), literal_number("0"))
        return typed(exp.Coalesce(this=found, expressions=[present]), NUMBER)
    return found


def _conditional(node: exp.Expr) -> exp.Expr:
    """``iif(condition, a, b)``; the branches of a CASE are that one's."""
    if isinstance(node.parent, exp.Case) and node.arg_key == "ifs":
        return node
    otherwise = node.args.get("false")
    branches, type_ = unify([node.args["true"], *([otherwise] if otherwise else [])])
    case = exp.Case(ifs=[exp.If(this=truth(node.this), true=branches[0])], default=branches[1] if otherwise else None)
    return typed(case, type_)


def _case(node: exp.Expr) -> exp.Expr:
    assert isinstance(node, exp.Case)
    default = node.args.get("default")
    whens = node.args["ifs"]
    branches, type_ = unify([*(when.args["true"] for when in whens), *([default] if default else [])])
    subject = node.this
    tests = [compare(exp.EQ, subject.copy(), when.this) if subject else truth(when.this) for when in whens]
    ifs = [exp.If(this=test, true=branch) for test, branch in zip(tests, branches, strict=False)]
    return typed(exp.Case(ifs=ifs, default=branches[-1] if default else None), type_)


def _coalesce(node: exp.Expr) -> exp.Expr:
    (first, *rest), type_ = unify([node.this, *node.expressions])
    return typed(exp.Coalesce(this=first, expressions=rest), type_) if rest else first


def _nullif(node: exp.Expr) -> exp.Expr:
    """NULLIF gives its first argument unchanged, so it is spelled out where the comparison reads it otherwise."""
    first = value(node.this)
    test = compare(exp.EQ, first.copy(), node.expression)
    if test.this == first:
        return typed(exp.Nullif(this=first, expression=test.expression), first.type)
    return typed(exp.Case(ifs=[exp.If(this=test, true=null())], default=first), first.type)


def _extreme(node: exp.Expr) -> exp.Expr:
    (first, *rest), type_ = unify([node.this, *node.expressions])
    ignore = node.args.get("ignore_nulls")
    return typed(type(node)(this=first, expressions=rest, ignore_nulls=ignore), type_)


def _concat(node: exp.Expr) -> exp.Expr:
    node.set("expressions", [text(value(each)) for each in node.expressions])
    return typed(node, TEXT)


def _chr(node: exp.Expr) -> exp.Expr:
    letters = [function("CHR", TEXT, cast(integer(each), exp.DataType.build("INT"))) for each in node.expressions]
    return typed(exp.Concat(expressions=letters), TEXT) if len(letters) > 1 else letters[0]


def _substring_index(node: exp.Expr) -> exp.Expr:
    """What stands before the n-th delimiter, or after it from the end when n is negative."""
    subject, delimiter, count = text(node.this), text(node.args["delimiter"]), integer(node.args["count"])
    pieces = function("STRING_SPLIT", TEXT, subject, delimiter)
    negative = isinstance(count, exp.Neg)
    bounds = (count, literal_number("-1")) if negative else (literal_number("1"), count)
    return function("ARRAY_TO_STRING", TEXT, function("LIST_SLICE", TEXT, pieces, *bounds), delimiter)


def _collate(node: exp.Expr) -> exp.Expr:
    return typed(node, TEXT) if node.expression.name.upper() == "NOCASE" else node.this


def _strftime(node: exp.Expr) -> exp.Expr:
    return moments.formatted([_literal(node.args["format"]), node.this])


def _date(node: exp.Expr) -> exp.Expr:
    return moments.to_date([node.this, *node.expressions])


def _now(node: exp.Expr) -> exp.Expr:
    return moments.moment(string("now"))


def _field(node: exp.Expr) -> exp.Expr:
    return moments.part(type(node).__name__, node.this)


def _extract(node: exp.Expr) -> exp.Expr:
    return moments.part(node.this.name, node.expression)


def _date_trunc(node: exp.Expr) -> exp.Expr:
    return moments.truncated(node.args["unit"].name, moments.moment(node.this))


def _date_shift(node: exp.Expr) -> exp.Expr:
    operator = exp.Add if isinstance(node, exp.DateAdd) else exp.Sub
    if isinstance(node.expression, exp.Interval):
        return _shifted(operator, node.this, node.expression)
    days = exp.Interval(this=node.expression, unit=exp.Var(this="DAY"))
    return typed(operator(this=moments.moment(node.this), expression=days), TIMESTAMP)


def _date_difference(node: exp.Expr) -> exp.Expr:
    """``datediff(end, start)`` counts days."""
    return moments.difference("day", node.expression, node.this)


def _unit_difference(arguments: list[exp.Expr]) -> exp.Expr:
    """``date_diff('unit', start, end)``, or ``date_diff(end, start)`` in days."""
    if len(arguments) == 2:
        return moments.difference("day", arguments[1], arguments[0])
    return moments.difference(arguments[0].name, arguments[1], arguments[2])


def _complete_difference(arguments: list[exp.Expr]) -> exp.Expr:
    """``timestampdiff('unit', start, end)`` counts complete units."""
    return moments.difference(arguments[0].name, arguments[1], arguments[2], complete=True)


def mended(node: exp.Expr) -> exp.Expr:
    """A node before its operands are translated; ``datediff(unit, start, end)`` is parsed out of order.

    The parser keeps the last argument as a unit's name, in capitals.
    """
    unit = node.args.get("unit") if isinstance(node, exp.DateDiff | exp.TimestampDiff) else None
    if unit is None:
        return node
    end = exp.column(unit.name) if unit.name.isidentifier() else exp.Literal.string(unit.name)
    name = "timestampdiff" if isinstance(node, exp.TimestampDiff) else "date_diff"
    call = exp.Anonymous(this=name, expressions=[exp.Literal.string(node.this.name), node.expression, end])
    node.replace(call)
    return call


def _total(arguments: list[exp.Expr]) -> exp.Expr:
    total = typed(exp.Sum(this=number(arguments[0])), NUMBER)
    return typed(exp.Coalesce(this=total, expressions=[literal_number("0.0")]), NUMBER)


def _first(arguments: list[exp.Expr]) -> exp.Expr:
    return arguments[0]


def _printf(arguments: list[exp.Expr]) -> exp.Expr:
    """``printf(format, …)``: each argument read as its conversion wants it."""
    format_, *values = arguments
    conversions = re.findall(r"%[-+ 0#,]*\d*(?:\.\d+)?([a-zA-Z])", format_.name.replace("%%", ""))
    views: dict[str, View] = {**dict.fromkeys("dixXuoc", integer), **dict.fromkeys("feEgG", real)}
    viewed = [views.get(letter, text)(each) for letter, each in zip(conversions, values, strict=False)]
    return function("PRINTF", TEXT, format_, *viewed)


def _format(node: exp.Expr) -> exp.Expr:
    """``format('…', …)`` is printf; MySQL's ``format(number, decimals)`` sets thousands apart."""
    if is_text_literal(node.this):
        return _printf([node.this, *node.expressions])
    decimals = node.expressions[0].name if node.expressions else "0"
    return function("FORMAT", TEXT, string(f"{{:,.{decimals}f}}"), real(node.this))


def _typeof(node: exp.Expr) -> exp.Expr:
    names = {Kind.INTEGER: "integer", Kind.BOOLEAN: "integer", Kind.NUMBER: "real", Kind.DECIMAL: "real"}
    known = kind(node.this)
    spelled = string(names.get(known, "text") if known else "null")
    missing = exp.If(this=exp.Is(this=node.this, expression=null()), true=string("null"))
    return typed(exp.Case(ifs=[missing], default=spelled), TEXT)


_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ)
_CLOCK_FIELDS = (exp.Hour, exp.Minute, exp.Second)
_FIELDS = (exp.Year, exp.Quarter, exp.Month, exp.Week, exp.Day, exp.DayOfWeek, exp.DayOfYear, *_CLOCK_FIELDS)

_RULES: dict[type[exp.Expr], Rewrite] = {
    exp.Literal: _literal,
    exp.Boolean: lambda node: typed(node, BOOLEAN),
    **dict.fromkeys(_COMPARISONS, _comparison),
    exp.Between: _between,
    exp.In: _in,
    exp.Like: _like,
    exp.ILike: _like,
    exp.Escape: _escape,
    exp.BitwiseLeftShift: _left_shift,
    exp.Glob: _glob,
    exp.Sqrt: _root,
    exp.Ln: _root,
    exp.Log: _root,
    exp.Is: _is,
    exp.RegexpLike: _regexp,
    exp.Add: _arithmetic,
    exp.Sub: _arithmetic,
    exp.Mul: _arithmetic,
    exp.Div: _divide,
    exp.IntDiv: _divide,
    exp.Mod: _remainder,
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.If: _conditional,
    exp.Case: _case,
    exp.Coalesce: _coalesce,
    exp.Nullif: _nullif,
    exp.Greatest: _extreme,
    exp.Least: _extreme,
    exp.Concat: _concat,
    exp.ConcatWs: _concat,
    exp.Chr: _chr,
    exp.SubstringIndex: _substring_index,
    exp.Collate: _collate,
    exp.Format: _format,
    exp.Typeof: _typeof,
    exp.TimeToStr: _strftime,
    exp.TsOrDsToTimestamp: lambda node: node.this,
    exp.Date: _date,
    exp.CurrentTimestamp: _now,
    exp.CurrentDatetime: _now,
    **dict.fromkeys(_FIELDS, _field),
    exp.Extract: _extract,
    exp.DateTrunc: _date_trunc,
    exp.DateAdd: _date_shift,
    exp.DateSub: _date_shift,
    exp.DateDiff: _date_difference,
    exp.ToNumber: lambda node: number(node.this),
    exp.StrToDate: lambda node: moments.from_mysql_format([node.this, node.args["format"]]),
    exp.ToChar: lambda node: moments.postgres_format([node.this, node.args["format"]]),
}

_NAMED: dict[str, Callable[[list[exp.Expr]], exp.Expr]] = {
    "strftime": moments.formatted,
    "date": moments.to_date,
    "datetime": moments.to_timestamp,
    "time": moments.to_time,
    "julianday": moments.julian_day,
    "unixepoch": moments.unix_seconds,
    "now": lambda arguments: moments.moment(string("now")),
    "curdate": lambda arguments: moments.to_date([]),
    "date_format": moments.mysql_format,
    "to_date": moments.from_postgres_format,
    "date_diff": _unit_difference,
    "timestampdiff": _complete_difference,
    "date_part": lambda arguments: moments.part(arguments[0].name, arguments[1]),
    "total": _total,
    "printf": _printf,
    "likely": _first,
    "unlikely": _first,
    "isnull": lambda arguments: typed(exp.Is(this=arguments[0], expression=null()), BOOLEAN),
}

FUNCTION_NAMES = frozenset(_NAMED)
FUNCTION_CLASSES = frozenset({*_VIEWS, *_RULES})
