"""report: what a run's results add up to, and how runs over the same examples compare."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from binder.errors import ConfigurationError
from binder.lm.base import Usage
from evaluation import records
from evaluation.display import Price, accuracy
from evaluation.groups import GROUPS
from evaluation.intervals import paired, wilson
from evaluation.page import render
from evaluation.records import Record
from evaluation.run import RESULTS
from evaluation.settings import Settings, kept

STATUSES = ("right", "wrong", "empty", "failed", "refused", "crashed")
Report = dict[str, Any]


@dataclass(frozen=True)
class Results:
    """A run's results.

    Attributes:
        name: What the report calls it.
        settings: What decided them.
        records: One for each example, by id.
    """

    name: str
    settings: Settings
    records: dict[str, Record]


def load(outs: Sequence[Path]) -> list[Results]:
    """The results in runs' folders.

    Raises:
        ConfigurationError: A folder holds no results, or runs are of different benchmarks.
    """
    names = [out.name if [other.name for other in outs].count(out.name) == 1 else str(out) for out in outs]
    loaded = []
    for name, out in zip(names, outs, strict=True):
        settings = kept(out)
        found = {record["id"]: record for record in records.read(out / RESULTS)}
        if not found:
            raise ConfigurationError(f"{out} holds no results yet; run it first")
        loaded.append(Results(name, settings, found))
    if len({(one.settings.benchmark, one.settings.split) for one in loaded}) > 1:
        raise ConfigurationError("the runs are of different benchmarks or splits, and cannot be compared")
    return loaded


def write(outs: Sequence[Path], to: Path, price: Price) -> str:
    """Write ``report.json``, ``report.md`` and ``report.html`` on one run or several.

    Args:
        outs: The runs' folders.
        to: The folder to write to.
        price: What tokens cost.

    Returns:
        The report as Markdown.
    """
    runs = load(outs)
    report = summarise(runs, price)
    text = markdown(report)
    to.mkdir(parents=True, exist_ok=True)
    (to / "report.json").write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    (to / "report.md").write_text(text, encoding="utf-8")
    (to / "report.html").write_text(render(report, {run.name: run.records for run in runs}), encoding="utf-8")
    return text


def summarise(runs: Sequence[Results], price: Price) -> Report:
    """The report on runs, as data."""
    return {
        "benchmark": runs[0].settings.benchmark,
        "split": runs[0].settings.split,
        "near_official": any(_near_official(run) for run in runs),
        "runs": [_run(run, price) for run in runs],
        "comparisons": [_comparison(first, second) for first, second in combinations(runs, 2)],
    }


def markdown(report: Report) -> str:
    """The report as Markdown: one table of the runs, one of each pair's difference, and one of groups a run."""
    heads = ["run", "accuracy", "lenient", *STATUSES[1:], "requests", "tokens", "$"]
    rows = [
        [
            run["name"],
            _share(run["accuracy"]),
            _share(run["lenient"]),
            *(str(run["statuses"].get(status, 0)) for status in STATUSES[1:]),
            f"{run['per_question']['requests']:.2f}",
            f"{run['per_question']['tokens']:,.0f}",
            f"{run['per_question']['dollars']:.4f}",
        ]
        for run in report["runs"]
    ]
    parts = [f"# {report['benchmark']}, {report['split']}", _table(heads, rows)]
    parts.append("Accuracy with its 95 % interval; requests, tokens and dollars a question.")
    if report["near_official"]:
        parts.append("Canonical answers are missing for this split, so scores are near-official.")
    if report["comparisons"]:
        heads = ["runs", "examples", "both right", "only the first", "only the second", "difference", "p (McNemar)"]
        parts.append(_table(heads, [_compared(one) for one in report["comparisons"]]))
    for run in report["runs"]:
        groups = [[name, group["group"], _share(group)] for name, found in run["groups"].items() for group in found]
        parts += [f"## {run['name']}", _table(["by", "group", "accuracy"], groups)]
    return "\n\n".join(parts) + "\n"


def _near_official(run: Results) -> bool:
    return any(not record["official"] for record in run.records.values())


def _run(run: Results, price: Price) -> Report:
    found = list(run.records.values())
    usage = sum((Usage(**record["usage"]) for record in found), Usage())
    statuses = Counter(record["status"] for record in found)
    steps: Counter[str] = Counter()
    for record in found:
        steps.update(record["seconds"])
    n = len(found)
    return {
        "name": run.name,
        "settings": asdict(run.settings),
        "accuracy": _counted(record["right"] for record in found),
        "lenient": _counted(record["lenient"] for record in found),
        "statuses": {status: statuses[status] for status in STATUSES if statuses[status]},
        "groups": {name: _grouped(found, name) for name in GROUPS},
        "per_question": {
            "requests": usage.requests / n,
            "tokens": usage.tokens / n,
            "dollars": price.of(usage) / n,
            "seconds": {step: seconds / n for step, seconds in steps.items()},
        },
        "unreadable": sum(record["unreadable"] for record in found),
    }


def _grouped(found: Sequence[Record], name: str) -> list[Report]:
    group, order = GROUPS[name]
    members: dict[str, list[bool]] = {}
    for record in found:
        members.setdefault(group(record), []).append(record["right"])
    return [{"group": each, **_counted(members[each])} for each in order if each in members]


def _counted(verdicts: Iterable[bool]) -> Report:
    known = list(verdicts)
    low, high = wilson(sum(known), len(known))
    return {"right": sum(known), "n": len(known), "share": sum(known) / len(known), "low": low, "high": high}


def _comparison(first: Results, second: Results) -> Report:
    shared = [name for name in first.records if name in second.records]
    pair = paired(*([run.records[name]["right"] for name in shared] for run in (first, second)))
    low, high = pair.interval
    differ = [name for name in shared if first.records[name]["right"] != second.records[name]["right"]]
    return {
        "runs": [first.name, second.name],
        **asdict(pair),
        "difference": pair.difference,
        "low": low,
        "high": high,
        "p": pair.p,
        "differ": differ,
    }


def _compared(one: Report) -> list[str]:
    difference = f"{100 * one['difference']:+.1f} points [{100 * one['low']:+.0f} to {100 * one['high']:+.0f}]"
    counts = [str(one[key]) for key in ("n", "both", "first", "second")]
    return [" and ".join(one["runs"]), *counts, difference, f"{one['p']:.3f}"]


def _share(counted: Report) -> str:
    return accuracy(counted["right"], counted["n"])


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
