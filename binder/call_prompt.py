"""call_prompt: the requests that an LM call inside a program makes, one question about inputs.

The same rules hold as for drafts: what is constant comes first, what does not fit is cut and said, and each input is
one line of JSON, so that no cell can end its place in the prompt or pass for a reply.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from binder.lm.base import LM, Message, Request
from binder.prompt import Prompt, fill, line, tokens
from binder.render import Cuts, escape, quoted
from exemplars import store
from exemplars.exemplar import AnsExemplar, Cells, MapExemplar, Part
from grammars.reply import Expected, ReplyKind

if TYPE_CHECKING:
    from jinja2 import Template

LEAST_REPLY = 128
EACH_REPLY = 40
ANS_TOKENS = 512


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
    asked = Message("user", _map_turn(template, question, columns, inputs, expected))
    numbers = [str(number) for number in range(1, len(inputs) + 1)]
    return Request(
        messages=(*_map_constant(tuple(exemplars), folder), asked),
        purpose="map",
        max_tokens=LEAST_REPLY + EACH_REPLY * len(inputs),
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
    constant = [Message("system", fill(template, "system"))]
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
    return Prompt(request, _left_out(parts, shown))


def encode(cells: Sequence[str | None], columns: Sequence[str]) -> str:
    """An input as one line of JSON: a text, or an object where several columns make it."""
    value = cells[0] if len(columns) == 1 else dict(zip(columns, cells, strict=True))
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isprintable() else json.dumps(value)


def shorten(cells: Cells, columns: Sequence[str], room: int) -> Cells:
    """An input, its longest cells cut until it takes no more tokens than there is room for."""
    while tokens(encode(cells, columns)) > room and (longest := max(len(cell or "") for cell in cells)) > 1:
        width = longest // 2
        cells = tuple(f"{cell[: width - 1]}…" if cell and len(cell) > width else cell for cell in cells)
    return cells


@lru_cache(maxsize=64)
def _map_constant(exemplars: tuple[MapExemplar, ...], folder: Path | None) -> tuple[Message, ...]:
    """What every map's prompt begins with, made once: hundreds of requests of one call share it."""
    template = store.templates(folder).get_template("map.jinja")
    messages = [Message("system", fill(template, "system"))]
    for shot in exemplars:
        replies = {str(n): _plain(reply, shot.expected) for n, reply in enumerate(shot.replies, 1)}
        messages.append(Message("user", _map_turn(template, shot.question, shot.columns, shot.inputs, shot.expected)))
        messages.append(Message("assistant", json.dumps(replies, ensure_ascii=False)))
    return tuple(messages)


def _map_turn(
    template: Template, question: str, columns: Sequence[str], inputs: Sequence[Cells], expected: Expected
) -> str:
    lines = [encode(cells, columns) for cells in inputs]
    names = ", ".join(escape(quoted(column)) for column in columns)
    return fill(template, "turn", question=line(question), expected=expected, columns=names, inputs=lines)


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
    return fill(template, "turn", question=line(question), expected=expected, parts=views)


def _fit_parts(parts: Sequence[Part], room: int) -> list[Part]:
    """The parts, each with as many of its first rows as its share of the room holds; what one leaves goes to others."""
    costs = [sum(_cost(row, part) for row in part.rows) for part in parts]
    shown: dict[int, Part] = {}
    for done, at in enumerate(sorted(range(len(parts)), key=lambda at: costs[at])):
        shown[at] = _fit_part(parts[at], room // (len(parts) - done))
        room -= sum(_cost(row, shown[at]) for row in shown[at].rows)
    return [shown[at] for at in range(len(parts))]


def _fit_part(part: Part, room: int) -> Part:
    """The first rows that fit, or the first row cut until it does."""
    totals = accumulate(_cost(row, part) for row in part.rows)
    fitting = sum(total <= room for total in totals)
    rows = part.rows[:fitting] or tuple(shorten(row, part.header, room) for row in part.rows[:1])
    return replace(part, rows=rows)


def _cost(row: Cells, part: Part) -> int:
    return tokens(encode(row, part.header))


def _left_out(parts: Sequence[Part], shown: Sequence[Part]) -> Cuts:
    pairs = list(zip(parts, shown, strict=True))
    seen = [both for whole, part in pairs for both in zip(whole.rows, part.rows, strict=False)]
    cells = sum(cell != cut for row, cut_row in seen for cell, cut in zip(row, cut_row, strict=True))
    return Cuts(rows=sum(len(whole.rows) - len(part.rows) for whole, part in pairs), cells=cells)


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
