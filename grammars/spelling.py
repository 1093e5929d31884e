"""The cells' own text beside a query's values.

A column is followed from the outputs of a translated query down to the table it comes from: through subqueries and
WITH tables, scalar subqueries, GROUP BY, DISTINCT, MIN and MAX, window functions that look a cell up, and UNION ALL.
Where that column keeps spellings, each query on the way gets one more output, a companion that carries the cell's
spelling; the rows and their order stay what they were. What has no spelling is rendered from its value at the very end,
for the rows that are left.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set

from sqlglot import exp

from .cellrows import CellRow, add_cell_rows
from .clauses import first, group_keys, is_grouped, ordered
from .extremerows import sort_extremes
from .schema import Schema, TableSchema
from .toprow import row_at
from .values import INTEGER, TEXT, bare, cast, function, null, string, typed


def with_spelling(tree: exp.Expr, schema: Schema) -> tuple[exp.Expr, tuple[str | None, ...]]:
    """A translated query with a companion output for each output whose column keeps spellings.

    Args:
        tree: A query as ``translate`` returns it, LM calls answered or not. It is not changed.
        schema: Its tables.

    Returns:
        The query, and for each of its outputs the name of its companion (VARCHAR), or None where the value's plain
        rendering is all there is.

    Example:
        If ``height`` keeps spellings, ``SELECT "w"."height" FROM "w"`` becomes ``SELECT "_0" AS "height",
        COALESCE("_1", CAST("_0" AS TEXT)) AS "height:spelling" FROM (SELECT "w"."height", "w"."height (spelling)" AS
        "height:spelling" FROM "w") AS "_values"("_0", "_1")``, with ``("height:spelling",)``.
    """
    return _spelled(tree.copy(), schema, {})


def with_cells(tree: exp.Expr, schema: Schema) -> tuple[exp.Expr, tuple[str | CellRow | None, ...]]:
    """The same for a query whose rows are the answer, where a companion may number rows instead.

    Returns:
        The query, and for each of its outputs its companion's name, or what it is if it numbers rows, or None.
    """
    tree = tree.copy()
    rows = sort_extremes(tree, schema) or add_cell_rows(tree, schema)
    spelled, companions = _spelled(tree, schema, rows)
    return spelled, tuple(rows.get(position, companion) for position, companion in enumerate(companions))


def _spelled(tree: exp.Expr, schema: Schema, rows: Mapping[int, CellRow]) -> tuple[exp.Expr, tuple[str | None, ...]]:
    """A query with companions for the outputs before those that number rows, and without one."""
    numbers = list(dict.fromkeys(row.name for row in rows.values()))
    outputs = [(item.alias_or_name, item.type) for item in _outputs(tree)]
    outputs = outputs[: len(outputs) - len(numbers)]
    if all(column.spelling is None for table in schema for column in table.columns):
        return tree, (None,) * len(outputs)
    spelled = _Spelled(schema)
    companions = tuple(
        spelled.companion(tree, position) if position not in rows else None for position in range(len(outputs))
    )
    return (_rendered(tree, outputs, companions, numbers) if any(companions) else tree), companions


def _rendered(
    tree: exp.Expr,
    outputs: Sequence[tuple[str, exp.DataType | None]],
    companions: Sequence[str | None],
    numbers: Sequence[str],
) -> exp.Expr:
    """A query with companions, and around it one that puts a value's rendering where there is no spelling.

    Outputs are referred to by place, since two may have one name, as those of a join; no two that were added have.
    """
    names = [item.alias_or_name for item in _outputs(tree)]
    places = [f"_{place}" for place in range(len(names))]
    added = dict(list(zip(names, places, strict=True))[len(outputs) :])
    shown = list(zip(outputs, places[: len(outputs)], companions, strict=True))
    values = [_named(_reference(place), name) for (name, _), place, _ in shown]
    texts = [
        _named(
            exp.Coalesce(this=_reference(added[companion]), expressions=[_plain(_reference(place), type_)]), companion
        )
        for (_, type_), place, companion in shown
        if companion is not None
    ]
    listed = [exp.to_identifier(place, quoted=True) for place in places]
    alias = exp.TableAlias(this=exp.to_identifier("_values", quoted=True), columns=listed)
    rows = [_named(_reference(added[name]), name) for name in numbers]
    return exp.select(*values, *texts, *rows).from_(exp.Subquery(this=tree, alias=alias))


def _reference(name: str) -> exp.Column:
    return exp.column(name, quoted=True)


def _named(node: exp.Expr, name: str) -> exp.Expr:
    return exp.alias_(node, name, quoted=True)


def _outputs(query: exp.Expr) -> Sequence[exp.Expr]:
    """The outputs of a query as it stands."""
    while not isinstance(query, exp.Select):
        query = query.this
    outputs: Sequence[exp.Expr] = query.expressions
    return outputs


class _Spelled:
    """One query being given companions; each output gets its companion once."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.known: dict[tuple[int, int], str | None] = {}  # by the identity of a query
        self.copies: list[exp.Expr] = []  # kept, so that no other query gets the identity of one

    def companion(self, query: exp.Expr, position: int) -> str | None:
        """Give one output of a query its companion, and tell the companion's name."""
        while isinstance(query, exp.Subquery):
            query = query.this
        key = id(query), position
        if key not in self.known:
            self.known[key] = self._add(query, position)
        return self.known[key]

    def _add(self, query: exp.Expr, position: int) -> str | None:
        if isinstance(query, exp.Union) and not query.args.get("distinct"):
            return self._add_to_union(query, position)
        if not isinstance(query, exp.Select):
            return None
        spelling = self._of_output(query, query.expressions[position])
        return self._append(query, position, spelling) if spelling is not None else None

    def _append(self, select: exp.Select, position: int, spelling: exp.Expr) -> str:
        outputs = [item.copy() for item in select.expressions]
        taken = {item.alias_or_name.casefold() for item in outputs}
        name = f"{outputs[position].alias_or_name}:spelling"
        while name.casefold() in taken:
            name += "'"
        distinct = select.args.get("distinct")
        if distinct is not None and not distinct.args.get("on"):
            distinct.set("on", exp.Tuple(expressions=[_unnamed(item) for item in outputs]))
        select.append("expressions", typed(exp.alias_(spelling, name, quoted=True), TEXT))
        return name

    def _add_to_union(self, union: exp.Union, position: int) -> str | None:
        """Both sides get a companion if either has one, and each side that can have none keeps all without."""
        if not _is_of_selects(union):
            return None
        sides = (union.this, union.expression)
        names = [self.companion(side, position) for side in sides]
        if names == [None, None]:
            return None
        left, _ = (name or self._add_missing(side, position) for side, name in zip(sides, names, strict=True))
        return left

    def _add_missing(self, query: exp.Expr, position: int) -> str:
        """A companion that is NULL in every row, as no value of this output has a spelling."""
        query = query.unnest() if isinstance(query, exp.Subquery) else query
        if isinstance(query, exp.Select):
            return self._append(query, position, cast(null(), TEXT))
        left, _ = (self._add_missing(side, position) for side in (query.this, query.expression))
        return left

    def _of_output(self, select: exp.Select, item: exp.Expr) -> exp.Expr | None:
        node = bare(item.unalias())
        if not is_grouped(select):
            return self._of(select, node)
        if node in map(bare, group_keys(select)):
            spelling = self._of(select, node)
            return _earliest(spelling, self._rows(select)) if spelling is not None else None
        return self._of_aggregate(select, node)

    def _of_aggregate(self, select: exp.Select, node: exp.Expr) -> exp.Expr | None:
        """The spelling of MIN or MAX is that of the first cell with that value; of FIRST, that cell's."""
        inner = bare(node.this)
        if isinstance(node, exp.First):
            spelling = self._of(select, inner.this if isinstance(inner, exp.Order) else inner)
            order = [each.copy() for each in inner.expressions] if isinstance(inner, exp.Order) else []
            return first(spelling, order) if spelling is not None else None
        if isinstance(node, exp.Min | exp.Max) and isinstance(inner, exp.Column):
            spelling = self._of(select, inner)
            if spelling is not None and (table := self._whole_table(select)) is not None:
                return _looked_up(table, spelling, inner, isinstance(node, exp.Max))
            name = "ARG_MAX_NULL" if isinstance(node, exp.Max) else "ARG_MIN_NULL"
            return function(name, TEXT, spelling, inner.copy()) if spelling is not None else None
        return None

    def _whole_table(self, select: exp.Select) -> TableSchema | None:
        """The table all of whose rows a SELECT aggregates to one row, or None."""
        source = select.args["from_"].this if select.args.get("from_") else None
        narrowed = any(select.args.get(name) for name in _NARROWING)
        if narrowed or not isinstance(source, exp.Table) or source.args.get("joins") or with_table(source):
            return None
        return self.schema.table(source.name)

    def _of(self, select: exp.Select, node: exp.Expr) -> exp.Expr | None:
        """The text of a column of a SELECT's sources, or of a scalar subquery."""
        node = bare(node)
        if isinstance(node, exp.Column):
            return self._of_column(select, node)
        if isinstance(node, exp.Subquery) and isinstance(node.this, exp.Select):
            return self._of_scalar(node)
        return self._of_window(select, node) if isinstance(node, exp.Window) else None

    def _of_window(self, select: exp.Select, node: exp.Window) -> exp.Expr | None:
        """The text of a cell that a window function looks up, or of its MIN or MAX."""
        call = node.this
        column = bare(call.this) if isinstance(call, _LOOKING_UP | exp.Min | exp.Max) else None
        spelling = self._of_column(select, column) if isinstance(column, exp.Column) else None
        if column is None or spelling is None:
            return None
        if isinstance(call, exp.Min | exp.Max):
            name = "ARG_MAX_NULL" if isinstance(call, exp.Max) else "ARG_MIN_NULL"
            told = function(name, TEXT, spelling, column.copy())
        else:
            told = call.copy()
            told.set("this", spelling)
            told.set("default", None)  # it is rendered as any value without a spelling
        window = node.copy()
        window.set("this", told)
        return typed(window, TEXT)

    def _of_column(self, select: exp.Select, node: exp.Column) -> exp.Expr | None:
        source = next((source for source in read_sources(select) if source.alias_or_name == node.table), None)
        if source is None:
            return None
        named = with_table(source) if isinstance(source, exp.Table) else source
        if named is None:
            table = self.schema.table(source.name)
            return _spelled_column(node, table) if table else None
        listed = [column.name for column in named.args["alias"].columns]
        names = listed or [item.alias_or_name for item in _outputs(named.this)]
        companion = self.companion(named.this, names.index(node.name)) if node.name in names else None
        if companion is None:
            return None
        if listed and companion not in listed:
            named.args["alias"].append("columns", exp.to_identifier(companion, quoted=True))
        return typed(exp.column(companion, table=node.table, quoted=True), TEXT)

    def _of_scalar(self, node: exp.Subquery) -> exp.Expr | None:
        """A copy of a scalar subquery that gives the text instead of the value."""
        copy = node.copy()
        self.copies.append(copy)
        select = copy.this
        spelling = self._of_output(select, select.expressions[0])
        if spelling is None:
            return None
        if is_grouped(select) and isinstance(spelling, exp.Subquery):
            return spelling  # it was looked up: without an aggregate, the query would give it once for each row
        select.set("expressions", [spelling])
        return typed(copy, TEXT)

    def _rows(self, select: exp.Select) -> list[exp.Expr]:
        """The order of the rows of a SELECT's base tables."""
        rows = []
        for source in read_sources(select):
            table = self.schema.table(source.name) if isinstance(source, exp.Table) else None
            if table is not None and with_table(source) is None:
                number = exp.column(table.row_id, table=source.alias_or_name, quoted=True)
                rows.append(ordered(typed(number, INTEGER)))
        return rows


