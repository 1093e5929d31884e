"""ask_step: ask the LM about inputs of one step of a plan, whichever kind of call it is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from binder.ask import Reply, ask_map
from binder.ask_ans import AnsReply, ask_ans
from binder.desk import Said
from binder.errors import LMReplyError
from binder.lm.base import LM, Usage
from binder.plan import Step
from binder.render import Cuts
from exemplars.exemplar import Cells, Part


async def ask_step(
    lm: LM, step: Step, inputs: Sequence[Cells], keep: Callable[[Reply], None], folder: Path | None = None
) -> Said:
    """Ask a step's call about inputs.

    Args:
        lm: The model.
        step: What to ask.
        inputs: Distinct inputs, none of them missing altogether.
        keep: Called with each reply as soon as it is there.
        folder: A folder of the user's exemplars and templates.

    Raises:
        LMUnavailable: The model could not be reached; what ``keep`` got was answered.
        LMReplyError: Not one input got a reply that can be read.
    """
    if not step.per_row:
        return await _ask_whole(lm, step, inputs, keep, folder)
    said = await ask_map(lm, step.question, step.labels, inputs, step.expected, folder=folder, keep=keep)
    return Said(said.replies, said.usage, said.unreadable, said.cuts)


async def _ask_whole(
    lm: LM, step: Step, inputs: Sequence[Cells], keep: Callable[[Reply], None], folder: Path | None
) -> Said:
    """Each input in a request of its own; the call fails only where none of them is answered."""
    said = await asyncio.gather(*(_answer(lm, step, cells, keep, folder) for cells in inputs), return_exceptions=True)
    failed = [one for one in said if isinstance(one, BaseException)]
    fatal = [error for error in failed if not isinstance(error, LMReplyError)]
    if fatal or len(failed) == len(inputs) > 0:
        raise (fatal or failed)[0]
    done = [one for one in said if not isinstance(one, BaseException)]
    replies = tuple(
        Reply(cells, readable=False) if isinstance(one, BaseException) else one[0]
        for cells, one in zip(inputs, said, strict=True)
    )
    usage = sum((answer.usage for _, answer in done), Usage())
    return Said(replies, usage, len(failed), sum((answer.cuts for _, answer in done), Cuts()))


async def _answer(
    lm: LM, step: Step, cells: Cells, keep: Callable[[Reply], None], folder: Path | None
) -> tuple[Reply, AnsReply]:
    said = await ask_ans(lm, step.question, _parts(step, cells), step.expected, folder=folder)
    value = list(said.value) if isinstance(said.value, tuple) else said.value
    reply = Reply(cells, said.text, value, said.attempts)  # type: ignore[arg-type]
    keep(reply)
    return reply, said


def _parts(step: Step, cells: Cells) -> list[Part]:
    """The inputs of an ans: a block's rows, or one value."""
    parts = []
    for label, block, cell in zip(step.labels, step.blocks, cells, strict=True):
        if block:
            rows = json.loads(cell) if cell else []
            header = tuple(rows[0]) if rows else (label,)
            parts.append(Part(header, tuple(tuple(row.values()) for row in rows)))
        elif label:
            parts.append(Part((label,), ((cell,),)))
    return parts
