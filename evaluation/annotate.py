"""annotate, the first phase: a question to candidate programs, one record an example."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from binder.draft import Drafts
from binder.engine import Binder
from binder.errors import BinderError, ConfigurationError, LimitReached, LMUnavailable
from binder.lm.base import Usage
from binder.table import Table
from binder.trace import Sample
from evaluation.example import Example
from evaluation.records import Record
from grammars.language import Language

ENDS = (LMUnavailable, LimitReached, ConfigurationError)
"""What no further example can do without, so it ends the run; whatever else goes wrong is in an example's record."""


async def annotate(example: Example, table: Table, engine: Binder) -> Record:
    """The record of an example's candidate programs.

    Raises:
        BinderError: One that ends the run (``ENDS``); whatever else went wrong is in the record.
    """
    started = time.perf_counter()
    try:
        drafts = await engine.adraft(example.question, table)
    except ENDS:
        raise
    except BinderError as error:
        return _record(example, Drafts(()), str(error), started)
    return _record(example, drafts, None, started)


def given(example: Example, samples: Sequence[Sample]) -> Record:
    """The record of programs that came from a file."""
    return _record(example, Drafts(tuple(samples)), None, time.perf_counter())


def samples(record: Record) -> tuple[Sample, ...]:
    """The candidate programs in a record."""
    return tuple(
        Sample(one["text"], one["logprob"], None, one["finished"], Language(one.get("language", Language.SQL)))
        for one in record["programs"]
    )


def usage(record: Record) -> Usage:
    """What they cost."""
    return Usage(**record["usage"], seconds=record["seconds"]["lm"])


def counted(usage: Usage) -> dict[str, int]:
    """A cost as a record has it; its seconds go to the record's own."""
    return {
        "requests": usage.requests,
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
    }


def _program(sample: Sample) -> dict[str, Any]:
    return {
        "text": sample.text,
        "logprob": sample.logprob,
        "finished": sample.finished,
        "language": str(sample.language),
    }


def _record(example: Example, drafts: Drafts, error: str | None, started: float) -> dict[str, Any]:
    return {
        "id": example.id,
        "programs": list(map(_program, drafts.samples)),
        "error": error,
        "cuts": str(drafts.cuts),
        "usage": counted(drafts.usage),
        "seconds": {"draft": time.perf_counter() - started, "lm": drafts.usage.seconds},
    }
