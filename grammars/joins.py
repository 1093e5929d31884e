"""NATURAL and USING spelled out as conditions, so that hidden columns take no part in them."""

from __future__ import annotations

from sqlglot import exp

from .compare import compare
from .scope import Output, Scope, Source
from .values import typed


def same_name(one: str, other: str) -> bool:
    """Whether two names are the same, case ignored."""
    return one.casefold() == other.casefold()


def spell_out(join: exp.Join, before: list[tuple[Source, Output]], scope: Scope) -> bool:
    """Give a NATURAL or USING join its condition, and merge its columns in the scope.

    Args:
        join: The join, its source already the scope's last.
        before: The columns of the sources to its left.
        scope: The names of its SELECT.

    Returns:
        Whether it was such a join.
    """
    here = scope.sources[-1]
    natural = join.method == "NATURAL"
    names = [name.name for name in join.args.get("using") or []]
    if natural:
        names = [output.name for output in here.outputs if any(same_name(output.name, left.name) for _, left in before)]
        join.set("method", None)
    tests = [test for name in names if (test := _merge(name, join, before, scope)) is not None]
    if natural or names:
        join.set("using", None)
        join.set("on", exp.and_(*tests, copy=False) if tests else exp.Boolean(this=True))
    return natural or bool(names)


def _merge(name: str, join: exp.Join, before: list[tuple[Source, Output]], scope: Scope) -> exp.Expr | None:
    """Make two columns of one name one, and tell the condition that they are equal."""
    right = scope.sources[-1].resolve(name)
    left = scope.merged.get(name.casefold())
    left = left or next((source.column(output) for source, output in before if same_name(output.name, name)), None)
    if left is None or right is None:
        return None
    either = typed(exp.Coalesce(this=left.copy(), expressions=[right.copy()]), left.type)
    scope.merged[name.casefold()] = either if join.side in ("RIGHT", "FULL") else left.copy()
    return compare(exp.EQ, left.copy(), right)
