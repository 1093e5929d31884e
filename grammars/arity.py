"""arity: the functions that sqlglot knows by name alone are given as many arguments as they take.

The parser counts the arguments of the functions that it has classes for; DuckDB counts those of functions that reach
it as they stand. What is left are functions that ``functions`` rewrites by their name.
"""

from __future__ import annotations

from sqlglot import exp

from grammars.errors import Complaint
from grammars.program import Program
from grammars.schema import Schema
from grammars.sql import span_of

_MANY = 100
_TAKES: dict[str, tuple[int, int]] = {
    "strftime": (1, _MANY),
    "printf": (1, _MANY),
    "age": (1, 2),
    "div": (2, 2),
    "field": (2, _MANY),
    "weekday": (1, 1),
    "adddate": (2, 2),
    "subdate": (2, 2),
    "date_format": (2, 2),
    "to_date": (1, 2),
    "from_unixtime": (1, 2),
    "date_diff": (2, 3),
    "timestampdiff": (3, 3),
    "date_part": (2, 2),
    "datepart": (2, 2),
    "total": (1, 1),
    "mid": (2, 3),
    "octet_length": (1, 1),
    "likely": (1, 1),
    "unlikely": (1, 1),
    "isnull": (1, 1),
    "quote": (1, 1),
}
_ONE_AT_LEAST = (exp.Initcap, exp.Timestamp)  # classes whose parser lets them stand without any


def count(program: Program, schema: Schema) -> Program | tuple[Complaint, ...]:
    """The program, if its functions are given as many arguments as they take; else a complaint for each that is not.

    Example:
        >>> from grammars.sql import parse
        >>> tree = parse("SELECT date_part(x)", Schema(())).tree
        >>> [one.message for one in count(Program("", "", tree), Schema(()))]
        ['DATE_PART takes 2 arguments and is given 1']
    """
    return tuple(filter(None, map(_complaint, program.tree.find_all(exp.Anonymous, *_ONE_AT_LEAST)))) or program


def _complaint(node: exp.Expr) -> Complaint | None:
    if isinstance(node, _ONE_AT_LEAST):
        name, given, (least, most) = node.sql_name(), int(node.this is not None), (1, _MANY)
    else:
        name, given = node.name.upper(), len(node.expressions)
        least, most = _TAKES.get(node.name.lower(), (0, _MANY))
    if least <= given <= most:
        return None
    takes = f"{least} or more" if most == _MANY else str(least) if least == most else f"{least} to {most}"
    told = f"{name} takes {takes} argument{'s' * (takes != '1')} and is given {given}"
    return Complaint("arity", told, "give it as many, in the order that SQLite or MySQL takes them", span_of(node))
