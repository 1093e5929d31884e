"""safety: one SELECT over the given tables, built from an allow-list of constructs and functions.

What is not on the list is refused, whatever it is: sqlglot knows hundreds of functions, and among them are ones that
read files, settings and other connections. The database's own lock refuses them a second time.
"""

from __future__ import annotations

from sqlglot import exp

from grammars.calls import ANS, MAP
from grammars.errors import Complaint
from grammars.program import Program
from grammars.schema import Schema
from grammars.sql import span_of

_QUERIES = """
    Select From Where Group Having Order Ordered Limit Offset Fetch LimitOptions Distinct With CTE Subquery Table
    TableAlias Join Union Except Intersect Values Tuple Alias Identifier Column Star Dot Paren Window WindowSpec Qualify
    Cube Rollup GroupingSets Filter WithinGroup Collate Var Aliases
"""
_EXPRESSIONS = """
    Literal Null Boolean Add Sub Mul Div IntDiv Mod Neg And Or Not Xor EQ NEQ GT GTE LT LTE Is In Between Like
    ILike Glob Escape Exists Case If Cast TryCast DataType DataTypeParam Interval DPipe NullSafeEQ
    NullSafeNEQ BitwiseAnd BitwiseOr BitwiseXor BitwiseNot BitwiseLeftShift BitwiseRightShift RegexpLike
    RegexpILike SimilarTo Any All IgnoreNulls RespectNulls Bracket AtTimeZone
    JSONPath JSONPathRoot JSONPathKey JSONPathSubscript
"""
_FUNCTIONS = """
    Abs AnyValue ArgMax ArgMin Ascii Avg Ceil Chr Coalesce Concat ConcatWs Contains Cos Count CountIf CumeDist
    CurrentDate CurrentDatetime CurrentTime CurrentTimestamp Date DateAdd DateDiff DateFromParts DateStrToDate
    DateSub DateTrunc Datetime DatetimeAdd DatetimeDiff DatetimeSub DatetimeTrunc Day DayOfMonth DayOfWeek
    DayOfWeekIso DayOfYear Dayname Degrees DenseRank EndsWith Exp Extract First FirstValue Floor Format Greatest
    GroupConcat Hex Hour If Initcap JSONExtract JSONExtractScalar Lag Last LastDay LastValue Lead Least Left Length
    Levenshtein Ln Localtime Localtimestamp Log LogicalAnd LogicalOr Lower Max Median Min Minute Mode Month
    Monthname MonthsBetween NthValue Ntile Nullif Nvl2 Pad PercentRank PercentileCont PercentileDisc Pi Pow Quarter
    Radians Rank RegexpCount RegexpExtract RegexpReplace RegexpSubstr RegexpInstr Repeat Replace Reverse Right
    Round RowNumber Second Sign Sin Split SplitPart Sqrt StartsWith Stddev StddevPop StddevSamp StrPosition
    StrToDate StrToTime String Substring SubstringIndex Sum Tan Time TimeAdd TimeDiff TimeStrToDate TimeStrToTime
    TimeSub TimeToStr TimeToUnix Timestamp TimestampAdd TimestampDiff TimestampSub TimestampTrunc ToChar ToNumber
    Translate Trim Trunc TsOrDiToDi TsOrDsAdd TsOrDsDiff TsOrDsToDate TsOrDsToDateStr TsOrDsToDatetime TsOrDsToTime
    TsOrDsToTimestamp ToDays Typeof Unicode UnixToTime Upper Variance VariancePop Week WeekOfYear Year List
"""
_ANONYMOUS = """
    date datetime time now curdate curtime getdate date_diff julianday total printf format group_concat likely
    unlikely instr ifnull iif strftime unixepoch char unicode hex ltrim rtrim substr nvl isnull date_part
    datepart to_date to_char str_to_date date_format locate position mid left right truncate weekday dayofweek
    dayofmonth dayofyear monthname dayname len charindex age regexp regexp_matches max min concat_ws
    octet_length log2 log10 ln exp power sqrt mod ceiling sign sum avg count from_unixtime unix_timestamp
    timestampdiff subdate adddate last_day quote div field
"""
_UNSTEADY = ("RANDOM", "RAND", "RANDN", "UUID", "RANDOMBLOB")
_REFUSED_PARTS = {
    "into": "INTO",
    "locks": "FOR UPDATE",
    "sample": "a sample",
    "settings": "SETTINGS",
    "format": "FORMAT",
    "hint": "a hint",
    "laterals": "LATERAL",
    "pivots": "PIVOT",
}
ALLOWED = frozenset((_QUERIES + _EXPRESSIONS + _FUNCTIONS).split())
ALLOWED_FUNCTIONS = frozenset(_ANONYMOUS.split()) | {MAP.lower(), ANS.lower()}


