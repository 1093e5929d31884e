"""The one seam to a language model: a request goes in, a response comes out.

Anything with a ``name``, a ``context`` and an async ``complete`` is a language model. The engine builds every
request and reads every reply; a provider only carries them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from binder.lm.batches import bearable

Purpose = Literal["draft", "map", "ans"]
BATCH = 16


@dataclass(frozen=True)
class Message:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class Request:
    """What the engine asks of a language model.

    Attributes:
        messages: The conversation, what is constant first.
        purpose: What the reply is for: a program's ``draft``, the values of a ``map``, or one ``ans``.
        n: How many independent samples to draw; ``binder.sampling.sample`` asks again for those that do not come.
        temperature: 0 for the likeliest reply.
        max_tokens: The longest reply, in tokens.
        stop: Texts that end a reply.
        schema: The JSON schema the reply must satisfy, or None for free text. A provider that cannot enforce it may
            ignore it: the engine checks every reply.
        inputs: For a map, the inputs in the order of their numbers, one cell text a column (None for a missing one);
            for an ans, one row a part. The same as in ``messages``, as data.
        seed: Makes samples repeatable where the provider can.
    """

    messages: tuple[Message, ...]
    purpose: Purpose = "draft"
    n: int = 1
    temperature: float = 0.0
    max_tokens: int = 512
    stop: tuple[str, ...] = ()
    schema: Mapping[str, Any] | None = None
    inputs: tuple[tuple[str | None, ...], ...] = ()
    seed: int | None = None

    @property
    def prompt(self) -> str:
        """The conversation as one text, for a completions endpoint or a scripted LM."""
        return "\n\n".join(message.content for message in self.messages)


@dataclass(frozen=True)
class Completion:
    """One sampled reply.

    Attributes:
        text: What the model wrote.
        logprob: The sum of its tokens' log-probabilities, or None where the provider gives none.
        finished: False when the reply ended before its end: at ``max_tokens``, by a filter, or for lack of memory.
    """

    text: str
    logprob: float | None = None
    finished: bool = True


@dataclass(frozen=True)
class Usage:
    """What was spent: requests sent, tokens read and written, seconds of the model's time."""

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.requests + other.requests,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.seconds + other.seconds,
        )

    @property
    def tokens(self) -> int:
        """Tokens read and written."""
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True)
class Response:
    """The samples for one request, and what they cost."""

    completions: tuple[Completion, ...]
    usage: Usage = field(default_factory=Usage)


@runtime_checkable
class LM(Protocol):
    """A language model.

    Attributes:
        name: What errors, traces and answers call it, such as ``qwen2.5-coder-1.5b (embedded)``.
        context: How many tokens a prompt and its reply may hold together.
        concurrency: How many requests it may be sent at once.

    It may also have these, which ``identity_of``, ``batch_of``, ``Drafting`` and ``working`` read:

    - ``identity`` (a text): what decides its replies beside the request, such as the server's address, the model's name
      and the parameters. Without one, or with None, its replies are not cached.
    - ``batch`` (a number): the most inputs of a map that one request should carry.
    - ``steady`` (True or False): whether requests carry as many inputs however replies turn out.
    - ``drafts`` (a number): how many programs are sampled for a question, unless the caller says.
    - ``wrapped`` (an LM): the model that does the work, for one that only stands before another.
    """

    name: str
    context: int
    concurrency: int

    async def complete(self, request: Request) -> Response:
        """Answer one request, with all of its samples, or with as many of the first as come at once.

        Raises:
            LMUnavailable: It could not be reached, refused, or ran past its timeout; the message names it.
            LMOverflow: The request is longer than its context; a map is asked again with fewer inputs.
        """
        ...

    async def aclose(self) -> None:
        """Release connections and processes; a second call does nothing."""
        ...


def identity_of(lm: LM) -> str | None:
    """What decides the model's replies beside the request, or None where that is not known.

    Example:
        >>> from binder.lm import OpenAI
        >>> identity_of(OpenAI("qwen", base_url="http://localhost:1/v1"))
        'openai chat qwen at http://localhost:1/v1, context 32768, logprobs True'
    """
    identity = getattr(lm, "identity", None)
    return identity if isinstance(identity, str) and identity else None


def batch_of(lm: LM) -> int:
    """The most inputs of a map that one request to the model should carry: its own number, or fewer once those failed.

    Example:
        >>> from binder.lm import Scripted
        >>> batch_of(Scripted(lambda request: "", batch=4))
        4
    """
    batch = getattr(lm, "batch", None)
    return bearable(working(lm), batch if isinstance(batch, int) and batch > 0 else BATCH)


def trouble_of(lm: LM) -> str:
    """What the model's server did last, if it failed and has not answered since; empty where that is not known."""
    return str(getattr(working(lm), "trouble", ""))


def working(lm: LM) -> LM:
    """The model that does the work: the one that ``lm`` stands before, or itself."""
    while isinstance(inner := getattr(lm, "wrapped", None), LM):
        lm = inner
    return lm
