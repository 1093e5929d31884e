"""peers: the same cases on other engines that call a language model from SQL, where they are installed.

Each case runs in a process of its own, in the interpreter of the environment that has the peer; the stub counts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from binder.errors import ConfigurationError
from evaluation.cases import Case, expected, rows
from evaluation.stub import Server
from evaluation.trial import Trial

_BLENDSQL = Path(__file__).with_name("peer_blendsql.py")
_VERSION = "from importlib.metadata import version; print(version('blendsql'))"


@dataclass(frozen=True)
class Peer:
    """An engine to compare with.

    Attributes:
        name: What the report calls it, with its version.
        python: The interpreter that has it.
    """

    name: str
    python: str

    def run(self, case: Case, server: Server) -> Trial | None:
        """Run a case on it; None where it fails."""
        job = {
            "url": server.url,
            "columns": rows().to_pydict(),
            "programs": case.programs,
            "before": case.before,
            "cached": case.cached,
        }
        with tempfile.TemporaryDirectory() as folder:
            done = _run([self.python, "-I", str(_BLENDSQL)], json.dumps(job), XDG_CACHE_HOME=folder, NO_PROXY="*")
        sent = server.taken()
        if done.returncode:
            return None
        said = json.loads(done.stdout.splitlines()[-1])
        given = [[tuple(row) for row in result] for result in said["rows"]]
        right = given == [expected(program) for program in case.programs]
        return Trial(case, sum(len(one.inputs) for one in sent), len(sent), right, said["seconds"])


def find(python: str | None) -> list[Peer]:
    """The peers that an interpreter has.

    Args:
        python: The interpreter; None for this one, which need not have any.

    Raises:
        ConfigurationError: The interpreter that was named has none, or cannot be run.
    """
    done = _run([python or sys.executable, "-I", "-c", _VERSION], "")
    if done.returncode and python:
        raise ConfigurationError(
            f"{python} has no BlendSQL to compare with; install it there: pip install 'blendsql==0.1.28' 'polars<2'"
        )
    return [] if done.returncode else [Peer(f"BlendSQL {done.stdout.strip()}", python or sys.executable)]


def _run(command: list[str], given: str, **settings: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, input=given, capture_output=True, text=True, env={**os.environ, **settings})
    except OSError as error:
        return subprocess.CompletedProcess(command, 1, "", str(error))
