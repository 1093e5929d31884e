"""Python texts are read while Python is building other trees."""

from __future__ import annotations

import ast
import gc
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from grammars import python_tree
from grammars.python_tree import parse

TEXT = "def solve(table):\n" + "    table = table[table['a'] > 1]\n" * 20


@pytest.fixture
def interrupted() -> Iterator[None]:
    """Whenever garbage is collected, which is often, another tree is built, as by a traceback that is written."""

    def build(phase: str, _: object) -> None:
        if phase == "start" and len(built) < 40:
            built.append(ast.parse("1 + 1"))

    built: list[ast.Module] = []
    before = gc.get_threshold()
    gc.callbacks.append(build)
    gc.set_threshold(20)
    try:
        yield
    finally:
        gc.callbacks.remove(build)
        gc.set_threshold(*before)
    assert built


@pytest.mark.usefixtures("interrupted")
def test_a_text_is_read_whatever_else_is_read() -> None:
    for _ in range(10):
        assert len(parse(TEXT).body) == 1


def test_many_threads_read_at_once() -> None:
    read: list[int] = []
    threads = [threading.Thread(target=lambda: read.extend(len(parse(TEXT).body) for _ in range(20))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read == [1] * 160


def test_what_fails_fails_as_it_does() -> None:
    with pytest.raises(SyntaxError):
        parse("return (")
    assert isinstance(parse("a + 1", "eval").body, ast.BinOp)


def test_what_fails_each_time_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        asked.append(1)
        raise SystemError("AST constructor recursion depth mismatch")

    asked: list[int] = []
    monkeypatch.setattr(python_tree, "ast", SimpleNamespace(parse=fails))
    with pytest.raises(SystemError):
        parse("1")
    assert len(asked) > 3
