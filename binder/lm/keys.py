"""keys: what decides a reply, and the hashes it is kept under.

A value of a map is kept under everything that can change it: the model, the template and worked examples, the question,
the columns' names, the kind of reply wanted, and the one input, but not the inputs that happened to share its request.
A draft is kept under its whole request and the number of the sample.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING

from binder.lm.base import LM, Purpose, Request, identity_of, working

if TYPE_CHECKING:
    from exemplars.exemplar import Cells
    from grammars.reply import Expected

FORMAT = 1
"""To be raised when code, rather than a template, changes how a call is put to a model or read."""
BYTES = 16


@dataclass(frozen=True)
class CallKey:
    """A call, with everything that can change a reply to it except the input.

    Attributes:
        model: What decides the model's replies (``identity_of``), or its ``id`` where that is not known.
        purpose: ``map`` or ``ans``.
        question: What is asked.
        labels: What the inputs are called: the columns' names.
        expected: What a reply must be.
        template_version: ``exemplars.store.version`` of the purpose.
        blocks: For an ans, which inputs are blocks of rows.
    """

    model: str | int
    purpose: Purpose
    question: str
    labels: tuple[str, ...]
    expected: Expected
    template_version: str
    blocks: tuple[bool, ...] = field(default=())

    @classmethod
    def of(
        cls,
        lm: LM,
        purpose: Purpose,
        question: str,
        labels: Sequence[str],
        expected: Expected,
        template_version: str,
        blocks: Sequence[bool] = (),
    ) -> CallKey:
        """The key of a call to a model."""
        model = identity_of(lm) or id(working(lm))
        return cls(model, purpose, question, tuple(labels), expected, template_version, tuple(blocks))

    @property
    def lasting(self) -> bool:
        """Whether replies may be kept beyond this process, since it is known what decides them."""
        return isinstance(self.model, str)


def value_keys(call: CallKey, inputs: Iterable[Cells]) -> list[bytes]:
    """The key of each input's value.

    Example:
        >>> from grammars.reply import Expected
        >>> call = CallKey("a model", "map", "is it in Asia?", ("country",), Expected(), "1")
        >>> one, other = value_keys(call, [("Nepal",), ("Peru",)])
        >>> one == other, len(one)
        (False, 16)
    """
    said = asdict(call)
    head = blake2b(_canonical([FORMAT, "value", said]), digest_size=BYTES)
    keys = []
    for cells in inputs:
        digest = head.copy()
        digest.update(_canonical(cells))
        keys.append(digest.digest())
    return keys


def draft_keys(model: str, request: Request, samples: int) -> list[bytes]:
    """The keys of a request's first samples; how many are asked for at once changes none of them."""
    asked = {
        "messages": [(message.role, message.content) for message in request.messages],
        "purpose": request.purpose,
        "temperature": request.temperature,
        "max_tokens": request.max_tokens,
        "stop": request.stop,
        "schema": request.schema,
        "seed": request.seed,
    }
    head = blake2b(_canonical([FORMAT, "draft", model, asked]), digest_size=BYTES)
    keys = []
    for sample in range(samples):
        digest = head.copy()
        digest.update(_canonical(sample))
        keys.append(digest.digest())
    return keys


def _canonical(value: object) -> bytes:
    """The one JSON of a value, in ASCII: half of a surrogate pair, which a cell may hold, is escaped too."""
    return _ENCODER.encode(value).encode("ascii")


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=dict)
