"""How a command line begins, and how it says what went wrong."""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from types import FrameType
from typing import Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from binder.console import render_error, safe
from binder.errors import BinderError, ConfigurationError, LimitReached, LMUnavailable, ProgramError


class Commands(TyperGroup):
    """A command line's commands; what fails in one, or before one is reached, is said in one way."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command line; without a word it says what words there are."""
        words = list(sys.argv[1:] if args is None else args) or ["--help"]
        program = self.name or "binder"
        try:
            # Not by way of Typer's own method, which ends an interrupted command without a word.
            with failing(program, as_json="--json" in words), self.make_context(program, words, **extra) as context:
                code = self.invoke(context)
        except typer.Exit as failed:
            code = failed.exit_code
        sys.exit(code if isinstance(code, int) else 0)


def start(app: typer.Typer, program: str) -> None:
    """Run a command line, which is called ``program``."""
    # A terminated command must end its model server, so it leaves by an exception as an interrupted one does.
    signal.signal(signal.SIGTERM, _as_interrupted)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:  # nohup has it ignored
        signal.signal(signal.SIGHUP, _as_interrupted)

    def show(message: Warning | str, *_: object, **__: object) -> None:
        typer.echo(f"{program}: {safe(str(message))}", err=True)

    warnings.showwarning = show
    app()


def _as_interrupted(number: int, frame: FrameType | None) -> None:
    """Do what Ctrl-C does just then: a running event loop ends its tasks first, rather than in the middle of one."""
    interrupted = signal.getsignal(signal.SIGINT)
    (interrupted if callable(interrupted) else signal.default_int_handler)(signal.SIGINT, frame)


@contextmanager
def failing(program: str, *, as_json: bool = False, how_on: str = "") -> Iterator[None]:
    """Say a failure that the user can mend: in a line on standard error, or as JSON on standard output.

    Args:
        program: What the command line is called.
        as_json: Whether to say it in JSON.
        how_on: How work that was interrupted is gone on with, where it can be.

    Raises:
        typer.Exit: It failed: 1, 2 for wrong usage and settings that cannot work, 130 when it was interrupted.
    """
    try:
        yield
    except BinderError as error:
        lines = [render_error(error), how_on if isinstance(error, (LMUnavailable, LimitReached)) else ""]
        document = {"error": type(error).__name__, "message": str(error), "kept": error.kept, **_places(error)}
        _say(program, lines, document, as_json)
        raise typer.Exit(2 if isinstance(error, ConfigurationError) else 1) from None
    except TyperException as error:  # wrong usage
        told = " ".join(error.format_message().split()).replace("Value error, ", "")
        lines = [f"{told.rstrip('.')}; see {_command(error) or program} --help"]
        _say(program, lines, {"error": "UsageError", "message": told}, as_json)
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        told = f"interrupted; {how_on}" if how_on else "interrupted"
        _say(program, [told], {"error": "Interrupted", "message": told}, as_json)
        raise typer.Exit(130) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader left; nothing is to be said
        raise typer.Exit(1) from None
    except OSError as error:
        if error.filename is None and error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise  # not about a file that the user can name otherwise
        if error.filename is None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left cannot be written either
            error.filename = "the output"
        told = f"{error.filename}: {error.strerror}; name another file or folder"
        _say(program, [told], {"error": type(error).__name__, "message": told}, as_json)
        raise typer.Exit(1) from None


def print_json(document: dict[str, Any]) -> None:
    """Print a document as JSON."""
    typer.echo(json.dumps(document, ensure_ascii=False, indent=2))


def _say(program: str, lines: list[str], document: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(document)
    else:
        typer.echo("\n".join(f"{program}: {line}" for line in lines if line), err=True)


def _command(error: TyperException) -> str | None:
    """The command whose usage was wrong, such as ``binder check``."""
    context = getattr(error, "ctx", None)
    return context.command_path if context is not None else None


def _places(error: BinderError) -> dict[str, Any]:
    """A refused program's complaints, as data."""
    if not isinstance(error, ProgramError):
        return {}
    return {"program": error.text, "complaints": [asdict(complaint) for complaint in error.complaints]}
