"""optimise: a program's tree rewritten so that fewer rows reach its LM calls; what it gives stays the same.

Each rule takes a translated tree and changes it in place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlglot import exp

from binder.inputs import conjuncts, is_plain, source_of
from grammars.clauses import has_rows, is_grouped, looks_outside
from grammars.toprow import HELPER

Rule = Callable[[exp.Expr], None]


def optimise(tree: exp.Expr) -> None:
    """Apply every rule to a tree that holds LM calls."""
    if not is_plain(tree):
        for rule in RULES:
            rule(tree)


def push_conditions(tree: exp.Expr) -> None:
    """A condition on what a subquery in FROM passes on as it is holds inside it too, before its LM calls.

    Example:
        ``SELECT v FROM (SELECT QA_MAP(…) AS v, n FROM w) AS d WHERE d.n > 0`` asks about rows with ``n > 0`` only.
    """
    for query in list(tree.find_all(exp.Select)):
        where = query.args.get("where")
        inner = _passing(query)
        if where is None or inner is None:
            continue
        alias, derived = inner
        outputs = {output.alias_or_name: output.unalias() for output in derived.selects}
        for test in conjuncts(where.this):
            if _is_about(test, alias, outputs):
                derived.where(_inside(test, outputs), copy=False)


def narrow_members(tree: exp.Expr) -> None:
    """``x IN (SELECT g …)`` beside plain conditions: only values of ``g`` that ``x`` takes in the rows left matter.

    Example:
        ``WHERE a.n > 5 AND a.x IN (SELECT b.g FROM b WHERE QA_MAP(…) = 'yes')`` asks about rows of ``b`` whose ``g`` is
        ``x`` of a row with ``n > 5``.
    """
    for member in list(tree.find_all(exp.In)):
        query, outer = _queried(member), member.find_ancestor(exp.Select)
        if (
            query is None
            or outer is None
            or is_plain(query)
            or looks_outside(outer)
            or not _is_condition(member, outer)
        ):
            continue
        plain = [test for test in conjuncts(outer.args["where"].this) if is_plain(test)]
        value = query.selects[0].unalias()
        if plain and is_plain(member.this) and is_plain(value) and not member.this.find(exp.Query):
            taken = source_of(outer, plain).select(member.this.copy())
            taken_here = exp.In(this=value.copy(), query=taken.subquery())
            taken_here.meta[HELPER] = True
            query.where(taken_here, copy=False)


RULES: tuple[Rule, ...] = (push_conditions, narrow_members)


def _passing(query: exp.Select) -> tuple[str, exp.Select] | None:
    """The subquery that a query reads in FROM, and its alias, if its rows are passed on one by one."""
    from_ = query.args.get("from_")
    source = from_.this if from_ is not None else None
    derived = source.this if isinstance(source, exp.Subquery) and source.alias else None
    if not isinstance(derived, exp.Select) or is_plain(derived) or not _is_row_by_row(derived):
        return None
    outer_joined = any(join.side in ("RIGHT", "FULL") for join in query.args.get("joins") or [])
    return None if outer_joined or source is None else (source.alias, derived)


def _is_row_by_row(query: exp.Select) -> bool:
    """Whether leaving rows out before leaves out just their own outputs."""
    cut = any(query.args.get(name) for name in ("limit", "offset", "distinct", "qualify"))
    return has_rows(query) and not cut and not is_grouped(query) and not query.find(exp.Window)


def _is_about(test: exp.Expr, alias: str, outputs: dict[str, exp.Expr]) -> bool:
    """Whether a condition is about columns of one table's rows, passed on by a subquery."""
    columns = list(test.find_all(exp.Column))
    passed = all(isinstance(outputs.get(column.name), exp.Column) and column.table == alias for column in columns)
    return bool(columns) and passed and is_plain(test) and not test.find(exp.Query)


def _inside(test: exp.Expr, outputs: dict[str, exp.Expr]) -> exp.Expr:
    """A condition on a subquery's outputs, as one on its rows."""
    return test.copy().transform(
        lambda node: outputs[node.name].copy() if isinstance(node, exp.Column) else node, copy=False
    )


def _queried(member: exp.In) -> exp.Select | None:
    """The query after IN, if it passes on values of its rows one by one and names nothing around it."""
    query = member.args.get("query")
    query = query.unnest() if query is not None else None
    if not isinstance(query, exp.Select) or len(query.selects) != 1:
        return None
    return query if _is_row_by_row(query) and not looks_outside(query) else None


def _is_condition(node: exp.Expr, query: exp.Select) -> bool:
    """Whether a node is a part of a query's WHERE that every row must pass."""
    where = query.args.get("where")
    return where is not None and any(test is node for test in _unwrapped(where.this))


def _unwrapped(condition: exp.Expr) -> Iterator[exp.Expr]:
    for test in conjuncts(condition):
        yield test.unnest()
