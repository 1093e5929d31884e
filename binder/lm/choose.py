"""Which language model answers when none is named: the user's own where the usual variables say so, else the embedded.

``OPENAI_BASE_URL`` or ``OPENAI_API_KEY`` say that there is one, and ``BINDER_MODEL`` which of its models. Without
``BINDER_MODEL`` it is the only model the server lists, or on OpenAI's own server ``HOSTED_MODEL``.
"""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from binder.errors import BinderError, ConfigurationError, LMUnavailable
from binder.lm import weights
from binder.lm.endpoint import HOSTED, Endpoint, unusable
from binder.lm.pins import QWEN

if TYPE_CHECKING:
    import openai

    from binder.lm.base import LM

HOSTED_MODEL = "gpt-4.1-mini"
LIST_SECONDS = 5.0


@dataclass(frozen=True)
class Choice:
    """The language model that would answer.

    Attributes:
        model: Its name, or an empty string where that could not be found out.
        where: The server's address, or the file of weights, or an empty string when there is none yet.
        why: What decided.
        embedded: Whether it is the embedded model.
        missing: What has to be done first, or an empty string when it is ready.
    """

    model: str
    where: str
    why: str
    embedded: bool
    missing: str = ""

    @property
    def ready(self) -> bool:
        """Whether it could answer now."""
        return not self.missing


def describe() -> Choice:
    """Which language model would answer, and why; asks a server which models it has, where that decides."""
    variables = [name for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY") if os.environ.get(name)]
    if variables:
        return _own(f"{' and '.join(variables)} {'are' if len(variables) > 1 else 'is'} set")
    if model := os.environ.get("BINDER_MODEL"):
        missing = (
            f"BINDER_MODEL names {model!r}, but no server has been named. Set OPENAI_BASE_URL to its address, or "
            "OPENAI_API_KEY for OpenAI's own"
        )
        return Choice(model, "", "BINDER_MODEL is set", embedded=False, missing=missing)
    return _embedded()


def default() -> LM:
    """The language model that ``describe`` tells of. The embedded model's weights need not be there yet.

    Raises:
        ConfigurationError: The variables are set so that none can be found.
    """
    choice = describe()
    if choice.embedded:
        from binder.lm.local import Local

        return Local()
    if not choice.ready:
        raise ConfigurationError(choice.missing)
    from binder.lm.openai import OpenAI

    return OpenAI(choice.model)


def _own(why: str) -> Choice:
    """The user's own model on the server that the variables name."""
    model = os.environ.get("BINDER_MODEL", "")
    address = ""
    try:
        endpoint = Endpoint.of()
        address = endpoint.address
        model = model or (HOSTED_MODEL if endpoint.url == HOSTED else _only_model(endpoint))
    except BinderError as error:
        return Choice(model, address, why, embedded=False, missing=str(error))
    return Choice(model, address, why, embedded=False)


def _only_model(endpoint: Endpoint) -> str:
    """The one model a server lists."""
    import openai

    try:
        http = openai.DefaultHttpxClient(**endpoint.http())
    except Exception as error:
        raise ConfigurationError(unusable(endpoint, error)) from None
    with openai.OpenAI(
        api_key=endpoint.key, base_url=endpoint.url, timeout=LIST_SECONDS, max_retries=0, http_client=http
    ) as client:
        try:
            names = [model.id for model in client.models.list().data]
        except openai.APIStatusError as error:
            told = f"{endpoint.address} did not say which models it has: {_refusal(error)}"
            raise LMUnavailable(endpoint.redact(told)) from None
        except Exception as error:  # A reply of any other shape fails in the openai package's own ways.
            raise LMUnavailable(
                f"{endpoint.address} did not say which models it has ({_said(endpoint, error)}). Start it, check "
                "OPENAI_BASE_URL, or name the model in BINDER_MODEL"
            ) from None
    if len(names) != 1:
        listed = ", ".join(names[:10]) or "none"
        raise ConfigurationError(
            f"{endpoint.address} has {len(names)} models ({listed}). Name the one to use in BINDER_MODEL"
        )
    return names[0]


def _said(endpoint: Endpoint, error: Exception) -> str:
    """What went wrong with a server's list of models."""
    import openai

    return endpoint.redact(str(error)) if isinstance(error, openai.APIError) else "its reply is no list of models"


def _refusal(error: openai.APIStatusError) -> str:
    """What a server that lists no models says, and what to do about it."""
    from binder.lm import failures

    if error.status_code in (401, 403):
        return failures.explain(error, "")
    said = failures.message(error)
    return f"{said}. Check OPENAI_BASE_URL, which usually ends in /v1, or name the model in BINDER_MODEL"


def _embedded() -> Choice:
    """The embedded model, or the GGUF file named in its place."""
    why = "BINDER_LOCAL_MODEL is set" if os.environ.get("BINDER_LOCAL_MODEL") else "no server is set"
    try:
        path = weights.find()
    except ConfigurationError as error:
        return Choice("", "", why, embedded=True, missing=str(error))
    name = path.stem if path and weights.named() else QWEN.name
    if importlib.util.find_spec("xllamacpp") is None:
        missing = "run `pip install 'binder-tableqa[local]'`"
    else:
        missing = "" if path else "run `binder models pull` once (1.1 GB)"
    return Choice(name, str(path or ""), why, embedded=True, missing=missing)
