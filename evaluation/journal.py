"""journal: a language model that writes down every reply of another, so that none is paid for twice.

Replies are kept by what they were for (an example) and by what was asked. Asked the same again for the same example,
as happens when a run that was killed goes on, the first asking gets the first reply, and so on, with what it cost
then. So a run that was killed and went on counts the same cost as one that never stopped.

Samples are found by their numbers, for how many are asked for at once depends on what the server gave so far, of which
a run that goes on knows nothing yet.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

from binder.errors import LMReplyError
from binder.lm.base import LM, Completion, Request, Response, Usage, batch_of, working
from binder.sampling import at_once, part
from binder.send import send
from evaluation.records import Appender, read

Key = tuple[str, str, int | None]
"""What a sample is for, what was asked, and the sample's seed."""

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
        self._known: dict[Key, deque[_Sample]] = defaultdict(deque)
        for record in read(path, _samples):
            for key, sample in _samples(record):
                self._known[key].append(sample)
        self._file = Appender(path)

    # That ``wrapped`` is the model is not said: whoever asks would hold one of its slots while ``complete`` waits for
    # another. So what is read of it has to be passed on.

    @property
    def samples(self) -> int | None:
        """How many samples the model draws at once."""
        return at_once(self._lm)

    @property
    def drafts(self) -> int | None:
        """How many programs are sampled from the model for a question."""
        return getattr(working(self._lm), "drafts", None)

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
        """The next known samples of it, as many as are wanted and came in one reply, or None where the first is new."""
        found: list[_Sample] = []
        for number in range(request.n):
            known = self._known.get(_key(about, part(request, number, 1)))
            if not known or (found and known[0].usage is not None):
                break
            found.append(known.popleft())
            if (error := found[0].error) is not None:
                raise LMReplyError(error)
        completions = tuple(sample.completion for sample in found)
        return Response(completions, found[0].usage or Usage()) if found else None

    async def _ask(self, about: str, request: Request) -> Response:
        """Ask the model, and write down what it says, also where that is no reply."""
        _, asked, seed = _key(about, request)
        record = {"about": about, "request": asked, "seed": seed}
        try:
            response = await send(self._lm, request)
        except LMReplyError as error:
            self._file.add(record | {"error": str(error)})
            raise
        usage, completions = asdict(response.usage), [asdict(one) for one in response.completions]
        self._file.add(record | {"completions": completions, "usage": usage})
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


def _key(about: str, request: Request) -> Key:
    return about, digest(replace(request, seed=None)), request.seed


@dataclass(frozen=True)
class _Sample:
    """A known sample.

    Attributes:
        completion: What it is.
        usage: What its reply cost; None where it is not the first sample of the reply.
        error: What was said in place of a reply that could be used.
    """

    completion: Completion
    usage: Usage | None
    error: str | None = None


def _samples(record: dict[str, Any]) -> list[tuple[Key, _Sample]]:
    """The samples in a record, each with its key."""
    about, asked, seed = str(record["about"]), str(record["request"]), record.get("seed")
    if "error" in record:
        return [((about, asked, seed), _Sample(Completion(""), Usage(), str(record["error"])))]
    usage = Usage(**record["usage"])
    return [
        ((about, asked, None if seed is None else seed + nth), _Sample(Completion(**one), None if nth else usage))
        for nth, one in enumerate(record["completions"])
    ]
