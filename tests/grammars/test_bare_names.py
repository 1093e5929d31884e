"""A name that stands bare is read as a column; one that does not is read in back-ticks."""

from __future__ import annotations

import pytest
from sqlglot import Dialect

from grammars.bare_names import stands_bare
from grammars.check import check
from grammars.schema import Column, Kind, Schema, TableSchema

WORDS = sorted({word.lower() for word in Dialect.get_or_raise("sqlite").tokenizer_class.KEYWORDS if word.isalpha()})


@pytest.mark.parametrize("word", WORDS)
def test_keywords_stand_bare_or_in_back_ticks(word: str) -> None:
    name = word if stands_bare(word) else f"`{word}`"
    columns = (Column(word, Kind.INTEGER, "BIGINT", word), Column("x", Kind.INTEGER, "BIGINT", "x"))
    schema = Schema((TableSchema("w", columns, None),))
    for text in (
        f"SELECT {name} FROM w WHERE {name} = 1 ORDER BY {name}",
        f"SELECT x, MAX({name}) FROM w GROUP BY {name}",
        f"SELECT w.{name} FROM w WHERE QA(\"map@is it?\"; {name}) = 'yes'",
    ):
        assert not check(text, schema).complaints, text


def test_few_words_need_back_ticks() -> None:
    assert all(map(stands_bare, ("year", "date", "name", "rank", "end_date", "value", "text", "time", "first", "key")))
    assert not any(map(stands_bare, ("vacuum", "select", "from", "to from", "", "1st")))
