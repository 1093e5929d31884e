"""An API key, and a database's password, are in nothing that is shown, kept, logged or sent in a prompt."""

from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pandas
import pytest
from rich.console import Console

from binder import Binder, BinderError, Table, TableError
from binder.lm import OpenAI
from binder.lm.cache import Cache

KEY = "sk-canary-5c0ffee5e"
PASSWORD = "canary-pa55word"
TABLE = Table.from_pandas(pandas.DataFrame({"name": ["K2", "Elbrus"]}), name="peaks")
PROGRAM = "SELECT name FROM peaks WHERE QA(\"map@is it in Asia?\"; name) = 'yes'"


class _Echo(BaseHTTPRequestHandler):
    """A server that answers a map, or fails and repeats the key that it was given."""

    status = 200
    bodies: list[bytes] = []  # noqa: RUF012
    keys: list[str] = []  # noqa: RUF012

    def do_POST(self) -> None:
        self.bodies.append(self.rfile.read(int(self.headers["content-length"])))
        key = self.headers["authorization"]
        self.keys.append(key)
        if self.status == 200:
            message = {"role": "assistant", "content": '{"1": "yes", "2": "no"}'}
            told: Any = {"choices": [{"index": 0, "finish_reason": "stop", "message": message}]}
        else:
            told = {"error": {"message": f"no, not with {key}"}}
        self.send_response(self.status)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(told).encode())

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    _Echo.status = 200
    _Echo.bodies.clear()
    _Echo.keys.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), _Echo) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()
        server.shutdown()


def shown_of(thing: Any) -> str:
    """What a terminal and a notebook show of something, and its text."""
    console = Console(file=io.StringIO(), width=300, color_system=None)
    console.print(thing)
    return f"{thing!r} {thing} {thing._repr_html_()} {console.file.getvalue()}"  # type: ignore[attr-defined]


def logged(caplog: pytest.LogCaptureFixture) -> str:
    return "\n".join(f"{record.getMessage()} {record.args!r} {record.exc_text}" for record in caplog.records)


@pytest.mark.parametrize("by", ["argument", "environment"])
def test_a_key_is_in_no_answer_trace_cache_log_or_prompt(
    by: str, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    lm = OpenAI("some-model", base_url=url, api_key=KEY if by == "argument" else None)
    with caplog.at_level(logging.DEBUG), Binder(lm=lm, cache=Cache(tmp_path / "cache.db")) as engine:
        answer = engine.run(PROGRAM, TABLE)
        explained = engine.explain(PROGRAM, TABLE)
    assert answer.values == ("Elbrus",) and _Echo.keys == [f"Bearer {KEY}"]
    assert KEY not in answer.to_json() + shown_of(answer) + shown_of(answer.trace) + f"{explained} {lm!r} {vars(lm)}"
    assert KEY not in logged(caplog)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(b"some-model" in path.read_bytes() or path.stat().st_size for path in files)
    assert not any(KEY.encode() in path.read_bytes() for path in files)
    assert _Echo.bodies and not any(KEY.encode() in body for body in _Echo.bodies)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 429, 500])
def test_an_error_that_repeats_the_key_is_shown_without_it(
    status: int, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    _Echo.status = status
    lm = OpenAI("some-model", base_url=url, api_key=KEY, max_retries=0)
    with caplog.at_level(logging.DEBUG), Binder(lm=lm, cache=False) as engine, pytest.raises(BinderError) as failed:
        engine.run(PROGRAM, TABLE)
    assert "no, not with" in str(failed.value)
    error: BaseException | None = failed.value
    while error is not None:
        assert KEY not in f"{error} {error!r}"
        error = error.__cause__ if error.__suppress_context__ else error.__cause__ or error.__context__
    assert KEY not in logged(caplog)


@pytest.mark.parametrize("url", ["nothing://user:{}@host/db", "postgresql://user:{}@127.0.0.1:1/db"])
def test_a_database_password_is_in_no_error_or_log(url: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(TableError) as failed:
        Table.from_records(url.format(PASSWORD), "SELECT 1")
    assert "user" in str(failed.value) and PASSWORD not in str(failed.value)
    assert PASSWORD not in logged(caplog)
