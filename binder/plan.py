"""The plan of a checked program: which LM calls to ask, in what order, about which inputs, and the final query.

Each step asks one call about the inputs that an SQL query gives and keeps the replies in a temporary table, by key:
the texts of the call's arguments. In the final query, and in the inputs of later steps, the call is a look-up in that
table, so a value can only reach the rows that hold its key. Steps that ask the same share a table. Steps of one stage
are asked in turns, in growing waves, until none of them needs a further input (``waves`` says when that is).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

import sqlglot
from sqlglot import exp

from binder import waves
from binder.bounds import Bound, bound_of
from binder.brief import is_brief
from binder.cells import rendering
from binder.filters import Selectivity, arrange, truth_of
from binder.inputs import conjuncts, evaluation_order, guards, inputs_query, is_plain, key_names, source_of, with_ctes
from binder.optimise import optimise
from grammars.calls import Call, read_call
from grammars.cellrows import CellRow
from grammars.pieces import Piece
from grammars.program import Program
from grammars.reply import Expected
from grammars.schema import Column, Schema
from grammars.spelling import with_cells, with_spelling


@dataclass(frozen=True)
class Step:
    """One LM call to be asked.

    Attributes:
        table: The temporary table of its replies: the inputs as ``k0``, ``k1``, …, the value as ``value``.
        call: The call as the program spells it.
        per_row: True for a map, False for an ans.
        question: What is asked.
        labels: What each argument is called in the prompt.
        blocks: For each argument, whether its text is a block of rows (a JSON array) or one value.
        expected: What a reply must be.
        inputs: The query for the distinct inputs.
        waits_for: The tables of earlier replies that ``inputs`` reads.
        truth: The condition on ``value`` that the program filters by, where it filters by this call alone.
        next_inputs: Where the step is asked in waves, the query for the next inputs that are still needed, at most
            ``$wave`` of them.
        at_most: Where ``inputs`` reads replies, the most inputs that there can be.
    """

    table: str
    call: str
    per_row: bool
    question: str
    labels: tuple[str, ...]
    blocks: tuple[bool, ...]
    expected: Expected
    inputs: str
    waits_for: tuple[str, ...]
    truth: str | None = None
    next_inputs: str | None = None
    at_most: Bound | None = None

    @property
    def asked(self) -> tuple[object, ...]:
        """The same for steps that ask the same, whatever their inputs."""
        return self.per_row, self.question, self.labels, self.blocks, self.expected

    @property
    def columns(self) -> list[tuple[str, str]]:
        """The names and types of the columns of its table, before its replies settle an ordered one's type."""
        return [*((name, "VARCHAR") for name in key_names(len(self.labels))), ("value", self.expected.type)]


def step_of(piece: Piece, steps: Sequence[Step]) -> int | None:
    """The number of the step, from 1, that a call in a program's text is; None where it is none, or not asked."""
    same = [n for n, step in enumerate(steps, 1) if (step.per_row, step.question) == (piece.per_row, piece.question)]
    alike = [n for n in same if steps[n - 1].call == piece.text] or same
    return alike[0] if piece.asks and alike else None


@dataclass(frozen=True)
class Stage:
    """Steps that are asked together: one, about all its inputs; or one or more in waves, in turns.

    Attributes:
        steps: In the order of asking.
        least: How many inputs the first wave holds at least; None where there are no waves.
        until: What the waves decide: ``LIMIT``, ``EXISTS`` or ``COUNT``; empty where there are no waves.
    """

    steps: tuple[Step, ...]
    least: int | None = None
    until: str = ""

    @property
    def waits_for(self) -> frozenset[str]:
        """The tables that other stages fill and this one reads or adds to."""
        return frozenset(name for step in self.steps for name in (step.table, *step.waits_for))


