"""What is kept from one run to the next: by several processes at once, and whatever becomes of the file."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from binder.lm import damage, weights
from binder.lm.base import Completion, Message, Request
from binder.lm.cache import FILE, Cache
from binder.lm.keys import CallKey
from binder.lm.scripted import Scripted
from grammars.reply import Expected

LM = Scripted(str, identity="a function")
CALL = CallKey.of(LM, "map", "is it in Asia?", ["country"], Expected(), "1")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / FILE


@pytest.fixture
def cache(path: Path) -> Iterator[Cache]:
    cache = Cache(path)
    yield cache
    cache.close()


def request(n: int = 1, text: str = "which?") -> Request:
    return Request((Message("user", text),), n=n)


def inputs(count: int, start: int = 0) -> list[tuple[str | None, ...]]:
    return [(f"country {number}",) for number in range(start, start + count)]


def test_values_are_kept_one_by_one(cache: Cache, path: Path) -> None:
    cache.keep(CALL, {("Nepal",): "yes", ("Peru", None): None})
    found = Cache(path).values(CALL, [("Peru", None), ("Kenya",), ("Nepal",)])
    assert found == {("Nepal",): "yes", ("Peru", None): None}


def test_a_later_value_takes_the_place_of_an_earlier_one(cache: Cache) -> None:
    cache.keep(CALL, {("Nepal",): "no"})
    cache.keep(CALL, {("Nepal",): "yes"})
    assert cache.values(CALL, [("Nepal",)]) == {("Nepal",): "yes"}
    assert cache.info().values == 1


def test_any_text_is_kept_and_found(cache: Cache) -> None:
    odd = {("\ud800",): "half", ("a\x00b",): "nul", ("",): "", ("🏔",): "é\n"}
    cache.keep(CALL, odd)
    assert cache.values(CALL, list(odd)) == odd
    cache.keep(CALL, {("x",): "\udfff"})
    assert cache.values(CALL, [("x",)]) == {("x",): "?"}


def test_more_values_than_a_statement_takes_are_found(cache: Cache) -> None:
    cache.keep(CALL, dict.fromkeys(inputs(2500), "yes"))
    assert len(cache.values(CALL, inputs(3000))) == 2500


def test_a_model_that_is_not_known_is_not_cached(cache: Cache, path: Path) -> None:
    lm = Scripted(str)
    call = CallKey.of(lm, "map", "q", ["c"], Expected(), "1")
    cache.keep(call, {("a",): "b"})
    cache.keep_drafts(lm, request(), {0: Completion("SELECT 1")})
    assert cache.values(call, [("a",)]) == {} and cache.drafts(lm, request()) == {}
    assert not path.parent.exists()


def test_drafts_are_found_by_request_and_number(cache: Cache) -> None:
    said = {number: Completion(f"SELECT {number}", -1.5 * number) for number in range(5)}
    cache.keep_drafts(LM, request(5), said)
    assert cache.drafts(LM, request(5)) == said
    assert cache.drafts(LM, request(2)) == {0: said[0], 1: said[1]}
    assert cache.drafts(LM, request(20)) == said
    assert cache.drafts(LM, request(5, "what?")) == {}


def test_drafts_that_were_cut_are_not_kept(cache: Cache) -> None:
    cache.keep_drafts(LM, request(3), {0: Completion("a"), 1: Completion("SEL", finished=False), 2: Completion("c")})
    assert list(cache.drafts(LM, request(3))) == [0, 2]


def test_it_says_what_it_holds(cache: Cache, path: Path) -> None:
    assert cache.info().path == path and cache.info().bytes == 0
    assert not path.exists()
    cache.keep(CALL, dict.fromkeys(inputs(3), "yes"))
    cache.keep_drafts(LM, request(), {0: Completion("SELECT 1")})
    info = cache.info()
    assert (info.values, info.drafts) == (3, 1)
    assert info.bytes > 0 and info.oldest is not None


def test_clear_drops_everything_and_gives_the_room_back(cache: Cache) -> None:
    cache.keep(CALL, dict.fromkeys(inputs(5000), "yes"))
    before = cache.info().bytes
    cache.clear()
    info = cache.info()
    assert (info.values, info.oldest) == (0, None) and info.bytes < before / 10


def test_trim_drops_the_oldest_until_it_fits(cache: Cache) -> None:
    for start in range(0, 10_000, 1000):
        cache.keep(CALL, dict.fromkeys(inputs(1000, start), "yes"))
    most = cache.info().bytes // 2
    cache.trim(most_bytes=most)
    assert 0 < cache.info().bytes <= most
    left = cache.values(CALL, inputs(10_000))
    assert 0 < len(left) < 10_000
    assert list(left) == inputs(len(left), 10_000 - len(left))


def test_trim_drops_what_is_older(cache: Cache, path: Path) -> None:
    cache.keep(CALL, dict.fromkeys(inputs(2), "yes"))
    with sqlite3.connect(path) as database:
        database.execute("UPDATE replies SET kept = kept - 100 WHERE age = 1")
    cache.trim(older_than=50)
    assert list(cache.values(CALL, inputs(2))) == inputs(1, 1)


def test_it_keeps_to_its_size_by_itself(path: Path) -> None:
    cache = Cache(path, most_bytes=300_000)
    for start in range(0, 20_000, 500):
        cache.keep(CALL, dict.fromkeys(inputs(500, start), "yes"))
    info = cache.info()
    assert 0 < info.values < 6000
    assert list(cache.values(CALL, inputs(500, 19_500))) == inputs(500, 19_500)
    cache.close()


@pytest.mark.parametrize("damage", [b"not a database", b"SQLite format 3\x00" + b"\xff" * 4000])
def test_a_damaged_file_is_set_aside_with_one_warning(path: Path, damage: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(damage)
    cache = Cache(path)
    with pytest.warns(UserWarning, match="was damaged; it is now .*damaged-") as warned:
        assert cache.values(CALL, [("Nepal",)]) == {}
        cache.keep(CALL, {("Nepal",): "yes"})
        assert cache.values(CALL, [("Nepal",)]) == {("Nepal",): "yes"}
    assert len(warned) == 1
    [aside] = path.parent.glob("*.damaged-*")
    assert aside.read_bytes() == damage
    cache.close()


def test_a_file_damaged_in_its_middle_is_set_aside_too(cache: Cache, path: Path) -> None:
    cache.keep(CALL, dict.fromkeys(inputs(5000), "yes"))
    cache.close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (size - 8192))
    with pytest.warns(UserWarning, match="damaged") as warned:
        assert cache.values(CALL, inputs(5000)) == {}
        cache.keep(CALL, {("Nepal",): "yes"})
    assert len(warned) == 1
    assert cache.values(CALL, [("Nepal",)]) == {("Nepal",): "yes"}


def test_a_file_that_another_process_mended_is_left_alone(cache: Cache, path: Path) -> None:
    cache.keep(CALL, {("Nepal",): "yes"})
    error = sqlite3.DatabaseError("malformed")
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    store = cache._store()
    assert store is not None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert store._begin_anew(error)
    assert cache.values(CALL, [("Nepal",)]) == {("Nepal",): "yes"}


def test_a_place_that_cannot_be_written_costs_one_warning(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = Cache(tmp_path / "file" / FILE)
    with pytest.warns(UserWarning, match="replies are not kept: .* cannot be used") as warned:
        cache.keep(CALL, {("Nepal",): "yes"})
        assert cache.values(CALL, [("Nepal",)]) == {}
    assert len(warned) == 1 and not cache.keeps(LM)


def test_a_full_disk_keeps_what_there_was_and_says_so_once(cache: Cache, caplog: pytest.LogCaptureFixture) -> None:
    cache.keep(CALL, {("Nepal",): "yes"})
    store = cache._store()
    assert store is not None and store._opened is not None
    pages = store._opened.execute("PRAGMA page_count").fetchone()[0]
    store._opened.execute(f"PRAGMA max_page_count = {pages}")
    assert cache.keeps(LM)
    cache.keep(CALL, {("Peru",): "no" * 10_000})
    assert not cache.keeps(LM)
    cache.keep(CALL, {("Kenya",): "no"})
    cache.keep(CALL, {("Chad",): "no" * 10_000})
    assert not cache.keeps(LM)
    [record] = caplog.records
    assert record.name == "binder.lm.store" and record.levelname == "WARNING"
    assert re.search(r"some replies are not kept: .*replies-1.sqlite cannot be written .*full", record.getMessage())
    assert cache.values(CALL, [("Nepal",), ("Peru",), ("Kenya",)]) == {("Nepal",): "yes", ("Kenya",): "no"}


def test_a_busy_file_keeps_nothing_and_fails_nothing(
    cache: Cache, path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("binder.lm.rows.BUSY_SECONDS", 0.05)
    cache.keep(CALL, {("Nepal",): "yes"})
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    cache.keep(CALL, {("Peru",): "no"})
    assert cache.values(CALL, [("Nepal",), ("Peru",)]) == {("Nepal",): "yes"}
    other.execute("COMMIT")
    other.close()
    assert "cannot be written (database is locked)" in caplog.text and not cache.keeps(LM)
    cache.keep(CALL, {("Peru",): "no"})
    assert len(cache.values(CALL, [("Nepal",), ("Peru",)])) == 2


def test_many_threads_share_one_cache(cache: Cache) -> None:
    def work(start: int) -> None:
        for number in range(20):
            cache.keep(CALL, dict.fromkeys(inputs(16, start + 16 * number), "yes"))
            assert cache.values(CALL, inputs(1, start)) == {inputs(1, start)[0]: "yes"}

    threads = [threading.Thread(target=work, args=(1000 * number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cache.info().values == 6 * 20 * 16


def test_a_file_that_another_process_is_making_is_waited_for(
    cache: Cache, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.parent.mkdir()
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    timer = threading.Timer(0.3, lambda: other.execute("COMMIT"))
    timer.start()
    # What SQLite does where two make the file at once: it refuses without waiting.
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda path, **given: connect(path, **{**given, "timeout": 0}))
    cache.keep(CALL, {("Nepal",): "yes"})
    timer.join()
    other.close()
    assert cache.values(CALL, [("Nepal",)]) == {("Nepal",): "yes"}


def test_a_file_that_is_busy_is_not_set_aside(cache: Cache, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.keep(CALL, {("Nepal",): "yes"})
    cache.close()
    monkeypatch.setattr("binder.lm.damage.LOOK_SECONDS", 0.05)
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA journal_mode = DELETE")
        other.execute("BEGIN EXCLUSIVE")
        assert damage.set_aside(path) is None
    other.close()
    assert cache.values(CALL, [("Nepal",)]) == {("Nepal",): "yes"}


WORK = """
import sys
from pathlib import Path
from binder.lm import rows
from binder.lm.cache import Cache
from binder.lm.keys import CallKey
from binder.lm.scripted import Scripted
from grammars.reply import Expected

