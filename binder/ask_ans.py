"""ask_ans: what an LM says about whole inputs, one value or a list of them (an ans).

A reply that cannot be read is asked for again.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from binder import call_prompt
from binder.coerce import Value, coerce, is_unknown, settle
from binder.lm.base import LM, Usage
from binder.prompt import Prompt
from binder.render import Cuts, escape
from binder.replies import read_ans, read_bare
from binder.send import ATTEMPTS, again, hear
from exemplars import choose, store
from exemplars.exemplar import Part
from grammars.reply import Expected, ReplyKind

SHOTS = 5

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class AnsReply:
    """The reply to an ans.

    Attributes:
        value: The value, a tuple of them where several were asked for, or None for NULL.
        text: What the LM said, at last where none of it can be read, or None where it was not asked.
        attempts: How many requests it took.
        usage: What was spent.
        cuts: Rows and cells that the request left out.
        readable: False when no reply could be read.
    """

    value: Value | tuple[Value, ...] | None
    text: str | None = None
    attempts: int = 0
    usage: Usage = field(default_factory=Usage)
    cuts: Cuts = field(default_factory=Cuts)
    readable: bool = True


async def ask_ans(
    lm: LM,
    question: str,
    parts: Sequence[Part],
    expected: Expected,
    *,
    folder: Path | None = None,
) -> AnsReply:
    """Ask one question about whole inputs; NULL, without a request, when they hold nothing at all.

    Args:
        lm: The model.
        question: What is asked.
        parts: The inputs, one for each argument of the call.
        expected: What the reply must be; several values when ``expected.many``.
        folder: A folder of the user's exemplars and templates.

    Raises:
        LMUnavailable: The model could not be reached.
    """
    asked = first_request(lm, question, parts, expected, folder=folder)
    if asked is None:
        return AnsReply(() if expected.many else None)
    usage, heard = Usage(), ""
    for attempt in range(1, ATTEMPTS + 1):
        completion, spent = await hear(lm, again(asked.request, attempt))
        usage += spent
        values = read_values(completion.text, expected) if completion.finished else None
        if values is not None:
            value = values if expected.many else values[0] if values else None
            return AnsReply(value, completion.text, attempt, usage, asked.cuts)
        heard = completion.text
        told = "%s: the reply to '%s' cannot be read (attempt %d of %d)"
        _log.info(told, lm.name, escape(question), attempt, ATTEMPTS)
        _log.debug("the reply was '%s'", escape(heard, 500))
    return AnsReply(None, heard, ATTEMPTS, usage, asked.cuts, readable=False)


def first_request(
    lm: LM, question: str, parts: Sequence[Part], expected: Expected, *, folder: Path | None = None
) -> Prompt | None:
    """The request that ``ask_ans`` sends first, or None where the inputs hold nothing at all; nothing is sent."""
    if parts and not any(cell is not None for part in parts for row in part.rows for cell in row):
        return None
    shots = choose.first(store.answers(folder), SHOTS)
    return call_prompt.ans(question, parts, expected, lm=lm, exemplars=shots, folder=folder)


def read_values(text: str, expected: Expected) -> tuple[Value, ...] | None:
    """The values of a reply (none where it cannot be told), or None where it cannot be read."""
    texts = read_ans(text, expected.many)
    if texts is None and not expected.many:
        bare = read_bare(text, expected)
        texts = None if bare is None else [bare]
    if texts is None or (len(texts) > 1 and not expected.many):
        return None
    values = [None if text is None else coerce(text, expected) for text in texts]
    if any(value is None and text and not is_unknown(text) for value, text in zip(values, texts, strict=True)):
        return None
    if expected.kind is ReplyKind.ORDERED:
        values = list(settle(values))
    return tuple(value for value in values if value is not None)
