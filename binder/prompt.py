"""prompt: the requests for programs.

What is constant comes first (what to do, then worked examples, then tables, then the question), so a server's prompt
cache serves it. What does not fit the model's context is cut here and said: first worked examples, then rows.
A cell reaches a model on one line only, escaped, so that it cannot end its place in the prompt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from binder.errors import ConfigurationError
from binder.lm.base import LM, Message, Request
from binder.render import Cuts, render_example, render_table
from exemplars import store

if TYPE_CHECKING:
    from pathlib import Path

    from jinja2 import Template

    from binder.table import Table
    from exemplars.exemplar import ProgramExemplar

BYTES_PER_TOKEN = 3
PROGRAM_TOKENS = 384
COMPLAINT_CHARACTERS = 800
# A repair repeats the program and adds complaints; a draft leaves room for that.
REPAIR_TOKENS = PROGRAM_TOKENS + COMPLAINT_CHARACTERS // BYTES_PER_TOKEN + 64
# Tables get an eighth of the context, at 2.5 characters a token (they are full of digits), and never more than a
# model needs to see what is in them.
TABLE_CHARACTERS_PER_TOKEN = 2.5 / 8
LONGEST_TABLE = 24_000


@dataclass(frozen=True)
class Prompt:
    """A request, and what was left out of it so as to fit."""

    request: Request
    cuts: Cuts = field(default_factory=Cuts)


def draft(
    question: str,
    tables: Sequence[Table],
    *,
    lm: LM,
    exemplars: Sequence[ProgramExemplar],
    n: int = 1,
    temperature: float = 0.0,
    seed: int | None = None,
    calls: bool = True,
    folder: Path | None = None,
) -> Prompt:
    """Ask for programs that answer a question (or check a statement).

    Args:
        question: The question.
        tables: The tables it spans. A single one is called ``w`` in the prompt.
        lm: The model, for its context.
        exemplars: The worked examples, the most wanted first; those that do not fit are left out from the end.
        n: How many programs to sample.
        temperature: 0 for the likeliest.
        seed: Makes samples repeatable where the provider can.
        calls: Whether the programs may hold LM calls.
        folder: A folder of the user's that may hold ``prompts/draft.jinja``.

    Raises:
        ConfigurationError: Question and tables alone are longer than the model's context.
    """
    template = store.templates(folder).get_template("draft.jinja")
    system = Message("system", fill(template, "system" if calls else "system_without_calls"))
    share = min(LONGEST_TABLE, int(lm.context * TABLE_CHARACTERS_PER_TOKEN)) // len(tables)
    name = "w" if len(tables) == 1 else None
    shown = [render_table(table, question, max_chars=share, name=name) for table in tables]
    asked = Message("user", _turn(template, [each.text for each in shown], question))
    room = lm.context - PROGRAM_TOKENS - REPAIR_TOKENS - tokens(system, asked)
    if room < 0:
        raise ConfigurationError(
            f"the question and its tables need about {lm.context - room:,} tokens and {lm.name} reads {lm.context:,}: "
            f"select fewer columns, shorten the question, or use a model with a longer context"
        )
    shots = _fit([_program_shot(template, exemplar) for exemplar in exemplars], room)
    request = Request(
        messages=(system, *(message for shot in shots for message in shot), asked),
        purpose="draft",
        n=n,
        temperature=temperature,
        max_tokens=PROGRAM_TOKENS,
        stop=("\nQuestion:",),
        seed=seed,
    )
    return Prompt(request, sum((each.cuts for each in shown), Cuts(shots=len(exemplars) - len(shots))))


def repair(request: Request, program: str, complaints: str, *, folder: Path | None = None) -> Request:
    """The same conversation, gone on with a program that was refused and what is wrong with it; one sample."""
    template = store.templates(folder).get_template("repair.jinja")
    turn = fill(template, "turn", complaints=complaints[:COMPLAINT_CHARACTERS])
    added = (Message("assistant", program[: PROGRAM_TOKENS * BYTES_PER_TOKEN]), Message("user", turn))
    return replace(request, messages=(*request.messages, *added), n=1)


def tokens(*messages: Message | str) -> int:
    """About how many tokens texts are, rather too many than too few.

    Three bytes to a token, and one more for every digit, since some tokenizers take each by itself. A message counts
    a few more for its role.
    """
    texts = [message if isinstance(message, str) else message.content for message in messages]
    digits = sum(map(str.isdigit, "".join(texts)))
    return digits + sum(len(text.encode(errors="replace")) // BYTES_PER_TOKEN + 6 for text in texts)


def _program_shot(template: Template, exemplar: ProgramExemplar) -> tuple[Message, Message]:
    turn = _turn(template, [render_example(table) for table in exemplar.tables], exemplar.question)
    return Message("user", turn), Message("assistant", exemplar.program)


def _turn(template: Template, tables: list[str], question: str) -> str:
    return fill(template, "turn", tables=tables, question=line(question))


def _fit(shots: list[tuple[Message, Message]], room: int) -> list[tuple[Message, Message]]:
    kept: list[tuple[Message, Message]] = []
    for shot in shots:
        room -= tokens(*shot)
        if room < 0:
            break
        kept.append(shot)
    return kept


def fill(template: Template, macro: str, **values: object) -> str:
    """A part of a template: one of its macros, filled in."""
    return str(getattr(template.module, macro)(**values)).strip()


def line(text: str) -> str:
    """A text on one line."""
    return " ".join(text.split())
