"""How ``binder serve`` ends: at once, whatever is under way, and with all that it started."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from binder.lm import weights

ASKED = "which peaks are in Asia?"


@pytest.fixture
def peaks(tmp_path: Path) -> str:
    path = tmp_path / "peaks.csv"
    path.write_text("name,country\nK2,Pakistan\nElbrus,Russia\n")
    return str(path)


class Process:
    """A server that was started from the command line, and its page."""

    def __init__(self, *words: str, **variables: str) -> None:
        code = "from binder.cli import main; main()"
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, "serve", "--no-browser", *words],
            env={**os.environ, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        self.address = urlsplit(self.process.stdout.readline().strip())
        self.cookie = ""

    def call(self, path: str, **words: object) -> tuple[int, str]:
        """The status and the text of a reply."""
        with contextlib.closing(http.client.HTTPConnection(self.address.netloc, timeout=10)) as connection:
            headers = {"Cookie": self.cookie, "Origin": f"http://{self.address.netloc}"}
            connection.request("POST" if words else "GET", path, json.dumps(words) if words else None, headers)
            reply = connection.getresponse()
            self.cookie = (reply.getheader("set-cookie") or self.cookie).split(";")[0]
            return reply.status, reply.read().decode()

    def end(self, number: int = signal.SIGINT) -> tuple[float, int, str]:
        """Interrupt it as Ctrl-C does, with all it started: how long it took, its status, and what it said."""
        started = time.monotonic()
        os.killpg(self.process.pid, number)
        _, said = self.process.communicate(timeout=20)
        return time.monotonic() - started, self.process.returncode, said


@pytest.fixture
def away(peaks: str) -> Iterator[Process]:
    """A server whose model is a server that is away."""
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes requests and never answers
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        one = Process(peaks, f"again={peaks}", OPENAI_BASE_URL=url, BINDER_MODEL="away")
        with one.process:
            yield one
            one.process.kill()


def test_a_server_is_opened_used_and_interrupted(away: Process) -> None:
    assert away.address.hostname == "127.0.0.1" and away.address.query.startswith("token=")
    assert away.call(f"/?{away.address.query}")[0] == 303
    page = away.call("/")[1]
    assert "peaks, again" in page
    assert "K2" in away.call("/table/1")[1]
    number = json.loads(away.call("/run", program="SELECT COUNT(*) FROM peaks", after=None)[1])["number"]
    for _ in range(100):
        state = json.loads(away.call(f"/asked/{number}")[1])
        if state["state"] != "running":
            break
        time.sleep(0.05)
    assert ">2<" in state["html"]
    away.call("/ask", question=ASKED)
    assert json.loads(away.call("/asked")[1])[0]["state"] == "running"
    time.sleep(0.5)  # it waits for the model now
    seconds, status, said = away.end()
    assert status == 0
    assert seconds < 5  # 0.6 s on two idle cores
    assert "Traceback" not in said and said.splitlines()[-1] == "ended"


def test_a_terminated_server_ends_too(away: Process) -> None:
    _, status, said = away.end(signal.SIGTERM)
    assert "Traceback" not in said
    assert status == 0


@pytest.mark.local_lm
@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_the_embedded_model_ends_with_its_server(peaks: str) -> None:
    assert weights.find() is not None
    variables = dict.fromkeys(("OPENAI_BASE_URL", "OPENAI_API_KEY", "BINDER_MODEL"), "")
    one = Process(peaks, **variables)
    tasks = list(Path(f"/proc/{one.process.pid}/task").iterdir())
    started = [child for task in tasks for child in (task / "children").read_text().split()]
    assert started
    one.call(f"/?{one.address.query}")
    one.call("/ask", question=ASKED)
    time.sleep(1)
    seconds, status, said = one.end()
    assert (status, said.splitlines()[-1]) == (0, "ended")
    assert seconds < 10
    assert [child for child in started if Path(f"/proc/{child}").exists()] == []


def test_what_cannot_be_served_is_said_in_a_line(peaks: str) -> None:
    for words, status, named in ((["nothing.csv"], 1, "nothing.csv"), ([peaks, "--port", "{port}"], 2, "{port}")):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            one = Process(*(word.format(port=port) for word in words))
            _, told = one.process.communicate(timeout=30)
        assert one.process.returncode == status
        assert named.format(port=port) in told and "Traceback" not in told
