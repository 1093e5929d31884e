"""What an OpenAI-compatible server's failure means: wait and ask again, or say what to do about it."""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import openai

from binder.errors import LMUnavailable
from binder.lm import wire
from binder.render import escape

if TYPE_CHECKING:
    from collections.abc import Mapping

WAIT_FIRST = 0.5
WAIT_LONGEST = 8.0
NO_QUOTA = "insufficient_quota"


_OVERFLOW = re.compile(
    r"context[ _-]?(length|size|window)|(exceed|larg|long|beyond|overflow).{0,40}\bcontext\b"
    r"|context (the )?overflow|(prompt|input|request) (is )?too long|too many (input |prompt )?tokens"
    r"|tokens.{0,60}must be <=",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Failure:
    """What came in place of a reply.

    Attributes:
        told: What went wrong and what to do next, in a sentence or two.
        wait: Seconds until asking again may help, or None where it would not.
        elsewhere: Whether another key or server may take what this one did not.
        overflow: Whether the request was longer than the model's context.
        status: The HTTP status, where there was one.
    """

    told: str
    wait: float | None
    elsewhere: bool = True
    overflow: bool = False
    status: int | None = None


def judge(error: openai.APIError | LMUnavailable, model: str, failures: int) -> Failure:
    """What an error means, the server's ``failures``-th in a row; ``LMUnavailable`` stands for a body that is none.

    Example:
        >>> judge(LMUnavailable("the reply is not JSON but empty"), "qwen", 1).told
        'the reply is not JSON but empty'
    """
    if isinstance(error, LMUnavailable):
        overflow = bool(_OVERFLOW.search(str(error))) and str(error).startswith(wire.AN_ERROR)
        return Failure(str(error), backoff(failures), overflow=overflow)
    status = error.status_code if isinstance(error, openai.APIStatusError) else None
    return Failure(explain(error, model), delay(error, failures), elsewhere(error), overflowed(error), status)


def overflowed(error: openai.APIError) -> bool:
    """Whether the server did not take a request because it is longer than the model's context."""
    if not isinstance(error, openai.APIStatusError) or error.status_code not in (400, 413, 422, 500):
        return False
    return error.status_code == 413 or bool(_OVERFLOW.search(f"{error.code or ''} {message(error)}"))


def refused(error: openai.APIError | LMUnavailable, sent: Mapping[str, Any]) -> str | None:
    """The name of the field that the server did not accept, or None when the error is about something else."""
    if not isinstance(error, openai.BadRequestError | openai.UnprocessableEntityError):
        return None
    return wire.refused(message(error), error.param, sent)


def delay(error: openai.APIError, failures: int) -> float | None:
    """Seconds to wait before asking again after ``failures`` failures, or None when that would not help.

    A server's own ``Retry-After`` decides; else the wait doubles each time, moved a little at random so that requests
    that failed together do not return together.
    """
    if isinstance(error, openai.APIStatusError):
        if (error.status_code not in (408, 409, 429) and error.status_code < 500) or error.code == NO_QUOTA:
            return None
        asked = _retry_after(error.response.headers)
        if asked is not None and asked >= WAIT_FIRST:
            return asked
        return max(asked or 0.0, backoff(failures))  # at once would be too soon, whatever it says
    elif _refused_connection(error):
        return None
    return backoff(failures)


def backoff(failures: int) -> float:
    """Seconds to wait after ``failures`` failures where the server does not say how long."""
    seconds: float = min(WAIT_FIRST * 2 ** (failures - 1), WAIT_LONGEST) * random.uniform(0.75, 1.0)
    return seconds


def elsewhere(error: openai.APIError) -> bool:
    """Whether another key or server may take what this one did not: all but a request that is itself at fault."""
    return not (isinstance(error, openai.APIStatusError) and error.status_code in (400, 413, 422))


def explain(error: openai.APIError, model: str) -> str:
    """What went wrong and what to do next, in a sentence or two."""
    if not isinstance(error, openai.APIStatusError):
        return _explain_connection(error)
    said = message(error)
    if overflowed(error):
        return f"the request is too large ({said}). Lower the LM's context= so that prompts are cut to fit"
    match error.status_code:
        case 401 | 403:
            return f"the server refused the key ({said}). Set OPENAI_API_KEY to one it takes, or pass api_key="
        case 404:
            return (
                f"the server knows no model {model!r} or no such path ({said}). Check the model's name (BINDER_MODEL, "
                "or --lm of binder-eval) and the address (OPENAI_BASE_URL), which usually ends in /v1"
            )
        case 429 if error.code == NO_QUOTA:
            return (
                f"the service's quota is used up ({said}). Look at the plan and the billing there, or use another key"
            )
        case status if 300 <= status < 400:
            there = error.response.headers.get("location", "elsewhere")
            return f"the server points to {there}; nothing is sent there. Give that address, if it is the right one"
        case 429:
            asked = _retry_after(error.response.headers)
            when = "later" if asked is None else f"in {asked:,.0f} s, as it asks"
            return f"the server asks for fewer requests ({said}). Lower concurrency=, or try again {when}"
        case status if status >= 500:
            return f"the server failed with status {status} ({said}). Try again later, or look into its log"
        case status:
            told = f"the server refused the request with status {status} ({said})"
            return f"{told}. Mend what it names, or look into its log"


def message(error: openai.APIStatusError) -> str:
    """The server's own words, cut to a line."""
    body = error.body
    if isinstance(body, dict):
        body = body.get("message") or body.get("detail") or body.get("error") or body
    line = " ".join((body if isinstance(body, str) else json.dumps(body, default=str)).split()) if body else ""
    line = escape(line)
    return (line if len(line) <= 300 else line[:300] + "…") or f"status {error.status_code}"


def _explain_connection(error: openai.APIError) -> str:
    cause = str(error.__cause__ or error).strip() or type(error.__cause__ or error).__name__
    if type(error.__cause__).__name__ == "ReadTimeout":
        waited = error.request.extensions.get("timeout", {}).get("read")
        seconds = "the seconds of stall=" if waited is None else f"{waited:g} s (stall=)"
        return f"the connection stalled: nothing came for {seconds}. Give it longer, or look into the server"
    if _refused_connection(error):
        return f"no connection ({cause}). Start the server, or check its address (OPENAI_BASE_URL)"
    return f"the connection broke ({cause}). Try again later, or look into the server's log"


def _refused_connection(error: openai.APIError) -> bool:
    # By name, because the openai package raises this error of whichever HTTP client it was given.
    return type(error.__cause__).__name__ in ("ConnectError", "ConnectTimeout", "UnsupportedProtocol")


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, from a number or a date; None when absent or not readable."""
    value = headers.get("retry-after", "")
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
