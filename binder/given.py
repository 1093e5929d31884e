"""What a caller gave the engine, checked before anything is done with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

from binder.database import Limits
from binder.draft import Drafting
from binder.errors import ConfigurationError
from binder.lm.base import LM
from binder.lm.budget import Budget, Price
from binder.lm.cache import MOST_BYTES, Cache
from binder.sources import reader_of
from binder.table import Table
from binder.trace import Sample
from binder.vote import Vote
from grammars.language import AnyProgram, Language, language_of

Tables = Table | Sequence[Table]

_FRAMES = {
    ("pandas", "DataFrame"): "from_pandas",
    ("polars", "DataFrame"): "from_polars",
    ("pyarrow", "Table"): "from_arrow",
}


def tables_of(tables: Tables) -> tuple[Table, ...]:
    """The tables of a question, one or several.

    Raises:
        ConfigurationError: They are no tables, none, or two of one name.
    """
    used = tuple(_each(tables))
    if not used:
        raise ConfigurationError("there is no table; give at least one")
    names = Counter(table.name.casefold() for table in used)
    repeated = [name for name, times in names.items() if times > 1]
    if repeated:
        raise ConfigurationError(f"two tables are named {repeated[0]!r}; give each a name of its own (name=)")
    return used


def _each(given: Any) -> Iterator[Table]:
    """Each table of what was given.

    Raises:
        ConfigurationError: Something in it is no table; the message names what makes one of it.
    """
    single = not isinstance(given, Iterable) or _maker(given) is not None
    for one in () if given is None else (given,) if single else given:
        if not isinstance(one, Table):
            told = f"a question is asked of a Table or a list of them (given: {type(one).__name__})"
            raise ConfigurationError(f"{told}; {_maker(one) or 'binder.Table.from_…'} makes one")
        yield one


def _maker(given: object) -> str | None:
    """What makes a table of something that is not one, or None where nothing does."""
    if isinstance(given, (str, PathLike)):
        return f"binder.Table.{reader_of(given)}({str(given)!r:.80})"
    kind = type(given)
    frame = _FRAMES.get((kind.__module__.partition(".")[0], kind.__name__))
    return f"binder.Table.{frame}(…)" if frame else None


@dataclass(frozen=True)
class Source:
    """A program's text, and the language it is in."""

    text: str
    language: Language


def source_of(program: str | AnyProgram) -> Source:
    """A program's text.

    Raises:
        ConfigurationError: It is neither a text nor a program.
    """
    if isinstance(program, AnyProgram):
        return Source(str(program), Language(program.language))
    text = _text("program", program)
    return Source(text, language_of(text))


def question_of(question: str) -> str:
    """The question.

    Raises:
        ConfigurationError: It is no text, or an empty one.
    """
    if not _text("question", question).strip():
        raise ConfigurationError("the question is empty; ask something")
    return question


def samples_of(samples: int) -> int:
    """How many programs to sample.

    Raises:
        ConfigurationError: It is no whole number above 0.
    """
    if not isinstance(samples, int) or isinstance(samples, bool) or samples < 1:
        raise ConfigurationError(f"{samples!r} samples cannot give an answer; ask for 1 or more")
    return samples


def seconds_of(deadline: float | None) -> float | None:
    """A deadline.

    Raises:
        ConfigurationError: It is no number, or not above 0.
    """
    number = isinstance(deadline, int | float) and not isinstance(deadline, bool)
    if deadline is not None and not (number and deadline > 0):
        raise ConfigurationError(f"deadline is {deadline!r}; give seconds above 0, or None for no limit")
    return deadline


def model_of(lm: LM | None) -> LM | None:
    """The language model, or None for the one that is found.

    Raises:
        ConfigurationError: It is not one, such as its name alone or a plain function.
    """
    if lm is not None and not isinstance(lm, LM):
        told = "lm.OpenAI(name), lm.Local() and lm.Scripted(function) make one"
        raise ConfigurationError(f"lm={lm!r:.80} is no language model; {told}")
    return lm


def cache_of(cache: Cache | bool) -> Cache:
    """Where replies are kept: the user's own cache for True, nowhere for False.

    Raises:
        ConfigurationError: It is something else.
    """
    if isinstance(cache, Cache):
        return cache
    if not isinstance(cache, bool):
        raise ConfigurationError(f"{cache!r:.80} is no cache; give cache=binder.lm.Cache(path), True or False")
    return Cache(most_bytes=MOST_BYTES if cache else 0)


def vote_of(vote: Vote | None) -> Vote:
    """How the answer is chosen.

    Raises:
        ConfigurationError: It is something else.
    """
    if vote is not None and not isinstance(vote, Vote):
        raise ConfigurationError(f"{vote!r:.80} is no way to vote; give vote=binder.Vote(…)")
    return vote or Vote()


def drafted_of(samples: Sequence[Sample]) -> Sequence[Sample]:
    """Programs that were drafted before.

    Raises:
        ConfigurationError: They are something else, such as texts.
    """
    used = tuple(samples) if isinstance(samples, Iterable) and not isinstance(samples, str) else (samples,)
    if any(not isinstance(one, Sample) for one in used):
        raise ConfigurationError(f"{samples!r:.80} are no samples; give [binder.trace.Sample(program), …]")
    return used


def drafting_of(drafting: Drafting | None) -> Drafting:
    """How programs are drafted.

    Raises:
        ConfigurationError: It is something else.
    """
    if drafting is not None and not isinstance(drafting, Drafting):
        raise ConfigurationError(f"{drafting!r:.80} is no way to draft; give drafting=binder.Drafting(…)")
    return drafting or Drafting()


def budget_of(budget: Budget | None) -> Budget | None:
    """What may be spent.

    Raises:
        ConfigurationError: It is something else.
    """
    if budget is not None and not isinstance(budget, Budget):
        raise ConfigurationError(f"{budget!r:.80} is no budget; give binder.lm.Budget(requests=…)")
    return budget


def price_of(price: Price | None) -> Price | None:
    """What the model's tokens cost.

    Raises:
        ConfigurationError: It is something else.
    """
    if price is not None and not isinstance(price, Price):
        raise ConfigurationError(f"{price!r:.80} is no price; give price=binder.lm.Price(read=…, written=…)")
    return price


def limits_of(limits: Limits | None) -> Limits:
    """What programs may use of the database.

    Raises:
        ConfigurationError: It is something else.
    """
    if limits is not None and not isinstance(limits, Limits):
        raise ConfigurationError(f"{limits!r:.80} are no limits; give limits=binder.Limits(…)")
    return limits or Limits()


def _text(what: str, given: object) -> str:
    if not isinstance(given, str):
        raise ConfigurationError(f"a {what} is a text, not {given!r:.80}")
    return given