@dataclass(frozen=True)
class Plan:
    """The steps of a program, and the query that gives its answer once they are done.

    Attributes:
        stages: In the order in which they must be asked.
        query: The final query.
        spellings: For each output column, the further output column that keeps its cells' own text, or what numbers
            the rows of those cells, or None.
        arranged: Whether the order of the steps followed what is known of how selective they are.
        tree: The final query as a tree, without spellings; None for a Python program.
        brief: Whether the caller's own thread may run it: it asks nothing and is done soon.
    """

    stages: tuple[Stage, ...]
    query: str
    spellings: tuple[str | CellRow | None, ...]
    arranged: bool = False
    tree: exp.Expr | None = field(default=None, repr=False, compare=False)
    brief: bool = False

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps of all stages."""
        return tuple(step for stage in self.stages for step in stage.steps)

    @property
    def asks(self) -> bool:
        """Whether it may ask the LM anything."""
        return bool(self.stages)

    @property
    def asked(self) -> frozenset[object]:
        """What its steps ask, the same for plans that ask the same."""
        return frozenset(step.asked for step in self.steps)

    @property
    def queries(self) -> Iterator[tuple[str, dict[str, int] | None]]:
        """Every query that running it may send, the final one last, with parameters to bind it with."""
        for step in self.steps:
            yield step.inputs, None
            if step.next_inputs is not None:
                yield step.next_inputs, {waves.WAVE: 1}
        yield self.query, None


def make_plan(program: Program, schema: Schema, selectivity: Selectivity | None = None) -> Plan:
    """The plan of a checked program; nothing is run and no LM is asked.

    Args:
        program: The program.
        schema: Its tables.
        selectivity: What is known of how often LM conditions hold; the most selective is asked first.
    """
    assert program.translated is not None
    tree = program.translated.copy()
    optimise(tree)
    arranged = arrange(tree, selectivity or Selectivity())
    nodes = list(evaluation_order(tree))
    bounds = {id(node): bound_of(node, lambda argument, block: _key(argument, block, schema)) for node in nodes}
    planner = _Planner(schema, bounds)
    while nodes:
        query = _filtered_query(nodes[0])
        several = [node for node in nodes if query is not None and _filtered_query(node) is query] or nodes[:1]
        planner.add(query, several)
        nodes = nodes[len(several) :]  # the calls of one WHERE follow each other
    final, spellings = with_cells(tree, schema)
    return Plan(tuple(planner.stages), final.sql("duckdb"), spellings, arranged, tree, is_brief(program.tree, schema))


def _filtered_query(node: exp.Expr) -> exp.Select | None:
    """The query in whose WHERE a call stands, if waves can ask that WHERE's calls."""
    query = node.find_ancestor(exp.Select)
    where = query.args.get("where") if query is not None else None
    if query is None or where is None or not any(part is node for part in where.walk()):
        return None
    return query if waves.asks(query) else None


