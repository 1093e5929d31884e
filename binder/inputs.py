"""Which inputs an LM call must be asked about: a query for them, as narrow as plain SQL makes it.

The inputs of a call are the distinct values of its arguments over the rows that reach it: those that the query's
conditions leave, as far as no LM call still to be asked stands in them, and those of a branch that is taken. What a
condition cannot tell yet is asked about rather than left out, so no value that the answer needs is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sqlglot import exp

from grammars.calls import is_call

_UNKNOWN = (exp.AggFunc, exp.Window)


def evaluation_order(query: exp.Expr) -> Iterator[exp.Anonymous]:
    """The calls of a query in the order in which their values are needed.

    What stands in FROM comes before WHERE, and so on as SQL evaluates; nested calls come before those that hold them.
    """
    if isinstance(query, exp.SetOperation):
        yield from _with(query)
        yield from evaluation_order(query.this)
        yield from evaluation_order(query.expression)
        yield from _clauses(query, ("order", "limit", "offset"))
    elif isinstance(query, exp.Subquery):
        yield from _with(query)
        yield from evaluation_order(query.this)
        yield from _clauses(query, ("order", "limit", "offset"))
    elif isinstance(query, exp.Select):
        yield from _with(query)
        clauses = ("from_", "joins", "where", "group", "having", "windows", "qualify", "distinct", "expressions")
        yield from _clauses(query, (*clauses, "order", "limit", "offset"))


def _with(query: exp.Expr) -> Iterator[exp.Anonymous]:
    for cte in query.ctes if isinstance(query, exp.Query) else []:
        yield from evaluation_order(cte.this)


def _clauses(query: exp.Expr, names: Iterable[str]) -> Iterator[exp.Anonymous]:
    for name in names:
        value = query.args.get(name)
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, exp.Expr):
                yield from _calls_in(part)


def _calls_in(node: exp.Expr) -> Iterator[exp.Anonymous]:
    if isinstance(node, exp.Query):
        yield from evaluation_order(node)
        return
    for child in node.iter_expressions():
        yield from _calls_in(child)
    if is_call(node):
        assert isinstance(node, exp.Anonymous)
        yield node


def inputs_query(call: exp.Anonymous, keys: list[exp.Expr]) -> exp.Select:
    """The query for a call's distinct inputs, one column a key, named ``k0``, ``k1``, …

    Args:
        call: The call in its tree; the calls asked before it are already replaced by look-ups of their replies.
        keys: The texts of its arguments, as expressions over the rows of the query it stands in.
    """
    named = [exp.alias_(key.copy(), name) for name, key in zip(key_names(len(keys)), keys, strict=True)]
    query = call.find_ancestor(exp.Select)
    assert query is not None
    inner = _reaching(call, query, named)
    depth = 0
    while _free_tables(inner) and (outer := query.find_ancestor(exp.Select)) is not None:
        # The query is correlated: its inputs are taken for each row of the query around it.
        lateral = exp.Lateral(
            this=exp.Subquery(this=inner), alias=exp.TableAlias(this=exp.to_identifier(f"__outer_{depth}"))
        )
        base = _rows(_place(query, outer), outer)
        inner = base.join(lateral, join_type="cross") if base.args.get("from_") else base.from_(lateral)
        inner = inner.select(*[exp.column(name, f"__outer_{depth}") for name in key_names(len(keys))], append=False)
        query, depth = outer, depth + 1
    return _distinct(with_ctes(inner, call), len(keys))


def key_names(count: int) -> list[str]:
    """The names of the columns that hold a call's inputs."""
    return [f"k{index}" for index in range(count)]


def _distinct(rows: exp.Select, count: int) -> exp.Select:
    """The distinct rows that are not missing altogether, in an order of their own: DISTINCT alone has none, and a
    program that runs again is to ask the same requests."""
    names = key_names(count)
    with_ = rows.args.pop("with_", None)
    query = (
        exp.select(*names)
        .distinct(copy=False)
        .from_(exp.Subquery(this=rows, alias=exp.TableAlias(this=exp.to_identifier("__inputs"))), copy=False)
    )
    missing = [exp.Is(this=exp.column(name), expression=exp.Null()) for name in names]
    query.where(exp.Not(this=exp.Paren(this=exp.and_(*missing))), copy=False).order_by(*names, copy=False)
    if with_ is not None:
        query.set("with_", with_)
    return query


