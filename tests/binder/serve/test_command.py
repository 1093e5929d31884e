"""``binder serve`` as a process: what it prints, whom it lets in, how it ends."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

BINDER = [sys.executable, "-c", "from binder.cli import main; main()", "serve"]
ELSEWHERE = {"OPENAI_API_KEY": "unused", "OPENAI_BASE_URL": "http://127.0.0.1:9/v1", "BINDER_MODEL": "unused"}


@contextmanager
def started(root: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*BINDER, *words],
        cwd=root,
        env=os.environ | ELSEWHERE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_it_prints_an_address_that_lets_in_and_ends_at_an_interrupt(root: Path) -> None:
    with started(root, "examples/peaks.csv", "--no-browser") as process:
        assert process.stdout is not None
        address = urlsplit(process.stdout.readline().strip())
        assert address.hostname == "127.0.0.1" and address.port is not None
        connection = http.client.HTTPConnection("127.0.0.1", address.port, timeout=10)
        connection.request("GET", f"/?{address.query}")
        reply = connection.getresponse()
        reply.read()
        assert reply.status == 303
        connection.request("GET", "/", headers={"Cookie": reply.headers["Set-Cookie"].split(";")[0]})
        assert "peaks" in connection.getresponse().read().decode()
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        _, told = process.communicate(timeout=10)
        assert process.returncode == 0
        assert time.monotonic() - began < 5
        assert "Traceback" not in told


def said(root: Path, *words: str) -> tuple[int, str]:
    done = subprocess.run([*BINDER, *words], cwd=root, env=os.environ | ELSEWHERE, capture_output=True, text=True)
    return done.returncode, done.stderr


def test_what_cannot_be_served_is_said_in_a_line(root: Path) -> None:
    status, told = said(root, "examples/nothing.csv", "--no-browser")
    assert status == 1 and "nothing.csv" in told and "Traceback" not in told
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        status, told = said(root, "examples/peaks.csv", "--no-browser", "--port", port)
    assert status == 2 and port in told and "Traceback" not in told
