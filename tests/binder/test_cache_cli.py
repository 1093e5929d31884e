"""``binder cache`` shows, trims and clears what is kept."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from binder.cli import app
from binder.lm.base import Completion, Message, Request
from binder.lm.cache import FILE, Cache
from binder.lm.keys import CallKey
from binder.lm.scripted import Scripted
from grammars.reply import Expected


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder that keeps 5,000 values and a program."""
    monkeypatch.setenv("BINDER_CACHE", str(tmp_path))
    lm = Scripted(str, identity="a function")
    cache = Cache()
    cache.keep(CallKey.of(lm, "map", "q", ["c"], Expected(), "1"), {(f"country {n}",): "yes" for n in range(5000)})
    cache.keep_drafts(lm, Request((Message("user", "which?"),)), {0: Completion("SELECT 1")})
    cache.close()
    return tmp_path


def command(*words: str) -> Result:
    return CliRunner().invoke(app, ["cache", *words])


def told(*words: str) -> dict[str, Any]:
    done = command(*words, "--json")
    assert done.exit_code == 0, done.output
    return dict(json.loads(done.stdout))


def test_it_shows_what_is_kept(folder: Path) -> None:
    shown = command().stdout
    assert shown.startswith(str(folder / FILE))
    assert "values 5,000, programs 1, " in shown and "the oldest from 2" in shown
    info = told()
    assert (info["path"], info["values"], info["drafts"]) == (str(folder / FILE), 5000, 1)


def test_trim_drops_the_oldest(folder: Path) -> None:
    most = told()["bytes"] / 2 / 1_000_000
    info = told("trim", "--mb", str(most))
    assert 0 < info["values"] < 5000 and info["bytes"] <= most * 1_000_000
    assert told("trim", "--days", "1")["values"] == info["values"]
    assert told("trim", "--mb", "0")["values"] == 0


def test_trim_wants_to_know_how_much(folder: Path) -> None:
    refused = command("trim")
    assert refused.exit_code == 2 and "--mb N" in refused.stderr
    assert told()["values"] == 5000


def test_clear_drops_everything(folder: Path) -> None:
    info = told("clear")
    assert (info["values"], info["drafts"], info["oldest"]) == (0, 0, None)


def test_it_says_that_nothing_is_kept() -> None:
    assert command().stdout == "no replies are kept: BINDER_CACHE is off\n"
    assert told("clear")["path"] is None


def test_it_says_that_it_could_not(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("binder.lm.rows.BUSY_SECONDS", 0.05)
    other = sqlite3.connect(folder / FILE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for words in (("clear",), ("trim", "--days", "0")):
        refused = command(*words)
        assert refused.exit_code == 1 and "in use or cannot be written" in refused.stderr
    other.close()
    assert told()["values"] == 5000


def test_looking_makes_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BINDER_CACHE", str(tmp_path / "none"))
    assert (told()["values"], told("trim", "--mb", "1")["values"]) == (0, 0)
    assert not (tmp_path / "none").exists()
