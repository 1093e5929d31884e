"""A page of ``binder serve`` in this process, on a port of its own, with a function as the language model."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from binder import Binder, Table
from binder.serve.app import application
from binder.serve.command import HOST, server_of
from binder.serve.conversation import Conversation
from binder.serve.guard import Keys


@dataclass(frozen=True)
class Served:
    """A page that is served.

    Attributes:
        port: Its port.
        keys: Its secrets.
    """

    port: int
    keys: Keys

    @property
    def site(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def address(self) -> str:
        """What is printed for the user."""
        return f"{self.site}/?token={self.keys.token}"


@contextmanager
def served(engine: Binder, *tables: Table, unavailable: str = "") -> Iterator[Served]:
    """A page about some tables."""
    listener = socket.create_server((HOST, 0))
    port, keys = listener.getsockname()[1], Keys()
    server = server_of(application(Conversation(engine, tables, "sql", 1), keys, port, unavailable))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield Served(port, keys)
    finally:
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive()
