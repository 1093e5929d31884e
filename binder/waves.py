"""Conditions that need not be known for every row: which inputs are still needed, given the replies so far.

A query with an LM condition in WHERE may be settled before every row is judged: LIMIT by its first rows, EXISTS by one
row, IN by one row for each value, ``COUNT(*) > 5`` by six. While replies are missing, a row's condition is *sure* (it
holds, and no reply it needs is missing) or *possible* (a reply is missing, or it holds). What a query gives for any
outcome lies between what it gives for the sure rows and for the possible rows; where the two agree, it is decided. So
a call is asked in waves: each takes the next inputs that a query gives, and that query gives none once the outcome is
decided.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlglot import exp

from grammars.calls import Call as CallNode
from grammars.calls import is_call, read_call
from grammars.clauses import aggregates, looks_outside
from grammars.reply import ReplyKind

_MOST_CALLS = 3  # the time DuckDB takes to plan the queries of a wave grows steeply with their look-ups
WAVE = "wave"  # the parameter that holds the most inputs of a wave
ROWS_AN_INPUT = 4  # rows looked at for one input of a wave that follows an order
_MIRRORED: dict[type[exp.Binary], type[exp.Binary]] = {
    exp.GT: exp.LT,
    exp.GTE: exp.LTE,
    exp.LT: exp.GT,
    exp.LTE: exp.GTE,
}
_DECIDED = (exp.GT, exp.GTE, exp.LT, exp.LTE, exp.EQ, exp.NEQ)


@dataclass(frozen=True)
class Call:
    """One LM call of a condition, its place already taken by a look-up.

    Attributes:
        keys: The texts of its arguments.
        settled: Whether a row needs no further reply to it: there is one, or no outcome hangs on it.
    """

    keys: tuple[exp.Expr, ...]
    settled: exp.Expr


@dataclass(frozen=True)
class Condition:
    """One part of a WHERE, with the LM calls in it in the order of asking.

    Attributes:
        test: The condition, its calls replaced by look-ups.
        calls: Its calls.
    """

    test: exp.Expr
    calls: tuple[Call, ...]

    @property
    def settled(self) -> exp.Expr:
        """Whether nothing more is to be asked for a row."""
        return exp.and_(*[call.settled.copy() for call in self.calls])

    @property
    def sure(self) -> exp.Expr:
        """Whether a row passes, whatever the replies to come."""
        return exp.and_(self.settled, self.test.copy())

    @property
    def possible(self) -> exp.Expr:
        """Whether a row may pass."""
        return exp.or_(exp.not_(self.settled), self.test.copy())


@dataclass(frozen=True)
class Rows:
    """The rows of a query before its LM conditions.

    Attributes:
        source: SELECT without outputs: FROM, joins, and the conditions that are plain.
        conditions: The LM conditions, in the order of asking.
    """

    source: exp.Select
    conditions: tuple[Condition, ...]

    def where(self, *tests: exp.Expr) -> exp.Select:
        """The rows that pass further tests."""
        return self.source.copy().where(*[test.copy() for test in tests])

    @property
    def sure(self) -> exp.Expr:
        """Whether a row passes every condition, whatever the replies to come."""
        return exp.and_(*[condition.sure for condition in self.conditions])

    @property
    def possible(self) -> exp.Expr:
        """Whether a row may pass every condition."""
        return exp.and_(*[condition.possible for condition in self.conditions])


class Stop(Protocol):
    """When a query is decided.

    Attributes:
        least: About how many inputs the first wave must hold at least.
        order: What the rows are asked in the order of; empty where any order does.
        clause: What in the query is decided.
    """

    @property
    def least(self) -> int: ...

    @property
    def order(self) -> tuple[exp.Ordered, ...]: ...

    @property
    def clause(self) -> str: ...

    def undecided(self, rows: Rows) -> exp.Expr:
        """Whether further replies about a row may change the outcome: a condition on the row, never NULL."""
        ...


@dataclass(frozen=True)
class FirstRows:
    """LIMIT: decided when the first rows that may pass are sure to."""

    least: int
    order: tuple[exp.Ordered, ...]
    clause: str = "LIMIT"

    def undecided(self, rows: Rows) -> exp.Expr:
        """Whether one of the first possible rows is not sure."""
        first = (
            rows.where(rows.possible)
            .select(exp.alias_(exp.Is(this=exp.paren(rows.sure), expression=exp.true()), "__sure"))
            .order_by(*[term.copy() for term in self.order])
            .limit(self.least)
        )
        missing = exp.LogicalOr(this=exp.not_(exp.column("__sure")))
        return _or_false(exp.select(missing).from_(first.subquery("__first")))


@dataclass(frozen=True)
class AnyRow:
    """EXISTS: decided by one row."""

    least: int = 0
    order: tuple[exp.Ordered, ...] = ()
    clause: str = "EXISTS"

    def undecided(self, rows: Rows) -> exp.Expr:
        """Whether no row is sure."""
        return exp.not_(exp.Exists(this=rows.where(rows.sure).select(exp.Literal.number(1))))


@dataclass(frozen=True)
class Members:
    """IN: for each value, decided by one row that gives it.

    Attributes:
        value: What the query gives of a row.
    """

    value: exp.Expr
    least: int = 0
    order: tuple[exp.Ordered, ...] = ()
    clause: str = "IN"

    def undecided(self, rows: Rows) -> exp.Expr:
        """Whether no sure row gives a row's value."""
        sure = rows.where(rows.sure).select(exp.alias_(self.value.copy(), "__given"))
        same = exp.NullSafeEQ(this=exp.column("__given", "__members"), expression=self.value.copy())
        given = exp.select(exp.Literal.number(1)).from_(sure.subquery("__members")).where(same)
        return exp.not_(exp.Exists(this=given))


