"""A run that is killed goes on where it was: the same results, and nothing paid for twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from evaluation.run import DRAFTS, JOURNAL, RESULTS

KNOWING = Path(__file__).with_name("knowing.py")
CONCURRENCY = 3


def command(farm: Path, out: Path) -> list[str]:
    options = ["--samples", "1", "--concurrency", str(CONCURRENCY), "--lm", f"{KNOWING}:slow", "--quiet"]
    return [
        sys.executable,
        "-m",
        "evaluation",
        "wikitq",
        "--data",
        str(farm),
        "--split",
        "dev",
        "--out",
        str(out),
        *options,
    ]


def untimed(path: Path) -> list[dict[str, Any]]:
    records = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [{key: value for key, value in record.items() if key != "seconds"} for record in records]


def lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


@pytest.mark.parametrize("after", [1, 9])
def test_a_killed_run_goes_on(farm: Path, tmp_path: Path, after: int) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    asked = {out: tmp_path / f"{out.name}.asked" for out in (whole, broken)}
    subprocess.run(command(farm, whole), env=os.environ | {"REQUESTS": str(asked[whole])}, check=True)

    with subprocess.Popen(command(farm, broken), env=os.environ | {"REQUESTS": str(asked[broken])}) as running:
        try:
            while lines(broken / RESULTS) < after:
                assert running.poll() is None
                time.sleep(0.002)
        finally:
            running.kill()
    done, replied = lines(broken / RESULTS), lines(broken / JOURNAL)
    assert done < 24
    for name in (JOURNAL, DRAFTS, RESULTS):
        with (broken / name).open("ab") as file:
            file.write(b'{"id": "x-9", "torn')
    subprocess.run(command(farm, broken), env=os.environ | {"REQUESTS": str(asked[broken])}, check=True)

    for name in (DRAFTS, RESULTS):
        assert untimed(broken / name) == untimed(whole / name)
    first, second = (Counter(path.read_text("utf-8").splitlines()) for path in (asked[whole], asked[broken]))
    assert first.keys() == second.keys()
    assert sum((second - first).values()) <= CONCURRENCY
    assert replied > 0


def test_a_finished_run_asks_nothing_more(farm: Path, tmp_path: Path) -> None:
    asked, out = tmp_path / "asked", tmp_path / "out"
    environment = os.environ | {"REQUESTS": str(asked)}
    subprocess.run(command(farm, out), env=environment, check=True)
    before, results = lines(asked), (out / RESULTS).read_bytes()
    subprocess.run(command(farm, out), env=environment, check=True)
    assert lines(asked) == before > 0
    assert (out / RESULTS).read_bytes() == results
