"""The language model that a run names: ``--lm``."""

from __future__ import annotations

import importlib.util
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from binder import lm
from binder.errors import ConfigurationError, LMError, LMUnavailable
from binder.lm.base import LM, Request
from binder.progress import ready


class Absent:
    """No language model: what a program without LM calls needs."""

    name, context, concurrency = "none", 1_000_000, 8

    async def complete(self, request: Any) -> Any:
        """Refuse.

        Raises:
            LMError: Always.
        """
        raise LMError("the program asks a language model and the run has none; name one with --lm")

    async def aclose(self) -> None:
        """Nothing to release."""


@contextmanager
def model(named: str | None, *, base_url: str | None = None, quiet: bool = False) -> Iterator[LM]:
    """The language model of a run, ready to answer; ended with the context.

    Args:
        named: ``local`` for the embedded model, ``none`` for no model, ``FILE.py:NAME`` for a Python function that
            takes a request and returns a text, as ``binder.lm.Scripted`` calls it, or a model's name on an
            OpenAI-compatible server; None for the one that ``binder models`` tells of.
        base_url: That server's address, when the usual variables do not say it.
        quiet: Whether to show nothing while the embedded model loads.

    Raises:
        ConfigurationError: There is no such model.
        LMUnavailable: The embedded model cannot be started.
    """
    with ready(_find(named, base_url), quiet) as found:
        yield found


def _find(named: str | None, base_url: str | None) -> LM:
    if named is None:
        return lm.default()
    if named == "local":
        return lm.Local()
    if named == "none":
        return Absent()
    path, colon, function = named.rpartition(":")
    if colon and path.endswith(".py"):
        return lm.Scripted(_function(Path(path), function), name=named)
    return lm.OpenAI(named, base_url=base_url)


def _function(path: Path, name: str) -> Any:
    """A function in a Python file.

    Raises:
        ConfigurationError: There is none.
    """
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise ConfigurationError(f"there is no file {path}; --lm FILE.py:NAME names a function in a Python file")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ConfigurationError(f"--lm: {path} cannot be loaded: {_told(error)}{_line(error, path)}") from error
    function = getattr(module, name, None)
    if not callable(function):
        raise ConfigurationError(f"{path} has no function {name!r}")

    def reply(request: Request) -> str:
        try:
            said: str = function(request)
        except Exception as error:
            raise LMUnavailable(f"--lm: {name} of {path} failed: {_told(error)}{_line(error, path)}") from error
        return said

    return reply


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _line(error: Exception, path: Path) -> str:
    """Where in a file an error arose."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == path]
    return f" (line {lines[-1]})" if lines else ""
