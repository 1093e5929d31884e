"""names: every table and column exists; a name that is nearly right is mended, and the mend recorded.

Only a name that cannot be found as it stands is mended, and only to the one name that it can mean: the same letters
with other case, spacing or punctuation; a shortened header; a close misspelling.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.scope import Scope, ScopeType, traverse_scope

from grammars.errors import Complaint
from grammars.nearest import nearest, same_name
from grammars.outputs import output_name, same_expression
from grammars.program import Program
from grammars.quoted import Reading, is_double_quoted, reading
from grammars.schema import Schema, TableSchema
from grammars.sql import span_of
from grammars.tables import meant

_ROW_IDS = ("rowid", "_rowid_", "oid")
_SEES_OUTER = (ScopeType.SUBQUERY, ScopeType.SET_OPERATION, ScopeType.UDTF)
_EQUALITIES = (exp.EQ, exp.NEQ, exp.Is, exp.Like, exp.ILike, exp.NullSafeEQ, exp.NullSafeNEQ)
_SIMPLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def resolve(program: Program, schema: Schema) -> Program | tuple[Complaint, ...]:
    """The program with every name as the schema spells it, or complaints."""
    tree = program.tree.copy()
    resolver = _Resolver(schema, program.text)
    try:
        scopes = traverse_scope(tree)
        twice = [complaint for scope in scopes for complaint in _used_twice(scope)]
        if twice:
            return tuple(twice)
        resolver.resolve(scopes)
    except SqlglotError as error:
        return (Complaint("names", f"the query's parts cannot be told apart: {error}", "give each table an alias"),)
    if resolver.complaints:
        return tuple(sorted(resolver.complaints, key=lambda complaint: complaint.span.start if complaint.span else 0))
    return replace(program, tree=tree, mends=(*program.mends, *resolver.mends))


class _Resolver:
    """Walks scopes, changing names in place and noting mends and complaints."""

    def __init__(self, schema: Schema, text: str) -> None:
        self.schema = schema
        self.text = text
        self.mends: list[str] = []
        self.complaints: list[Complaint] = []
        self.named: set[str] = set()  # the tables that the program names, folded
        self.known: dict[int, TableSchema] = {}  # by the identity of its exp.Table node
        self.aliases: dict[int, dict[str, str]] = {}  # of a query's outputs, folded; by its identity

    def resolve(self, scopes: Sequence[Scope]) -> None:
        """Settle every name of a program, tables first."""
        self.named = _named_tables(scopes)
        for scope in scopes:
            self.tables(scope)
        for scope in scopes:
            self.quoted(scope)
            self.columns(scope)

    def tables(self, scope: Scope) -> None:
        for source in _sources(scope).values():
            if (
                isinstance(source, exp.Table)
                and isinstance(source.this, exp.Identifier)
                and id(source) not in self.known
            ):
                self._table(source)

    def _table(self, node: exp.Table) -> None:
        written = node.name
        if node.args.get("db") or node.args.get("catalog"):
            table = self.schema.table(written)
            if table is None or node.args.get("catalog"):
                self._complain(node.this, f"no table {node.sql('sqlite')!r}", self._table_hint())
                return
            node.set("db", None)
        else:
            table = self.schema.table(written) or meant(written, self.schema, len(self.named) == 1)
            if table is None:
                self._complain(node.this, f"no table {written!r}", self._table_hint())
                return
        self.known[id(node)] = table
        if written == table.name:
            return
        if not same_name(written, table.name) and written.casefold() != "w":
            self.mends.append(f"table {written!r} read as {table.name!r}")
        node.set("this", _identifier(table.name))
        if not node.alias:
            node.set("alias", exp.TableAlias(this=_identifier(written)))

    def _table_hint(self) -> str:
        names = ", ".join(f"`{table.name}`" for table in self.schema)
        return (
            f"the tables are {names}" if len(self.schema.tables) > 1 else f"the only table is {names}, also called `w`"
        )

    def quoted(self, scope: Scope) -> None:
        """Texts in double quotes that can only be names become columns, to be mended or complained about as such."""
        for literal in sorted(scope.find_all(exp.Literal), key=lambda node: node.meta.get("start", 0)):
            if not is_double_quoted(literal, self.text):
                continue
            column = exp.column(_identifier(literal.name, literal))
            column.this.set("quoted", True)
            read = Reading.NAME if self._is_output(literal.name, scope) else reading(literal)
            if read is Reading.NAME or (read is Reading.LIKELY and self._is_nearly_known(column, scope)):
                literal.replace(column)

    def _is_output(self, written: str, scope: Scope) -> bool:
        """Whether a subquery after FROM has an output without an alias whose text this is."""
        inner = [source for reached in _chain(scope) for source in _sources(reached).values()]
        names = [name for source in inner if isinstance(source, Scope) for name in self._outputs(source)]
        return any("(" in name and same_expression(name, written) for name in names)

    def _is_nearly_known(self, column: exp.Column, scope: Scope) -> bool:
        return nearest(column.name, dict(self._spellings(column, scope)))[0] is not None

    def columns(self, scope: Scope) -> None:
        shared = _shared_columns(scope.expression)
        for column in list(scope.find_all(exp.Column)):
            if isinstance(column.this, exp.Star):
                self._qualifier(column, scope)
            elif isinstance(column.this, exp.Identifier):
                self._column(column, scope, shared)
        for join in scope.expression.args.get("joins") or []:
            for index, identifier in enumerate(join.args.get("using") or []):
                outputs = [name for source in _sources(scope).values() for name in self._outputs(source)]
                name, _ = nearest(identifier.name, dict(zip(outputs, outputs, strict=True)))
                if name is None:
                    self._complain(identifier, f"no column {identifier.name!r} to join by", "")
                else:
                    join.args["using"][index].replace(_identifier(name, identifier))

    def _qualifier(self, column: exp.Column, scope: Scope) -> bool:
        """Whether a column's qualifier names a source in reach; if not, complain."""
        if not column.table or any(
            column.table.casefold() == key.casefold() for s in _chain(scope) for key in _sources(s)
        ):
            return True
        self._complain(column.args["table"], f"no table {column.table!r} in FROM", self._table_hint())
        return False

    def _column(self, column: exp.Column, scope: Scope, shared: set[str]) -> None:
        written = column.name
        for reached in _chain(scope):
            owners = [
                (alias, name)
                for alias, source in _sources(reached).items()
                if not column.table or column.table.casefold() == alias.casefold()
                for name in self._outputs(source)
                if same_name(name, written) or ("(" in name and same_expression(name, written))
            ]
            if owners:
                if len(owners) > 1 and not column.table and written.casefold() not in shared:
                    tables = " or ".join(f"{alias}.{name}" for alias, name in owners)
                    self._complain(column.this, f"column {written!r} is in more than one table", f"write {tables}")
                column.set("this", _identifier(owners[0][1], column.this))
                return
            if not column.table and (alias := self._alias(reached, written)):
                column.set("this", _identifier(alias, column.this))
                return
            if reached is scope and not column.table and (output := _unaliased(scope, written)):
                column.replace(output.copy())
                return
        if written.casefold() in _ROW_IDS and self.known:
            return
        self._mend_column(column, scope)

    def _alias(self, scope: Scope, name: str) -> str | None:
        """The output of a query's own select that a name repeats, as in ORDER BY."""
        query = scope.expression
        if isinstance(query, exp.SetOperation):  # its outputs are columns, which are yet to be mended
            return _aliases(query).get(name.casefold())
        if id(query) not in self.aliases:
            self.aliases[id(query)] = _aliases(query)
        return self.aliases[id(query)].get(name.casefold())

    def _mend_column(self, column: exp.Column, scope: Scope) -> None:
        written = column.name
        known_qualifier = any(column.table.casefold() == key.casefold() for s in _chain(scope) for key in _sources(s))
        if column.table and not known_qualifier:
            # A qualifier that no source has: the column alone may say which it is.
            column.set("table", None)
            self.mends.append(f"`{written}` read without its unknown table")
            self._column(column, scope, set())
            return
        if any(
            isinstance(source, exp.Table) and id(source) not in self.known
            for s in _chain(scope)
            for source in _sources(s).values()
        ):
            return  # the complaint about the unknown table says enough
        spellings = dict(self._spellings(column, scope))
        found, close = nearest(written, spellings)
        valued = not column.table and not column.this.args.get("quoted") and _is_compared_with(column)
        if valued and found and nearest(written, spellings, slips=False)[0] is None:
            found = None  # ``City = Bern`` means the value, not a slip for the column Born
        if found is None:
            hint = (
                "did you mean " + " or ".join(f"`{name}`" for name in close) + "?"
                if close
                else self._columns_hint(scope)
            )
            in_place = valued or (not close and isinstance(column.parent, (exp.Binary, exp.In)))
            if in_place and not column.this.args.get("quoted"):
                hint += f"; a value is written in single quotes: '{written}'"
            self._complain(column.this, f"no column {written!r}", hint)
            return
        self.mends.append(f"column `{written}` read as `{found}`")
        column.set("this", _identifier(found, column.this))

    def _spellings(self, column: exp.Column, scope: Scope) -> Iterator[tuple[str, str]]:
        """Every way a column in reach is spelled, and its name."""
        for reached in _chain(scope):
            for alias, source in _sources(reached).items():
                if column.table and column.table.casefold() != alias.casefold():
                    continue
                for name in self._outputs(source):
                    yield name, name
                table = self.known.get(id(source))
                for known in table.columns if table else ():
                    if known.label:
                        yield known.label, known.name

    def _columns_hint(self, scope: Scope) -> str:
        names = list(dict.fromkeys(name for _, name in self._spellings(exp.Column(), scope)))
        shown = ", ".join(f"`{name}`" for name in names[:12])
        return (
            f"the columns are {shown}{', …' if len(names) > 12 else ''}"
            if names
            else "there is no table to take it from"
        )

    def _outputs(self, source: exp.Expr | Scope) -> Sequence[str]:
        """The columns that a source offers."""
        if isinstance(source, exp.Table):
            table = self.known.get(id(source))
            return [*(column.name for column in table.columns), table.row_id] if table else []
        return list(self._selected(source)) if isinstance(source, Scope) else []

    def _selected(self, scope: Scope) -> Iterator[str]:
        whole = scope.expression
        while isinstance(whole.parent, exp.SetOperation):
            whole = whole.parent
        renamed = whole.parent.alias_column_names if isinstance(whole.parent, (exp.CTE, exp.Subquery)) else []
        if renamed:
            yield from renamed
            return
        expression = scope.expression
        if isinstance(expression, exp.SetOperation):
            if scope.set_operation_scopes:
                yield from self._selected(scope.set_operation_scopes[0])
            return
        for projection in expression.selects if isinstance(expression, exp.Query) else []:
            if isinstance(projection, exp.Star):
                for source in _sources(scope).values():
                    yield from self._starred(source)
            elif isinstance(projection, exp.Column) and isinstance(projection.this, exp.Star):
                starred = _sources(scope).get(projection.table)
                if starred is not None:
                    yield from self._starred(starred)
            else:
                yield output_name(projection)

    def _starred(self, source: exp.Expr | Scope) -> Iterator[str]:
        """What ``*`` gives of a source: everything but a table's hidden row number."""
        table = self.known.get(id(source))
        yield from (column.name for column in table.columns) if table else self._outputs(source)

    def _complain(self, node: exp.Expr, message: str, hint: str) -> None:
        self.complaints.append(Complaint("names", message, hint, span_of(node)))