_NARROWING = ("where", "joins", "group", "having", "qualify", "distinct", "limit", "offset")
_LOOKING_UP = exp.FirstValue | exp.LastValue | exp.NthValue | exp.Lag | exp.Lead


def _is_of_selects(query: exp.Expr) -> bool:
    """Whether a query is a SELECT, or UNION ALL of such."""
    query = query.unnest() if isinstance(query, exp.Subquery) else query
    if isinstance(query, exp.Union) and not query.args.get("distinct"):
        return _is_of_selects(query.this) and _is_of_selects(query.expression)
    return isinstance(query, exp.Select)


def _unnamed(item: exp.Expr) -> exp.Expr:
    """An output without its alias, which a subquery holds itself."""
    node = item.unalias()
    if isinstance(node, exp.Subquery):
        node.set("alias", None)
    return node


def _earliest(spelling: exp.Expr, rows: list[exp.Expr]) -> exp.Expr:
    """A group's spelling in its first row; ARG_MIN needs no sorting, where one table's rows are counted."""
    if len(rows) == 1:
        return function("ARG_MIN_NULL", TEXT, spelling, rows[0].this)
    return first(spelling, rows)


def _looked_up(table: TableSchema, spelling: exp.Expr, column: exp.Column, greatest: bool) -> exp.Expr:
    """The spelling of a whole column's extreme, read from one row rather than from all."""
    return typed(exp.Subquery(this=row_at(table.name, spelling.name, column.name, greatest)), TEXT)