@dataclass(frozen=True)
class Counts:
    """COUNT compared with what is known: decided when the least and the greatest count compare alike.

    Attributes:
        comparisons: Each an operator with the COUNT on its left.
    """

    comparisons: tuple[exp.Binary, ...]
    least: int = 0
    order: tuple[exp.Ordered, ...] = ()
    clause: str = "COUNT"

    def undecided(self, rows: Rows) -> exp.Expr:
        """Whether a comparison may still change."""
        decided = exp.and_(*[_decided(comparison, rows.sure) for comparison in self.comparisons])
        return _or_false(rows.where(rows.possible).select(exp.not_(exp.paren(decided))))


def stop_of(query: exp.Select) -> Stop | None:
    """When a query's outcome is decided before all its rows are judged, or None where that cannot be told."""
    if any(query.args.get(name) for name in ("group", "qualify", "windows", "laterals")) or looks_outside(query):
        return None
    if any(query.find_all(exp.Window)):
        return None
    counted = [call for clause in _outputs(query) for call in aggregates(clause)]
    limit = query.args.get("limit")
    if counted:
        return None if limit else _counts(query, counted)
    if query.args.get("having"):
        return None
    if isinstance(_holder(query), exp.Exists) and not limit:
        return AnyRow()
    if isinstance(_holder(query), exp.In) and not limit:
        return _members(query)
    return _first_rows(query) if limit and not query.args.get("distinct") else None


def asks(query: exp.Select) -> bool:
    """Whether waves can ask every LM call in a query's WHERE: a few maps over its own rows, none about another's reply,
    of a settled kind."""
    where = query.args.get("where")
    calls = [node for node in where.walk() if is_call(node)] if where is not None else []
    return len(calls) <= _MOST_CALLS and all(_suits(read_call(node), query) for node in calls)


def _suits(call: CallNode, query: exp.Select) -> bool:
    nested = any(is_call(node) for argument in call.arguments for node in argument.walk())
    own = call.node.find_ancestor(exp.Select) is query
    return call.per_row and own and not nested and call.expected.kind is not ReplyKind.ORDERED


def next_inputs(rows: Rows, stop: Stop, at: int, nth: int, names: Sequence[str]) -> exp.Select:
    """The query for the next inputs of one call, at most ``$wave``; it gives none once the outcome is decided.

    Args:
        rows: The rows and their conditions.
        stop: When they are decided.
        at: Which condition the call is in.
        nth: Which of that condition's calls it is.
        names: What to call the columns of an input.
    """
    condition = rows.conditions[at]
    call = condition.calls[nth]
    needed = rows.where(
        *[earlier.sure for earlier in rows.conditions[:at]],
        *[earlier.settled for earlier in condition.calls[:nth]],
        exp.not_(exp.paren(call.settled.copy())),
        *[exp.paren(later.possible) for later in rows.conditions[at + 1 :]],
        stop.undecided(rows),
    ).select(*[exp.alias_(key.copy(), name) for key, name in zip(call.keys, names, strict=True)])
    wave = exp.Placeholder(this=WAVE)
    if stop.order:
        terms = [f"__o{index}" for index in range(len(stop.order))]
        needed = needed.select(
            *[exp.alias_(term.this.copy(), name) for term, name in zip(stop.order, terms, strict=True)]
        )
        needed = needed.order_by(*[term.copy() for term in stop.order])
        needed = needed.limit(exp.Mul(this=exp.Literal.number(ROWS_AN_INPUT), expression=wave.copy()))
        order = exp.Order(
            expressions=[_ordered_like(term, exp.column(n)) for term, n in zip(stop.order, terms, strict=True)]
        )
        place = exp.Window(this=exp.RowNumber(), order=order)
        needed = exp.select(*names, exp.alias_(place, "__at")).from_(needed.subquery("__needed"))
        first: exp.Expr = exp.Ordered(this=exp.Min(this=exp.column("__at")))
    else:
        first = exp.Ordered(this=exp.Count(this=exp.Star()), desc=True)
    chosen = exp.select(*names).from_(needed.subquery("__rows")).group_by(*names)
    return chosen.order_by(first, *names).limit(wave)


def _ordered_like(term: exp.Ordered, value: exp.Expr) -> exp.Ordered:
    return exp.Ordered(this=value, desc=term.args.get("desc"), nulls_first=term.args.get("nulls_first"))


