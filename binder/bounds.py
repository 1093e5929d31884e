"""How many inputs an LM call has at most, whatever is said to the calls before it.

The bound is a query over the tables alone, planned before any call has become a look-up: the inputs that the plain
conditions leave, since a condition on a reply only ever leaves fewer rows. A nested call says at most one thing an
input, so what it is asked stands in its place. Where rows come out of clauses that replies decide (a join, a subquery
in FROM), rows are counted rather than distinct inputs, and where even those cannot be counted, pairs of rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlglot import exp

from binder.inputs import conjuncts, inputs_query, is_plain, source_of, with_ctes
from grammars.calls import ANS, is_call, read_call

Text = Callable[[exp.Expr, bool], exp.Expr]
"""The text of an argument, and whether that is a block of rows."""

_COMPUTED = (exp.AggFunc, exp.Window)


@dataclass(frozen=True)
class Bound:
    """The most inputs of a call that waits for replies.

    Attributes:
        count: The query for their number, or None where there is no bound.
        inputs: The query for the most inputs, where it can be told which they are.
        like: Else the query for inputs about as long as they, where there can be one.
    """

    count: str | None
    inputs: str | None = None
    like: str | None = None


def bound_of(node: exp.Anonymous, text: Text) -> Bound:
    """The most inputs of a call, in a tree in which every call still stands.

    Args:
        node: The call.
        text: Gives the text of an argument without calls in it.
    """
    keys = _determining(node, text)
    query = node.find_ancestor(exp.Select)
    assert query is not None
    known = all(map(is_plain, read_call(node).arguments))
    like = None if known else _like(node, text)
    if not _is_computed_anew(node, keys, query):
        inputs = _without_unread(inputs_query(node, keys))
        if is_plain(inputs):
            sql = inputs.sql("duckdb")
            return Bound(f"SELECT COUNT(*) FROM ({sql})", sql if known else None, like)
    rows = _most_groups(query) if _is_of_groups(keys) else None
    rows = rows or _most_rows_around(query)
    return Bound(f"SELECT {rows}" if rows is not None else None, like=like or _like(node, text))


def _is_computed_anew(node: exp.Expr, keys: Sequence[exp.Expr], query: exp.Select) -> bool:
    """Whether an input is computed from several rows, and replies decide from which."""
    if any(not is_plain(window) for window in node.find_all(exp.Window)):
        return True
    having = query.args.get("having")
    where = query.args.get("where")
    parts = [*keys, *([having.this] if having is not None else [])]
    return where is not None and not is_plain(where) and any(part.find(*_COMPUTED) for part in parts)


def _like(node: exp.Anonymous, text: Text) -> str | None:
    """The query for a call's inputs if every condition held that waits for a reply, and every reply were a word."""
    node.meta["wanted"] = True
    tree = node.root().copy()
    del node.meta["wanted"]
    wanted = next(part for part in tree.walk() if part.meta.get("wanted"))
    for clause in list(tree.find_all(exp.Where, exp.Having)):
        for part in conjuncts(clause.this):
            if not is_plain(part) and not any(one is wanted for one in part.walk()):
                part.replace(exp.true())
    for call in [part for part in tree.walk() if is_call(part)]:
        if call is not wanted and not any(one is wanted for one in call.walk()):
            call.replace(exp.Literal.string("reply") if call.parent is wanted else exp.Null())
    arguments = read_call(wanted).arguments
    blocks = [wanted.name == ANS and isinstance(argument, exp.Subquery) for argument in arguments]
    keys = [text(argument, block) for argument, block in zip(arguments, blocks, strict=True)]
    assert isinstance(wanted, exp.Anonymous)
    inputs = _without_unread(inputs_query(wanted, keys))
    return inputs.sql("duckdb") if is_plain(inputs) else None


def _determining(node: exp.Anonymous, text: Text) -> list[exp.Expr]:
    """Texts that decide a call's input, NULL altogether only where the input is missing altogether."""
    keys = []
    call = read_call(node)
    for argument in call.arguments:
        if is_call(argument):
            assert isinstance(argument, exp.Anonymous)
            keys.extend(_determining(argument, text))
        elif is_plain(argument):
            keys.append(text(argument, not call.per_row and isinstance(argument, exp.Subquery)))
        else:
            keys.append(_columns_of(argument))
    return keys or [exp.Literal.string("")]


