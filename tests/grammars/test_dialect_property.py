"""Random small tables, random SQLite-flavoured programs: SQLite and the translation on DuckDB agree row for row.

Texts are lower-case letters and meet only texts, so that neither decided departure shows.
"""

from __future__ import annotations

import random
import sqlite3
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from grammars.schema import Kind
from tests.support.engines import Cells, Engines, same_rows

TEXTS = st.sampled_from(["a", "b", "ab", "ba", "c", ""])
DATES = st.dates(date(1900, 1, 1), date(2099, 12, 31)).map(str) | st.sampled_from(["2000-01-31", "2000-02-29"])
INTEGERS = st.integers(-3, 6)
NUMBERS = st.sampled_from([-1.5, -0.25, 0.0, 0.5, 1.0, 2.0, 2.5, 7.75])


@st.composite
def tables(draw: st.DrawFn) -> dict[str, dict[str, Cells]]:
    """Two tables: ``w`` with a column of each kind, and ``v`` to join it with."""
    return {"w": columns(draw, draw(st.integers(0, 8))), "v": columns(draw, draw(st.integers(1, 4)))}


def columns(draw: st.DrawFn, rows: int) -> dict[str, Cells]:
    def cells(kind: Kind, values: st.SearchStrategy[object]) -> Cells:
        return Cells(kind, draw(st.lists(st.none() | values, min_size=rows, max_size=rows)))

    return {
        "t": cells(Kind.TEXT, TEXTS),
        "u": cells(Kind.TEXT, TEXTS),
        "i": cells(Kind.INTEGER, INTEGERS),
        "j": cells(Kind.INTEGER, INTEGERS),
        "x": cells(Kind.NUMBER, NUMBERS),
        "d": cells(Kind.DATE, DATES),
    }


def filled(template: str, *parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Texts of a template whose ``{}`` are filled from strategies."""
    return st.tuples(*parts).map(lambda values: template.format(*values))


def numeric(leaf: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Expressions that are numbers."""
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            filled("({} {} {})", inner, st.sampled_from(["+", "-", "*", "/", "%"]), inner),
            filled("abs({})", inner),
            filled("-{}", inner),
            filled("coalesce({}, {})", inner, inner),
            filled("nullif({}, {})", inner, inner),
            filled("max({}, {})", inner, inner),
            filled("round({}, 1)", inner),
            filled("cast({} as integer)", inner),
            filled("iif({} > {}, {}, {})", inner, inner, inner, inner),
            filled("({} <= {})", inner, inner),
        ),
        max_leaves=4,
    )


YEAR = "cast(strftime('%Y', d) as integer)"
NUMERIC = numeric(st.sampled_from(["i", "j", "x", "row_id", "2", "0", "1.5", "length(t)", YEAR]))
TEXT = st.recursive(
    st.sampled_from(["t", "u", "'a'", "'b'", "strftime('%m', d)"]),
    lambda inner: st.one_of(
        filled("({} || {})", inner, inner),
        filled("upper({})", inner),
        filled("substr({}, {})", inner, st.sampled_from(["1", "2", "-1", "0"])),
        filled("replace({}, 'a', 'q')", inner),
        filled("coalesce({}, {})", inner, inner),
        filled("iif({} = {}, {}, {})", inner, inner, inner, inner),
        filled("trim({}, 'a')", inner),
    ),
    max_leaves=3,
)
DATE = st.sampled_from(["d", "date(d)", "date(d, '+1 month')", "date(d, 'start of month')", "date(d, '-40 days')"])
DATE_PATTERNS = st.tuples(DATES.map(str), st.integers(1, 10), st.sampled_from(["%", "-%", "_%"])).map(
    lambda parts: parts[0][: parts[1]] + parts[2]
)
OPERATOR = st.sampled_from(["=", "<>", "<", "<=", ">", ">=", "IS", "IS NOT"])


