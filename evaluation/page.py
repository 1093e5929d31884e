"""page: the report as one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from evaluation.benchmark import BENCHMARKS
from evaluation.example import DataSetError
from evaluation.records import Record

SHOWN = 40
"""Examples of each status that a report shows."""
ROWS = 60
"""Rows of a table that an example shows."""

_ORDER = ("crashed", "refused", "failed", "empty", "wrong", "right")


def render(report: Mapping[str, Any], runs: Mapping[str, Mapping[str, Record]]) -> str:
    """The report's page.

    Args:
        report: The report, as data.
        runs: The runs' records, by name and id.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    examples, left_out = _examples(report, runs)
    template = environment.get_template("report.html.jinja")
    return template.render(report=report, examples=examples, left_out=left_out)


def _examples(report: Mapping[str, Any], runs: Mapping[str, Mapping[str, Record]]) -> tuple[list[Record], int]:
    """Examples to open, those that runs differ on first; and how many there is no room for."""
    differ = {name for one in report["comparisons"] for name in one["differ"]}
    by_status: dict[str, list[str]] = {}
    for found in runs.values():
        for name, record in found.items():
            by_status.setdefault(record["status"], []).append(name)
    chosen = dict.fromkeys(
        name
        for status in _ORDER
        for name in sorted(by_status.get(status, ()), key=lambda name: name not in differ)[:SHOWN]
    )
    every = {name for found in runs.values() for name in found}
    order = sorted(chosen, key=lambda name: name not in differ)
    return [_example(report["benchmark"], name, runs, name in differ) for name in order], len(every) - len(chosen)


def _example(benchmark: str, name: str, runs: Mapping[str, Mapping[str, Record]], differs: bool) -> Record:
    answered = {run: found[name] for run, found in runs.items() if name in found}
    first = next(iter(answered.values()))
    header, *rows = _rows(benchmark, Path(first["source"])) or [[]]
    return {
        "id": name,
        "question": first["question"],
        "title": first["title"],
        "gold": first["gold"],
        "differs": differs,
        "header": header,
        "rows": rows[:ROWS],
        "left_out": max(0, len(rows) - ROWS),
        "runs": answered,
    }


def _rows(benchmark: str, source: Path) -> Sequence[Sequence[str]]:
    """The table's cells; none where the data set has moved, for a report is to be had without it."""
    try:
        return BENCHMARKS[benchmark].rows(source)
    except DataSetError:
        return []
