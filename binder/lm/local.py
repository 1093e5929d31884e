"""The embedded language model: a GGUF file served on loopback, by a process that ends with ours.

The process starts at the first request, or when told to; a later request starts it again should it have died. What
speaks to it is an ``OpenAI`` like any other.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import re
import secrets
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from binder.amounts import require_number, require_whole
from binder.errors import ConfigurationError, LMError, LMUnavailable
from binder.lm import weights
from binder.lm.openai import OpenAI
from binder.lm.pins import QWEN

if TYPE_CHECKING:
    from binder.lm.base import Request, Response
    from binder.lm.weights import Progress

LOAD_SECONDS = 300.0
SLOTS = 4
"""How many samples are written at once. They share the prompt's place in memory, and reading the weights."""
BATCH = 12
"""The most inputs of a map in one request; a small model loses count of more."""
MAGIC = b"GGUF"


@dataclass(frozen=True)
class _Server:
    """The running process, and the client that speaks to it."""

    process: subprocess.Popen[str]
    log: IO[str]
    lm: OpenAI


class Local:
    """The embedded model, or any other GGUF file.

    Example:
        >>> lm = Local(context=4096)

    Args:
        path: A GGUF file; else the one that ``BINDER_LOCAL_MODEL`` names, else the weights that were pulled.
        context: How many tokens a prompt and its reply may hold together.
        concurrency: How many requests are served at once. More than one takes memory and reads prompts again for
            each, and on a few cores gains no time.
        threads: How many processor cores it uses; all this process may use, unless given.
        timeout: Seconds for one request.
        batch: The most inputs of a map that one request carries; with 1, no cell is seen beside another.

    Raises:
        ConfigurationError: ``BINDER_LOCAL_MODEL`` names no file, or an option cannot work.
    """

    def __init__(
        self,
        path: str | Path | None = None,
        *,
        context: int = 8192,
        concurrency: int = 1,
        threads: int | None = None,
        timeout: float = 600.0,
        batch: int = BATCH,
    ) -> None:
        if not isinstance(path, str | Path | None):
            raise ConfigurationError(f"{path!r:.80} is no path of a GGUF file; give a text or a pathlib.Path")
        for what, given in (("context", context), ("concurrency", concurrency), ("batch", batch)):
            require_whole(what, given)
        if threads is not None:
            require_whole("threads", threads)
        require_number("timeout", timeout, above_zero=True)
        self._path = Path(path).expanduser() if path is not None else weights.named()
        self.name = f"{self._path.stem if self._path else QWEN.name} (embedded)"
        self.context = context
        self.concurrency = concurrency
        self.threads = threads or _cores()
        self.timeout = timeout
        self.batch = batch
        self.samples = SLOTS
        self.drafts = 1  # each takes seconds of this machine's processor
        self._server: _Server | None = None
        self._loading: subprocess.Popen[str] | None = None
        self._starting = threading.Lock()

    @property
    def identity(self) -> str | None:
        """The weights' name and hash, and the context; None while their file cannot be read."""
        path = self._path or weights.named()
        try:
            mark = f"{QWEN.name} {QWEN.sha256}" if path is None else weights.fingerprint(path)
        except OSError:
            return None
        return f"embedded {mark}, context {self.context}"

    async def start(self, progress: Progress | None = None) -> None:
        """Pull the weights where they are missing, and load them; at once when that has been done.

        Raises:
            ConfigurationError: The model's software is not installed, or its file is no model.
            LMUnavailable: The weights could not be downloaded, or the process did not start.
        """
        if self._path is None:
            await asyncio.to_thread(weights.pull, progress)
        await asyncio.to_thread(self._running, progress)

    async def complete(self, request: Request) -> Response:
        """Answer one request, starting the model first where needed.

        Raises:
            ConfigurationError: The weights have not been pulled, or as ``start`` says.
            LMUnavailable: It failed, or ran past its timeout.
        """
        server = await asyncio.to_thread(self._running)
        try:
            return await server.lm.complete(request)
        except LMError:
            if (status := server.process.poll()) is None:
                raise
            raise LMUnavailable(
                f"{self.name}: its process ended ({_ending(status)}). Ask again to restart it"
            ) from None

    async def aclose(self) -> None:
        """End the process, even while it loads; a later request starts it again."""
        if (loading := self._loading) is not None:
            loading.kill()
        server, self._server = self._server, None
        if server is not None:
            await server.lm.aclose()
            await asyncio.to_thread(_end, server.process, server.log)

    def _running(self, progress: Progress | None = None) -> _Server:
        """The server, started if there is none; one start at a time."""
        with self._starting:
            if self._server is not None and self._server.process.poll() is not None:
                _end(self._server.process, self._server.log)
                self._server = None
            if self._server is None:
                self._server = self._start(progress)
            return self._server

    def _start(self, progress: Progress | None) -> _Server:
        path = _require(self._path or weights.find())
        size = path.stat().st_size
        if progress:
            progress(0, size, "loading the model")
        key = secrets.token_urlsafe(24)
        process, log = _spawn()
        self._loading = process
        try:
            url = self._load(process, log, path, key)
        except BaseException:
            _end(process, log)
            raise
        finally:
            self._loading = None
        if progress:
            progress(size, size, "loading the model")
        lm = OpenAI(
            self.name,
            base_url=f"{url}/v1",
            api_key=key,
            context=self.context,
            concurrency=self.concurrency,
            timeout=self.timeout,
            samples=SLOTS,
        )
        lm.name = self.name
        return _Server(process, log, lm)

    def _load(self, process: subprocess.Popen[str], log: IO[str], path: Path, key: str) -> str:
        """Hand the settings over and wait for the address."""
        settings = {
            "parent": os.getpid(),
            "path": str(path),
            "name": self.name,
            "key": key,
            # One more than are served at once, so that the prompts of the last requests stay read.
            "context": self.context * (self.concurrency + 1),
            "slots": max(SLOTS, self.concurrency),
            "threads": self.threads,
        }
        assert process.stdin is not None and process.stdout is not None
        limit = threading.Timer(LOAD_SECONDS, process.kill)
        limit.start()
        try:
            process.stdin.write(json.dumps(settings) + "\n")
            process.stdin.flush()
            said = json.loads(process.stdout.readline() or "{}")
        except (BrokenPipeError, ValueError):
            said = {}
        finally:
            limit.cancel()
        if "url" in said:
            return str(said["url"])
        process.kill()
        process.wait()
        reason = _complaint(log) or said.get("error") or f"its process ended: {_ending(process.returncode)}"
        raise ConfigurationError(f"{path} could not be loaded as a model ({reason})")


