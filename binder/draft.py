"""draft: sample programs for a question, and have refused ones mended."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from binder import prompt
from binder.amounts import require_number, require_switch, require_text, require_whole
from binder.errors import ConfigurationError
from binder.headers import readable
from binder.lm.base import LM, Usage, working
from binder.render import Cuts, escape
from binder.sampling import sample, together
from binder.table import Table
from binder.trace import Sample
from exemplars import choose, store
from grammars.language import Language
from grammars.python_tidy import no_program
from grammars.tidy import holds_query

if TYPE_CHECKING:
    from binder.lm.cache import Cache
    from binder.vote import Candidate

AUTO = "auto"
SAMPLES = 20

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Drafting:
    """How programs are drafted.

    Attributes:
        samples: How many programs are sampled, in two languages an even number, so one more of an odd one. None for as
            many as suit the model: its own ``drafts`` (1 of the embedded model's), else 20.
        temperature: The temperature of several samples; a single one is greedy.
        shots: How many worked questions the prompt shows, as far as they fit.
        repairs: How many times refused or failed programs are sent back, while none gives an answer.
        exemplars: The set of worked questions: ``wikitq``, ``tabfact``, or one in ``folder``.
        folder: A folder of the user's own exemplars and templates; a text is taken as its path.
        seed: Makes samples repeatable where the model can.
        nearest: Whether the worked questions are those nearest to the question, rather than the set's first.
        calls: Whether programs may hold LM calls; without them the prompt does not speak of any.
        language: What programs are written in: ``sql``, ``python``, or ``auto``: half of them in each, and all vote.

    Raises:
        ConfigurationError: One of them cannot be kept to, or the folder is not there.

    Example:
        >>> Drafting(samples=5, language="auto").samples
        5
    """

    samples: int | None = None
    temperature: float = 0.4
    shots: int = 8
    repairs: int = 2
    exemplars: str = "wikitq"
    folder: Path | None = None
    seed: int | None = None
    nearest: bool = False
    calls: bool = True
    language: str = "sql"

    def __post_init__(self) -> None:
        for name, least in (("samples", 1), ("shots", 0), ("repairs", 0)):
            if (given := getattr(self, name)) is not None or name != "samples":
                require_whole(f"drafting: {name}", given, least)
        require_number("drafting: temperature", self.temperature)
        require_switch("drafting: nearest", self.nearest)
        require_switch("drafting: calls", self.calls)
        if self.seed is not None:
            require_whole("drafting: seed", self.seed, None)
        require_text("drafting: exemplars", self.exemplars, "wikitq")
        object.__setattr__(self, "folder", _folder(self.folder))
        if self.language not in (*Language, AUTO):
            told = f"{', '.join(Language)} or {AUTO}"
            raise ConfigurationError(f"drafting: there is no language {self.language!r}; the languages are {told}")

    def samples_for(self, lm: LM) -> int:
        """How many programs are sampled from a model.

        Example:
            >>> from binder.lm import Local
            >>> Drafting().samples_for(Local()), Drafting(samples=5).samples_for(Local())
            (1, 5)
        """
        return self.samples or int(getattr(working(lm), "drafts", None) or SAMPLES)

    def of_each(self, numbers: range) -> Iterator[tuple[Language, range]]:
        """The languages that samples of these numbers are in, and their numbers among those of the language.

        Example:
            >>> [(str(language), list(own)) for language, own in Drafting(language="auto").of_each(range(1, 4))]
            [('sql', [1]), ('python', [0, 1])]
        """
        if self.language != AUTO:
            yield Language(self.language), numbers
        else:
            yield Language.SQL, range((numbers.start + 1) // 2, (numbers.stop + 1) // 2)
            yield Language.PYTHON, range(numbers.start // 2, numbers.stop // 2)


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

    def __add__(self, other: Drafts) -> Drafts:
        return Drafts(self.samples + other.samples, self.usage + other.usage, self.cuts + other.cuts)


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
        numbers: Which of the samples to draw, from 0; all of them, unless given.

    Raises:
        LMUnavailable: The model could not be reached.
    """
    wanted = range(drafting.samples_for(lm)) if numbers is None else numbers

    async def draw(language: Language, own: range) -> Drafts:
        asked = _prompt(question, tables, lm, drafting, language)
        completions, usage = await sample(lm, replace(asked.request, n=own.stop), cache, own.start, _usable(language))
        samples = tuple(Sample(readable(one.text), one.logprob, None, one.finished, language) for one in completions)
        return Drafts(samples, usage, asked.cuts)

    drawn = await together(draw(language, own) for language, own in drafting.of_each(wanted) if own)
    return sum(drawn, Drafts(()))


async def repair(
    question: str,
    tables: Sequence[Table],
    refused: Sequence[Candidate],
    lm: LM,
    drafting: Drafting,
    cache: Cache | None = None,
) -> tuple[tuple[Sample, ...], Usage]:
    """Send programs back with what is wrong with them, and get one mended program for each.

    Args:
        question: The question they are to answer.
        tables: Its tables.
        refused: Programs that give no answer, and why.
        lm: The model.
        drafting: How they were drafted.
        cache: Where programs mended before are found, and new ones kept.
    """
    languages = {one.language for one in refused}
    asked = {language: _prompt(question, tables, lm, drafting, language).request for language in languages}
    requests = [
        prompt.repair(asked[one.language], one.text, one.error or "", folder=drafting.folder, language=one.language)
        for one in refused
    ]
    _log.info("%d programs go back to %s with what is wrong with them", len(refused), escape(lm.name))
    said = await together(
        sample(lm, request, cache, usable=_usable(one.language)) for request, one in zip(requests, refused, strict=True)
    )
    samples = tuple(
        Sample(readable(completion.text), completion.logprob, one.text, completion.finished, one.language)
        for one, (completions, _) in zip(refused, said, strict=True)
        for completion in completions[:1]
    )
    return samples, sum((usage for _, usage in said), Usage())


def _usable(language: Language) -> Callable[[str], bool]:
    """Whether a text holds anything like a program, so that it can be run or mended."""
    if language is Language.SQL:
        return holds_query
    return lambda text: bool(text.strip()) and no_program(text) is None


def _prompt(question: str, tables: Sequence[Table], lm: LM, drafting: Drafting, language: Language) -> prompt.Prompt:
    """The request for drafts in a language."""
    each = max((len(own) for _, own in drafting.of_each(range(drafting.samples_for(lm)))), default=1)
    try:
        examples = store.programs(drafting.exemplars, drafting.folder)
    except ValueError as error:
        raise ConfigurationError(str(error)) from None
    examples = tuple(example for example in examples if example.written_in(language))
    if not drafting.calls:
        examples = tuple(example for example in examples if not example.replies)
    if drafting.nearest:
        examples = choose.nearest(question, examples, drafting.shots)[::-1]  # what does not fit is cut from the end
    return prompt.draft(
        question,
        tables,
        lm=lm,
        exemplars=choose.first(examples, drafting.shots),
        n=each,
        temperature=drafting.temperature if each > 1 else 0.0,
        seed=drafting.seed,
        calls=drafting.calls,
        folder=drafting.folder,
        language=language,
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