def _or_false(query: exp.Select) -> exp.Expr:
    """The one value of a query, FALSE where that is NULL."""
    return exp.Coalesce(this=query.subquery(), expressions=[exp.false()])


def _outputs(query: exp.Select) -> list[exp.Expr]:
    clauses = [*query.expressions, query.args.get("having"), query.args.get("order")]
    return [clause for clause in clauses if clause is not None]


def _holder(query: exp.Expr) -> exp.Expr | None:
    """What holds a query, its parentheses left out."""
    holder = query.parent
    while isinstance(holder, (exp.Subquery, exp.Paren)) and not holder.args.get("alias"):
        holder = holder.parent
    return holder


def _members(query: exp.Select) -> Members | None:
    value = query.selects[0].unalias()
    plain = len(query.selects) == 1 and not any(is_call(node) or isinstance(node, exp.Query) for node in value.walk())
    return Members(value) if plain else None


def _first_rows(query: exp.Select) -> FirstRows | None:
    rows = [_whole_number(query.args.get(name), default) for name, default in (("limit", None), ("offset", 0))]
    order = query.args.get("order")
    terms = [_by_what(term, query) for term in order.expressions] if order is not None else []
    if any(row is None for row in rows) or not terms or any(term is None for term in terms):
        return None
    return FirstRows(sum(row for row in rows if row is not None), tuple(term for term in terms if term is not None))


def _whole_number(clause: exp.Expr | None, default: int | None) -> int | None:
    """The number of a LIMIT or OFFSET, or None where it is none."""
    if clause is None:
        return default
    value = clause.expression
    return int(value.this) if isinstance(value, exp.Literal) and value.is_int else None


def _by_what(term: exp.Ordered, query: exp.Select) -> exp.Ordered | None:
    """A term of ORDER BY over the query's rows rather than its outputs; None where an LM call stands in it."""
    value = term.this
    if isinstance(value, exp.Literal) and value.is_int:
        place = int(value.this) - 1
        if not 0 <= place < len(query.selects):
            return None
        value = query.selects[place].unalias()
    elif isinstance(value, exp.Column) and not value.table:
        named = [output for output in query.selects if output.alias_or_name == value.name]
        if not named:
            return None
        value = named[0].unalias()
    if any(is_call(node) for node in value.walk()) or isinstance(value, exp.Literal):
        return None
    return _ordered_like(term, value.copy())


def _counts(query: exp.Select, counted: list[exp.Expr]) -> Counts | None:
    """The comparisons that all of a query's aggregates stand in, or None where one stands elsewhere."""
    outer = _holder(query)
    if len(query.selects) == 1 and query.selects[0].unalias() in counted and isinstance(outer, _DECIDED):
        counted_outside: list[tuple[exp.Expr | None, exp.Expr]] = (
            [(outer, query)] if not query.args.get("having") else []
        )
    else:
        counted_outside = [(call.parent, call) for call in counted]
        if any(map(_shows_columns, _outputs(query))):
            return None
    if any(not isinstance(call, exp.Count) for call in counted):
        return None
    found = [
        _count_on_the_left(comparison, side, call)
        for (comparison, side), call in zip(counted_outside, counted, strict=False)
    ]
    return Counts(tuple(one for one in found if one is not None)) if found and None not in found else None


def _shows_columns(node: exp.Expr) -> bool:
    """Whether columns stand in it outside aggregates."""
    if isinstance(node, exp.AggFunc):
        return False
    return isinstance(node, exp.Column) or any(map(_shows_columns, node.iter_expressions()))


def _count_on_the_left(comparison: exp.Expr | None, side: exp.Expr, count: exp.Expr) -> exp.Binary | None:
    """A comparison, the side that holds ``side`` being ``count`` and on its left; None where the other side is not
    known beforehand."""
    if not isinstance(comparison, _DECIDED):
        return None
    on_left = any(node is side for node in comparison.this.walk())
    other = comparison.expression if on_left else comparison.this
    if other.find(exp.Column, exp.AggFunc, exp.Query) or any(is_call(node) for node in other.walk()):
        return None
    kind = type(comparison) if on_left else _MIRRORED.get(type(comparison), type(comparison))
    return kind(this=count.copy(), expression=other.copy())


def _decided(comparison: exp.Binary, sure: exp.Expr) -> exp.Expr:
    """Whether a comparison is the same for the count of the sure rows and of the possible rows."""
    most, known = comparison.this, comparison.expression
    least = exp.Filter(this=most.copy(), expression=exp.Where(this=sure.copy()))
    if isinstance(comparison, (exp.EQ, exp.NEQ)):
        return exp.paren(
            exp.or_(
                exp.EQ(this=least, expression=most.copy()),
                exp.LT(this=most.copy(), expression=known.copy()),
                exp.GT(this=least.copy(), expression=known.copy()),
            )
        )
    kind = type(comparison)
    return exp.EQ(
        this=exp.paren(kind(this=least, expression=known.copy())),
        expression=exp.paren(kind(this=most.copy(), expression=known.copy())),
    )
