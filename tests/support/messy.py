"""Tables as the web writes them: random cells that read as values, each with the ways people spell them."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

MISSING = ("", "n/a", "–", "-", "unknown")
_NAMES = ("Aster", "Birch", "Cedar", "Dahlia", "Elm", "Fern", "Gorse", "Hazel")


def _count(rng: random.Random) -> str:
    return rng.choice(("{:,}", "{}", "{:,}[1]", "{:,}*", "{:,} (est.)")).format(rng.randrange(10_000_000))


def _price(rng: random.Random) -> str:
    return rng.choice(("${:,.2f}", "{:.2f}", "${:,.0f}")).format(rng.random() * 10_000)


def _share(rng: random.Random) -> str:
    return f"{rng.random() * 100:.1f}%"


def _length(rng: random.Random) -> str:
    return f"{rng.randrange(5_000):,} km"


def _change(rng: random.Random) -> str:
    return rng.choice("+−") + str(rng.randrange(1, 400))


def _day(rng: random.Random) -> str:
    day = date(1950, 1, 1) + timedelta(days=rng.randrange(25_000))
    return rng.choice((f"{day:%B} {day.day}, {day.year}", f"{day.day} {day:%b} {day.year}", day.isoformat()))


def _score(rng: random.Random) -> str:
    return f"{rng.randrange(30)}–{rng.randrange(30)}"


def _code(rng: random.Random) -> str:
    return f"{rng.randrange(100_000):05d}"


def _name(rng: random.Random) -> str:
    return rng.choice((" {} {}", "{} {}", "{}\u00a0{}")).format(rng.choice(_NAMES), rng.randrange(1_000))


def _year(rng: random.Random) -> str:
    return str(rng.randrange(1900, 2030))


COLUMNS: dict[str, tuple[str, Callable[[random.Random], str]]] = {
    "count": ("integer", _count),
    "price": ("number", _price),
    "share": ("decimal", _share),
    "length": ("integer", _length),
    "change": ("integer", _change),
    "day": ("date", _day),
    "score": ("text", _score),
    "code": ("text", _code),
    "name": ("text", _name),
    "year": ("integer", _year),
}
"""The columns' names, the kind that each is to have, and what makes its cells."""


def write_messy(path: Path, rows: int, *, missing: float = 0.05, seed: int = 0) -> None:
    """Write a messy table of ten columns as CSV.

    Args:
        path: Where to.
        rows: How many rows.
        missing: The share of cells that are missing, spelled in one of several ways.
        seed: Makes the same table again.
    """
    rng = random.Random(seed)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for _ in range(rows):
            writer.writerow(
                rng.choice(MISSING) if rng.random() < missing else make(rng) for _, make in COLUMNS.values()
            )
