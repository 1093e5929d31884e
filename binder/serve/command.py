"""command: ``binder serve``, which opens the page in a browser and serves it until it is interrupted."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import socket
import sys
import threading
import webbrowser
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from binder import loop
from binder.engine import DEADLINE, Binder
from binder.errors import BinderError, ConfigurationError
from binder.lm import Budget, Local
from binder.options import (
    DEFAULTS,
    FILES,
    Deadline,
    Exemplars,
    Favoured,
    Language,
    Languages,
    MaxRequests,
    MaxTokens,
    Query,
    Samples,
    Shots,
    Temperature,
    Title,
    Unconfined,
    Weighing,
    tables_of_words,
)
from binder.progress import counting_bytes
from binder.table import Table
from binder.vote import Method, Vote

if TYPE_CHECKING:
    import uvicorn

    from binder.serve.guard import Guard

HOST = "127.0.0.1"

Files = Annotated[list[str], typer.Argument(metavar="[NAME=]FILE", help=FILES, show_default=False)]
Port = Annotated[int, typer.Option(min=0, max=65535, help="The port; a free one when it is 0.")]
Opening = Annotated[bool, typer.Option("--browser/--no-browser", help="Whether the page is opened in a browser.")]


def serve(
    files: Files,
    query: Query = None,
    title: Title = None,
    port: Port = 0,
    browser: Opening = True,
    samples: Samples = None,
    temperature: Temperature = DEFAULTS.temperature,
    shots: Shots = DEFAULTS.shots,
    exemplars: Exemplars = DEFAULTS.exemplars,
    vote: Weighing = Method.MAJORITY,
    favour: Favoured = None,
    language: Language = Languages.SQL,
    unconfined_python: Unconfined = False,
    deadline: Deadline = DEADLINE,
    max_requests: MaxRequests = None,
    max_tokens: MaxTokens = None,
) -> None:
    """Open a page on this machine that answers questions about tables."""
    _require_installed()
    tables = tables_of_words(files, query, title, "FILE")
    with (
        _listening(port) as listener,
        Binder(
            drafting=replace(DEFAULTS, temperature=temperature, shots=shots, exemplars=exemplars),
            vote=Vote(vote, favour),
            deadline=deadline,
            question_budget=Budget(max_requests, max_tokens),
            unconfined_python=unconfined_python,
        ) as engine,
    ):
        unavailable = _start_model(engine)
        _serve(engine, tables, language, samples, listener, unavailable, browser)


def _require_installed() -> None:
    missing = [name for name in ("starlette", "uvicorn") if importlib.util.find_spec(name) is None]
    if missing:
        told = f"binder serve needs {' and '.join(missing)}, which {'are' if len(missing) > 1 else 'is'} not installed"
        raise ConfigurationError(f"{told}: `pip install 'binder-tableqa[serve]'`")


def _listening(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        told = f"{port} cannot be used ({error.strerror}); give another, or none for a free one"
        raise typer.BadParameter(told, param_hint="--port") from None


def _start_model(engine: Binder) -> str:
    """Load the embedded model, where it is the one that answers; why there is none that can, or an empty string.

    The page is served without a model too: tables, plans, and programs that ask nothing need none.
    """
    try:
        if isinstance(engine.lm, Local):
            with counting_bytes() as report:
                loop.wait_for(engine.lm.start(report))
    except BinderError as error:
        typer.echo(f"binder: no language model: {error}", err=True)
        return str(error)
    return ""


def _serve(
    engine: Binder,
    tables: list[Table],
    language: str,
    samples: int | None,
    listener: socket.socket,
    unavailable: str,
    browser: bool,
) -> None:
    """Serve the page until it is interrupted."""
    from binder.serve.app import application
    from binder.serve.conversation import Conversation
    from binder.serve.guard import Keys

    port, keys = listener.getsockname()[1], Keys()
    conversation = Conversation(engine, tuple(tables), language, samples)
    server = server_of(application(conversation, keys, port, unavailable))
    with contextlib.suppress(KeyboardInterrupt):  # how a server is ended
        typer.echo(f"http://{HOST}:{port}/?token={keys.token}")
        typer.echo("The page is for this machine alone. Ctrl-C ends it.", err=True)
        if browser and _has_browser():
            address = f"http://{HOST}:{port}/?token={keys.once}"
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
        server.run(sockets=[listener])
    typer.echo("ended", err=True)


def server_of(app: Guard) -> uvicorn.Server:
    """What serves the page, in a line of its log at most where something is wrong."""
    import uvicorn

    config = uvicorn.Config(
        app,
        lifespan="off",
        ws="none",
        log_level="warning",
        access_log=False,  # the address holds the token
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


def _has_browser() -> bool:
    """Whether a browser can be opened; one that runs in the terminal would take it over."""
    return sys.platform != "linux" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
