"""Language models: any OpenAI-compatible server, the embedded one, or a plain function.

Each name loads its module when it is first used, so that importing this package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from binder.lm.base import LM, Completion, Message, Request, Response, Usage
    from binder.lm.cache import Cache
    from binder.lm.choose import Choice, default, describe
    from binder.lm.limits import Budget, Limited, Price
    from binder.lm.local import Local
    from binder.lm.openai import OpenAI
    from binder.lm.scripted import Scripted
    from binder.lm.weights import pull

__all__ = [
    "LM",
    "Budget",
    "Cache",
    "Choice",
    "Completion",
    "Limited",
    "Local",
    "Message",
    "OpenAI",
    "Price",
    "Request",
    "Response",
    "Scripted",
    "Usage",
    "default",
    "describe",
    "pull",
]

_HOMES = {
    "base": ("LM", "Completion", "Message", "Request", "Response", "Usage"),
    "cache": ("Cache",),
    "choose": ("Choice", "default", "describe"),
    "limits": ("Budget", "Limited", "Price"),
    "local": ("Local",),
    "openai": ("OpenAI",),
    "scripted": ("Scripted",),
    "weights": ("pull",),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
