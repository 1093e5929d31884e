"""stub: an OpenAI-compatible server on loopback that answers after a set delay and logs every request.

It answers the engine's numbered maps and other engines' prompts about a single value, both with
``evaluation.cases.truth``. It runs in a process of its own, so that the time it takes is not its client's. It reads no
more of HTTP than its clients write: a POST with a Content-Length, over connections that stay open.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from evaluation.cases import QUESTIONS, truth

_LENGTH = re.compile(rb"^content-length:\s*(\d+)", re.IGNORECASE | re.MULTILINE)
_TURN = re.compile(r"^Question: (.+)$", re.MULTILINE)
_INPUT = re.compile(r"^(\d+): (.+)$", re.MULTILINE)
_JSON = "application/json"
_TRUTHS = {"yes": "True", "no": "False"}
_VALUES = re.compile(r"\b(?:value|part) \d+")


@dataclass(frozen=True)
class Asked:
    """One request that the server was sent.

    Attributes:
        at: When it came, in seconds of the server's clock.
        question: What was asked.
        inputs: The cells of each input.
        body: All of it.
    """

    at: float
    question: str
    inputs: tuple[tuple[str, ...], ...]
    body: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        url: Its address, ending in ``/v1``.
    """

    url: str

    def taken(self) -> list[Asked]:
        """What it was sent since this was last called, in order."""
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"{self.url}/taken") as reply:
            bodies = json.load(reply)
        return [Asked(at, *_read(body), body) for at, body in bodies]


@contextmanager
def serve(delay: float) -> Iterator[Server]:
    """Run a server that answers each request after so many seconds, until the block ends.

    Example:
        >>> with serve(0.05) as server:  # doctest: +SKIP
        ...     Binder(lm=OpenAI("stub", base_url=server.url)).run(program, table)
        ...     len(server.taken())
        4
    """
    command = [sys.executable, "-m", "evaluation.stub", str(delay)]
    # It finds the modules where this process found them, and ends when its standard input does.
    places = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=places, start_new_session=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        try:
            yield Server(f"http://127.0.0.1:{int(process.stdout.readline())}/v1")
        finally:
            process.stdin.close()


def answer(body: Mapping[str, Any]) -> str:
    """What the server says to a chat's last turn: an object by number to a map, else the bare word.

    Example:
        >>> turn = {"role": "user", "content": "is its number even? Say 'True' or 'False'. value 08"}
        >>> answer({"messages": [turn]})
        'True'
    """
    question, inputs = _read(body)
    said = [truth(question, *cells) for cells in inputs]
    if _TURN.search(_last(body)):
        return json.dumps({str(number): one for number, one in enumerate(said, 1)})
    word = (said[0] if said else None) or "-"
    return _TRUTHS.get(word, word) if "'True'" in _last(body) else word


def _read(body: Mapping[str, Any]) -> tuple[str, tuple[tuple[str, ...], ...]]:
    """The question and the inputs of a chat's last turn."""
    text = _last(body)
    asked = _TURN.search(text)
    if asked:
        return asked[1], tuple(_cells(json.loads(line)) for _, line in _INPUT.findall(text, asked.end()))
    question = next((known for known in QUESTIONS if known in text), "")
    found = tuple(dict.fromkeys(_VALUES.findall(text)))
    return question, (found,) if found else ()


def _cells(value: object) -> tuple[str, ...]:
    return tuple(value.values()) if isinstance(value, dict) else (str(value),)


def _last(body: Mapping[str, Any]) -> str:
    """The last message's text, whole or in parts."""
    content = body["messages"][-1]["content"]
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


class _Connection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, delay: float, log: list[tuple[float, Any]]) -> None:
        self._delay, self._log = delay, log
        self._loop = asyncio.get_running_loop()
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport to answer on."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that has come whole."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end]
            length = _LENGTH.search(head)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._buffer) < whole:
                return
            body, self._buffer = self._buffer[end + 4 : whole], self._buffer[whole:]
            self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        last = b"\r\nconnection: close" in head.lower()
        if b"/taken" in head.split(b"\r\n", 1)[0]:
            self._send(_JSON, json.dumps(self._log), last)
            self._log.clear()
            return
        request = json.loads(body)
        self._log.append((self._loop.time(), request))
        kind, text = _completion(answer(request), request.get("stream", False))
        self._loop.call_later(self._delay, self._send, kind, text, last)

    def _send(self, kind: str, text: str, last: bool) -> None:
        data = text.encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(data)}\r\n"
        end = "Connection: close\r\n\r\n" if last else "\r\n"
        self._transport.write(f"{head}{end}".encode() + data)
        if last:
            self._transport.close()


def _completion(text: str, streamed: bool) -> tuple[str, str]:
    """A chat completion as OpenAI's server writes it: its media type and its text."""
    said = {"role": "assistant", "content": text}
    choice = {"index": 0, "delta" if streamed else "message": said, "finish_reason": "stop"}
    document = {
        "id": "stub",
        "object": "chat.completion.chunk" if streamed else "chat.completion",
        "created": 0,
        "model": "stub",
        "choices": [choice],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
    }
    written = json.dumps(document)
    return ("text/event-stream", f"data: {written}\n\ndata: [DONE]\n\n") if streamed else (_JSON, written)


async def _serve(delay: float) -> None:
    log: list[tuple[float, Any]] = []
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(delay, log), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1])))
