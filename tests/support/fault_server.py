"""A real HTTP server on loopback that fails in the ways servers fail.

A behaviour is a function from the request's JSON body to what the server does, so that a test says in one line what it
meets. The server keeps every body it was sent.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Body = Mapping[str, Any]


@dataclass(frozen=True)
class Reply:
    """One HTTP response.

    Attributes:
        body: Sent as JSON, or as it is when a text.
        pause: Seconds before anything is sent.
        trickle: Seconds between the bytes of the body, for a server that never stays silent and never ends.
        hang_up: Close the connection without a word.
    """

    body: Any = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    pause: float = 0.0
    trickle: float = 0.0
    hang_up: bool = False


Behaviour = Callable[[Body], Reply]


def completion(*texts: str | None, **more: Any) -> Reply:
    """A chat completion with these choices."""
    choices = [
        {"index": i, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        for i, text in enumerate(texts)
    ]
    return Reply({"object": "chat.completion", "choices": choices} | more)


def error(status: int, message: str, param: str | None = None, **headers: str) -> Reply:
    """An error in OpenAI's shape."""
    return Reply({"error": {"message": message, "param": param, "type": "error"}}, status, headers)


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """The first request meets the first behaviour, and so on; the last one stays."""
    left = list(behaviours)
    lock = threading.Lock()

    def behave(body: Body) -> Reply:
        with lock:
            behaviour = left.pop(0) if len(left) > 1 else left[0]
        return behaviour(body)

    return behave


@dataclass
class FaultServer:
    """A running server: its address, and what it was sent, with which keys."""

    url: str
    bodies: list[Body]
    keys: list[str | None]


@contextlib.contextmanager
def serve(
    behaviour: Behaviour, models: Sequence[str] = ("stub",), listing: Reply | None = None
) -> Iterator[FaultServer]:
    """Run a server with this behaviour until the block ends; it lists these models, or gives another listing."""
    bodies: list[Body] = []
    keys: list[str | None] = []
    closing = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            listed = {"object": "list", "data": [{"id": name, "object": "model"} for name in models]}
            self.send(listing or Reply(listed))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            bodies.append(body)
            keys.append(self.headers["Authorization"])
            self.send(behaviour(body))

        def send(self, reply: Reply) -> None:
            closing.wait(reply.pause)
            if reply.hang_up:
                self.close_connection = True
                return
            data = (reply.body if isinstance(reply.body, str) else json.dumps(reply.body)).encode()
            self.send_response(reply.status)
            for key, value in reply.headers.items():
                self.send_header(key.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if not reply.trickle:
                self.wfile.write(data)
                return
            for byte in data:
                if closing.is_set():
                    return
                self.wfile.write(bytes([byte]))
                time.sleep(reply.trickle)

        def log_message(self, *_: object) -> None:
            pass

        def handle(self) -> None:
            with contextlib.suppress(ConnectionError):
                super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield FaultServer(f"http://127.0.0.1:{server.server_port}/v1", bodies, keys)
    finally:
        closing.set()
        server.shutdown()
        server.server_close()
