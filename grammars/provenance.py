"""The rows of the tables that each row of a query came from, gathered by the query itself.

Every query on the way gets one more output, the list of its rows' codes, as ``spelling`` adds companions: what the
query gives and its order stay what they were. The rule, clause by clause:

- FROM: a row of a table is itself; a row of a join is a row of each side; a subquery and a WITH table pass on theirs.
  WHERE, LIMIT and what else leaves rows out leave theirs out.
- A group is all of its rows; where MIN, MAX and bare columns are all that is aggregated, the rows that hold these.
- DISTINCT and UNION: every row that gives the value; UNION ALL: each side's; EXCEPT: the left side's; INTERSECT: both.
- A subquery in an expression adds its rows; in IN, those that equal the value. In WHERE, HAVING, ON or ORDER BY it only
  decides about rows: its own are marked as compared with. One that is the same for every row is gathered once, apart.

What a window function looks at beside its own row is not gathered. A recursive query cannot be told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlglot import exp

from .clauses import is_grouped, looks_outside
from .codes import each_code, function, joined, named, of_group, of_rows
from .schema import Schema
from .spelling import read_sources
from .toprow import HELPER

ROWS = ":rows"
"""The output that holds the codes."""

_PLACE = ":place"
_With = tuple[exp.Expr, ...]


class Untold(Exception):
    """It cannot be told which rows a query's rows came from; the text says why."""


def with_rows(tree: exp.Expr, schema: Schema) -> tuple[exp.Expr, tuple[exp.Expr, ...]]:
    """A translated query with one more output: a list of codes of the rows that its row came from.

    The code of row ``r`` of the table that is number ``k`` of ``n`` in the schema is ``r * n + k + 1``; it is negative
    where a condition compared with the row. Codes may repeat, and be NULL.

    Args:
        tree: A query as ``translate`` returns it, LM calls answered. It is not changed.
        schema: Its tables.

    Returns:
        The query; and queries whose only output is such a list, of rows that every row came from.

    Raises:
        Untold: It cannot be told.

    Example:
        ``SELECT "w"."name" FROM "w"`` becomes ``SELECT "w"."name", [("w"."row_id" * 1) + 1] AS ":rows" FROM "w"``.
    """
    holder = exp.Subquery(this=tree.copy())
    traced = _Traced(schema, [])
    traced.query(holder.this, ())
    return holder.this, tuple(traced.apart)


