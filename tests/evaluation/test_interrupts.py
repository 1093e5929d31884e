"""A command that is interrupted, terminated or killed ends at once and leaves no process and no file behind."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from binder.lm import weights
from tests.support import kills

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
INTERRUPTED = 130


def wait(seconds: float, until: Callable[[], object]) -> None:
    deadline = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.02)


def children(process: int) -> list[int]:
    """The processes that a process has started and that are there."""
    lists = Path("/proc", str(process), "task").glob("*/children")
    return [int(child) for path in lists for child in path.read_text().split()]


def there(process: int) -> bool:
    """Whether a process is still at work."""
    try:
        return Path("/proc", str(process), "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def interrupt(
    command: list[str], folder: Path, sign: int, ready: Callable[[int], object], **variables: str
) -> tuple[int, str, float]:
    """A command's exit status, what it said, and how many seconds it took to end once it was ready and got a signal."""
    temporary = folder / "tmp"
    temporary.mkdir()
    env = kills.environment(folder / "cache") | {"TMPDIR": str(temporary)} | variables
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as running:
        wait(30, lambda: ready(running.pid))
        left, started = children(running.pid), time.monotonic()
        running.send_signal(sign)
        _, told = running.communicate(timeout=20)
        took = time.monotonic() - started
    wait(5, lambda: not any(map(there, left)))
    assert list(temporary.iterdir()) == []
    return running.returncode, told, took


def asking(folder: Path) -> list[str]:
    """The command that asks a question of a table."""
    (folder / "oxen.csv").write_text("animal\nox 1\nox 2\n")
    program = "from binder.cli import main; main()"
    return [sys.executable, "-c", program, "ask", "which are even in house 1?", "-t", str(folder / "oxen.csv")]


@pytest.mark.parametrize("sign", SIGNALS)
def test_a_benchmark_ends_and_goes_on(tmp_path: Path, sign: int) -> None:
    kills.write_data(tmp_path / "data", 16, rows=4)
    with kills.serve(0.3) as telling:
        command = kills.benchmark(tmp_path / "data", tmp_path / "out", telling.url)
        status, told, took = interrupt(command, tmp_path, sign, lambda _: len(telling.sent) > 12)
        asked = len(telling.asked)
        assert (status, told.count("\n")) == (INTERRUPTED, 1), told
        assert told.startswith("binder-eval: interrupted; the same command again goes on from ")
        assert took < 5
        kills.check_lines(tmp_path / "out")
        assert not kills.break_off(command, tmp_path / "cache", 60)
    assert 0 < asked < len(telling.asked) <= 16 * 2 + kills.CONCURRENCY


@pytest.mark.parametrize("sign", SIGNALS)
def test_a_question_ends(tmp_path: Path, sign: int) -> None:
    with kills.serve(20) as telling:
        where = {"OPENAI_BASE_URL": telling.url, "BINDER_MODEL": "stub"}
        status, told, took = interrupt(asking(tmp_path), tmp_path, sign, lambda _: telling.asked, **where)
    assert (status, told) == (INTERRUPTED, "binder: interrupted\n")
    assert took < 5


@pytest.mark.local_lm
@pytest.mark.parametrize("pause", [0.0, 0.5])
@pytest.mark.parametrize("sign", [*SIGNALS, signal.SIGKILL])
def test_the_embedded_model_ends_while_it_loads(tmp_path: Path, sign: int, pause: float) -> None:
    model = {"BINDER_LOCAL_MODEL": str(weights.find()), "OPENAI_BASE_URL": "", "OPENAI_API_KEY": "", "BINDER_MODEL": ""}

    def ready(process: int) -> bool:
        found = bool(children(process))
        time.sleep(pause * found)
        return found

    status, _, took = interrupt(asking(tmp_path), tmp_path, sign, ready, **model)
    assert status == (-sign if sign == signal.SIGKILL else INTERRUPTED)
    assert took < 5