def _cores() -> int:
    """How many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _require(path: Path | None) -> Path:
    """The model's file, once it and the software to run it are known to be there."""
    if importlib.util.find_spec("xllamacpp") is None:
        raise ConfigurationError(
            "the embedded model needs xllamacpp, which is not installed: `pip install 'binder-tableqa[local]'`"
        )
    if path is None:
        raise ConfigurationError(
            "the embedded model's weights are not here yet. Run `binder models pull` once (1.1 GB), or name a GGUF "
            "file in BINDER_LOCAL_MODEL, or a server in OPENAI_BASE_URL"
        )
    try:
        with path.open("rb") as file:
            magic = file.read(len(MAGIC))
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read ({error}). Give the path of a GGUF file") from error
    if magic != MAGIC:
        raise ConfigurationError(f"{path} is no GGUF file. Give the path of one")
    return path


def _spawn() -> tuple[subprocess.Popen[str], IO[str]]:
    """The server's process, waiting for its settings, and the file that gets its complaints."""
    log = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 (closed with the process)
    process = subprocess.Popen(
        [sys.executable, "-P", str(Path(__file__).with_name("server.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        encoding="utf-8",
        # Threads that wait spinning would take the cores from DuckDB.
        env=os.environ | {"OMP_WAIT_POLICY": "passive"},
    )
    return process, log


def _end(process: subprocess.Popen[str], log: IO[str]) -> None:
    """End the process and wait until it is gone."""
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout, log):
        if stream is not None:
            with contextlib.suppress(BrokenPipeError):  # settings that it did not read
                stream.close()


def _ending(status: int) -> str:
    """How a process ended, in words."""
    if status == -9:
        return "killed: the machine may be out of memory"
    return f"signal {-status}" if status < 0 else f"status {status}"


def _complaint(log: IO[str]) -> str:
    """The first error in the server's log, without its time and place, or else the last line."""
    log.seek(0)
    lines = [line.strip() for line in log if line.strip()]
    errors = [match[1] for line in lines if (match := re.match(r"[\d.]+ E \w+: (.*)", line))]
    return (errors[:1] or lines[-1:] or [""])[0]
