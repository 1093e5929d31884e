"""Programs and their translations, as text; each is run, and gives what SQLite gives where SQLite can run it."""

from __future__ import annotations

import pytest
import sqlglot
from sqlglot import exp

from grammars.calls import find_calls, make_call
from grammars.check import check
from grammars.dialect import translate
from grammars.schema import Column, Kind, Schema, TableSchema
from tests.support.engines import Cells, Engines, same_rows
from tests.support.pairs import Pair, read_pairs

PEAKS = {
    "w": {
        "name": Cells(Kind.TEXT, ["everest", "k2", "lhotse", "makalu", "cho oyu", "k2b", None, "alp"]),
        "height": Cells(Kind.INTEGER, [8848, 8611, 8516, 8485, 8188, 8611, None, 100]),
        "ratio": Cells(Kind.NUMBER, [1.5, 2.0, -0.5, None, 3.25, 2.0, 0.0, 10.0]),
        "first": Cells(
            Kind.DATE,
            [
                "1953-05-29",
                "1954-07-31",
                "1956-05-18",
                "1955-05-15",
                "1954-10-19",
                None,
                "1990-01-31",
                "1990-12-31",
            ],
        ),
        "country": Cells(Kind.TEXT, ["nepal", "pakistan", "nepal", "nepal", "china", "pakistan", None, "france"]),
        "n2": Cells(Kind.INTEGER, [1, 2, 3, 0, -5, 2, 7, None]),
        "note": Cells(Kind.TEXT, ["1,234 (est.)", "12 km", "n/a", "-3", "", None, "$2,000", "22–18"]),
    },
    "c": {
        "country": Cells(Kind.TEXT, ["nepal", "china", "india", None]),
        "people": Cells(Kind.INTEGER, [30, 1400, 1400, 5]),
        "area": Cells(Kind.NUMBER, [147.5, 9597.0, 3287.3, None]),
    },
}
WITH_SQLITES_MEANING = ("plain", "names", "compare", "numbers", "rows", "compound", "moments")
BEYOND_SQLITE = ("departures", "habits")


@pytest.fixture(scope="module")
def engines() -> Engines:
    return Engines(PEAKS)


def pairs(names: tuple[str, ...]) -> list[Pair]:
    return [pair for name in names for pair in read_pairs(f"dialect/{name}.sql")]


@pytest.mark.parametrize("pair", pairs(WITH_SQLITES_MEANING + BEYOND_SQLITE), ids=str)
def test_translation(engines: Engines, pair: Pair) -> None:
    assert engines.translate(pair.given) == pair.wanted


@pytest.mark.parametrize("pair", pairs(WITH_SQLITES_MEANING), ids=str)
def test_answers_are_those_of_sqlite(engines: Engines, pair: Pair) -> None:
    assert same_rows(engines.run_duckdb(pair.given), engines.run_sqlite(pair.given))


def with_calls(program: str, schema: Schema, type_: str) -> exp.Expression:
    """A program's translation, its functions being LM calls of a type."""
    tree = sqlglot.parse_one(program, read="sqlite")
    for node in list(tree.find_all(exp.Anonymous)):
        call = make_call(node.name, "why?", node.expressions)
        call.meta["type"] = type_
        node.replace(call)
    assert isinstance(tree, exp.Expression)
    return translate(tree, schema)


