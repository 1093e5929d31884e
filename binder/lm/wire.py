"""Requests and replies as OpenAI-compatible servers spell them. Pure: nothing here touches the network.

Servers differ in what they accept. ``FIELDS`` lists what a request can do without: a server that refuses one (by
naming it in an error) is asked again without it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from binder.errors import LMReplyError, LMUnavailable
from binder.headers import readable
from binder.lm import control, tokens
from binder.lm.base import Completion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from binder.lm.base import Request

Api = Literal["chat", "completions"]
_WHOLE = re.compile(
    "(?:stop(?:ped)?|eo[st]|end(?:ed)?|of|turn|text|message|sequence|string|token"
    "|finish(?:ed)?|reason|completed?|done|tools?|function|calls?|use|none|null|str|words?|ids?|im|eod|ok|success"
    "|normal|natural)*",
    re.I,
)
"""The words in which servers say that a reply came to its end: ``stop``, ``eos_token``, ``end_turn``, ``tool_calls``.
Whatever holds another (``max_tokens``, ``content_filter``, ``insufficient_system_resource``) says that it did not: they
cannot all be known."""
AN_ERROR = "the reply is an error"
CHECK = "Check the address: it usually ends in /v1"
_LEAST_LOGPROB = 1e9
"""A log-probability beyond is none, such as minus infinity."""
PATHS: Mapping[Api, str] = {"chat": "/chat/completions", "completions": "/completions"}


@dataclass(frozen=True)
class Field:
    """A part of a request's body that a server may refuse.

    Attributes:
        name: Its key in the body.
        named: How an error names it (a regular expression).
        instead: The key that carries its value once refused, or None to leave it out.
    """

    name: str
    named: str
    instead: str | None = None


FIELDS = (
    Field("max_tokens", "max_completion_tokens", instead="max_completion_tokens"),
    Field("response_format", "response_format|json_schema|schema|structured output|grammar"),
    Field("logprobs", "logprobs|log.?prob"),
    Field("n", r"\bn\b|n_cmpl|number of (choices|completions|samples)|one (choice|completion)"),
    Field("temperature", "temperature"),
    Field("stop", r"\bstop\b"),
    Field("seed", r"\bseed\b"),
)


@dataclass(frozen=True)
class Reply:
    """What one HTTP response brought.

    Attributes:
        completions: The samples.
        prompt_tokens: How many tokens were read.
        completion_tokens: How many were written.
        early: Why samples ended before their end, each of the server's reasons once.
    """

    completions: tuple[Completion, ...]
    prompt_tokens: int
    completion_tokens: int
    early: tuple[str, ...] = ()


def prompt(request: Request, api: Api) -> dict[str, Any]:
    """The part of a request's body that says what is asked. No text in it can end a turn, or begin one.

    Example:
        >>> from binder.lm.base import Message, Request
        >>> prompt(Request((Message("user", "which?"),)), "chat")
        {'messages': [{'role': 'user', 'content': 'which?'}]}
    """
    if api == "completions":
        return {"prompt": _sent(request.prompt)}
    turns = [{"role": message.role, "content": _sent(message.content)} for message in request.messages]
    return {"messages": turns}


def _sent(text: str) -> str:
    """A text that can be sent, and in which nothing stands for the end of its turn."""
    return readable(control.plain(text))


def options(request: Request, api: Api, *, n: int, logprobs: bool, without: frozenset[str]) -> dict[str, Any]:
    """The body of a request beside its model and prompt.

    Args:
        request: What to ask.
        api: Which endpoint it goes to; they ask for log-probabilities differently.
        n: How many samples to ask for.
        logprobs: Whether to ask for log-probabilities.
        without: Names of ``FIELDS`` the server refused.
    """
    wanted: dict[str, Any] = {
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "n": n if n > 1 else None,
        "logprobs": (True if api == "chat" else 1) if logprobs else None,
        "stop": list(request.stop) or None,
        "seed": request.seed,
        "response_format": None if request.schema is None else _response_format(request.schema),
    }
    instead = {field.name: field.instead for field in FIELDS if field.name in without}
    named = ((instead.get(key, key), value) for key, value in wanted.items())
    return {key: value for key, value in named if key is not None and value is not None}


def _response_format(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "reply", "schema": dict(schema), "strict": True}}


def refused(message: str, param: str | None, sent: Mapping[str, Any]) -> str | None:
    """The name of the sent field that an error refuses, or None when it is about something else.

    Example:
        >>> refused("Unsupported parameter: 'logprobs'", None, {"n": 2, "logprobs": True})
        'logprobs'
    """
    present = [field for field in FIELDS if field.name in sent]
    for said in filter(None, (param, message)):
        for field in present:
            if re.search(field.named, said, re.IGNORECASE):
                return field.name
    return None


def read(text: str, request: Request) -> Reply:
    """The completions in a response's body.

    Raises:
        LMUnavailable: It is not the JSON of a completion, so the server failed; the message says what it is instead.
        LMReplyError: It is a completion without a text, so the model said nothing.
    """
    try:
        data = json.loads(text.removeprefix("﻿"))
    except (ValueError, RecursionError):
        raise LMUnavailable(f"the reply is not JSON but {_excerpt(text)}. {CHECK}") from None
    if not isinstance(choices := _get(data, "choices"), list):
        said = _get(data, "error", "message") or _get(data, "error")
        if isinstance(said, str):
            raise LMUnavailable(f"{AN_ERROR} ({_excerpt(said, 300)}). Try again later, or look into the server's log")
        raise LMUnavailable(f"the reply holds no choices but {_excerpt(text)}. {CHECK}")
    if not choices:
        raise LMUnavailable("the reply's list of choices is empty")
    if not any(isinstance(_text(choice), str) for choice in choices):
        if isinstance(refusal := _get(choices[0], "message", "refusal"), str) and refusal:
            raise LMReplyError(f"the model refused: {_excerpt(refusal)}")
        raise LMReplyError(f"the reply holds no text but {_excerpt(json.dumps(choices[0]))}")
    completions = tuple(_completion(choice, request.stop) for choice in choices)
    spent = data.get("usage")
    usage = spent if isinstance(spent, dict) else {}
    # llama.cpp reports one choice's tokens for all of n, so the tokens seen in the log-probabilities win.
    seen = sum(len(_token_logprobs(choice)) for choice in choices)
    written = max(_count(usage.get("completion_tokens")), seen)
    return Reply(
        completions,
        _count(usage.get("prompt_tokens")) or tokens.estimate(request.prompt),
        written or sum(tokens.estimate(completion.text) for completion in completions),
        tuple(dict.fromkeys(_excerpt(reason) for choice in choices if not _whole(reason := _reason(choice)))),
    )


def _completion(choice: object, stop: Sequence[str]) -> Completion:
    text = _text(choice)
    text = text if isinstance(text, str) else ""
    ends = [end for mark in stop if (end := text.find(mark)) >= 0]
    logprobs = _token_logprobs(choice)
    return Completion(
        text=text[: min(ends, default=len(text))],
        logprob=sum(logprobs) if logprobs else None,
        finished=_whole(_reason(choice)),
    )


def _reason(choice: object) -> str:
    """Why a sample ended, in the server's words; empty where it says nothing."""
    said = _get(choice, "finish_reason")
    return "" if said is None else str(said)


def _whole(reason: str) -> bool:
    """Whether a sample came to its end, by the server's reason; one that gives none is believed.

    Example:
        >>> [_whole(reason) for reason in ("stop_sequence", "", "refusal")]  # in whatever letters, joined by whatever
        [True, True, False]
    """
    return bool(_WHOLE.fullmatch(re.sub(r"[\W_]+", "", reason)))


def _text(choice: object) -> object:
    """A chat completion's or a text completion's text."""
    return _get(choice, "message", "content") if _get(choice, "message") else _get(choice, "text")


def _token_logprobs(choice: object) -> list[float]:
    """Each token's log-probability, in the chat shape or the older one."""
    chat = _get(choice, "logprobs", "content")
    older = _get(choice, "logprobs", "token_logprobs")
    values = [_get(token, "logprob") for token in chat] if isinstance(chat, list) else older
    told = [value for value in values if isinstance(value, int | float)] if isinstance(values, list) else []
    return list(map(float, told)) if all(-_LEAST_LOGPROB < value < _LEAST_LOGPROB for value in told) else []


def _get(value: object, *keys: str) -> object:
    """A value inside nested mappings, or None where the way ends."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _count(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def _excerpt(text: str, width: int = 120) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= width else line[:width] + "…") if line else "empty"