def read_sources(select: exp.Select) -> Iterator[exp.Expr]:
    """The tables and subqueries after FROM."""
    for part in (select.args.get("from_"), *(select.args.get("joins") or [])):
        if part is not None:
            yield from _flat(part.this)


def _flat(source: exp.Expr) -> Iterator[exp.Expr]:
    if isinstance(source, exp.Subquery) and isinstance(source.this, exp.Table):
        yield from _flat(source.this)
        return
    yield source
    if isinstance(source, exp.Table):
        for join in source.args.get("joins") or []:
            yield from _flat(join.this)


def with_table(table: exp.Expr) -> exp.CTE | None:
    """The WITH query a table name stands for, or None."""
    node, inside = table.parent, set[int]()
    while node is not None:
        inside.add(id(node))
        clause = node.args.get("with_")
        for cte in _in_reach(clause, inside) if clause else ():
            if cte.alias.casefold() == table.name.casefold():
                return cte
        node = node.parent
    return None


def _in_reach(clause: exp.Expr, inside: Set[int]) -> Iterator[exp.CTE]:
    """The WITH queries that can be named inside a query; in one of them those before it, and itself if recursive."""
    for cte in clause.expressions:
        if id(cte) not in inside or clause.args.get("recursive"):
            yield cte
        if id(cte) in inside:
            return


def _spelled_column(node: exp.Column, table: TableSchema) -> exp.Expr | None:
    """The spelling of a base column, NULL where the value's plain rendering is the cell's text."""
    column = table.column(node.name)
    if column is None or column.spelling is None:
        return None
    return typed(exp.column(column.spelling, table=node.table, quoted=True), TEXT)


def _plain(node: exp.Expr, type_: exp.DataType | None) -> exp.Expr:
    """What a value looks like when its cell had no spelling of its own: a whole number has no ``.0``.

    A UNION may widen an integer, so only a decimal, whose places are its own, is left as it is.
    """
    if type_ is not None and type_.is_type(*exp.DataType.TEXT_TYPES):
        return node
    if type_ is not None and type_.is_type(exp.DataType.Type.DECIMAL):
        return cast(node, TEXT)
    return function("REGEXP_REPLACE", TEXT, cast(node, TEXT), string(r"\.0$"), string(""))