rows.BUSY_SECONDS = 60  # a text may be lost to a file that is busy for longer; here none may
path, start = Path(sys.argv[1]), int(sys.argv[2])
call = CallKey.of(Scripted(str, identity="a function"), "map", "is it in Asia?", ["country"], Expected(), "1")
rows.BUSY_SECONDS = 60.0  # on a busy machine a writer may wait for long, and what it cannot write is not kept
cache = Cache(path)
for number in range(100):
    at = start + 10 * number
    cache.keep(call, {(f"country {n}",): "yes" for n in range(at, at + 10)})
    assert len(cache.values(call, [(f"country {n}",) for n in range(start, at + 10)])) == 10 * (number + 1)
"""


@pytest.mark.parametrize("damaged", [False, True])
def test_many_processes_share_one_file(cache: Cache, path: Path, damaged: bool) -> None:
    if damaged:
        path.parent.mkdir()
        path.write_bytes(b"no database" * 1000)
    command = [sys.executable, "-W", "ignore", "-c", WORK, str(path)]
    running = [subprocess.Popen([*command, str(1000 * n)], stderr=subprocess.PIPE, text=True) for n in range(4)]
    said = [process.communicate()[1] for process in running]
    assert [process.returncode for process in running] == [0] * 4, said
    assert len(cache.values(CALL, inputs(4000))) == 4000
    assert len(list(path.parent.glob("*.damaged-*"))) == int(damaged)


def test_the_file_is_in_the_cache_folder_and_for_its_user_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BINDER_CACHE", str(tmp_path))
    cache = Cache()
    cache.keep(CALL, {("Nepal",): "yes"})
    assert cache.info().path == tmp_path / FILE
    assert os.name == "nt" or {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}
    cache.close()


@pytest.mark.parametrize("off", ["off", "OFF"])
def test_off_keeps_nothing(off: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BINDER_CACHE", off)
    monkeypatch.chdir(tmp_path)
    cache = Cache()
    cache.keep(CALL, {("Nepal",): "yes"})
    assert cache.values(CALL, [("Nepal",)]) == {}
    assert cache.info().path is None
    assert weights.folder().name == "binder-tableqa"
    assert list(tmp_path.iterdir()) == []


def test_making_one_opens_and_loads_nothing(path: Path) -> None:
    code = f"import sys; from binder.lm.cache import Cache; Cache({str(path)!r}); print('sqlite3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"
    assert not path.parent.exists()