def allow(program: Program, schema: Schema) -> Program | tuple[Complaint, ...]:
    """The program, if it is built from what is allowed; otherwise a complaint for each thing that is not."""
    complaints: dict[str, Complaint] = {}

    def refused(node: exp.Expr) -> bool:
        message = _refusal(node)
        if message:
            complaints.setdefault(message, Complaint("safety", message, _hint(node), span_of(node)))
        return message is not None

    for _ in program.tree.walk(prune=refused):
        pass
    return tuple(complaints.values()) or program


_HINT = "a program is one SELECT over the given tables, with SQLite's functions"
_JOINED = "select the values in columns of their own, or join them: group_concat(x, ', '), a || ', ' || b"
_INSTEAD = {
    "HEXSTRING": "write the text itself: 'A' for x'41'",
    "JSON_ARRAY": _JOINED,
    "JSON_OBJECT": _JOINED,
    "JSON_GROUP_ARRAY": _JOINED,
    "JSON_GROUP_OBJECT": _JOINED,
    "DISTINCT": "name the column, as in COUNT(DISTINCT name)",
    "LIMITOPTIONS": "write LIMIT and a number",
    "REPEAT": "write the text itself, such as '  '",
    "SOUNDEX": "compare with LIKE, or ask: QA(\"map@does it sound like …?\"; x) = 'yes'",
    "RANDOM": "choose rows by a rule: ORDER BY row_id LIMIT 5",
}


def _hint(node: exp.Expr) -> str:
    """What to write in the place of a node that is refused."""
    if isinstance(node, exp.Select) and not node.expressions:
        return "name the columns, or write SELECT *"
    name = _name(node) if isinstance(node, exp.Func) else type(node).__name__.upper()
    return _INSTEAD.get(name, _HINT)


def _refusal(node: exp.Expr) -> str | None:
    """What is wrong with a node, or None."""
    if isinstance(node, exp.Table):
        if not isinstance(node.this, exp.Identifier):
            return f"{_name(node.this)} is no table"
        extra = [
            key for key, value in node.args.items() if value and key not in ("this", "alias", "db", "catalog", "joins")
        ]
        return f"a table may not have {extra[0].replace('_', ' ')}" if extra else None
    if isinstance(node, exp.Select):
        extra = [
            key
            for key in ("into", "locks", "sample", "settings", "format", "hint", "laterals", "pivots")
            if node.args.get(key)
        ]
        if extra:
            return f"SELECT may not have {_REFUSED_PARTS[extra[0]]}"
        return None if node.expressions else "a SELECT selects nothing"
    if isinstance(node, exp.Distinct) and isinstance(node.parent, exp.Func) and not node.expressions:
        return f"{_name(node.parent)}(DISTINCT) names no value"
    if isinstance(node, exp.LimitOptions) and (node.args.get("percent") or node.args.get("with_ties")):
        return "FETCH may not have PERCENT or WITH TIES"
    # AND and OR are functions to sqlglot; to print each of a long chain takes the square of its length.
    if isinstance(node, exp.Func) and not isinstance(node, exp.Connector) and _name(node) in _UNSTEADY:
        return f"function {_name(node)} gives another answer each time"
    if isinstance(node, exp.Anonymous):
        known = isinstance(node.this, str) and node.name.lower() in ALLOWED_FUNCTIONS
        return None if known else f"function {_name(node)} is not allowed"
    if type(node).__name__ in ALLOWED:
        return None
    if isinstance(node, exp.Func):
        return f"function {_name(node)} is not allowed"
    return f"{type(node).__name__.upper()} is not allowed"


def _name(node: exp.Expr) -> str:
    """A function as a program spells it."""
    return (
        node.name.upper()
        if isinstance(node, exp.Anonymous) and isinstance(node.this, str)
        else node.sql("sqlite").partition("(")[0]
    )
