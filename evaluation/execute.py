"""execute, the second phase: candidate programs to answers, a vote and a score, one record an example."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from binder import loop
from binder.answer import Outcome, plain
from binder.ask_ans import AnsReply, ask_ans
from binder.engine import Binder
from binder.errors import BinderError
from binder.lm.base import LM, Usage
from binder.table import Table
from binder.trace import CallTrace
from binder.vote import Candidate
from evaluation import annotate
from evaluation.benchmark import Benchmark
from evaluation.example import Example
from evaluation.records import Record
from exemplars.exemplar import Part
from grammars.language import AnyProgram

Kind = Literal["plain", "map", "ans", "none"]


@dataclass(frozen=True)
class _Found:
    """What became of an example, before it is scored."""

    texts: list[str] | None
    winner: int | None
    candidates: list[Record]
    kind: Kind
    usage: Usage
    calls: list[Record] = field(default_factory=list)
    confidence: float = 1.0
    unreadable: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)


async def execute(benchmark: Benchmark, example: Example, table: Table, drafts: Record, engine: Binder) -> Record:
    """The record of an example whose candidate programs are there.

    Raises:
        BinderError: One that ends the run (``annotate.ENDS``); whatever else went wrong is in the record.
    """
    started = time.perf_counter()
    samples, usage, seconds = annotate.samples(drafts), annotate.usage(drafts), drafts["seconds"]["draft"]
    try:
        if samples:
            found = _of_outcome(await engine.adecide(example.question, table, samples), usage, seconds)
        else:
            found = _without_answer("refused", drafts["error"] or "the model wrote no program", usage, seconds)
    except annotate.ENDS:
        raise
    except Exception as error:  # a fault of the engine costs one example, is counted apart, and ends no run
        found = _without_answer("crashed", f"{type(error).__name__}: {error}", usage, seconds)
    return _record(benchmark, example, table, found, started)


async def answer_whole(benchmark: Benchmark, example: Example, table: Table, lm: LM) -> Record:
    """The record of an example that the model answers end to end, from the whole table.

    Raises:
        BinderError: As ``execute`` says.
    """
    started = time.perf_counter()
    cells = table.to_pandas(original=True)
    rows = cells.astype(object).where(cells.notna(), None).itertuples(index=False, name=None)
    part = Part(tuple(column.name for column in table.columns), tuple(rows))
    try:
        reply = await loop.await_on(ask_ans(lm, example.question, [part], benchmark.asks))
        texts, error = (_said(reply), None) if reply.readable else (None, "no reply that can be read")
    except annotate.ENDS:
        raise
    except BinderError as failure:
        reply, texts, error = AnsReply(None), None, str(failure)
    candidate = _candidate(Candidate(reply.text or "", error=error)) | {"texts": texts, "status": _status(texts)}
    seconds = {"run": time.perf_counter() - started}
    found = _Found(texts, None if error else 0, [candidate], "ans", reply.usage, seconds=seconds)
    return _record(benchmark, example, table, found, started)


def texts_of(candidate: Candidate) -> list[str] | None:
    """The items of a candidate's answer as the cells spell them, without NULL; None where it gives none."""
    if candidate.result is None:
        return None
    return [text for row in candidate.result.texts for text in row if text is not None]


def kind_of(program: AnyProgram | None) -> Kind:
    """Whether a program asks the LM: not at all, row by row, or of whole inputs."""
    if program is None:
        return "none"
    if not program.calls:
        return "plain"
    return "map" if all(call.per_row for call in program.calls) else "ans"


def _of_outcome(outcome: Outcome, drafted: Usage, seconds: float) -> _Found:
    ran = (at for at, one in enumerate(outcome.candidates) if one.program is not None)
    shown = outcome.winner if outcome.winner is not None else next(ran, 0)
    steps = outcome.trace.steps
    return _Found(
        texts=None if outcome.winner is None else texts_of(outcome.candidates[outcome.winner]),
        winner=outcome.winner,
        candidates=list(map(_candidate, outcome.candidates)),
        kind=kind_of(outcome.candidates[shown].program),
        usage=drafted + outcome.trace.usage,
        calls=list(map(_call, outcome.trace.calls)),
        confidence=round(outcome.confidence, 6),
        unreadable=outcome.trace.unreadable,
        seconds={**steps, "draft": seconds + steps.get("draft", 0.0)},
    )


def _without_answer(status: str, error: str, drafted: Usage, seconds: float) -> _Found:
    nothing = _candidate(Candidate("", samples=0, error=error)) | {"status": status}
    return _Found(None, None, [nothing], "none", drafted, seconds={"draft": seconds})


def _record(benchmark: Benchmark, example: Example, table: Table, found: _Found, started: float) -> Record:
    right = benchmark.right(example, found.texts)
    lenient = benchmark.lenient(example, found.texts)
    statuses = [one["status"] for one in found.candidates]
    worst = next((status for status in ("crashed", "failed", "refused") if status in statuses), "refused")
    status = worst if found.winner is None else statuses[found.winner]
    return {
        "id": example.id,
        "question": example.question,
        "source": str(example.source),
        "title": example.title,
        "rows": table.num_rows,
        "columns": len(table.columns),
        "gold": list(example.target),
        "judged": benchmark.judges,
        "official": benchmark.judges or example.canon is not None,
        "answer": found.texts,
        "right": right,
        "lenient": lenient,
        "status": "right" if right else "wrong" if status == "answered" else status,
        "winner": found.winner,
        "kind": found.kind,
        "confidence": found.confidence,
        "candidates": found.candidates,
        "calls": found.calls,
        "unreadable": found.unreadable,
        "usage": annotate.counted(found.usage),
        "seconds": {**found.seconds, "lm": found.usage.seconds, "execute": time.perf_counter() - started},
    }


def _status(texts: Sequence[str] | None) -> str:
    """What became of a program that was not refused."""
    return "failed" if texts is None else "answered" if texts else "empty"


def _candidate(candidate: Candidate) -> Record:
    texts, program = texts_of(candidate), candidate.program
    return {
        "text": candidate.text,
        "program": str(program) if program else None,
        "mends": list(program.mends) if program else [],
        "kind": kind_of(program),
        "samples": candidate.samples,
        "weight": candidate.weight,
        "texts": texts,
        "error": candidate.error,
        "status": "refused" if program is None else "skipped" if candidate.skipped else _status(texts),
    }


def _call(call: CallTrace) -> Record:
    replies = [[list(reply.input), reply.text, plain(reply.value)] for reply in call.replies]
    return {"call": call.step.call, "expects": str(call.step.expected.kind), "replies": replies}


def _said(reply: AnsReply) -> list[str]:
    values: Any = reply.value if isinstance(reply.value, tuple) else (reply.value,)
    return [str(plain(value)) for value in values if value is not None]
