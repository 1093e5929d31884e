"""lifetime: what is known of an object, by its number, until that is gone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import finalize

_kept: dict[int, object] = {}


def when_gone(thing: object, forget: Callable[..., object], *given: Any) -> None:
    """Call ``forget(*given)`` once an object is gone, so that what is known of it does not pass to another.

    An object that cannot be watched (a class with ``__slots__``) is kept instead, since its ``id`` must stay its own.
    """
    try:
        finalize(thing, forget, *given)
    except TypeError:
        _kept[id(thing)] = thing