class _Traced:
    """One query being given its rows' codes.

    Args:
        schema: The tables.
        apart: Gets the queries that are the same for every row.
        compared: Whether the query only decides about rows.
    """

    def __init__(self, schema: Schema, apart: list[exp.Expr], compared: bool = False) -> None:
        self.schema = schema
        self.apart = apart
        self.compared = compared

    def query(self, node: exp.Expr, known: _With) -> None:
        """Give a query, in its place in the tree, the output.

        Args:
            node: The query.
            known: The WITH tables in reach; they have the output.
        """
        known = self._with(node, known)
        if isinstance(node, exp.Subquery):
            self.query(node.this, known)
        elif isinstance(node, exp.Select) and node.args.get("distinct") is None:
            self._select(node, known)
        elif isinstance(node, exp.Select):
            whole = node.copy()
            for clause in ("distinct", "order", "limit", "offset", "with_"):
                whole.set(clause, None)
            self._matched(node, [whole], known)
        elif isinstance(node, exp.Union) and not node.args.get("distinct"):
            self.query(node.this, known)
            self.query(node.expression, known)
        elif isinstance(node, exp.SetOperation):
            sides = [node.this] if isinstance(node, exp.Except) else [node.this, node.expression]
            self._matched(node, [side.copy() for side in sides], known)
        else:
            raise Untold(f"it is not known which rows {node.key.upper()} gives")

    def _with(self, node: exp.Expr, known: _With) -> _With:
        clause = node.args.get("with_")
        if clause is None:
            return known
        if clause.args.get("recursive"):
            raise Untold("a recursive query does not say which rows its rows came from")
        for cte in clause.expressions:
            self.query(cte.this, known)
            _list_rows(cte.args["alias"])
            known = (*known, cte)
        return known

    def _select(self, select: exp.Select, known: _With) -> None:
        own = self._of_sources(select, known)
        each, after = list(own), list[exp.Expr]()
        for name, part in _parts(select):
            for query in self._read_in(part, known):
                compared = bool(own) and name != "expressions"
                rows = _Traced(self.schema, self.apart, self.compared or compared).of_subquery(query, known)
                if not looks_outside(query) and not isinstance(query.parent, exp.In):
                    self._gather_apart(rows, known)  # beside each row, they would be as many times as there are rows
                    continue
                aggregated = isinstance(query.find_ancestor(exp.AggFunc, exp.Select), exp.AggFunc)
                (each if name in _ROW_BY_ROW or aggregated else after).append(rows)
        if is_grouped(select):
            each = [of_group(select, joined(each), frozenset(table.row_id for table in self.schema))]
        select.append("expressions", exp.alias_(joined([*each, *after]), ROWS, quoted=True))

    def _of_sources(self, select: exp.Select, known: _With) -> list[exp.Expr]:
        """The codes that each thing after FROM gives."""
        found: list[exp.Expr] = []
        for source in list(read_sources(select)):
            if isinstance(source, exp.Table) and source.name.casefold() not in _names(known):
                found.extend(self._code(source))
            elif isinstance(source, exp.Table | exp.Subquery):
                if isinstance(source, exp.Subquery):
                    self.query(source.this, known)
                if source.args.get("alias"):
                    _list_rows(source.args["alias"])
                found.append(named(ROWS, source.alias_or_name))
        return found

    def _code(self, source: exp.Table) -> Iterator[exp.Expr]:
        for place, table in enumerate(self.schema):
            if table.name == source.name:
                number = named(table.row_id, source.alias_or_name)
                times = exp.Mul(this=number, expression=exp.Literal.number(len(self.schema.tables)))
                yield exp.Array(expressions=[exp.Add(this=times, expression=exp.Literal.number(place + 1))])

    def _read_in(self, part: exp.Expr, known: _With) -> Iterator[exp.Expr]:
        """The queries in an expression that read tables, the outermost."""
        if part.meta.get(HELPER):
            return
        if isinstance(part, exp.Query):
            names = {table.name for table in part.find_all(exp.Table)}
            if any(self.schema.table(name) is not None or name.casefold() in _names(known) for name in names):
                yield part
            return
        for child in part.iter_expressions():
            yield from self._read_in(child, known)

    def _gather_apart(self, rows: exp.Expr, known: _With) -> None:
        gathered = exp.select(exp.alias_(rows, ROWS, quoted=True))
        if known:
            gathered.set("with_", exp.With(expressions=[cte.copy() for cte in known]))
        self.apart.append(gathered)

    def of_subquery(self, query: exp.Expr, known: _With) -> exp.Expr:
        """The codes of a subquery in an expression; in IN, of its rows that equal the value."""
        inner = query.this.copy() if isinstance(query, exp.Subquery) else query.copy()
        values: list[exp.Expr] = []
        if isinstance(query.parent, exp.In):
            value = query.parent.this.unnest()
            values = list(value.expressions) if isinstance(value, exp.Tuple) else [value]
        same = [exp.EQ(this=named(f"c{at}", "_read"), expression=each.copy()) for at, each in enumerate(values)]
        several = isinstance(query.parent, exp.In | exp.Exists | exp.Any | exp.All)
        rows = self._collected(inner, "_read", same, known, several)
        marked = each_code(exp.Neg(this=exp.Abs(this=named("e"))))
        return function("LIST_TRANSFORM", rows, marked) if self.compared else rows

    def _collected(
        self, query: exp.Expr, alias: str, tests: Sequence[exp.Expr], known: _With, several: bool = True
    ) -> exp.Expr:
        """The codes of the rows of a query that pass tests, in one list; its columns are ``c0``, ``c1``, …"""
        names = [*(f"c{at}" for at in range(len(_outputs(query)))), ROWS]
        holder = exp.Subquery(this=query, alias=_alias(alias, names))
        self.query(query, known)
        rows = named(ROWS, alias)  # of one row they need no collecting, which DuckDB may fail at inside a correlation
        collected = exp.select(of_rows(rows) if several else rows).from_(holder)
        return exp.Subquery(this=collected.where(*tests) if tests else collected)

    def _matched(self, node: exp.Expr, sides: Sequence[exp.Expr], known: _With) -> None:
        """Put a query around one whose rows stand for several: what gives the same values on its sides gave them."""
        outputs = _outputs(node)
        names = [f"c{at}" for at in range(len(outputs))]
        codes = [
            self._collected(
                side,
                "_side",
                [exp.NullSafeEQ(this=named(name, "_side"), expression=named(name, "_kept")) for name in names],
                known,
            )
            for side in sides
        ]
        items = [
            exp.alias_(named(name, "_kept"), output.alias_or_name or name, quoted=True)
            for name, output in zip(names, outputs, strict=True)
        ]
        kept = node.copy()
        kept.set("with_", None)
        place = exp.alias_(exp.Window(this=exp.RowNumber()), _PLACE, quoted=True)
        placed = exp.select(exp.Star(), place).from_(exp.Subquery(this=kept, alias=_alias("_placed", names)))
        around = (
            exp.select(*items, exp.alias_(joined(codes), ROWS, quoted=True))
            .from_(exp.Subquery(this=placed, alias=_alias("_kept", [*names, _PLACE])))
            .order_by(named(_PLACE, "_kept"))
        )
        around.set("with_", node.args.get("with_"))
        node.replace(around)


def _names(known: _With) -> set[str]:
    """The names of WITH tables, folded."""
    return {cte.alias.casefold() for cte in known}


_ROW_BY_ROW = ("where", "joins", "group")
_CLAUSES = (*_ROW_BY_ROW, "expressions", "having", "qualify", "order")


def _parts(select: exp.Select) -> Iterator[tuple[str, exp.Expr]]:
    """The expressions of a SELECT, each with its clause; what stands after FROM is none."""
    for name in _CLAUSES:
        value = select.args.get(name)
        for part in value if isinstance(value, list) else [value]:
            inner = part.args.get("on") if isinstance(part, exp.Join) else part
            if inner is not None:
                yield name, inner


def _list_rows(alias: exp.Expr) -> None:
    """Name the output in an alias that lists columns."""
    if alias.args.get("columns"):
        alias.append("columns", exp.to_identifier(ROWS, quoted=True))


def _outputs(query: exp.Expr) -> Sequence[exp.Expr]:
    while not isinstance(query, exp.Select):
        query = query.this
    outputs: Sequence[exp.Expr] = query.expressions
    return outputs


def _alias(name: str, columns: Sequence[str]) -> exp.TableAlias:
    listed = [exp.to_identifier(column, quoted=True) for column in columns]
    return exp.TableAlias(this=exp.to_identifier(name, quoted=True), columns=listed)
