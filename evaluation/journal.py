"""journal: a language model that writes down every reply of another, so that none is paid for twice.

Replies are kept by what they were for (an example) and by what was asked. Asked the same again for the same example,
as happens when a run that was killed goes on, the first asking gets the first reply, and so on, with what it cost
then. So a run that was killed and went on counts the same cost as one that never stopped.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

from binder.lm.base import LM, Completion, Request, Response, Usage, batch_of
from binder.send import send
from evaluation.records import Appender, read

_about: ContextVar[str] = ContextVar("about", default="")


class Journal:
    """The language model, and the file of its replies.

    Args:
        lm: The model that answers what the file does not.
        path: The file; it need not be there.

    Example:
        >>> from binder.lm import Scripted
        >>> journal = Journal(Scripted(lambda request: "SELECT 1"), Path("journal.jsonl"))  # doctest: +SKIP
    """

    def __init__(self, lm: LM, path: Path) -> None:
        self._lm = lm
        self.name = lm.name
        self.context = lm.context
        self.concurrency = lm.concurrency
        self.batch = batch_of(lm)
        self.steady = True  # or a run that goes on would ask about other inputs together, and find none of the replies
        self._known: dict[tuple[str, str], list[Response]] = defaultdict(list)
        for record in read(path):
            self._known[record["about"], record["request"]].append(_response(record))
        self._asked: Counter[tuple[str, str]] = Counter()
        self._file = Appender(path)

    @contextmanager
    def about(self, example: str) -> Iterator[None]:
        """What is asked in this context is asked for the sake of an example."""
        token = _about.set(example)
        try:
            yield
        finally:
            _about.reset(token)

    async def complete(self, request: Request) -> Response:
        """Answer from the file, or ask the model and write down what it says."""
        about = _about.get()
        return self._recall(about, request) or await self._ask(about, request)

    def _recall(self, about: str, request: Request) -> Response | None:
        """The next known reply to it that holds no more samples than are wanted, or None."""
        key = about, digest(request)
        nth, known = self._asked[key], self._known.get(key, [])
        self._asked[key] += 1
        found = known[nth] if nth < len(known) else None
        return found if found is not None and len(found.completions) <= request.n else None

    async def _ask(self, about: str, request: Request) -> Response:
        """Ask the model, and write down what it says."""
        response = await send(self._lm, request)
        usage, completions = asdict(response.usage), [asdict(one) for one in response.completions]
        record = {"about": about, "request": digest(request), "completions": completions, "usage": usage}
        self._file.add(record)
        return response

    async def aclose(self) -> None:
        """Nothing: the model is for whoever made it to close, and the file ends with the context."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def digest(request: Request) -> str:
    """The same for requests that ask the same in the same way, however many samples."""
    asked = asdict(request) | {"inputs": None, "n": 1}  # the inputs are in the messages
    return hashlib.sha256(json.dumps(asked, sort_keys=True, default=dict).encode("utf-8", "surrogatepass")).hexdigest()


def _response(record: dict[str, Any]) -> Response:
    return Response(tuple(Completion(**one) for one in record["completions"]), Usage(**record["usage"]))
