"""The language model that a run names: ``--lm``."""

from __future__ import annotations

import importlib.util
import inspect
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from binder import lm
from binder.errors import BinderError, ConfigurationError, LMError, LMUnavailable
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
            takes a request and returns a text, as ``binder.lm.Scripted`` calls it, or for a language model that the
            file makes, or a model's name on an OpenAI-compatible server; None for the one that ``binder models``
            tells of.
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
    if named.endswith(".py"):
        raise ConfigurationError(f"--lm {named} names a file and no function in it; give --lm {named}:FUNCTION")
    path, colon, function = named.rpartition(":")
    if colon and path.endswith(".py"):
        found = _named(Path(path), function)
        return found if isinstance(found, LM) else lm.Scripted(_telling(found, path), name=named)
    return lm.OpenAI(named, base_url=base_url)


def _named(path: Path, name: str) -> LM | Callable[[Request], Any]:
    """A language model or a function in a Python file.

    Raises:
        ConfigurationError: There is none, or the file cannot be run.
    """
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise ConfigurationError(f"there is no file {path}; --lm FILE.py:NAME names a function in a Python file")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # whatever a stranger's file does
        raise ConfigurationError(f"{_where(error, str(path))} cannot be loaded: {_what(error)}") from None
    found = getattr(module, name, None)
    if not isinstance(found, LM) and not callable(found):
        there = [one for one, value in vars(module).items() if inspect.isfunction(value) and not one.startswith("_")]
        told = f"; it has {', '.join(there[:10])}" if there else ""
        raise ConfigurationError(f"{path} has no function {name!r}{told}")
    return cast("LM | Callable[[Request], Any]", found)


def _telling(function: Callable[[Request], Any], path: str) -> Callable[[Request], Any]:
    """The function of a user's file; what it raises ends the run as a model out of reach does, and says where."""

    def call(request: Request) -> Any:
        with _said_in_a_line(path):
            return function(request)

    async def call_async(request: Request) -> Any:
        with _said_in_a_line(path):
            return await function(request)

    return call_async if inspect.iscoroutinefunction(function) else call


@contextmanager
def _said_in_a_line(path: str) -> Iterator[None]:
    try:
        yield
    except BinderError:
        raise
    except Exception as error:
        raise LMUnavailable(f"{_where(error, path)} failed: {_what(error)}. Mend it") from error


def _where(error: BaseException, path: str) -> str:
    """The file, and the line of it that an error came from."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename.endswith(path)]
    line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
    return f"{path}, line {line}," if line else path


def _what(error: BaseException) -> str:
    said = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}{': ' if said else ''}{' '.join(said.split())}"