def _is_compared_with(node: exp.Column) -> bool:
    """Whether a column is compared with a name for equality, where a value in single quotes may be meant."""
    parent = node.parent
    if isinstance(node.find_ancestor(exp.Join, exp.Query), exp.Join):
        return False  # what joins tables is no value
    if isinstance(parent, exp.In):
        return node.arg_key == "expressions"
    return isinstance(parent, _EQUALITIES) and node.arg_key == "expression" and isinstance(parent.this, exp.Column)


def _chain(scope: Scope) -> Iterator[Scope]:
    """A scope and those around it whose columns it may use."""
    reached: Scope | None = scope
    while reached is not None:
        yield reached
        reached = reached.parent if reached.scope_type in _SEES_OUTER else None


def _named_tables(scopes: Sequence[Scope]) -> set[str]:
    """The tables, folded, that a program's queries name in FROM and JOIN; not those it makes itself."""
    sources = [source for scope in scopes for source in _sources(scope).values()]
    return {source.name.casefold() for source in sources if isinstance(source, exp.Table)}


def _used_twice(scope: Scope) -> Iterator[Complaint]:
    """Complaints about a query's tables that go by a name that another of them has."""
    query = scope.expression
    parts = [query.args.get("from_"), *(query.args.get("joins") or [])] if isinstance(query, exp.Select) else []
    seen: set[str] = set()
    for source in [part.this for part in parts if part is not None]:
        name = source.alias_or_name.casefold()
        if name and name in seen:
            message = f"two tables after FROM go by the name {source.alias_or_name!r}"
            yield Complaint("names", message, "give each its own: FROM w AS a JOIN w AS b", span_of(source))
        seen.add(name)


