"""Programs that were checked before and ask nothing: they are run at once, and end like any other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pandas
import pytest

from binder.engine import Binder
from binder.errors import RunError
from binder.jobs import at_once
from binder.known import run_known
from binder.lm.scripted import Scripted
from binder.table import Table

COUNT = "SELECT name, MAX(n) FROM w"
ENDLESS = "SELECT SUM(a.n * b.n % (c.n + 1)) FROM w a, w b, w c"


def numbers(rows: int = 3) -> Table:
    return Table.from_pandas(pandas.DataFrame({"name": [f"n{i}" for i in range(rows)], "n": range(rows)}))


def known(engine: Binder, program: str, table: Table, seconds: float | None = None) -> object:
    return run_known(program, (table,), engine._pool, engine.limits, seconds)


def test_a_program_is_known_once_it_ran_over_the_same_tables() -> None:
    table, same = numbers(), numbers()
    with Binder() as engine:
        assert known(engine, COUNT, table) is None
        first = engine.run(COUNT, table)
        assert known(engine, COUNT, table) is not None
        assert known(engine, COUNT + " ", table) is None
        assert known(engine, COUNT, same) is None
        second = engine.run(COUNT, table)
    assert second.values == first.values == ("n2", 2)
    assert second.texts == first.texts
    assert second.program == first.program
    assert second.trace.steps.keys() == first.trace.steps.keys()
    assert second.source_rows == first.source_rows
    assert str(second.to_json()).partition('"usage"')[0] == str(first.to_json()).partition('"usage"')[0]


def test_a_program_that_asks_is_never_known() -> None:
    program = "SELECT QA('map@which?'; name) FROM w"
    table = numbers()
    with Binder(lm=Scripted(lambda request: '{"1": "a", "2": "b", "3": "c"}'), cache=False) as engine:
        engine.run(program, table)
        assert known(engine, program, table) is None


def test_a_deadline_stops_a_known_program() -> None:
    table = numbers(4000)
    with Binder() as engine:
        for _ in range(2):  # it is known the second time
            started = time.perf_counter()
            with pytest.raises(RunError, match=r"no answer within 0\.3 s; a program was running, and was stopped"):
                engine.run(ENDLESS, table, deadline=0.3)
            assert time.perf_counter() - started < 10
        assert engine.run(COUNT, table).values == ("n3999", 3999)


def test_threads_share_what_is_known() -> None:
    table = numbers()
    found: list[object] = []
    with Binder() as engine:
        engine.run(COUNT, table)
        threads = [
            threading.Thread(target=lambda: found.extend(engine.run(COUNT, table).values for _ in range(20)))
            for _ in range(20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == [("n2", 2)] * 400


INTERRUPTED = f"""
import os, signal, threading, time
import pandas
from binder import Binder, RunError, Table

table = Table.from_pandas(pandas.DataFrame({{"name": ["a"] * 4000, "n": range(4000)}}))
with Binder() as engine:
    try:
        engine.run({ENDLESS!r}, table, deadline=0.2)
    except RunError:
        pass
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    started = time.perf_counter()
    try:
        engine.run({ENDLESS!r}, table)
    except KeyboardInterrupt:
        assert time.perf_counter() - started < 10
    print(engine.run("SELECT COUNT(*) FROM w", table).values)
"""


def test_an_interrupt_stops_a_known_program() -> None:
    ended = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, timeout=60)
    assert (ended.stdout, ended.stderr) == ("(4000,)\n", "")


def test_a_brief_program_runs_in_the_callers_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    table = numbers()
    with Binder() as engine:
        engine.run(COUNT, table)
        monkeypatch.setattr("binder.known.wait_for", None)
        assert known(engine, COUNT, table) is not None


def test_a_brief_program_is_stopped_at_its_deadline() -> None:
    table = numbers(4000)
    late = pytest.raises(RunError, match=r"no answer within 0\.3 s; a program was running, and was stopped")
    with Binder() as engine, engine._pool.session((table,)) as session, late:
        at_once(session, lambda: session.rows(ENDLESS.replace(" w ", f' "{table.name}" ')), 0.3)


def test_an_interrupt_during_a_brief_program_comes_after_it() -> None:
    table, done = numbers(), []
    with Binder() as engine, engine._pool.session((table,)) as session:

        def work() -> None:
            os.kill(os.getpid(), signal.SIGINT)
            done.append(True)

        with pytest.raises(KeyboardInterrupt):
            at_once(session, work, None)
        assert done == [True]
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        assert engine.run(COUNT, table).values == ("n2", 2)


def test_a_handlers_own_error_is_not_lost_in_the_database() -> None:
    """DuckDB runs handlers while it works, and would put a RuntimeError in place of what they raise."""

    def quit_(number: int, frame: object) -> None:
        raise SystemExit(number)

    table = numbers(1_000_000)
    before = signal.signal(signal.SIGTERM, quit_)
    try:
        with Binder() as engine, engine._pool.session((table,)) as session:

            def work() -> None:
                threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGTERM)).start()
                while True:
                    session.rows(f'SELECT COUNT(DISTINCT name) FROM "{table.name}"')

            with pytest.raises(SystemExit):
                at_once(session, work, None)
    finally:
        signal.signal(signal.SIGTERM, before)
