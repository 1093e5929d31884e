"""Schemas that the grammar's tests share."""

from __future__ import annotations

from grammars.schema import Column, Kind, Schema, TableSchema

_TYPES = {Kind.TEXT: "VARCHAR", Kind.INTEGER: "BIGINT", Kind.DATE: "DATE"}


def _table(name: str, title: str, **columns: Kind) -> TableSchema:
    made = [Column(key, kind, _TYPES[kind], label=key) for key, kind in columns.items()]
    return TableSchema(name, tuple(made), title)


PEAKS = TableSchema(
    "peaks",
    (
        Column("Name", Kind.TEXT, "VARCHAR", "Name"),
        Column("country", Kind.TEXT, "VARCHAR", "country"),
        Column("height (m)", Kind.INTEGER, "BIGINT", "height\n(m)", "height (m)#"),
        Column("First ascent", Kind.DATE, "DATE", "First ascent"),
        Column("Total votes", Kind.INTEGER, "BIGINT", "Total votes"),
    ),
    "Highest peaks",
)
VISITS = _table("visits", "Visits by year", peak=Kind.TEXT, year=Kind.INTEGER, visitors=Kind.INTEGER, country=Kind.TEXT)

ONE = Schema((PEAKS,))
TWO = Schema((PEAKS, VISITS))
