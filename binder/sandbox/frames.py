"""frames: messages between this process and a program's: a JSON object, and bytes that go with it.

Each is preceded by its two lengths, so that a reader knows how much is to come before it takes any of it.
"""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

LENGTHS = struct.Struct("!II")

Message = dict[str, Any]


def packed(message: Message, payload: bytes = b"") -> bytes:
    """A message as it is sent.

    Example:
        >>> packed({"ok": True})[LENGTHS.size:]
        b'{"ok":true}'
    """
    head = json.dumps(message, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode()
    return LENGTHS.pack(len(head), len(payload)) + head + payload


def receive(connection: socket.socket) -> tuple[Message, bytes]:
    """The next message; waits for it.

    Raises:
        EOFError: The other side is gone.
    """
    head, payload = LENGTHS.unpack(_exactly(connection, LENGTHS.size))
    return json.loads(_exactly(connection, head)), _exactly(connection, payload)


def _exactly(connection: socket.socket, size: int) -> bytes:
    parts = []
    while size:
        part = connection.recv(min(size, 1 << 20))
        if not part:
            raise EOFError("the other side is gone")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
