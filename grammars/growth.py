"""growth: a program cannot build texts vastly longer than the cells it reads.

The database's memory limit is not asked while one function fills one value, so ``repeat('x', 1500000000)`` would take
gigabytes and seconds that nothing can interrupt. How much longer than its inputs a text can become is read off the
program: each function that makes texts longer has a factor, and since they may feed one another, in whatever order,
the product of them all bounds the growth. A recursive query may add as much to a text each time round, since its rows
are kept and the memory limit holds for them; but not make it a multiple of what it was, which passes any limit at once.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from sqlglot import exp

from grammars.errors import Complaint
from grammars.program import Program
from grammars.schema import Schema
from grammars.sql import span_of

LIMIT = 65_536
_WIDTH = re.compile(r"%[-+ 0#,]*(\d+|\*)?(?:\.(\d+|\*))?|\{:?[^}]*?(\d+)?(?:\.(\d+))?[a-z]?\}")


def bound(program: Program, schema: Schema) -> Program | tuple[Complaint, ...]:
    """The program, if the texts it builds are at most ``LIMIT`` times as long as its longest cell or literal."""
    doubled = next((node for cte in program.tree.find_all(exp.CTE) for node in _multiplied(cte)), None)
    if doubled is not None:
        message = "each time round, this recursion makes its texts several times as long"
        return (Complaint("growth", message, "add a text of its own each time, not the same twice", span_of(doubled)),)
    factors = [(factor, node) for node in program.tree.walk() if (factor := _factor(node)) > 1]
    if sum(math.log2(factor) for factor, _ in factors) <= math.log2(LIMIT):
        return program
    _, worst = max(factors, key=lambda pair: pair[0])
    message = f"the texts that this program builds may become over {LIMIT:,} times as long as its cells"
    hint = "repeat and pad by a small number; do not nest functions that make texts longer"
    return (Complaint("growth", message, hint, span_of(worst)),)


def _multiplied(cte: exp.CTE) -> Iterator[exp.Expr]:
    """Where a recursive query makes a text of the round before several times as long."""
    clause, union = cte.parent, cte.this
    if not (clause and clause.args.get("recursive") and isinstance(union, exp.Union)):
        return
    named = cte.args["alias"].columns or union.this.unnest().expressions
    names = {
        each.name.casefold() if isinstance(each, exp.Identifier) else each.alias_or_name.casefold() for each in named
    }
    for node in union.expression.walk():
        held = [column.name.casefold() for column in node.find_all(exp.Column) if column.name.casefold() in names]
        if isinstance(node, _JOINING):
            grows = len(held) > len(set(held))
        else:
            grows = bool(held) and isinstance(node, _REPEATING) and _factor(node) > 1
        if grows:
            yield node


_JOINING = (exp.DPipe, exp.Concat, exp.ConcatWs)
_REPEATING = (exp.Repeat, exp.Replace, exp.RegexpReplace, exp.Hex)


def _factor(node: exp.Expr) -> float:
    """How many times longer than its longest input a node's text may be."""
    if isinstance(node, exp.DPipe):
        return 1 if isinstance(node.parent, exp.DPipe) else len(list(node.flatten()))
    if isinstance(node, (exp.Concat, exp.ConcatWs)):
        return max(1, 2 * len(node.expressions))
    if isinstance(node, (exp.Replace, exp.RegexpReplace)):
        return _replacement(node)
    if isinstance(node, exp.Repeat):
        return _number(node.args.get("times"))
    if isinstance(node, exp.Pad):
        return _number(node.expression)
    if isinstance(node, exp.Hex):
        return 2
    if isinstance(node, exp.Format):
        sets_thousands = not isinstance(node.this, exp.Literal) and len(node.expressions) == 1
        return _number(node.expressions[0]) + 2 if sets_thousands else _format([node.this, *node.expressions])
    if isinstance(node, exp.Anonymous) and node.name.lower() in ("printf", "format"):
        return _format(node.expressions)
    return 1


def _replacement(node: exp.Expr) -> float:
    """As long as the new text is beside the one it replaces; a pattern may match the empty text."""
    new = node.args.get("replacement")
    old = node.expression
    if new is None:
        return 1
    if not isinstance(new, exp.Literal):
        return LIMIT / 64
    replaced = len(old.name) if isinstance(old, exp.Literal) and isinstance(node, exp.Replace) else 1
    return max(1, math.ceil(len(new.name) / max(1, replaced)) + (0 if isinstance(node, exp.Replace) else 1))


def _format(arguments: list[exp.Expr]) -> float:
    """The widest field of a format, over as many fields as it has."""
    template = arguments[0] if arguments else None
    if not isinstance(template, exp.Literal):
        return math.inf
    widths = [part for field in _WIDTH.findall(template.name) for part in field if part]
    if "*" in widths:
        return math.inf
    return len(arguments) + sum(float(width) for width in widths)


def _number(node: exp.Expr | None) -> float:
    """A literal number; anything else may be any."""
    return float(node.name) if isinstance(node, exp.Literal) and not node.is_string else math.inf
