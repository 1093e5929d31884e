"""constrain: the Binder-SQL language over one schema as a decoder grammar.

GBNF, as llama.cpp and servers built on it take it in the ``grammar`` field of a request: a model held to it can only
write a query over the schema's tables and columns, with allowed functions. A grammar without context cannot follow
scopes, so the names that a query may give come from a short list, and what they stand for is left to ``check``; so are
kinds and the number of a function's arguments. Keywords are in capitals, as in the worked examples.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from sqlglot import exp

from grammars.safety import ALLOWED, ALLOWED_FUNCTIONS
from grammars.schema import Schema

_KEYWORDS = frozenset(
    """
    ALL AND AS ASC BETWEEN BY CASE CAST CROSS DESC DISTINCT ELSE END EXCEPT EXISTS FROM GROUP HAVING IN INNER INTERSECT
    IS JOIN LEFT LIKE LIMIT NOT NULL OFFSET ON OR ORDER OVER PARTITION SELECT THEN UNION WHEN WHERE WITH
    """.split()
)

# ``s`` is a space that must be there, ``o`` one that may; a second one would let a model go on with nothing but spaces.
_LANGUAGE = r'''
root ::= query | ask
query ::= ("WITH" s cte ("," o cte)* s)? select (s set s select)* (s order)? (s limit)?
cte ::= given s "AS" s "(" query ")"
set ::= "UNION ALL" | "UNION" | "EXCEPT" | "INTERSECT"
select ::= "SELECT" s ("DISTINCT" s)? item ("," o item)* (s from (s where)? (s group)?)?
item ::= "*" | given ".*" | expr (s "AS" s given)?
from ::= "FROM" s source ("," o source | s join)*
source ::= (table | given | "(" query ")") (s ("AS" s)? given)?
join ::= ("LEFT " | "INNER " | "CROSS ")? "JOIN" s source (s "ON" s expr)?
where ::= "WHERE" s expr
group ::= "GROUP BY" s exprs (s "HAVING" s expr)?
order ::= "ORDER BY" s key ("," o key)*
key ::= expr (s ("ASC" | "DESC"))?
limit ::= "LIMIT" s [0-9]+ (s "OFFSET" s [0-9]+)?
exprs ::= expr ("," o expr)*
expr ::= test (s ("AND" | "OR") s test)*
test ::= ("NOT" s)? sum ((o compare o sum)* | s "IS" s ("NOT" s)? "NULL" | s ("NOT" s)? among)
compare ::= "=" | "==" | "<>" | "!=" | "<" | "<=" | ">" | ">="
among ::= "LIKE" s sum | "BETWEEN" s sum s "AND" s sum | "IN" o "(" (query | exprs) ")"
sum ::= value (o sign o value)*
sign ::= "+" | "-" | "*" | "/" | "%" | "||"
constant ::= "-"? [0-9]+ ("." [0-9]+)? | "'" ([^'\n] | "''")* "'" | "NULL"
value ::= constant | name | call | ask | case | cast | ("EXISTS" o)? "(" query ")" | "(" exprs ")"
name ::= ((table | given) ".")? (column | given)
call ::= function "(" ("*" | ("DISTINCT" s)? exprs)? ")" (s "OVER" o "(" over ")")?
over ::= ("PARTITION BY" s exprs)? (s? order)?
case ::= "CASE" s (sum s)? ("WHEN" s expr s "THEN" s expr s)+ ("ELSE" s expr s)? "END"
cast ::= "CAST(" expr s "AS" s ("INTEGER" | "REAL" | "TEXT" | "DATE") ")"
ask ::= "QA(\"" ("map" | "ans") "@" [^"\n]+ "\"" (";" s expr)* ")"
given ::= [a-ct] [1-9]? | "cnt" | "val"
s ::= [ \n]
o ::= [ \n]?
'''


def grammar_of(schema: Schema) -> str:
    """The GBNF of programs over a schema.

    Args:
        schema: The tables; their names and those of their columns are all that programs may refer to.

    Example:
        >>> from grammars.schema import Column, Kind, TableSchema
        >>> w = TableSchema("w", (Column("height (m)", Kind.INTEGER, "BIGINT"),))
        >>> print(grammar_of(Schema((w,))).splitlines()[-2])
        column ::= "height_m" | "`height (m)`" | "\\"height (m)\\"" | "row_id"
    """
    tables = [table.name for table in schema] + ["w"] * (len(schema.tables) == 1)
    columns = [name for table in schema for name in (*(column.name for column in table.columns), table.row_id)]
    rules = {"table": _spellings(tables), "column": _spellings(columns), "function": _functions()}
    return _LANGUAGE.strip() + "\n" + "".join(f"{rule} ::= {_any_of(texts)}\n" for rule, texts in rules.items())


def _spellings(names: Iterable[str]) -> Iterator[str]:
    """Every name as a query may write it: as a plain word, in any of its spellings that is one, or in quotes."""
    for name in names:
        joined = re.sub(r"\W+", "_", name).strip("_")
        for word in (spelling(name) for name in (name, joined) for spelling in (str, str.lower, str.upper)):
            if re.fullmatch(r"[A-Za-z_]\w*", word) and word.upper() not in _KEYWORDS:
                yield word
        yield "`" + name.replace("`", "``") + "`"
        yield '"' + name.replace('"', '""') + '"'


def _functions() -> Iterator[str]:
    """Every allowed function's names, in capitals and in small letters."""
    classes = (getattr(exp, name, None) for name in ALLOWED)
    known = [cls for cls in classes if isinstance(cls, type) and issubclass(cls, exp.Func) and cls is not exp.Exists]
    names = {name.lower() for cls in known for name in cls.sql_names()} | ALLOWED_FUNCTIONS
    for name in sorted(names - {"case", "cast", "try_cast", "and", "or", "xor", "exists", "qa_map", "qa_ans"}):
        yield from (name.upper(), name)


def _any_of(texts: Iterable[str]) -> str:
    return " | ".join(dict.fromkeys(map(_literal, texts)))


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + re.sub(r"[\x00-\x1f]", lambda found: f"\\x{ord(found[0]):02X}", escaped) + '"'