@pytest.mark.parametrize(
    ("program", "type_", "wanted"),
    [
        ("SELECT QA_MAP(name) FROM w", "VARCHAR", """SELECT QA_MAP('why?', "w"."name") AS"""),
        (
            "SELECT name FROM w WHERE QA_MAP(name) = 'Yes'",
            "VARCHAR",
            """WHERE LOWER(QA_MAP('why?', "w"."name")) = 'yes'""",
        ),
        ("SELECT name FROM w WHERE QA_MAP(name) > 5", "DOUBLE", """WHERE QA_MAP('why?', "w"."name") > 5"""),
        ("SELECT name FROM w WHERE QA_MAP(name)", "BOOLEAN", """WHERE QA_MAP('why?', "w"."name") ORDER"""),
        ("SELECT name FROM w WHERE country = QA_MAP(name)", "VARCHAR", """LOWER("w"."country") = LOWER(QA_MAP("""),
        (
            "SELECT QA_MAP(name) m, MAX(height) FROM w",
            "VARCHAR",
            """FIRST(QA_MAP('why?', "w"."name") ORDER BY "w"."height" DESC""",
        ),
        (
            "SELECT QA_MAP(name), COUNT(*) FROM w GROUP BY QA_MAP(name)",
            "VARCHAR",
            """GROUP BY QA_MAP('why?', "w"."name")""",
        ),
        (
            "SELECT country, QA_MAP(country) FROM w GROUP BY country",
            "VARCHAR",
            """, QA_MAP('why?', "w"."country") AS""",
        ),
        ("SELECT QA_MAP(MAX(name)) FROM w", "VARCHAR", """SELECT QA_MAP('why?', MAX("w"."name")) AS"""),
        ("SELECT QA_ANS((SELECT name FROM w)) FROM w", "VARCHAR", """QA_ANS('why?', (SELECT "w"."name" FROM "w"))"""),
    ],
)
def test_calls_stay_and_mean_their_type(engines: Engines, program: str, type_: str, wanted: str) -> None:
    tree = with_calls(program, engines.schema, type_)
    assert wanted in tree.sql("duckdb")
    assert all(call.question == "why?" for call in find_calls(tree))


def test_lists_that_an_lm_names_fold_case(engines: Engines) -> None:
    engines.duckdb.execute("CREATE OR REPLACE MACRO qa_ans(question, input) AS ['Nepal', 'CHINA']")
    program = "SELECT name FROM w WHERE country IN (QA_ANS((SELECT country FROM w)))"
    tree = with_calls(program, engines.schema, "VARCHAR[]")
    names = engines.duckdb.execute(tree.sql("duckdb")).fetchall()
    assert names == [("everest",), ("lhotse",), ("makalu",), ("cho oyu",)]


def test_the_program_given_is_not_changed(engines: Engines) -> None:
    tree = sqlglot.parse_one(
        "SELECT * FROM w WHERE name = 'K2' AND height IN (SELECT MAX(height) FROM w)", read="sqlite"
    )
    assert isinstance(tree, exp.Expression)
    before = repr(tree)
    translate(tree, engines.schema)
    assert repr(tree) == before


@pytest.mark.parametrize(
    "program",
    [
        'SELECT "MAX(height)", country FROM (SELECT country, MAX(height) FROM w GROUP BY country)',
        'SELECT country FROM (SELECT country, COUNT(*) FROM w GROUP BY country) q WHERE q."count(*)" > 1',
        "WITH q AS (SELECT n2 + 1, name FROM w) SELECT SUM(`n2 + 1`) FROM q",
    ],
)
def test_outputs_without_an_alias_are_called_by_their_text(engines: Engines, program: str) -> None:
    program_here = check(program, engines.schema).program
    assert program_here is not None and program_here.translated is not None
    found = engines.duckdb.execute(program_here.translated.sql("duckdb")).fetchall()
    assert same_rows(found, engines.run_sqlite(program))


def test_hidden_columns_stay_hidden(engines: Engines) -> None:
    peaks = TableSchema(
        "high peaks", (Column("name", Kind.TEXT, "VARCHAR", spelling="name (spelling)"),), row_id="_row"
    )
    tree = sqlglot.parse_one("SELECT *, row_id FROM w", read="sqlite")
    assert isinstance(tree, exp.Expression)
    wanted = 'SELECT "w"."name", "w"."_row" AS "row_id" FROM "high peaks" AS "w"'
    assert translate(tree, Schema((peaks,))).sql("duckdb") == wanted
