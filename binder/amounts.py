"""amounts: numbers and texts that a caller gave as settings, checked before anything is done with them."""

from __future__ import annotations

import math

from binder.errors import ConfigurationError


def require_whole(what: str, given: object, least: int | None = 1) -> None:
    """See that a setting is a whole number, of ``least`` or more unless that is None.

    Example:
        >>> require_whole("drafting: shots", 8, least=0)

    Raises:
        ConfigurationError: It is not.
    """
    if not isinstance(given, int) or isinstance(given, bool) or (least is not None and given < least):
        of = "" if least is None else f" of {least} or more"
        raise ConfigurationError(f"{what} is {given!r:.80}; give a whole number{of}")


def require_number(what: str, given: object, *, above_zero: bool = False) -> None:
    """See that a setting is a finite number, of 0 or more, or above 0.

    Raises:
        ConfigurationError: It is not.
    """
    number = isinstance(given, int | float) and not isinstance(given, bool) and math.isfinite(given)
    if not number or given < 0 or (above_zero and given == 0):  # type: ignore[operator]
        raise ConfigurationError(
            f"{what} is {given!r:.80}; give a number {'above 0' if above_zero else 'of 0 or more'}"
        )


def require_switch(what: str, given: object) -> None:
    """See that a setting is true or false.

    Raises:
        ConfigurationError: It is not.
    """
    if not isinstance(given, bool):
        raise ConfigurationError(f"{what} is {given!r:.80}; give True or False")


def require_text(what: str, given: object, such_as: str) -> None:
    """See that a setting is a text that is not empty.

    Raises:
        ConfigurationError: It is not.
    """
    if not isinstance(given, str) or not given.strip():
        raise ConfigurationError(f"{what} is {given!r:.80}; give a text, such as {such_as!r}")
