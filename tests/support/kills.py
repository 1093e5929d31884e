"""Runs that are killed at random moments and started again, against a server that counts the replies it has sent.

A run is a command that goes on where it was when it is given again: a benchmark's, or ``asking.py``, which asks the
same questions with nothing but the cache to go on from. The server says the same to the same request, so that what a
broken run ends with can be compared with an unbroken one's.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from evaluation import wikitq
from evaluation.example import Example

CONCURRENCY = 4
ROOT = Path(__file__).parents[2]
_INPUT = re.compile(r"^(\d+): (.+)$", re.MULTILINE)


@dataclass
class Telling:
    """A running server.

    Attributes:
        url: Its address, ending in ``/v1``.
        sent: What was sent, to the last byte: when, and what it says something of; programs and values one by one.
        asked: The last turn of each request, as it came.
        unread: What was sent to a process that ended before it read it: a socket that is closed with something unread
            in it is reset.
    """

    url: str
    sent: list[tuple[float, str]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    unread: list[tuple[float, str]] = field(default_factory=list)

    def counted(self) -> Counter[str]:
        """How often each program and each value was sent."""
        return Counter(about for _, about in self.sent)


@contextlib.contextmanager
def serve(delay: float, *, at_once: int = 100, careless: bool = False) -> Iterator[Telling]:
    """Run a server until the block ends.

    Args:
        delay: Seconds before each reply.
        at_once: The most samples that it gives for one request.
        careless: Whether it leaves inputs out of maps.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.last = []
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            turn, count = body["messages"][-1]["content"], min(body.get("n") or 1, at_once)
            telling.asked.append(turn)
            time.sleep(delay)
            texts = [answer(turn, careless)] * count
            data = json.dumps({"object": "chat.completion", "choices": list(map(_choice, texts))}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
            about = [cell for n, cell in _INPUT.findall(turn) if f'"{n}"' in texts[0]]
            if is_draft(turn):
                about = [f"{turn} with seed {(body.get('seed') or 0) + nth}" for nth in range(count)]
            self.last = [(time.monotonic(), one) for one in about]
            telling.sent.extend(self.last)

        def log_message(self, *_: object) -> None:
            pass

        def handle(self) -> None:
            self.last: list[tuple[float, str]] = []
            try:
                super().handle()
            except ConnectionError:
                telling.unread.extend(self.last)
            except ValueError:  # a killed client sends half a request
                pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    telling = Telling(f"http://127.0.0.1:{server.server_port}/v1")
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield telling
    finally:
        server.shutdown()
        server.server_close()


def answer(turn: str, careless: bool = False) -> str:
    """What the server says to a chat's last turn: a program, or which animals' numbers are even.

    Example:
        >>> answer('Question: is it even?\\nInputs, by number (animal):\\n1: "ox 4"')
        '{"1": "yes"}'
    """
    if is_draft(turn):
        about = turn.rpartition("house ")[2].split("?")[0]
        return f"SELECT animal FROM w WHERE QA(\"map@is it even in house {about}?\"; animal) = 'yes'"
    said = {
        number: "yes" if int(cell.strip('"').split()[-1]) % 2 == 0 else "no" for number, cell in _INPUT.findall(turn)
    }
    if careless and len(said) > 3:
        said.pop("2")
    return json.dumps(said)


def is_draft(turn: str) -> bool:
    """Whether a chat's last turn asks for a program."""
    return "Inputs, by number" not in turn


def write_data(folder: Path, questions: int, rows: int) -> None:
    """Write a data set of so many questions, each with so many values to ask about."""
    items = []
    for house in range(questions):
        cells = [["animal", "weight"], *([f"ox {house * rows + row}", str(row)] for row in range(rows))]
        target = tuple(cell for cell, _ in cells[1:] if int(cell.split()[-1]) % 2 == 0)
        question = f"which animals are even in house {house}?"
        items.append((Example(f"x-{house}", question, folder, f"House {house}", target), cells))
    wikitq.write(folder, "dev", items)


def benchmark(data: Path, out: Path, url: str, samples: int = 2) -> list[str]:
    """The command of a benchmark's run."""
    options = ["--data", data, "--split", "dev", "--out", out, "--lm", "stub", "--base-url", url, "--samples", samples]
    return [sys.executable, "-m", "evaluation", "wikitq", *map(str, options), "--concurrency", str(CONCURRENCY), "-q"]


def asking(data: Path, out: Path, url: str, samples: int = 2) -> list[str]:
    """The command that asks the same questions with the cache on, and writes the answers once all are there."""
    return [sys.executable, str(Path(__file__).with_name("asking.py")), str(data), str(out), url, str(samples)]


def environment(cache: Path) -> dict[str, str]:
    """The variables of a run that keeps its cache in a folder."""
    return {**os.environ, "BINDER_CACHE": str(cache), "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}


def break_off(command: Sequence[str], cache: Path, after: float) -> bool:
    """Start a run and kill it so many seconds later; whether it was not done by then."""
    with subprocess.Popen(
        command, env=environment(cache), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as running:
        try:
            _, told = running.communicate(timeout=after)
        except subprocess.TimeoutExpired:
            running.send_signal(signal.SIGKILL)
            return True
    assert running.returncode == 0, told
    return False


def check_cache(folder: Path) -> None:
    """See that what a kill left of the cache is whole, with no file beside it that is not SQLite's."""
    there = sorted(folder.iterdir()) if folder.exists() else []
    assert all(path.name.startswith("replies-1.") for path in there), there
    for path in folder.glob("*.sqlite"):
        with contextlib.closing(sqlite3.connect(path)) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def check_lines(out: Path) -> None:
    """See that every line but the last of a run's files is whole."""
    for path in out.glob("*.jsonl"):
        for line in path.read_bytes().splitlines(keepends=True):
            assert json.loads(line) if line.endswith(b"\n") else True, path


def result(out: Path) -> dict[str, list[str]]:
    """What a run ended with: the lines of each of its files, sorted, without their times."""
    names = [path.name for path in sorted(out.glob("*.jsonl"))]
    texts = {name: (out / name).read_text(encoding="utf-8") for name in names}
    return {name: sorted(_untimed(line) for line in text.splitlines()) for name, text in texts.items()}


def moments(kills: int, longest: float, seed: int) -> list[float]:
    """When to kill each life of a run, in seconds since its start."""
    return [random.Random(f"{seed} {number}").uniform(0.05, longest) for number in range(kills)]


def _untimed(line: str) -> str:
    """A record as a text without the seconds in it, at any depth."""
    kept = json.loads(line, object_hook=lambda found: {key: one for key, one in found.items() if key != "seconds"})
    return json.dumps(kept, sort_keys=True)


def _choice(text: str) -> dict[str, Any]:
    return {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