def _columns_of(argument: exp.Expr) -> exp.Expr:
    """The columns of the surrounding query that an argument is made from, as one text: what it is asked of groups is
    decided by what they are grouped by."""
    query = argument.find_ancestor(exp.Select)
    group = query.args.get("group") if query is not None else None
    if any(not isinstance(part, exp.Query) and part.find_ancestor(exp.Query) is query for part in _computed(argument)):
        parts = [argument] if group is None else list(group.expressions)
        decided = [] if group is None else [column for part in parts for column in part.find_all(exp.Column)]
    else:
        inner = {source.alias_or_name for source in argument.find_all(exp.Table, exp.Subquery, exp.CTE)}
        decided = [column for column in argument.find_all(exp.Column) if column.table not in inner]
    texts = [exp.cast(column.copy(), "VARCHAR") for column in decided]
    return exp.cast(exp.Array(expressions=[exp.Literal.string(""), *texts]), "VARCHAR")


def _computed(node: exp.Expr) -> list[exp.Expr]:
    return list(node.find_all(*_COMPUTED))


def _most_rows_around(query: exp.Select) -> str | None:
    """The most rows of a query, over all rows of the queries around it that it may be run for."""
    factors = []
    place: exp.Expr | None = query
    while isinstance(place, exp.Select):
        factors.append(_most_rows(place, _sources_of_ctes(place)))
        place = place.find_ancestor(exp.Select) if _is_correlated(place) else None
    found = [factor for factor in factors if factor is not None]
    return " * ".join(found) if len(found) == len(factors) else None


def _most_rows(query: exp.Expr, ctes: dict[str, exp.Expr]) -> str | None:
    """An SQL expression for the most rows of a query, whatever replies decide in it."""
    if isinstance(query, exp.Subquery):
        return _most_rows(query.this, ctes)
    if isinstance(query, exp.SetOperation):
        sides = [_most_rows(side, ctes) for side in (query.this, query.expression)]
        return None if None in sides else f"({sides[0]} + {sides[1]})"
    if not isinstance(query, exp.Select):
        return None
    counted = _counted(query)
    if counted is not None:
        return counted
    joined = [query.args.get("from_"), *(query.args.get("joins") or [])]
    factors = [_most_of(part.this, ctes) for part in joined if part is not None]
    if None in factors or query.args.get("laterals"):
        return None
    # An outer join keeps rows that match none.
    return " * ".join(f"({factor} + 1)" if len(factors) > 1 else f"{factor}" for factor in factors) or "1"


def _is_of_groups(keys: Sequence[exp.Expr]) -> bool:
    return any(part.find_ancestor(exp.Query) is None for key in keys for part in key.find_all(exp.AggFunc))


def _most_groups(query: exp.Select) -> str | None:
    """An SQL expression for the most groups of a query, where no reply decides what they are."""
    group = query.args.get("group")
    if group is None:
        return "1" if not _is_correlated(query) else None
    by = group.expressions
    return _counted(query, group) if by and len(by) == len(list(group.iter_expressions())) else None


def _counted(query: exp.Select, group: exp.Expr | None = None) -> str | None:
    """The number of rows of a query's FROM that its plain conditions leave, or of their groups, where no reply decides
    them."""
    where = query.args.get("where")
    plain = [part for part in (conjuncts(where.this) if where else []) if is_plain(part)]
    rows = source_of(query, plain).select(exp.Literal.number(1))
    rows.set("group", group.copy() if group is not None else None)
    rows = _without_unread(with_ctes(rows, query.selects[0]))
    if not is_plain(rows) or _is_correlated(rows):
        return None
    return f"(SELECT COUNT(*) FROM ({rows.sql('duckdb')}))"


def _most_of(source: exp.Expr, ctes: dict[str, exp.Expr]) -> str | None:
    if not isinstance(source, exp.Table):
        return _most_rows(source, ctes)
    if source.name in ctes:
        outer = {name: query for name, query in ctes.items() if name != source.name}
        return _most_rows(ctes[source.name], outer)
    table = source.copy()
    table.set("alias", None)
    return f"(SELECT COUNT(*) FROM {table.sql('duckdb')})"


def _sources_of_ctes(query: exp.Expr) -> dict[str, exp.Expr]:
    """The queries that WITH names, where a query stands."""
    marked = with_ctes(exp.select("1"), query.selects[0] if isinstance(query, exp.Select) else query)
    return {cte.alias: cte.this for cte in marked.ctes}


def _is_correlated(query: exp.Expr) -> bool:
    known = {source.alias_or_name for source in query.find_all(exp.Table, exp.Subquery, exp.CTE, exp.Lateral)}
    return any(column.table and column.table not in known for column in query.find_all(exp.Column))


def _without_unread(query: exp.Select) -> exp.Select:
    """A query without the WITH clauses that nothing in it reads."""
    with_ = query.args.get("with_")
    while with_ is not None:
        read = {table.name for table in query.find_all(exp.Table)}
        unread = [cte for cte in with_.expressions if cte.alias not in read]
        kept: Sequence[exp.Expr] = [cte for cte in with_.expressions if cte.alias in read]
        if not unread:
            break
        with_.set("expressions", list(kept))
        if not kept:
            query.set("with_", None)
            break
    return query
