"""Patterns and text functions with SQLite's meaning, and with that of MySQL where SQLite lacks them."""

from __future__ import annotations

import re

from sqlglot import exp

from .moments import period
from .operators import Rewrite
from .owntext import either, own_text
from .schema import Kind
from .values import (
    BOOLEAN,
    NUMBER,
    TEXT,
    View,
    cast,
    function,
    integer,
    is_text_literal,
    kind,
    literal_number,
    real,
    string,
    text,
    typed,
    value,
)

_DATED = (Kind.DATE, Kind.TIMESTAMP)
_DIGITS = 15  # that a DOUBLE holds
_CONVERSIONS: dict[str, View] = {**dict.fromkeys("dixXuoc", integer), **dict.fromkeys("feEgG", real)}


def _like(node: exp.Expr) -> exp.Expr:
    """LIKE ignores case; a pattern without letters needs no folding."""
    pattern = own_text(node.expression)
    plain = is_text_literal(pattern) and pattern.name.upper() == pattern.name.lower()
    like = exp.Like if plain else exp.ILike
    found = either(
        node.this, lambda subject: like(this=subject, expression=pattern.copy()), _within(node.this, pattern)
    )
    return typed(exp.Not(this=found), BOOLEAN) if node.args.get("negate") else found


def _within(node: exp.Expr, pattern: exp.Expr) -> exp.Expr | None:
    """``day LIKE '1999-%'`` of a column's dates as their being in that year or month, which is told without a text."""
    begins = re.fullmatch(r"([\d-]*\d)-?%", pattern.name) if is_text_literal(pattern) else None
    span = period(string(begins[1])) if begins else None
    if span is None or span.end is None or not isinstance(node, exp.Column) or kind(node) not in _DATED:
        return None
    since = exp.GTE(this=node.copy(), expression=span.start)
    until = exp.LT(this=node.copy(), expression=span.end)
    return typed(exp.Paren(this=exp.And(this=since, expression=until)), BOOLEAN)


def _glob(node: exp.Expr) -> exp.Expr:
    """GLOB; DuckDB negates a set of letters with ``!``."""
    pattern = text(node.expression)
    if is_text_literal(pattern):
        pattern = string(pattern.name.replace("[^", "[!"))
    else:
        pattern = function("REPLACE", TEXT, pattern, string("[^"), string("[!"))
    return either(node.this, lambda subject: exp.Glob(this=subject, expression=pattern.copy()))


def _regexp(node: exp.Expr) -> exp.Expr:
    pattern = text(node.expression)
    return either(node.this, lambda subject: exp.RegexpLike(this=subject, expression=pattern.copy(), flag=string("i")))


def _similar(node: exp.Expr) -> exp.Expr:
    """SIMILAR TO: a regular expression of the whole text in which ``%`` and ``_`` stand for any letters."""
    pattern = text(node.expression)
    if is_text_literal(pattern):
        pattern = string(pattern.name.replace("%", ".*").replace("_", "."))
    return either(node.this, lambda subject: function("REGEXP_FULL_MATCH", BOOLEAN, subject, pattern.copy()))


def _concat(node: exp.Expr) -> exp.Expr:
    node.set("expressions", [own_text(value(each)) for each in node.expressions])
    return typed(node, TEXT)


def _chr(node: exp.Expr) -> exp.Expr:
    letters = [function("CHR", TEXT, cast(integer(each), exp.DataType.build("INT"))) for each in node.expressions]
    return typed(exp.Concat(expressions=letters), TEXT) if len(letters) > 1 else letters[0]


def _substring_index(node: exp.Expr) -> exp.Expr:
    """What stands before the n-th delimiter, or after it from the end when n is negative."""
    subject, delimiter, count = own_text(node.this), text(node.args["delimiter"]), integer(node.args["count"])
    pieces = function("STRING_SPLIT", TEXT, subject, delimiter)
    negative = isinstance(count, exp.Neg)
    bounds = (count, literal_number("-1")) if negative else (literal_number("1"), count)
    return function("ARRAY_TO_STRING", TEXT, function("LIST_SLICE", TEXT, pieces, *bounds), delimiter)


def printf(arguments: list[exp.Expr]) -> exp.Expr:
    """``printf(format, …)``: each argument read as its conversion wants it."""
    format_, *values = arguments
    conversions = re.findall(r"%[-+ 0#,]*\d*(?:\.(\d+))?([a-zA-Z])", format_.name.replace("%%", ""))
    viewed = [
        _present(_converted(each, letter, places or "6"), literal_number("0") if letter in _CONVERSIONS else string(""))
        for (places, letter), each in zip(conversions, values, strict=False)
    ]
    return function("PRINTF", TEXT, format_, *viewed)


def _converted(node: exp.Expr, letter: str, places: str) -> exp.Expr:
    """An argument as its conversion reads it; SQLite rounds a half up, where C goes by its binary digits."""
    if letter == "f" and int(places) <= _DIGITS:
        return typed(exp.Round(this=real(node), decimals=literal_number(places)), NUMBER)
    return _CONVERSIONS.get(letter, own_text)(node)


def _present(node: exp.Expr, otherwise: exp.Expr) -> exp.Expr:
    """What printf writes for NULL, which in DuckDB would make all of it NULL."""
    return node if isinstance(node, exp.Literal) else typed(exp.Coalesce(this=node, expressions=[otherwise]), node.type)


def _json(node: exp.Expr) -> exp.Expr:
    """A part of a JSON text, as text."""
    return function("JSON_EXTRACT_STRING", TEXT, own_text(node.this), node.expression)


def _format(node: exp.Expr) -> exp.Expr:
    """``format('…', …)`` is printf; MySQL's ``format(number, decimals)`` sets thousands apart."""
    if is_text_literal(node.this):
        return printf([node.this, *node.expressions])
    decimals = node.expressions[0].name if node.expressions else "0"
    return function("FORMAT", TEXT, string(f"{{:,.{decimals}f}}"), real(node.this))


TEXTS: dict[type[exp.Expr], Rewrite] = {
    exp.Like: _like,
    exp.ILike: _like,
    exp.Escape: lambda node: typed(node, BOOLEAN),
    exp.Glob: _glob,
    exp.RegexpLike: _regexp,
    exp.SimilarTo: _similar,
    exp.Concat: _concat,
    exp.ConcatWs: _concat,
    exp.Chr: _chr,
    exp.SubstringIndex: _substring_index,
    exp.Format: _format,
    exp.JSONExtract: _json,
    exp.JSONExtractScalar: _json,
}
