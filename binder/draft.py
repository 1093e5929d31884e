"""draft: sample programs for a question, and have refused ones mended."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from binder import prompt
from binder.amounts import require_number, require_text, require_whole
from binder.errors import ConfigurationError
from binder.lm.base import LM, Usage
from binder.render import Cuts
from binder.sampling import sample
from binder.table import Table
from binder.trace import Sample
from exemplars import choose, store

if TYPE_CHECKING:
    from binder.lm.cache import Cache


@dataclass(frozen=True)
class Drafting:
    """How programs are drafted.

    Attributes:
        samples: How many programs are sampled.
        temperature: The temperature of several samples; a single one is greedy.
        shots: How many worked questions the prompt shows, as far as they fit.
        repairs: How many times refused or failed programs are sent back, while none gives an answer.
        exemplars: The set of worked questions: ``wikitq``, ``tabfact``, or one in ``folder``.
        folder: A folder of the user's own exemplars and templates; a text is taken as its path.
        seed: Makes samples repeatable where the model can.
        nearest: Whether the worked questions are those nearest to the question, rather than the set's first.
        calls: Whether programs may hold LM calls; without them the prompt speaks of plain SQL only.

    Raises:
        ConfigurationError: One of them cannot be kept to, or the folder is not there.

    Example:
        >>> Drafting(samples=5, folder="mine").folder  # doctest: +SKIP
        PosixPath('mine')
    """

    samples: int = 20
    temperature: float = 0.4
    shots: int = 8
    repairs: int = 2
    exemplars: str = "wikitq"
    folder: Path | None = None
    seed: int | None = None
    nearest: bool = False
    calls: bool = True

    def __post_init__(self) -> None:
        for name, least in (("samples", 1), ("shots", 0), ("repairs", 0)):
            require_whole(f"drafting: {name}", getattr(self, name), least)
        require_number("drafting: temperature", self.temperature)
        if self.seed is not None:
            require_whole("drafting: seed", self.seed, None)
        require_text("drafting: exemplars", self.exemplars, "wikitq")
        object.__setattr__(self, "folder", _folder(self.folder))


@dataclass(frozen=True)
class Drafts:
    """Sampled programs.

    Attributes:
        samples: What the LM wrote.
        usage: What it cost.
        cuts: What the prompt left out.
    """

    samples: tuple[Sample, ...]
    usage: Usage = field(default_factory=Usage)
    cuts: Cuts = field(default_factory=Cuts)


async def draft(
    question: str,
    tables: Sequence[Table],
    lm: LM,
    drafting: Drafting,
    cache: Cache | None = None,
    numbers: range | None = None,
) -> Drafts:
    """Sample programs that answer a question.

    Args:
        question: What they are to answer.
        tables: Its tables.
        lm: The model.
        drafting: How they are drafted.
        cache: Where programs written before are found, and new ones kept.
        numbers: Which of the ``drafting.samples`` to draw, from 0; all of them, unless given.

    Raises:
        LMUnavailable: The model could not be reached.
    """
    asked = _prompt(question, tables, lm, drafting)
    wanted = range(drafting.samples) if numbers is None else numbers
    completions, usage = await sample(lm, replace(asked.request, n=wanted.stop), cache, wanted.start)
    samples = tuple(Sample(one.text, one.logprob, finished=one.finished) for one in completions)
    return Drafts(samples, usage, asked.cuts)


async def repair(
    question: str,
    tables: Sequence[Table],
    refused: Sequence[tuple[str, str]],
    lm: LM,
    drafting: Drafting,
    cache: Cache | None = None,
) -> tuple[tuple[Sample, ...], Usage]:
    """Send programs back with what is wrong with them, and get one mended program for each.

    Args:
        question: The question they are to answer.
        tables: Its tables.
        refused: Programs and their complaints.
        lm: The model.
        drafting: How they were drafted.
        cache: Where programs mended before are found, and new ones kept.
    """
    asked = _prompt(question, tables, lm, drafting).request
    requests = [prompt.repair(asked, text, complaints, folder=drafting.folder) for text, complaints in refused]
    said = await asyncio.gather(*(sample(lm, one, cache) for one in requests))
    samples = tuple(
        Sample(completion.text, completion.logprob, text, completion.finished)
        for (text, _), (completions, _) in zip(refused, said, strict=True)
        for completion in completions[:1]
    )
    return samples, sum((usage for _, usage in said), Usage())


def _prompt(question: str, tables: Sequence[Table], lm: LM, drafting: Drafting) -> prompt.Prompt:
    """The request for drafts."""
    try:
        examples = store.programs(drafting.exemplars, drafting.folder)
    except ValueError as error:
        raise ConfigurationError(str(error)) from None
    if not drafting.calls:
        examples = tuple(example for example in examples if not example.replies)
    if drafting.nearest:
        examples = choose.nearest(question, examples, drafting.shots)[::-1]  # what does not fit is cut from the end
    return prompt.draft(
        question,
        tables,
        lm=lm,
        exemplars=choose.first(examples, drafting.shots),
        n=drafting.samples,
        temperature=drafting.temperature if drafting.samples > 1 else 0.0,
        seed=drafting.seed,
        calls=drafting.calls,
        folder=drafting.folder,
    )


def _folder(given: object) -> Path | None:
    """A folder of exemplars, which may be given as a text."""
    if given is None:
        return None
    if not isinstance(given, str | PathLike):
        raise ConfigurationError(f"drafting: folder is {given!r:.80}; give a path, or None")
    folder = Path(given).expanduser()
    if not folder.is_dir():
        raise ConfigurationError(f"drafting: folder is {str(given)!r}, and there is no such folder; give another")
    return folder
