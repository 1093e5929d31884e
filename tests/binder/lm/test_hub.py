"""The weights from a model hub: a real one in small, on loopback."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from binder.lm.pins import Weights

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("huggingface_hub") is None, reason="huggingface_hub is not in this environment"
)

WHOLE = os.urandom(3 << 20)
TINY = Weights("tiny", "tiny.gguf", hashlib.sha256(WHOLE).hexdigest(), len(WHOLE), "nobody/tiny", ())


class Hub(BaseHTTPRequestHandler):
    """Answers for one file, by ranges; breaks off after the first two megabytes of the first download."""

    protocol_version = "HTTP/1.1"
    ranges: list[str | None]
    silent: threading.Event

    def do_HEAD(self) -> None:
        self.answer(WHOLE, send=False)

    def do_GET(self) -> None:
        if "/resolve/" not in self.path:
            self.send_error(404)
            return
        wanted = self.headers["Range"]
        first = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        self.ranges.append(wanted)
        self.answer(WHOLE[first:], send=True, status=206, cut=len(self.ranges) == 1)

    def answer(self, data: bytes, *, send: bool, status: int = 200, cut: bool = False) -> None:
        self.silent.wait()
        self.send_response(status)
        self.send_header("ETag", f'"{TINY.sha256}"')
        self.send_header("X-Repo-Commit", "0" * 40)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if send:
            self.wfile.write(data[: 2 << 20] if cut else data)
            self.close_connection = cut

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def running(*, silent: bool = False) -> Iterator[tuple[str, list[str | None]]]:
    """The hub's address, and the ranges it was asked for."""
    speaks = threading.Event()
    if not silent:
        speaks.set()
    handler = type("Handler", (Hub,), {"ranges": [], "silent": speaks})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", handler.ranges  # type: ignore[attr-defined]
    finally:
        speaks.set()
        server.shutdown()
        server.server_close()


def pull(address: str, cache: Path) -> subprocess.CompletedProcess[str]:
    """Pull from this hub, in a process of its own because the hub's package reads its address when it is imported."""
    program = (
        "import time\nfrom binder.errors import LMUnavailable\nfrom binder.lm import hub, weights\n"
        "from binder.lm.pins import Weights\nstarted = time.perf_counter()\n"
        f"try: print(weights.pull(weights={TINY!r}, sources=(hub.fetch,)))\n"
        "except LMUnavailable as error: print(error, '| seconds:', time.perf_counter() - started)"
    )
    env = os.environ | {
        "HF_ENDPOINT": address,
        "HF_HUB_OFFLINE": "0",
        "BINDER_CACHE": str(cache),
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "NO_PROXY": "127.0.0.1",
    }
    env.pop("BINDER_LOCAL_MODEL", None)
    return subprocess.run([sys.executable, "-P", "-c", program], env=env, capture_output=True, text=True, check=True)


def test_an_interrupted_download_goes_on_where_it_was(tmp_path: Path) -> None:
    with running() as (address, ranges):
        first = pull(address, tmp_path)
        assert "the model hub broke off" in first.stdout, first.stderr
        assert not (tmp_path / "tiny.gguf").exists()
        second = pull(address, tmp_path)
    assert second.stdout.strip() == str(tmp_path / "tiny.gguf"), second.stderr
    assert (tmp_path / "tiny.gguf").read_bytes() == WHOLE
    assert ranges == ["bytes=0-", f"bytes={2 << 20}-"]


def test_a_hub_out_of_reach_is_given_up_within_seconds(tmp_path: Path) -> None:
    with running(silent=True) as (address, _):
        started = time.perf_counter()
        done = pull(address, tmp_path)
        whole_process = time.perf_counter() - started
    assert "out of reach" in done.stdout, done.stderr
    assert float(done.stdout.rpartition("seconds:")[2]) < 6
    assert whole_process < 15
