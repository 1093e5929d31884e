"""The sandbox alone: every attack of the suite runs with the check left out, and none of them succeeds.

Whether one did is read from canaries, never from what it says: a secret file and a secret of the environment that would
be in its answer, a file that it would make, a port that it would reach, the answer of the next program, and whether
the engine's processes are still there.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas
import pytest

from binder import RunError, Table
from binder.pack import pack
from binder.sandbox.host import Sandbox, Share
from tests.support.python_attacks import ATTACKS, Attack

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox needs Linux's Landlock and seccomp")

SECRET = "canary-3f1c8a"
SHARE = Share(seconds=1.0, memory=400_000_000, rows=1000)
LONGEST = 8.0  # seconds until an attack must be over: its own second, and what a busy machine adds
TABLE = Table.from_pandas(pandas.DataFrame({"name": ["K2", "Elbrus"], "height": [8611, 5642]}), name="peaks")
NEXT = "def solve(table):\n    return [len(table), int(table['height'].sum()), str(table['name'].iloc[0]), sum([1, 2])]"


@dataclass
class Canaries:
    """What would change if an attack succeeded."""

    folder: Path
    listener: socket.socket
    reached: list[Any] = field(default_factory=list)

    @property
    def secret_file(self) -> Path:
        return self.folder / "secret.txt"

    @property
    def canary_file(self) -> Path:
        return self.folder / "made-by-a-program"

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    def listen(self) -> None:
        while True:
            try:
                connection, where = self.listener.accept()
            except OSError:
                return
            self.reached.append(where)
            connection.close()


@pytest.fixture(scope="module")
def canaries(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Canaries]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        canaries = Canaries(tmp_path_factory.mktemp("canaries"), listener)
        canaries.secret_file.write_text(SECRET)
        threading.Thread(target=canaries.listen, daemon=True).start()
        yield canaries
        listener.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def sandbox(canaries: Canaries) -> Iterator[Sandbox]:
    held = canaries.secret_file.open()  # an open file of this process, which no program must find
    os.environ["BINDER_CANARY_SECRET"] = SECRET
    one = Sandbox(SHARE)
    yield one
    one.close()
    del os.environ["BINDER_CANARY_SECRET"]
    held.close()


async def answer_anything(asked: dict[str, Any]) -> list[Any]:
    return ["yes"] * len(asked["inputs"]) if isinstance(asked.get("inputs"), list) else []


def told(sandbox: Sandbox, program: str) -> str:
    """What a program gives, or why it gives nothing."""
    try:
        return repr(asyncio.run(sandbox.run(program, pack([TABLE]), answer_anything)))
    except RunError as error:
        return str(error)


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_no_attack_succeeds(sandbox: Sandbox, canaries: Canaries, attack: Attack) -> None:
    told(sandbox, NEXT)
    warm = sandbox._warm
    assert warm is not None
    before = {path.name for path in Path(tempfile.gettempdir()).iterdir()}
    started = time.monotonic()
    said = told(sandbox, attack.against(str(canaries.secret_file), str(canaries.canary_file), canaries.port))
    assert time.monotonic() - started < LONGEST, said
    assert SECRET not in said
    assert not canaries.canary_file.exists()
    assert not canaries.reached
    assert "made-by-a-program" not in {path.name for path in Path(tempfile.gettempdir()).iterdir()} - before
    # On a busy machine a program may wait longer for the processor than it may take.
    assert any("[[2], [14253], ['K2'], [3]]" in told(sandbox, NEXT) for _ in range(3))
    assert sandbox._warm is warm and warm.alive


@pytest.mark.parametrize("name", ["read-open", "write-open", "network-connect"])
def test_the_canaries_sing_where_nothing_keeps_a_program_in(canaries: Canaries, name: str) -> None:
    attack = next(one for one in ATTACKS if one.id == name)
    trusting = Sandbox(SHARE, unconfined=True)
    try:
        said = told(trusting, attack.against(str(canaries.secret_file), str(canaries.canary_file), canaries.port))
        until = time.monotonic() + LONGEST
        while not (SECRET in said or canaries.canary_file.exists() or canaries.reached):
            assert time.monotonic() < until
            time.sleep(0.02)
    finally:
        trusting.close()
        canaries.canary_file.unlink(missing_ok=True)
        canaries.reached.clear()
