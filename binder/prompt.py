"""prompt: the requests that a language model gets.

What is constant comes first (what to do, then worked examples, then tables, then the question), so a server's prompt
cache serves it. What does not fit the model's context is cut here and said: first worked examples, then rows.
Cells reach a model only on one line, escaped or as JSON, so that no cell can end its place in the prompt.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from binder.errors import ConfigurationError
from binder.lm.base import LM, Message, Request
from binder.render import Cuts, escape, quoted, render_example, render_table
from exemplars import store
from grammars.reply import Expected, ReplyKind

if TYPE_CHECKING:
    from pathlib import Path

    from jinja2 import Template

    from binder.table import Table
    from exemplars.exemplar import AnsExemplar, Cells, MapExemplar, Part, ProgramExemplar

BYTES_PER_TOKEN = 3
CHARACTERS_PER_TOKEN = 2.5
PROGRAM_TOKENS = 384
ANS_TOKENS = 512
COMPLAINT_CHARACTERS = 800
# A repair repeats the program and adds complaints; a draft leaves room for that.
REPAIR_TOKENS = PROGRAM_TOKENS + COMPLAINT_CHARACTERS // BYTES_PER_TOKEN + 64
TABLE_SHARE = 8
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
        folder: A folder of the user's that may hold ``prompts/draft.jinja``.

    Raises:
        ConfigurationError: Question and tables alone are longer than the model's context.
    """
    template = store.templates(folder).get_template("draft.jinja")
    system = Message("system", _part(template, "system"))
    share = min(LONGEST_TABLE, int(lm.context / TABLE_SHARE * CHARACTERS_PER_TOKEN)) // len(tables)
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
    turn = _part(template, "turn", complaints=complaints[:COMPLAINT_CHARACTERS])
    added = (Message("assistant", program[: PROGRAM_TOKENS * BYTES_PER_TOKEN]), Message("user", turn))
    return replace(request, messages=(*request.messages, *added), n=1)


def map_values(
    question: str,
    columns: Sequence[str],
    inputs: Sequence[Cells],
    expected: Expected,
    *,
    exemplars: Sequence[MapExemplar] = (),
    folder: Path | None = None,
) -> Request:
    """Ask one question about several inputs, numbered from 1.

    Args:
        question: What is asked of each.
        columns: The columns that make an input.
        inputs: One tuple of cells an input.
        expected: What each reply must be.
        exemplars: The worked examples.
        folder: A folder of the user's that may hold ``prompts/map.jinja``.
    """
    template = store.templates(folder).get_template("map.jinja")
    messages = [Message("system", _part(template, "system"))]
    for shot in exemplars:
        replies = {str(n): _plain(reply, shot.expected) for n, reply in enumerate(shot.replies, 1)}
        messages.append(Message("user", _map_turn(template, shot.question, shot.columns, shot.inputs, shot.expected)))
        messages.append(Message("assistant", json.dumps(replies, ensure_ascii=False)))
    messages.append(Message("user", _map_turn(template, question, columns, inputs, expected)))
    numbers = [str(number) for number in range(1, len(inputs) + 1)]
    return Request(
        messages=tuple(messages),
        purpose="map",
        max_tokens=reply_tokens(len(inputs)),
        schema=_object({number: _schema(expected) for number in numbers}),
        inputs=tuple(map(tuple, inputs)),
    )


def ans(
    question: str,
    parts: Sequence[Part],
    expected: Expected,
    *,
    lm: LM,
    exemplars: Sequence[AnsExemplar] = (),
    folder: Path | None = None,
) -> Prompt:
    """Ask one question about whole inputs.

    Args:
        question: What is asked.
        parts: The inputs, one for each argument of the call. What does not fit is left out from
            the end of the longest ones.
        expected: What the reply must be.
        lm: The model, for its context.
        exemplars: The worked examples.
        folder: A folder of the user's that may hold ``prompts/ans.jinja``.
    """
    template = store.templates(folder).get_template("ans.jinja")
    constant = [Message("system", _part(template, "system"))]
    for shot in exemplars:
        values = [_plain(reply, shot.expected) for reply in shot.replies]
        reply = values if shot.expected.many else values[0] if values else None
        constant.append(Message("user", _ans_turn(template, shot.question, shot.parts, shot.parts, shot.expected)))
        constant.append(Message("assistant", json.dumps({"answer": reply}, ensure_ascii=False)))
    empty = [replace(part, rows=()) for part in parts]
    room = lm.context - ANS_TOKENS - tokens(*constant, _ans_turn(template, question, parts, empty, expected))
    shown = _fit_parts(parts, room)
    value = _schema(expected)
    request = Request(
        messages=(*constant, Message("user", _ans_turn(template, question, parts, shown, expected))),
        purpose="ans",
        max_tokens=ANS_TOKENS,
        schema=_object({"answer": {"type": "array", "items": value} if expected.many else value}),
        inputs=tuple(tuple(cell for row in part.rows for cell in row) for part in shown),
    )
    return Prompt(request, Cuts(rows=sum(len(part.rows) for part in parts) - sum(len(part.rows) for part in shown)))