@dataclass
class _Planner:
    """Turns calls into steps, in the order in which they are asked, and puts look-ups in their place."""

    schema: Schema
    bounds: Mapping[int, Bound]
    stages: list[Stage] = field(default_factory=list)
    tables: dict[tuple[object, ...], str] = field(default_factory=dict)

    def add(self, query: exp.Select | None, nodes: Sequence[exp.Anonymous]) -> None:
        """Plan calls that follow each other: those of one WHERE, or others."""
        stop = waves.stop_of(query) if query is not None else None
        if query is None or stop is None:
            self.stages.extend(Stage((self._step(node)[0],)) for node in nodes)
        else:
            self.stages.append(self._waves(query, stop, nodes))

    def _step(self, node: exp.Anonymous) -> tuple[Step, tuple[exp.Expr, ...]]:
        """One call's step, and the texts of its arguments; the call becomes a look-up."""
        call = read_call(node)
        labels = tuple(map(_label, call.arguments, call.written)) or ("",)
        blocks = tuple(not call.per_row and isinstance(a, exp.Subquery) for a in call.arguments) or (False,)
        keys = [_key(argument, block, self.schema) for argument, block in zip(call.arguments, blocks, strict=False)]
        keys = keys or [exp.Literal.string("")]
        same = (node.name, call.question, labels, blocks, call.expected)
        table = self.tables.setdefault(same, f"__replies_{len(self.tables) + 1}")
        truth = truth_of(node)
        inputs = inputs_query(node, keys)
        node.replace(_look_up(table, keys))
        waits_for = self._read(inputs)
        step = Step(
            table,
            _describe(call, labels),
            call.per_row,
            call.question,
            labels,
            blocks,
            call.expected,
            inputs.sql("duckdb"),
            waits_for,
            truth,
            at_most=self.bounds[id(node)] if waits_for else None,
        )
        return step, tuple(keys)

    def _waves(self, query: exp.Select, stop: waves.Stop, nodes: Sequence[exp.Anonymous]) -> Stage:
        """The calls of one WHERE, asked in waves until the query is decided."""
        tests = conjuncts(query.args["where"].this)
        plain = [test for test in tests if is_plain(test)]
        asked: list[tuple[int, Step, waves.Call]] = []
        for node in nodes:
            at = next(index for index, test in enumerate(tests) if any(part is node for part in test.walk()))
            needed = guards(node, query)
            step, keys = self._step(node)
            asked.append((at, step, waves.Call(keys, _settled(step.table, keys, needed))))
        conditions = [
            waves.Condition(tests[at], tuple(call for _, _, call in group))
            for at, group in groupby(asked, key=lambda one: one[0])
        ]
        rows = waves.Rows(source_of(query, plain), tuple(conditions))
        steps = []
        for index, (_, group) in enumerate(groupby(asked, key=lambda one: one[0])):
            for nth, (_, step, call) in enumerate(group):
                following = waves.next_inputs(rows, stop, index, nth, key_names(len(call.keys)))
                following = with_ctes(following, query.args["where"].this)
                steps.append(replace(step, next_inputs=following.sql("duckdb")))
        query.set("where", exp.Where(this=exp.and_(*[test.copy() for test in plain], rows.sure)))
        return Stage(tuple(steps), stop.least, stop.clause)

    def _read(self, query: exp.Expr) -> tuple[str, ...]:
        """The reply tables that a query reads."""
        read = {source.name for source in query.find_all(exp.Table)}
        return tuple(name for name in self.tables.values() if name in read)


def _settled(table: str, keys: Sequence[exp.Expr], needed: Sequence[exp.Expr]) -> exp.Expr:
    """Whether a row needs no further reply: its input is missing or was answered, or nothing hangs on the value."""
    missing = exp.and_(*[exp.Is(this=key.copy(), expression=exp.Null()) for key in keys])
    answered = exp.Exists(this=exp.select(exp.Literal.number(1)).from_(table).where(*_same_key(table, keys)))
    unneeded = [exp.not_(exp.paren(guard.copy())) for guard in needed]
    return exp.paren(exp.or_(missing, answered, *unneeded))


def _same_key(table: str, keys: Sequence[exp.Expr]) -> list[exp.Expr]:
    return [
        exp.NullSafeEQ(this=exp.column(name, table), expression=key.copy())
        for name, key in zip(key_names(len(keys)), keys, strict=True)
    ]


def _look_up(table: str, keys: Sequence[exp.Expr]) -> exp.Expr:
    """The reply for a row's key."""
    if any(map(_is_aggregated, keys)):
        return _look_up_outside(table, keys)
    return exp.Subquery(this=exp.select(exp.column("value", table)).from_(table).where(*_same_key(table, keys)))


def _look_up_outside(table: str, keys: Sequence[exp.Expr]) -> exp.Expr:
    """The reply for a group's key; inside a subquery an aggregate such as COUNT(*) would be the subquery's own."""
    names = ", ".join(key_names(len(keys)))
    key = ", ".join(key.sql("duckdb") for key in keys)
    replies = f"(SELECT MAP(LIST(ROW({names})), LIST(value)) FROM {table})"
    return sqlglot.parse_one(f"{replies}[ROW({key})]", dialect="duckdb")


