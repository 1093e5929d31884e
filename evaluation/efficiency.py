"""efficiency: what the engine spends, in one table: LM requests by case, the pace of requests, and its own overhead.

The language model is a stub on loopback, so the figures are the engine's and not a model's. Each has the bound that it
must keep, and beside it what others take for the same.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version

from evaluation import overhead, pace
from evaluation.cases import CASES, Case
from evaluation.overhead import Overhead
from evaluation.pace import Pace
from evaluation.peers import Peer
from evaluation.stub import Server, serve
from evaluation.trial import Trial, run

DELAY = 0.05
SLOW = 0.2

MOST_REQUESTS = 625
MOST_SECONDS = 4.8
MOST_TIMES = 3
MOST_BYTES = 2**30

_PACKAGES = ("binder-tableqa", "duckdb", "sqlglot", "openai")


@dataclass(frozen=True)
class Other:
    """What another engine, or none, takes for the same.

    Attributes:
        name: What it is.
        value: Its figure, or None where it fails.
        right: Whether its answers are right.
    """

    name: str
    value: float | None
    right: bool = True


@dataclass(frozen=True)
class Figure:
    """One row of the report.

    Attributes:
        what: What was measured, with its unit.
        value: The figure, or None where it cannot be told here.
        most: The bound it must keep, or None.
        inputs: How many (question, value) pairs the model was asked, for a case.
        right: Whether the answers are right, where there are any.
        beside: What others take for the same.
    """

    what: str
    value: float | None
    most: float | None = None
    inputs: int | None = None
    right: bool = True
    beside: tuple[Other, ...] = ()

    @property
    def met(self) -> bool | None:
        """Whether the bound is kept with right answers; None without a bound or a figure."""
        return None if self.most is None or self.value is None else self.right and self.value <= self.most


def measure(peers: Sequence[Peer], seen: Callable[[str], None]) -> list[Figure]:
    """Measure everything; it takes one to two minutes, and as much again for a peer.

    Args:
        peers: Engines to run the cases on beside.
        seen: Told what is measured next.
    """
    figures = []
    with serve(DELAY) as server:
        for case in CASES:
            seen(case.name)
            figures.append(_spent(case, server, peers))
    seen("the pace of requests")
    figures += _paced(pace.measure(SLOW), pace.measure(0.0))
    seen("10,000,000 rows")
    return figures + _weighed(overhead.measure())


def machine(peers: Sequence[Peer]) -> str:
    """What the figures were measured on and with."""
    versions = [f"{name} {version(name)}" for name in _PACKAGES]
    place = [platform.platform(), f"{os.cpu_count()} cores", f"Python {platform.python_version()}"]
    return ", ".join([*place, *versions, *(peer.name for peer in peers)])


def table(figures: Sequence[Figure], place: str) -> str:
    """The figures as a Markdown table, in the order given.

    Example:
        >>> print(table([Figure("filter, requests", 4, 4, 50, beside=(Other("BlendSQL", 50),))], "here"))
        | what | measured | at most | kept | inputs | answers | beside, and how many times ours |
        | --- | --- | --- | --- | --- | --- | --- |
        | filter, requests | 4 | 4 | yes | 50 | right | BlendSQL 50 (12.50) |
        <BLANKLINE>
        here
        <BLANKLINE>
    """
    lines = [
        "| what | measured | at most | kept | inputs | answers | beside, and how many times ours |",
        "|" + " --- |" * 7,
    ]
    return "\n".join([*lines, *map(_line, figures)]) + f"\n\n{place}\n"


def document(figures: Sequence[Figure], place: str) -> str:
    """The figures as JSON text."""
    rows = [{**asdict(figure), "met": figure.met} for figure in figures]
    return json.dumps({"machine": place, "figures": rows}, indent=2) + "\n"


def _spent(case: Case, server: Server, peers: Sequence[Peer]) -> Figure:
    """What a case costs, here and on the peers."""
    ours = run(case, server)
    beside = tuple(_other(peer.name, peer.run(case, server)) for peer in peers)
    return Figure(f"{case.name}: requests", ours.requests, case.most, ours.inputs, ours.right, beside)


def _other(name: str, trial: Trial | None) -> Other:
    return Other(name, trial.requests, trial.right) if trial else Other(name, None)


def _paced(slow: Pace, fast: Pace) -> list[Figure]:
    case = f"{pace.VALUES:,} distinct values, {pace.IN_FLIGHT} in flight"
    bare = "bare client"
    speeds = [fast.requests / seconds for seconds in (fast.seconds, fast.bare)]
    return [
        Figure(f"{case}: requests", slow.requests, MOST_REQUESTS),
        Figure(f"{case}, {SLOW * 1000:g} ms each: s", slow.seconds, MOST_SECONDS, beside=(Other(bare, slow.bare),)),
        Figure(f"{case}, answered at once: requests/s", speeds[0], beside=(Other(bare, speeds[1]),)),
    ]


def _weighed(spent: Overhead) -> list[Figure]:
    case = f"COUNT over {overhead.ROWS:,} rows, {overhead.DISTINCT:,} values"
    memory = None if spent.memory is None else spent.memory / 2**20
    return [
        Figure(
            f"{case}, without the LM: s",
            spent.seconds,
            MOST_TIMES * spent.duckdb,
            right=spent.right,
            beside=(Other("DuckDB by hand", spent.duckdb),),
        ),
        Figure(f"{case}: MiB added, loading included", memory, MOST_BYTES / 2**20, right=spent.right),
    ]


def _line(figure: Figure) -> str:
    beside = "; ".join(_told(other, figure.value) for other in figure.beside)
    kept = {None: "", True: "yes", False: "**no**"}[figure.met]
    answers = "right" if figure.right else "**wrong**"
    cells = (figure.what, _number(figure.value), _number(figure.most), kept, _number(figure.inputs), answers, beside)
    return f"| {' | '.join(cells)} |"


def _told(other: Other, ours: float | None) -> str:
    if other.value is None:
        return f"{other.name} fails"
    times = f" ({other.value / ours:.2f})" if ours else ""
    return f"{other.name} {_number(other.value)}{times}{'' if other.right else ', another answer'}"


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