def _reaching(call: exp.Expr, query: exp.Select, keys: list[exp.Expr]) -> exp.Select:
    """The rows that reach a call, with its keys."""
    if _of_groups(call, keys, query):
        rows = _rows(call, query)
        rows.set("group", _copied(query.args.get("group")))
        conditions = [query.args["having"].this] if query.args.get("having") else []
        plain = [part for condition in conditions for part in conjuncts(condition) if is_plain(part)]
        rows.select(*keys, append=False, copy=False)
        return rows.having(*[part.copy() for part in plain], copy=False) if plain else rows
    if _stops_early(call, query):
        return _limited(call, query, keys)
    return _rows(call, query).select(*keys, append=False, copy=False)


def _of_groups(call: exp.Expr, keys: list[exp.Expr], query: exp.Select) -> bool:
    """Whether a call is asked about groups rather than rows."""
    if _clause(call, query) in ("from_", "joins", "where"):
        return False
    grouped = query.args.get("group")
    by = {expression.sql("duckdb") for expression in grouped.expressions} if grouped else set()
    sources = {part.this.alias_or_name for part in (query.args.get("from_"), *(query.args.get("joins") or [])) if part}
    columns = [column for key in keys for column in key.find_all(exp.Column)]
    own = [column for column in columns if column.parent_select is None or column.table in sources]
    aggregated = any(node.find_ancestor(exp.Select) is None for key in keys for node in key.find_all(exp.AggFunc))
    return aggregated or (bool(by) and all(column.sql("duckdb") in by for column in own))


def _stops_early(call: exp.Expr, query: exp.Select) -> bool:
    """Whether only the rows that LIMIT keeps need a value."""
    if not query.args.get("limit") or query.args.get("group") or query.args.get("distinct") or query.args.get("having"):
        return False
    if _clause(call, query) != "expressions" or any(call.find_ancestor(kind) for kind in _UNKNOWN):
        return False
    parts = [query.args.get(name) for name in ("order", "where", "qualify", "limit", "offset")]
    aggregated = any(projection.find(exp.AggFunc) for projection in query.selects)
    return not aggregated and not _sorts_by_asking(query) and all(is_plain(part) for part in parts if part is not None)


def _sorts_by_asking(query: exp.Select) -> bool:
    """Whether ORDER BY names an output, or its place, that an LM call stands in."""
    asking = {str(place): output.alias_or_name for place, output in enumerate(query.selects, 1) if not is_plain(output)}
    names = {name.casefold() for name in asking.values()}
    order = query.args.get("order")
    items = order.expressions if order is not None else []
    by_place = any(isinstance(item.this, exp.Literal) and item.this.this in asking for item in items)
    columns = [column for item in items for column in item.find_all(exp.Column) if not column.table]
    return by_place or any(column.name.casefold() in names for column in columns)


def _limited(call: exp.Expr, query: exp.Select, keys: list[exp.Expr]) -> exp.Select:
    """The rows that LIMIT keeps. The query's own outputs stay, since ORDER BY may name them."""
    needed = guards(call, query)
    rows = query.copy()
    rows.set("with_", None)
    for node in [node for node in rows.walk() if is_call(node)]:
        if node.parent is not None:
            node.replace(exp.Null())
    if needed:
        taken = exp.and_(*[guard.copy() for guard in needed])
        keys = [exp.alias_(exp.Case(ifs=[exp.If(this=taken.copy(), true=key.this)]), key.alias) for key in keys]
    rows = rows.select(*keys)
    names = key_names(len(keys))
    return exp.select(*names).from_(exp.Subquery(this=rows, alias=exp.TableAlias(this=exp.to_identifier("__kept"))))


def _rows(node: exp.Expr, query: exp.Select) -> exp.Select:
    """The rows of a query that reach a node in it: FROM, JOINs, and the conditions that are known."""
    joins = query.args.get("joins") or []
    clause = _clause(node, query)
    if clause == "joins":
        index = next(i for i, join in enumerate(joins) if any(part is node for part in join.walk()))
        return _joined(query, joins, index, node)
    where = query.args.get("where")
    plain = [part for part in (conjuncts(where.this) if where else []) if is_plain(part)]
    return source_of(query, [*plain, *guards(node, query)])


def source_of(query: exp.Select, conditions: Sequence[exp.Expr]) -> exp.Select:
    """The rows of a query's FROM and joins that pass conditions, without outputs."""
    joins = [join.copy() for join in query.args.get("joins") or []]
    rows = exp.Select(from_=_copied(query.args.get("from_")), joins=joins)
    return rows.where(*[condition.copy() for condition in conditions], copy=False) if conditions else rows