def tokens(*messages: Message | str) -> int:
    """About how many tokens texts are, rather too many than too few.

    Three bytes to a token, and one more for every digit, since some tokenizers take each by itself. A message counts
    a few more for its role.
    """
    texts = [message if isinstance(message, str) else message.content for message in messages]
    digits = sum(map(str.isdigit, "".join(texts)))
    return digits + sum(len(text.encode(errors="replace")) // BYTES_PER_TOKEN + 6 for text in texts)


def reply_tokens(inputs: int) -> int:
    """The longest reply to a map over so many inputs, in tokens."""
    return 128 + 40 * inputs


def encode(cells: Sequence[str | None], columns: Sequence[str]) -> str:
    """An input as one line of JSON: a text, or an object where several columns make it."""
    value = cells[0] if len(columns) == 1 else dict(zip(columns, cells, strict=True))
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isprintable() else json.dumps(value)


def _program_shot(template: Template, exemplar: ProgramExemplar) -> tuple[Message, Message]:
    turn = _turn(template, [render_example(table) for table in exemplar.tables], exemplar.question)
    return Message("user", turn), Message("assistant", exemplar.program)


def _turn(template: Template, tables: list[str], question: str) -> str:
    return _part(template, "turn", tables=tables, question=_line(question))


def _map_turn(
    template: Template, question: str, columns: Sequence[str], inputs: Sequence[Cells], expected: Expected
) -> str:
    lines = [encode(cells, columns) for cells in inputs]
    names = ", ".join(escape(quoted(column)) for column in columns)
    return _part(template, "turn", question=_line(question), expected=expected, columns=names, inputs=lines)


def _ans_turn(
    template: Template, question: str, parts: Sequence[Part], shown: Sequence[Part], expected: Expected
) -> str:
    views = [
        {
            "columns": ", ".join(escape(quoted(column)) for column in part.header),
            "rows": [encode(row, part.header) for row in part.rows],
            "left_out": len(whole.rows) - len(part.rows),
        }
        for whole, part in zip(parts, shown, strict=True)
    ]
    return _part(template, "turn", question=_line(question), expected=expected, parts=views)


def _fit_parts(parts: Sequence[Part], room: int) -> list[Part]:
    """The parts, each with as many of its first rows as its share of the room holds; shares left over are passed on."""
    costs = [[tokens(encode(row, part.header)) for row in part.rows] for part in parts]
    shown: dict[int, Part] = {}
    for left, at in enumerate(sorted(range(len(parts)), key=lambda at: sum(costs[at]))):
        share = room // (len(parts) - left)
        within = [total <= share for total in accumulate(costs[at])]
        shown[at] = replace(parts[at], rows=parts[at].rows[: sum(within)])
        room -= sum(costs[at][: sum(within)])
    return [shown[at] for at in range(len(parts))]


def _fit(shots: list[tuple[Message, Message]], room: int) -> list[tuple[Message, Message]]:
    kept: list[tuple[Message, Message]] = []
    for shot in shots:
        room -= tokens(*shot)
        if room < 0:
            break
        kept.append(shot)
    return kept


def _part(template: Template, macro: str, **values: object) -> str:
    """A part of a template: one of its macros, filled in."""
    return str(getattr(template.module, macro)(**values)).strip()


def _line(text: str) -> str:
    return " ".join(text.split())


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _schema(expected: Expected) -> dict[str, Any]:
    """The JSON schema of one reply; null where it cannot be told, except that yes or no must be said."""
    match expected.kind:
        case ReplyKind.YES_NO:
            return {"type": "string", "enum": ["yes", "no"]}
        case ReplyKind.NUMBER:
            return {"type": ["number", "null"]}
        case ReplyKind.ORDERED:
            return {"type": ["number", "string", "null"]}
        case _ if expected.closed:
            return {"type": "string", "enum": list(expected.labels)}
        case _:
            return {"type": ["string", "null"]}


def _plain(reply: str | None, expected: Expected) -> object:
    """A worked reply as JSON gives it: numbers as such."""
    if reply is None or expected.kind not in (ReplyKind.NUMBER, ReplyKind.ORDERED):
        return reply
    return json.loads(reply)