def _is_aggregated(key: exp.Expr) -> bool:
    """Whether a key is of a group of rows."""
    return any(node.find_ancestor(exp.Query) is None for node in key.find_all(exp.AggFunc))


def _describe(call: Call, labels: tuple[str, ...]) -> str:
    kind = "map" if call.per_row else "ans"
    return "QA(" + "; ".join([f'"{kind}@{call.question}"', *(label for label in labels if label)]) + ")"


def _label(argument: exp.Expr, written: str) -> str:
    """What an argument is called in a prompt."""
    if isinstance(argument, exp.Column):
        return argument.name
    if isinstance(argument, exp.Subquery):
        return ", ".join(select.alias_or_name or select.sql("sqlite") for select in argument.this.selects)
    return written


def _key(argument: exp.Expr, block: bool, schema: Schema) -> exp.Expr:
    """The text of an argument: a cell's own spelling, a value's plain rendering, a block of rows as JSON."""
    if block:
        return _block(argument, schema)
    return sqlglot.parse_one(_text(argument, schema), dialect="duckdb")


def _text(value: exp.Expr, schema: Schema) -> str:
    sql = value.sql("duckdb")
    if isinstance(value, exp.Literal) and value.is_string:
        return sql
    column = _base_column(value, schema) if isinstance(value, exp.Column) else None
    if column is None:
        known = value.type.sql("duckdb") if value.type is not None else "UNKNOWN"
        return sql if known in ("VARCHAR", "TEXT") else rendering(sql, known)
    plain = rendering(sql, column.type)
    if column.spelling is None:
        return plain
    spelling = exp.column(column.spelling, value.args.get("table"), quoted=True).sql("duckdb")
    return f"COALESCE({spelling}, {plain})"


def _base_column(value: exp.Column, schema: Schema) -> Column | None:
    """The table column that a column of a query is, or None for one of a subquery."""
    query = value.find_ancestor(exp.Select)
    while query is not None:
        sources = [query.args.get("from_"), *(query.args.get("joins") or [])]
        for source in (part.this for part in sources if part is not None):
            if source.alias_or_name == value.table:
                table = schema.table(source.name) if isinstance(source, exp.Table) else None
                return table.column(value.name) if table else None
        query = query.find_ancestor(exp.Select)
    return None


def _block(argument: exp.Expr, schema: Schema) -> exp.Expr:
    """The rows of a subquery as the text of a JSON array of objects; NULL when there are none."""
    assert isinstance(argument, exp.Subquery)
    query, spellings = with_spelling(argument.this, schema)
    names = _distinct_names([select.alias_or_name or select.sql("sqlite") for select in argument.this.selects])
    columns = [f"c{index}" for index in range(len(names))]
    kept = {name: f"s{index}" for index, name in enumerate(dict.fromkeys(name for name in spellings if name))}
    texts = []
    for index, (column, select) in enumerate(zip(columns, argument.this.selects, strict=True)):
        plain = rendering(column, select.type.sql("duckdb") if select.type is not None else "UNKNOWN")
        spelling = spellings[index]
        texts.append(f"COALESCE({kept[spelling]}, {plain})" if spelling else plain)
    fields = ", ".join(f"{exp.Literal.string(name).sql()}: {text}" for name, text in zip(names, texts, strict=True))
    aliases = ", ".join([*columns, *kept.values()])
    sql = f"(SELECT CAST(TO_JSON(LIST({{{fields}}})) AS VARCHAR) FROM ({query.sql('duckdb')}) AS __block({aliases}))"
    return sqlglot.parse_one(sql, dialect="duckdb")


def _distinct_names(names: list[str]) -> list[str]:
    """The names, those that repeat numbered."""
    seen: dict[str, int] = {}
    result = []
    for name in names:
        seen[name.casefold()] = seen.get(name.casefold(), 0) + 1
        result.append(name if seen[name.casefold()] == 1 else f"{name} ({seen[name.casefold()]})")
    return result