def _joined(query: exp.Select, joins: list[exp.Join], index: int, node: exp.Expr) -> exp.Select:
    """The pairs of rows that a call in a join's condition is asked about."""
    join = joins[index].copy()
    on = joins[index].args.get("on")
    plain = [part.copy() for part in (conjuncts(on) if on is not None else []) if is_plain(part)]
    needed = [guard.copy() for guard in guards(node, query)]
    for part in ("side", "kind", "method", "on", "using"):
        join.set(part, None)
    if plain or needed:
        join.set("on", exp.and_(*plain, *needed))
    else:
        join.set("kind", "CROSS")
    return exp.Select(from_=_copied(query.args["from_"]), joins=[*(one.copy() for one in joins[:index]), join])


def guards(node: exp.Expr, query: exp.Select) -> list[exp.Expr]:
    """Conditions without which a node's value cannot matter: the other sides of AND and OR, the branches of CASE."""
    found: list[exp.Expr] = []
    child, parent = node, node.parent
    while parent is not None and parent is not query:
        if isinstance(parent, (*_UNKNOWN, exp.Query)):
            break
        if isinstance(parent, exp.And) and _is_conjunction(parent):
            break  # the other sides are conditions of the rows already
        found.extend(_guard(parent, child))
        child, parent = parent, parent.parent
    return found


def _is_conjunction(node: exp.Expr) -> bool:
    """Whether an AND is one that a whole WHERE or ON is made of."""
    while isinstance(node.parent, exp.And):
        node = node.parent
    return isinstance(node.parent, (exp.Where, exp.Join))


def _guard(parent: exp.Expr, child: exp.Expr) -> Iterator[exp.Expr]:
    """The conditions that a parent sets for a child's value to matter, as far as plain SQL can tell them."""
    if isinstance(parent, (exp.And, exp.Or)):
        other = parent.expression if parent.this is child else parent.this
        decided = exp.false() if isinstance(parent, exp.And) else exp.true()
        if _tells(other):
            yield _is_not(other, decided)
    elif isinstance(parent, exp.If) and parent.args.get("true") is child and _searched(parent):
        if _tells(parent.this):
            yield exp.Is(this=exp.Paren(this=parent.this.copy()), expression=exp.true())
    elif isinstance(parent, exp.Case) and not parent.this:
        for branch in parent.args.get("ifs") or []:
            if branch is child:
                break
            if _tells(branch.this):
                yield _is_not(branch.this, exp.true())


def _searched(branch: exp.If) -> bool:
    """Whether a branch's condition is a truth value, not a value that CASE compares with."""
    return not (isinstance(branch.parent, exp.Case) and branch.parent.this)


def _is_not(condition: exp.Expr, value: exp.Expr) -> exp.Expr:
    return exp.Not(this=exp.Is(this=exp.Paren(this=condition.copy()), expression=value))


def _tells(condition: exp.Expr) -> bool:
    """Whether plain SQL over a row can tell a condition."""
    return is_plain(condition) and not condition.find(*_UNKNOWN)


def conjuncts(condition: exp.Expr) -> list[exp.Expr]:
    return list(condition.flatten()) if isinstance(condition, exp.And) else [condition]


def is_plain(node: exp.Expr) -> bool:
    """Whether no LM call still to be asked stands in it."""
    return not any(is_call(part) for part in node.walk())


def _clause(node: exp.Expr, query: exp.Select) -> str:
    return _place(node, query).arg_key or ""


def _place(node: exp.Expr, query: exp.Expr) -> exp.Expr:
    """The node itself, or what holds it, directly under a query."""
    while node.parent is not None and node.parent is not query:
        node = node.parent
    return node


def _copied(node: exp.Expr | None) -> exp.Expr | None:
    return node.copy() if node is not None else None


def _free_tables(query: exp.Expr) -> set[str]:
    """Tables that a query names in its columns and has nowhere in it."""
    known = {source.alias_or_name for source in query.find_all(exp.Table, exp.Subquery, exp.CTE, exp.Lateral)}
    return {column.table for column in query.find_all(exp.Column) if column.table} - known


def with_ctes(query: exp.Select, call: exp.Expr) -> exp.Select:
    """A query with the WITH clauses that are in force where a call stands."""
    found: dict[str, exp.Expr] = {}
    recursive = False
    child, parent = call, call.parent
    while parent is not None:
        if isinstance(parent, exp.With):
            found = {cte.alias: cte.copy() for cte in parent.expressions[: parent.expressions.index(child)]} | found
        else:
            with_ = parent.args.get("with_")
            if with_ is not None and with_ is not child:
                found = {cte.alias: cte.copy() for cte in with_.expressions} | found
                recursive = recursive or bool(with_.args.get("recursive"))
        child, parent = parent, parent.parent
    if found:
        query.set("with_", exp.With(expressions=list(found.values()), recursive=recursive))
    return query