def _sources(scope: Scope) -> dict[str, exp.Expr | Scope]:
    """What a query's FROM and JOINs name, by alias."""
    return {name: source for name, (_, source) in scope.selected_sources.items()}


def _aliases(query: exp.Expr) -> dict[str, str]:
    """The names of a query's outputs, the first of each spelling: of a set operation all, else those given with AS."""
    selects = query.selects if isinstance(query, exp.Query) else []
    whole = isinstance(query, exp.SetOperation)
    return {s.alias_or_name.casefold(): s.alias_or_name for s in reversed(selects) if s.alias or whole}


def _unaliased(scope: Scope, written: str) -> exp.Expr | None:
    """The output without an alias whose text a name is, as in ``ORDER BY `COUNT(*)```."""
    selects = scope.expression.selects if isinstance(scope.expression, exp.Select) else []
    computed = [item for item in selects if not isinstance(item, exp.Alias | exp.Column | exp.Star)]
    return next((item for item in computed if same_expression(output_name(item), written)), None)


def _shared_columns(query: exp.Expr) -> set[str]:
    """Columns that a join makes one: those of USING, or, in a natural join, any."""
    joins = query.args.get("joins") or []
    shared = {identifier.name.casefold() for join in joins for identifier in join.args.get("using") or []}
    if any(str(join.args.get("method") or "").upper() == "NATURAL" for join in joins):
        shared |= {column.name.casefold() for column in query.find_all(exp.Column)}
    return shared


def _identifier(name: str, like: exp.Expr | None = None) -> exp.Identifier:
    """An identifier, quoted where it must be, at the place of another."""
    quoted = not _SIMPLE.match(name) or bool(like is not None and like.args.get("quoted"))
    identifier = exp.to_identifier(name, quoted=quoted)
    if like is not None:
        identifier.meta.update(like.meta)
    return identifier
