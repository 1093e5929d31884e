"""Stands in the place of ``examples/recorded.py`` while replies are recorded: what is not known is asked, and written.

The module that it stands for is beside it then, as ``replayed.py``. Each reply that is used becomes a line of
``used.jsonl``, so that those that no notebook asks for any more are dropped.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from replayed import Recorded, key

from binder.lm import Local, Request, Response
from evaluation.records import Appender

USED = Path(__file__).with_name("used.jsonl")


class Recording(Recorded):
    """The embedded model, asked for what no recorded reply answers."""

    def __init__(self) -> None:
        super().__init__()
        self._model = Local()
        self._used = Appender(USED)

    async def complete(self, request: Request) -> Response:
        """The reply that was recorded, or else the model's."""
        asked = key(request)
        if asked not in self.said:
            response = await self._model.complete(request)
            said = {"completions": [asdict(one) for one in response.completions], "usage": asdict(response.usage)}
            self.said[asked] = {"request": asked, "purpose": request.purpose, **said}
        self._used.add(self.said[asked])
        return await super().complete(request)


lm = Recording()
