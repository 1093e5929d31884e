"""The order of LM conditions: the one that leaves the fewest rows for what it costs is asked first.

How often a condition holds is learned from its replies, and remembered for as long as an engine lives. It costs
those of its inputs that are not known already. Independent conditions send the fewest inputs when they are asked by
rising cost for each row that they rule out (Hellerstein and Stonebraker, "Predicate Migration", SIGMOD 1993).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from binder.inputs import conjuncts, is_plain
from grammars.calls import is_call, read_call

Filter = tuple[str, str]

VALUE = "value"  # the column of a reply table that holds what the LM said


@dataclass
class Selectivity:
    """What is known of LM conditions, by question and by the test on the reply.

    Attributes:
        seen: How often each was seen to hold, of how many inputs.
        unknown: The share of each one's inputs that would have to be asked; all of them where it is not here.
    """

    seen: dict[Filter, tuple[int, int]] = field(default_factory=dict)
    unknown: Mapping[Filter, float] = field(default_factory=dict)

    def note(self, question: str, truth: str, held: int, of: int) -> None:
        """Remember that a condition held for so many of so many distinct inputs."""
        self.seen[question, truth] = held, of

    def of(self, question: str, truth: str) -> float:
        """The share of inputs that a condition is expected to hold for: a half while nothing is known (Laplace).

        Example:
            >>> Selectivity({("big?", "value = 'yes'"): (8, 8)}).of("big?", "value = 'yes'")
            0.9
        """
        held, of = self.seen.get((question, truth), (0, 0))
        return (held + 1) / (of + 2)

    def cost(self, question: str, truth: str) -> float:
        """What asking a condition costs for each input that it rules out, in inputs."""
        return self.unknown.get((question, truth), 1.0) / (1 - self.of(question, truth))


def arrange(tree: exp.Expr, selectivity: Selectivity) -> bool:
    """Put the parts of every WHERE in the order of asking, in place: plain SQL, then conditions whose calls stand in
    queries of their own, then this query's maps, the cheapest for what they rule out first.

    Returns:
        Whether there was a choice between LM conditions.
    """
    chosen = False
    for where in list(tree.find_all(exp.Where)):
        tests = conjuncts(where.this)
        ranks = [_rank(test, selectivity) for test in tests]
        if sum(rank[0] == 2 for rank in ranks) > 1:
            chosen = True
        order = sorted(range(len(tests)), key=ranks.__getitem__)
        if order != list(range(len(tests))):
            where.set("this", exp.and_(*[tests[index].copy() for index in order]))
    return chosen


def truth_of(call: exp.Expr) -> str | None:
    """The test of a call's ``value`` that the query filters by, or None where more than the value decides.

    Example:
        ``LOWER(QA_MAP('big?', "w"."city")) = 'yes'`` gives ``LOWER(value) = 'yes'``.
    """
    test = call
    while test.parent is not None and not isinstance(test.parent, exp.Query):
        if isinstance(test.parent, exp.Where) or (isinstance(test.parent, exp.And) and _is_top(test.parent)):
            break
        test = test.parent
    if not isinstance(test.parent, (exp.Where, exp.And)) or test is call:
        return None
    call.meta["judged"] = True
    judged = test.copy()
    del call.meta["judged"]
    place = next(node for node in judged.walk() if node.meta.get("judged"))
    place.replace(exp.column(VALUE))
    columns = [column for column in judged.find_all(exp.Column) if column.name != VALUE or column.table]
    return judged.sql("duckdb") if not columns and not judged.find(exp.Query) and is_plain(judged) else None


def _is_top(node: exp.Expr) -> bool:
    """Whether an AND is one that a whole WHERE is made of."""
    while isinstance(node.parent, exp.And):
        node = node.parent
    return isinstance(node.parent, exp.Where)


def _rank(test: exp.Expr, selectivity: Selectivity) -> tuple[int, float]:
    calls = [node for node in test.walk() if is_call(node)]
    if not calls:
        return 0, 0.0
    query = test.find_ancestor(exp.Select)
    if any(not read_call(call).per_row or call.find_ancestor(exp.Select) is not query for call in calls):
        return 1, 0.0
    truth = truth_of(calls[0]) if len(calls) == 1 else None
    return 2, 2.0 if truth is None else selectivity.cost(read_call(calls[0]).question, truth)
