"""The language model of the example notebooks: what the embedded model said, read from ``replies.jsonl``.

So the notebooks run in seconds and anywhere, and say the same each time. A request that was not recorded is refused;
no other model is asked in its place. ``python tests/record_examples.py`` records anew.
"""

from __future__ import annotations

import json
from pathlib import Path

from binder.errors import LMUnavailable
from binder.lm import Completion, Request, Response, Usage
from evaluation.journal import digest

REPLIES = Path(__file__).with_name("replies.jsonl")


def key(request: Request) -> str:
    """What a reply is found by: all that decides it, and how many samples it holds."""
    return f"{digest(request)}, n {request.n}"


class Recorded:
    """The embedded model's replies, by what was asked."""

    name = "qwen2.5-coder-1.5b (embedded), recorded"
    context, concurrency, batch, samples = 8192, 1, 12, 4  # those of binder.lm.Local(), to be asked the same

    def __init__(self, path: Path = REPLIES) -> None:
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        self.said = {record["request"]: record for record in map(json.loads, lines)}

    async def complete(self, request: Request) -> Response:
        """The recorded reply, and what it cost then.

        Raises:
            LMUnavailable: This was not asked when replies were recorded.
        """
        found = self.said.get(key(request))
        if found is None:
            raise LMUnavailable(
                f"{REPLIES.name} holds no reply to this request, a {request.purpose}: it is new, or prompts have "
                "changed. Ask the model anew with lm = binder.lm.Local(), or record its replies with "
                "`python tests/record_examples.py`"
            )
        return Response(tuple(Completion(**one) for one in found["completions"]), Usage(**found["usage"]))

    async def aclose(self) -> None:
        """Nothing to release."""


lm = Recorded()
