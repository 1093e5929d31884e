"""What decides the results of a run; kept in its folder, so that one folder never holds two runs' results."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path

from binder.draft import SAMPLES, Drafting
from binder.errors import ConfigurationError
from binder.vote import Method, Vote
from evaluation import records
from evaluation.benchmark import BENCHMARKS, Benchmark
from evaluation.benchmark import raw as raw_statements
from evaluation.example import Example

FILE = "run.json"


class Mode(StrEnum):
    """How a question is answered: the Binder paper's ablations.

    ``binder``: SQL with LM calls. ``sql``: SQL without. ``python``: Python with LM calls. ``auto``: half the samples as
    ``binder``, half as ``python``, and all vote. ``qa``: the LM answers from the whole table.
    """

    BINDER = "binder"
    SQL = "sql"
    PYTHON = "python"
    AUTO = "auto"
    QA = "qa"

    @property
    def language(self) -> str:
        """The language of its programs."""
        return self.value if self in (Mode.PYTHON, Mode.AUTO) else "sql"


@dataclass(frozen=True)
class Settings:
    """What decides a run's results.

    Attributes:
        benchmark: ``wikitq`` or ``tabfact``.
        data: The data set's folder.
        split: The split.
        raw: Whether TabFact's statements are taken as they were written.
        mode: How questions are answered.
        lm: The language model's name.
        samples: Programs a question.
        temperature: Of several samples.
        shots: Worked questions in the prompt.
        exemplars: The set of worked questions.
        nearest: Whether those nearest to each question are shown.
        repairs: How often programs are sent back while none gives an answer.
        vote: How samples are weighed.
        favour: The answer that ``vote`` favours.
        weight: What a favoured sample counts.
        programs: The SHA-256 of the file of programs that are run instead of drafting, or None.
        seed: Makes samples repeatable where the model can.
    """

    benchmark: str
    data: str
    split: str
    lm: str
    raw: bool = False
    mode: Mode = Mode.BINDER
    samples: int = SAMPLES
    temperature: float = 0.4
    shots: int = 8
    exemplars: str = "wikitq"
    nearest: bool = False
    repairs: int = 2
    vote: Method = Method.MAJORITY
    favour: str | None = None
    weight: float = 2.0
    programs: str | None = None
    seed: int | None = None

    @property
    def drafting(self) -> Drafting:
        """How programs are drafted."""
        return Drafting(
            samples=self.samples,
            temperature=self.temperature,
            shots=self.shots,
            repairs=self.repairs,
            exemplars=self.exemplars,
            seed=self.seed,
            nearest=self.nearest,
            calls=self.mode is not Mode.SQL or self.programs is not None,
            language=self.mode.language,
        )

    @property
    def voting(self) -> Vote:
        """How the answer is chosen."""
        return Vote(self.vote, self.favour, self.weight)

    def of(self) -> Benchmark:
        """The benchmark."""
        benchmark = BENCHMARKS[self.benchmark]
        return replace(benchmark, examples=raw_statements) if self.raw else benchmark

    def settle(self, out: Path) -> None:
        """Keep the settings in a folder that has none yet, or see that they are those that it has.

        Raises:
            ConfigurationError: The folder holds a run with other settings.
        """
        out.mkdir(parents=True, exist_ok=True)
        path, mine = out / FILE, json.loads(json.dumps(asdict(self)))
        if not path.exists():
            records.replace(path, (json.dumps(mine, indent=2) + "\n").encode())
            return
        before = asdict(kept(out))
        differ = [f"{key} was {before[key]!r} and is {value!r}" for key, value in mine.items() if before[key] != value]
        if differ:
            raise ConfigurationError(
                f"{out} holds a run with other settings ({'; '.join(differ)}): give the same ones to go on with it, or "
                "another --out"
            )


def kept(out: Path) -> Settings:
    """The settings of the run in a folder.

    Raises:
        ConfigurationError: There is no run, or its settings cannot be read.
    """
    path = out / FILE
    try:
        return Settings(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ConfigurationError(f"there is no run in {out}: it has no {FILE}") from None
    except (ValueError, TypeError) as error:
        raise ConfigurationError(f"{path} cannot be read ({error}); remove {out} and run again") from error


def fingerprint(path: Path) -> str:
    """The SHA-256 of a file.

    Raises:
        ConfigurationError: It cannot be read.
    """
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ConfigurationError(f"cannot read {path} ({error.strerror}); name another file") from error


def select(
    examples: Sequence[Example], *, ids: Sequence[str] = (), limit: int | None = None, seed: int | None = None
) -> tuple[Example, ...]:
    """Some of a split's examples, in its order.

    Args:
        examples: The split's.
        ids: Those wanted; all where there are none.
        limit: The most wanted: the first ones, or with a seed ones drawn at random.
        seed: Decides which are drawn.

    Raises:
        ConfigurationError: An id is not in the split.
    """
    if unknown := set(ids) - {example.id for example in examples}:
        raise ConfigurationError(
            f"the split holds no {', '.join(sorted(unknown)[:5])}; --ids takes ids of its examples"
        )
    wanted = [example for example in examples if not ids or example.id in set(ids)]
    if limit is None or limit >= len(wanted):
        return tuple(wanted)
    places = range(limit) if seed is None else sorted(random.Random(seed).sample(range(len(wanted)), limit))
    return tuple(wanted[place] for place in places)