def conditions(number: st.SearchStrategy[str], text: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    plain = st.one_of(
        filled("{} {} {}", number, OPERATOR, number),
        filled("{} {} {}", text, OPERATOR, text),
        filled("{} {} {}", DATE, OPERATOR, DATE),
        filled("d {} '{}'", st.sampled_from(["=", "<>", "<", ">="]), DATES),
        filled("{} BETWEEN {} AND {}", number, number, number),
        filled("{} IN ({}, {})", number, number, number),
        filled("{} NOT IN ({}, 'ab')", text, text),
        filled("{} LIKE '{}'", text, st.sampled_from(["a%", "%B", "_", "%"])),
        filled("{} {} '{}'", DATE, st.sampled_from(["LIKE", "NOT LIKE"]), DATE_PATTERNS),
        filled("{} GLOB '{}'", text, st.sampled_from(["a*", "[^a]*", "?"])),
        filled("{} IS NULL", st.one_of(number, text)),
        filled("i {} '{}'", st.sampled_from(["=", "<", ">"]), INTEGERS.map(str)),
        number,
    )
    return st.recursive(
        plain,
        lambda inner: st.one_of(
            filled("({} AND {})", inner, inner), filled("({} OR {})", inner, inner), filled("NOT ({})", inner)
        ),
        max_leaves=3,
    )


CONDITION = conditions(NUMERIC, TEXT)
WHERE = st.one_of(st.just(""), filled(" WHERE {}", CONDITION))
CASE = st.one_of(
    filled("CASE WHEN {} THEN {} WHEN {} THEN {} ELSE {} END", CONDITION, NUMERIC, CONDITION, NUMERIC, NUMERIC),
    filled("CASE {} WHEN {} THEN {} WHEN {} THEN {} END", NUMERIC, NUMERIC, NUMERIC, NUMERIC, NUMERIC),
    filled("CASE {} WHEN {} THEN {} ELSE {} END", TEXT, TEXT, TEXT, TEXT),
)
MIXED = filled("CASE WHEN {} THEN {} ELSE {} END", CONDITION, NUMERIC, TEXT)
VALUE = st.one_of(NUMERIC, TEXT, DATE, CONDITION, CASE)
COLUMN = st.sampled_from(["t", "u", "i", "j", "x", "d"])
EXTREME = st.sampled_from(["max", "min"])
DIRECTION = st.sampled_from(["", " DESC"])
LIMIT = st.sampled_from(["", " LIMIT 1", " LIMIT 3", " LIMIT 2 OFFSET 1", " LIMIT 1, 2", " LIMIT -1"])
AGGREGATE = st.one_of(
    filled("{}({})", st.sampled_from(["sum", "avg", "total", "min", "max", "count"]), NUMERIC),
    filled("{}({})", st.sampled_from(["min", "max", "count"]), TEXT),
    filled("{}(DISTINCT {})", st.sampled_from(["sum", "count"]), st.sampled_from(["i", "j", "x"])),
    filled("sum({})", CONDITION),
    filled("count(*) FILTER (WHERE {})", CONDITION),
    st.sampled_from(["count(*)", "group_concat(t)", "group_concat(i, '; ')", "max(d)", "min(d)"]),
    filled("sum({}) / count(*)", NUMERIC),
)

PLAIN = filled("SELECT {}, {} FROM w{} ORDER BY {}{}{}", VALUE, COLUMN, WHERE, VALUE, DIRECTION, LIMIT)
UNORDERED = filled("SELECT {}, t FROM w{}{}", st.one_of(VALUE, MIXED), WHERE, LIMIT)
DISTINCT = st.one_of(
    filled("SELECT DISTINCT {} FROM w{}{}", COLUMN, WHERE, LIMIT),
    filled("SELECT DISTINCT {}, {} FROM w ORDER BY 1{}", VALUE, COLUMN, DIRECTION),
)
WHOLE = filled("SELECT {}, {} FROM w{}", AGGREGATE, AGGREGATE, WHERE)
BARE = st.one_of(
    filled("SELECT {}, {}(coalesce({}, 0)) FROM w{}", COLUMN, st.sampled_from(["min", "max"]), NUMERIC, WHERE),
    filled("SELECT {}, {}, count(*) FROM w{} GROUP BY {}", COLUMN, COLUMN, WHERE, COLUMN),
    filled("SELECT t, {}, {}(coalesce({}, 0)) FROM w GROUP BY t", VALUE, st.sampled_from(["min", "max"]), NUMERIC),
)
GROUPED = st.one_of(
    filled("SELECT t, {} FROM w{} GROUP BY t", AGGREGATE, WHERE),
    filled("SELECT {}, count(*) AS n FROM w GROUP BY 1 HAVING n > 1 ORDER BY n{}{}", VALUE, DIRECTION, LIMIT),
    filled("SELECT u, i, {} AS n FROM w GROUP BY u, i ORDER BY n{}", AGGREGATE, DIRECTION),
)
NESTED = st.one_of(
    filled("SELECT t FROM w WHERE {} {} (SELECT {} FROM v{})", NUMERIC, OPERATOR, NUMERIC, WHERE),
    st.builds("SELECT t FROM w WHERE {0} {1}IN (SELECT {0} FROM v)".format, COLUMN, st.sampled_from(["", "NOT "])),
    filled("SELECT (SELECT {} FROM v{}), {} FROM w", VALUE, WHERE, COLUMN),
    filled("SELECT (SELECT {}({}) FROM v{}), {} FROM w", EXTREME, COLUMN, LIMIT, COLUMN),
    filled("SELECT (SELECT {}({}) FROM w), (SELECT {}({}) FROM v{})", EXTREME, COLUMN, EXTREME, COLUMN, WHERE),
    filled("SELECT t, (SELECT {} FROM v WHERE v.t = w.t) FROM w", AGGREGATE),
    filled("SELECT t FROM w WHERE {}EXISTS (SELECT 1 FROM v WHERE v.i = w.i)", st.sampled_from(["", "NOT "])),
    filled("SELECT t, i FROM w WHERE (t, i) IN (SELECT t, {}(i) FROM v GROUP BY t)", st.sampled_from(["min", "max"])),
    filled("SELECT n, count(*) FROM (SELECT {} AS n FROM w) GROUP BY n", VALUE),
    filled("WITH q AS (SELECT t, {} AS n FROM w GROUP BY t) SELECT * FROM q WHERE n IS NOT NULL ORDER BY t", AGGREGATE),
)
COMPOUND = st.one_of(
    filled(
        "SELECT i, t FROM w {} SELECT i, t FROM v{}",
        st.sampled_from(["UNION", "EXCEPT", "INTERSECT", "UNION ALL"]),
        st.sampled_from(["", " ORDER BY 2, 1", " ORDER BY i DESC, t"]),
    ),
    filled(
        "SELECT {} AS n, {} AS n FROM w UNION ALL SELECT {}, 1 FROM v UNION ALL SELECT {}, i FROM v",
        *[st.sampled_from(["i", "j", "2"])] * 4,
    ),
)
LIKE_NAMED = st.one_of(  # outputs of which two have one name, or nearly
    filled("SELECT w.{}, v.{}, w.i FROM w, v ORDER BY w.row_id, v.row_id", COLUMN, COLUMN),
    filled("SELECT {}, {} FROM w a LEFT JOIN v b ON a.t = b.t", *[st.sampled_from(["*", "a.*", "b.*", "b.i"])] * 2),
    filled("SELECT a.n, b.n FROM (SELECT {} AS n FROM w) a, (SELECT {} AS n FROM v) b", AGGREGATE, AGGREGATE),
    filled("SELECT {} AS n, {} AS N, {} AS n FROM w{}", COLUMN, VALUE, COLUMN, WHERE),
    filled('SELECT {}({}) AS "n:spelling", {}({}) AS n, 5 AS "n:row" FROM w', *[EXTREME, COLUMN] * 2),
    filled("SELECT {} AS n, {}({}) AS n FROM w GROUP BY 1 ORDER BY 1", COLUMN, EXTREME, COLUMN),
)
JOINED = st.one_of(
    filled("SELECT count(*), sum(v.i) FROM w JOIN v ON {}", st.sampled_from(["w.t = v.t", "w.i = v.i", "w.i < v.j"])),
    filled("SELECT w.t, v.i FROM w {} JOIN v ON w.t = v.t ORDER BY w.row_id, v.row_id", st.sampled_from(["LEFT", ""])),
    filled("SELECT w.row_id, v.row_id FROM w, v WHERE w.{} = v.{} ORDER BY 1, 2", st.just("i"), st.just("j")),
    st.just("SELECT t, count(*) FROM w JOIN v USING (t) GROUP BY t"),
)
WINDOWED = filled(
    "SELECT t, {} OVER ({}ORDER BY {}{}) FROM w ORDER BY row_id",
    st.sampled_from(
        ["row_number()", "rank()", "lag(i)", "sum(i)", "count(*)", "first_value(t)", "lag(x, 1, 0)", "max(x)"]
    ),
    st.sampled_from(["", "PARTITION BY u "]),
    COLUMN,
    DIRECTION,
)
PROGRAMS = st.one_of(PLAIN, UNORDERED, DISTINCT, WHOLE, BARE, GROUPED, NESTED, COMPOUND, LIKE_NAMED, JOINED, WINDOWED)


@settings(max_examples=100)
@given(tables(), st.lists(PROGRAMS, min_size=1, max_size=6))
def test_both_engines_agree(cells: dict[str, dict[str, Cells]], programs: list[str]) -> None:
    engines = Engines(cells)
    try:
        for program in programs:
            try:
                wanted = engines.run_sqlite(program)
            except sqlite3.OperationalError:
                continue
            found = engines.run_duckdb(program)
            assert same_rows(found, wanted), f"{program}\n{engines.translate(program)}\nfound {found}\nwanted {wanted}"
            assert engines.run_spelled(program) == found, program
            assert engines.run_by_rows(program) == found, program
            assert engines.mistold(program) == [], program
    finally:
        engines.close()


CALLED_ALIKE = st.one_of(  # WITH tables that are called like the only table, which is called ``w`` too
    filled("WITH peaks AS (SELECT * FROM w{}) SELECT {}, {} FROM peaks{}", WHERE, COLUMN, COLUMN, LIMIT),
    filled(
        "WITH Peaks AS (SELECT * FROM w{}) SELECT (SELECT {} FROM peaks), (SELECT count(*) FROM w)", WHERE, AGGREGATE
    ),
    filled("WITH w AS (SELECT * FROM peaks{}) SELECT {}, (SELECT {} FROM peaks) FROM w", WHERE, AGGREGATE, AGGREGATE),
    filled("WITH w AS (SELECT t, i FROM peaks), v AS (SELECT i AS t FROM w) SELECT t, {} FROM v{}", VALUE, LIMIT),
    filled(
        "WITH peaks AS (SELECT t, count(*) AS n FROM w{} GROUP BY t) "
        "SELECT w.t, {}, n FROM w LEFT JOIN peaks ON w.t = peaks.t",
        WHERE,
        st.sampled_from(["w.i", "peaks.n", "peaks.t"]),
    ),
    filled("SELECT t FROM w WHERE i IN (WITH peaks AS (SELECT * FROM w{}) SELECT j FROM peaks)", WHERE),
    filled(
        "SELECT {} FROM (WITH peaks AS (SELECT * FROM w{}) SELECT * FROM peaks) JOIN peaks USING (t)", AGGREGATE, WHERE
    ),
).map(lambda text: text.replace("row_id", "j"))


@settings(max_examples=60)
@given(tables(), st.lists(CALLED_ALIKE, min_size=1, max_size=6))
def test_a_with_table_may_be_called_like_the_table(cells: dict[str, dict[str, Cells]], programs: list[str]) -> None:
    engines = Engines({"peaks": cells["w"]})
    try:
        engines.plain.execute("CREATE VIEW w AS SELECT * FROM peaks")
        for program in programs:
            try:
                wanted = engines.run_sqlite(program)
            except sqlite3.OperationalError:
                continue
            found = engines.run_checked(program)
            assert same_rows(found, wanted), f"{program}\nfound {found}\nwanted {wanted}"
    finally:
        engines.close()


@st.composite
def long_tables(draw: st.DrawFn) -> dict[str, dict[str, Cells]]:
    """A table of which a few rows are few; some columns have many ties, some few values or none."""
    rows, chance = draw(st.integers(90, 450)), random.Random(draw(st.integers(0, 10**6)))

    def cells(kind: Kind, values: list[object]) -> Cells:
        missing = chance.choice([0, 0, 0.01, 0.3, 1])
        return Cells(kind, [None if chance.random() < missing else chance.choice(values) for _ in range(rows)])

    return {
        "w": {
            "t": cells(Kind.TEXT, [f"{letter}{n}" for letter in "ab" for n in range(9)]),
            "i": cells(Kind.INTEGER, list(range(-2, 3))),
            "j": cells(Kind.INTEGER, list(range(-1000, 1000))),
            "x": cells(Kind.NUMBER, [n / 4 for n in range(-50, 50)]),
            "d": cells(Kind.DATE, [f"20{n:02}-02-03" for n in range(40)]),
        }
    }


LONG_COLUMN = st.sampled_from(["t", "i", "j", "x", "d"])
FIRST_ROWS = filled(
    "SELECT {}, row_id FROM w ORDER BY {}{}{}{}",
    LONG_COLUMN,
    LONG_COLUMN,
    DIRECTION,
    st.sampled_from(["", "", " NULLS FIRST", " NULLS LAST"]),
    st.sampled_from([" LIMIT 1", " LIMIT 1", " LIMIT 3", " LIMIT 1 OFFSET 2", " LIMIT 1, 2", " LIMIT 0", " LIMIT 4"]),
)
OF_FIRST_ROWS = st.one_of(
    FIRST_ROWS,
    filled("SELECT max(row_id), count(*) FROM ({})", FIRST_ROWS),
    filled("SELECT row_id FROM w WHERE row_id IN (SELECT row_id FROM ({}))", FIRST_ROWS),
    filled("SELECT t, (SELECT j FROM w ORDER BY {}{} LIMIT 1) FROM w ORDER BY x LIMIT 1", LONG_COLUMN, DIRECTION),
)


@settings(max_examples=40)
@given(long_tables(), st.lists(OF_FIRST_ROWS, min_size=5, max_size=10))
def test_both_engines_agree_on_a_few_of_many_rows(cells: dict[str, dict[str, Cells]], programs: list[str]) -> None:
    engines = Engines(cells)
    try:
        for program in programs:
            found, wanted = engines.run_duckdb(program), engines.run_sqlite(program)
            assert same_rows(found, wanted), f"{program}\n{engines.translate(program)}\nfound {found}\nwanted {wanted}"
            assert engines.run_spelled(program) == found, program
            assert engines.run_by_rows(program) == found, program
    finally:
        engines.close()
