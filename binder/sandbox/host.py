"""host: the engine's side of the sandbox: it keeps a warm process, and talks with the child of each program."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from binder.errors import ConfigurationError, RunError
from binder.sandbox import frames

_BOOT = (  # the modules of the sandbox alone, without what `import binder` brings
    "import sys, types; package = types.ModuleType('binder'); package.__path__ = [sys.argv[1]]; "
    "sys.modules['binder'] = package; from binder.sandbox.warm import main; main(int(sys.argv[2]), sys.argv[3] == '1')"
)
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1")
_ENVIRONMENT = {
    **_ONE_THREAD,
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    "PYTHONHASHSEED": "0",
    "TZ": "UTC",
    "LC_ALL": "C.UTF-8",
}
_START_SECONDS = 60.0
_LONGEST = 16_000_000  # bytes of a message from a program
_PARTS = 2_000_000  # lists and objects in one
_TOLD = 500  # characters of an error

UNCONFINED = (
    "run Python programs without a sandbox only if you trust whoever writes them: Binder(unconfined_python=True)"
)


@dataclass(frozen=True)
class Share:
    """What a program may take.

    Attributes:
        seconds: The longest it may run, time that it waits for the LM aside.
        memory: The bytes it may take beyond what pandas takes.
        rows: The most rows it may give.
    """

    seconds: float
    memory: int
    rows: int


@dataclass(frozen=True)
class Packed:
    """Tables as a program gets them.

    Attributes:
        described: For each its ``name`` and the ``sizes`` of its Arrow streams: the cells, their texts, and their own
            spellings.
        data: The streams.
    """

    described: tuple[dict[str, Any], ...]
    data: bytes


Ask = Callable[[dict[str, Any]], Awaitable[list[Any]]]


class Sandbox:
    """Runs Python programs, each in a process of its own.

    Args:
        share: What each may take.
        unconfined: Whether to go on where the kernel cannot keep a program from files and the network.
    """

    def __init__(self, share: Share, unconfined: bool = False) -> None:
        self._share = share
        self._unconfined = unconfined
        self._lock = threading.Lock()
        self._warm: _Warm | None = None

    async def run(self, program: str, tables: Packed, ask: Ask) -> dict[str, Any]:
        """What a program gives: its ``columns``, ``rows`` and ``texts``, as plain data that is not to be trusted.

        Args:
            program: Its text, which defines ``solve``.
            tables: What ``solve`` is given, in the order of its parameters.
            ask: Answers its LM calls, with plain data.

        Raises:
            RunError: It failed, ran past a limit, or ended some other way.
            ConfigurationError: It cannot be kept in here.
        """
        connection = await self._started()
        reader, writer = await asyncio.open_connection(sock=connection, limit=1 << 20)
        try:
            job = {"program": program, "tables": tables.described, "rows": self._share.rows}
            return await _Talk(reader, writer, self._share).finish(job, tables.data, ask)
        finally:
            writer.close()  # which ends the program, if it is still there

    async def _started(self) -> socket.socket:
        """A connection to a new child; closed, which ends that, where the caller has given up by then."""
        made: list[socket.socket] = []
        given_up = threading.Event()

        def start() -> socket.socket:
            made.append(self._start())
            if given_up.is_set():
                made[0].close()
            return made[0]

        try:
            return await asyncio.to_thread(start)
        except asyncio.CancelledError:
            given_up.set()
            for connection in made:
                connection.close()
            raise

    def _start(self) -> socket.socket:
        """A connection to a new child."""
        with self._lock:
            if self._warm is None or not self._warm.alive:
                self.close()
                self._warm = _Warm(self._unconfined)
            return self._warm.fork(self._share)

    def close(self) -> None:
        """End the warm process, and every program with it."""
        if self._warm is not None:
            self._warm.close()
            self._warm = None


class _Warm:
    """The warm process."""

    def __init__(self, unconfined: bool) -> None:
        self._control, theirs = socket.socketpair()
        with theirs:
            here = str(Path(__file__).parents[1])
            self._process = subprocess.Popen(
                [sys.executable, "-s", "-P", "-c", _BOOT, here, str(theirs.fileno()), str(int(not unconfined))],
                pass_fds=[theirs.fileno()],
                env=_ENVIRONMENT,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # an interrupt at the terminal is the engine's to handle
            )
        self.close = weakref.finalize(self, _end, self._process, self._control)
        self._control.settimeout(_START_SECONDS)
        try:
            message, _ = frames.receive(self._control)
        except (EOFError, OSError):
            message = {"unconfined": "its process did not start"}
        if "unconfined" in message:
            self.close()
            told = (
                f"a Python program cannot be kept in on this machine: {message['unconfined']}. Use SQL; or {UNCONFINED}"
            )
            raise ConfigurationError(told)

    @property
    def alive(self) -> bool:
        """Whether it is there."""
        return self._process.poll() is None

    def fork(self, share: Share) -> socket.socket:
        """A connection to a new child."""
        ours, theirs = socket.socketpair()
        job = json.dumps({"seconds": share.seconds, "memory": share.memory}).encode()
        try:
            with theirs:
                socket.send_fds(self._control, [job], [theirs.fileno()])
        except OSError:
            ours.close()
            raise RunError("the sandbox of Python programs is gone; ask again") from None
        ours.setblocking(False)
        return ours


def _end(process: subprocess.Popen[bytes], control: socket.socket) -> None:
    control.close()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class _Talk:
    """What is said with a program's child: it gets its job, asks, and at last gives or fails or ends."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, share: Share) -> None:
        self._reader = reader
        self._writer = writer
        self._share = share
        self._left = share.seconds

    async def finish(self, job: dict[str, Any], data: bytes, ask: Ask) -> dict[str, Any]:
        """Go on until the program has ended."""
        self._writer.write(frames.packed(job, data))
        while True:
            message = await self._next()
            if isinstance(done := message.get("done"), dict):
                if isinstance(rows := done.get("rows"), list) and len(rows) > self._share.rows:
                    raise RunError(f"the program gives more than {self._share.rows:,} rows; select fewer")
                return done
            if "ask" not in message:
                raise RunError(self._failure(message))
            values = await ask(message["ask"])
            self._writer.write(frames.packed({"values": values}))

    async def _next(self) -> dict[str, Any]:
        """The next message; the program's clock runs meanwhile."""
        started = time.monotonic()
        try:
            async with asyncio.timeout(self._left):
                await self._writer.drain()
                head, payload = frames.LENGTHS.unpack(await self._reader.readexactly(frames.LENGTHS.size))
                if head + payload > _LONGEST:
                    raise RunError(
                        f"the program sends more than {_LONGEST // 1_000_000} MB; select fewer rows or columns"
                    )
                content = await self._reader.readexactly(head + payload)
        except TimeoutError:
            raise RunError(self._too_long()) from None
        except (asyncio.IncompleteReadError, ConnectionError):
            raise RunError("the program ended without an answer") from None
        finally:
            self._left = max(0.001, self._left - (time.monotonic() - started))
        return await asyncio.to_thread(_read, content)

    def _too_long(self) -> str:
        return f"the program ran longer than {self._share.seconds:g} s and was stopped; narrow what it reads"

    def _failure(self, message: dict[str, Any]) -> str:
        """Why there is no answer, as a person needs it."""
        if "ended" in message:
            return self._ended(message["ended"])
        failed = message.get("failed")
        if not isinstance(failed, dict):
            return "the program ended without an answer"
        kind, told = (str(failed.get(name))[:_TOLD] for name in ("kind", "message"))
        line = failed.get("line")
        where = f" (line {line})" if isinstance(line, int) else ""
        if kind == "MemoryError":
            return f"the program needed more than {self._share.memory:,} bytes of memory{where}; narrow what it reads"
        if kind == "refused":
            return f"the program tried what no program may{where}: {told}"
        return f"the program failed while running{where}: {kind}: {told}"

    def _ended(self, status: Any) -> str:
        if status == -signal.SIGXCPU:
            return self._too_long()
        try:
            by = signal.Signals(-status).name
        except (TypeError, ValueError):
            by = str(status)[:_TOLD]
        return f"the program's process ended before it gave an answer ({by})"


def _read(content: bytes) -> dict[str, Any]:
    """A message from what a program's process sent; that is not to be trusted.

    Raises:
        RunError: It is none.
    """
    if content.count(b"[") + content.count(b"{") > _PARTS:
        raise RunError(f"the program gives more than {_PARTS:,} values; select fewer rows or columns")
    try:
        message = json.loads(content, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise RunError("the program ended without an answer") from None
    return message if isinstance(message, dict) else {}


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number")


def packed_tables(tables: Sequence[tuple[str, Sequence[bytes]]]) -> Packed:
    """Tables as they are sent, from the name of each and its Arrow streams."""
    described = tuple({"name": name, "sizes": list(map(len, streams))} for name, streams in tables)
    return Packed(described, b"".join(stream for _, streams in tables for stream in streams))
