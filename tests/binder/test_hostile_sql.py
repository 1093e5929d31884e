"""Programs that reach for files, the network, settings, extensions and other connections: out of reach twice over.

The first wall is the grammar, the second the database's own settings, tried with the grammar left out. Whether a
program succeeded is read from canaries, never from what it says.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from binder import Binder, ProgramError
from binder.lm import Scripted
from grammars.check import check
from grammars.schema import Schema
from tests.support.hostile_sql import (
    LEFT_TO_THE_ALLOW_LIST,
    SECRET,
    STATEMENTS,
    TABLE,
    Canaries,
    Fate,
    Hostile,
    execute,
    programs,
    statement_kinds,
)

Fates = list[tuple[Hostile, Fate]]


@dataclass
class Trap:
    """The canaries, and what they have seen."""

    canaries: Canaries
    called: list[object] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        return Path(self.canaries.folder)

    def made(self) -> list[str]:
        """What is in the folder that was not put there."""
        return sorted(
            str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.name != "secret.csv"
        )

    def answer(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, where = listener.accept()
            except OSError:
                return
            self.called.append(where)
            connection.close()


@pytest.fixture(scope="module")
def trap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trap]:
    folder = tmp_path_factory.mktemp("canaries")
    secret = folder / "secret.csv"
    secret.write_text(f"a\n{SECRET}\n")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/secret.csv"
        trap = Trap(Canaries(str(folder), str(secret), url))
        threading.Thread(target=trap.answer, args=(listener,), daemon=True).start()
        yield trap
        listener.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def fates(trap: Trap) -> Fates:
    """What became of every program in the engine's database, with the grammar left out."""
    tried = programs(trap.canaries)
    return list(zip(tried, execute(tried, trap.canaries), strict=True))


def test_every_function_setting_extension_and_statement_of_the_installed_duckdb_is_tried(trap: Trap) -> None:
    assert len(programs(trap.canaries)) >= 2000
    assert set(statement_kinds()) == set(STATEMENTS)


def test_the_engine_refuses_each_or_answers_without_touching_anything(trap: Trap) -> None:
    answered = []
    before = dict(os.environ)
    with Binder(lm=Scripted(lambda request: '{"1": "yes", "2": "no", "answer": "x"}'), cache=False) as engine:
        for hostile in programs(trap.canaries):
            try:
                answered.append((hostile, engine.run(hostile.sql, TABLE)))
            except ProgramError as error:
                assert SECRET not in str(error)
        assert engine.run("SELECT name, height FROM peaks", TABLE).frame.values.tolist() == [
            ["K2", 8611],
            ["Elbrus", 5642],
        ]
    assert [hostile.sql for hostile, answer in answered if SECRET in answer.to_json()] == []
    assert trap.made() == [] and trap.called == [] and dict(os.environ) == before
    # What is answered is plain SQL over the table, a text, or a function of the allow-list.
    assert len(answered) < 20


def test_the_lock_alone_lets_none_read_write_connect_or_set(trap: Trap, fates: Fates) -> None:
    assert [hostile.sql for hostile, fate in fates if SECRET in fate.told] == []
    assert [(hostile.sql, fate.changed) for hostile, fate in fates if fate.changed] == []
    assert trap.made() == []
    assert trap.called == []


def test_what_the_lock_lets_through_is_known_and_the_grammar_refuses_it(fates: Fates) -> None:
    schema = Schema((TABLE.schema,))
    ran = [hostile for hostile, fate in fates if fate.ran and check(hostile.sql, schema).program is None]
    assert {hostile.subject for hostile in ran} - LEFT_TO_THE_ALLOW_LIST == set()
    assert len(ran) > 100, "the lock is not what refused all of them: the second wall was not tried"


def test_the_canaries_sing_where_there_is_no_lock(trap: Trap, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text(f"a\n{SECRET}\n")
    here = Canaries(str(tmp_path), str(secret), trap.canaries.url)
    wanted = {"read_csv", "COPY", "ATTACH", "setting:threads"}
    tried = [hostile for hostile in programs(here) if hostile.subject in wanted and here.url not in hostile.sql]
    tried.append(Hostile("extension", f"FORCE INSTALL made FROM '{here.url}'"))
    called = len(trap.called)
    sung = list(zip(tried, execute(tried, here, locked=False), strict=True))
    reached = trap.called[called:]
    del trap.called[called:]
    assert any(SECRET in fate.told for hostile, fate in sung if hostile.subject == "read_csv")
    assert any("threads" in fate.changed for hostile, fate in sung if hostile.subject == "setting:threads")
    assert {"made.csv", "made.db", "made.parquet"} <= {path.name for path in tmp_path.iterdir()}
    assert reached
