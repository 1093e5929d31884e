"""Kill -9 at random moments loses nothing that had come: the small form of ``tests/bench_kills.py``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import bench_kills
from tests.support import kills


@pytest.mark.parametrize(("command", "seed"), [(kills.benchmark, 1), (kills.asking, 2)])
def test_nothing_is_lost_by_kills(tmp_path: Path, command: bench_kills.Command, seed: int) -> None:
    kills.write_data(tmp_path / "data", 16, rows=40)
    found = bench_kills.bench(command, tmp_path, kills.moments(3, 3.0, seed), {}, 0.2)
    assert found.sent >= 16 * (2 + 40)
    assert found.lost == 0
