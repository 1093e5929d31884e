"""child: one program, from its text to what it gives, in a process that was forked for it."""

from __future__ import annotations

import json
import socket
import traceback
from collections.abc import Sequence
from typing import Any

import pandas as pd

from binder.sandbox import frames, plain, values
from binder.sandbox.tables import Given

FILE = "<program>"


def serve(connection: socket.socket, namespace: dict[str, Any]) -> None:
    """Take a program and its tables from the connection, run it, and send what it gives, or how it failed.

    Args:
        connection: The way to the engine; nothing else is open.
        namespace: What programs find defined.
    """
    try:
        job, data = frames.receive(connection)
        given = Given.read(job["tables"], data)
        calls = _Calls(connection, given)
        scope = {**namespace, "qa_map": calls.map, "qa_ans": calls.ans}
        answer = frames.packed({"done": _run(job["program"], given, scope, job["rows"])})
    except BaseException as error:
        answer = frames.packed({"failed": _told(error)})
    connection.sendall(answer)


def _run(program: str, given: Given, scope: dict[str, Any], most: int) -> dict[str, Any]:
    exec(compile(program, FILE, "exec"), scope)
    tables = [table.frame.copy() for table in given.tables]
    return values.described(scope["solve"](*tables), given, most)


def _told(error: BaseException) -> dict[str, Any]:
    """What went wrong, and at which line of the program."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == FILE]
    refused = isinstance(error, PermissionError)
    return {
        "kind": "refused" if refused else type(error).__name__,
        "message": str(error)[:500],
        "line": lines[-1] if lines else None,
    }


class _Calls:
    """The LM calls of a program: their inputs cross the connection, their values come back by key."""

    def __init__(self, connection: socket.socket, given: Given) -> None:
        self._connection = connection
        self._given = given

    def map(self, table: Any, question: str, columns: str | Sequence[str]) -> pd.DataFrame:
        """The table with one more column, named by the question: a value for each row."""
        frame = _frame(table)
        names = [columns] if isinstance(columns, str) else list(columns)
        keys = list(zip(*(self._given.texts(_column(frame, name)) for name in names), strict=True))
        inputs = [key for key in dict.fromkeys(keys) if any(text is not None for text in key)]
        answers = dict(zip(inputs, self._ask(True, question, [str(name) for name in names], inputs), strict=True))
        answered = pd.Series([answers.get(key) for key in keys], index=frame.index)
        return frame.assign(**{question: values.column(answered)})

    def ans(self, table: Any, question: str, columns: str | Sequence[str] | None = None) -> Any:
        """One value for all of a table, or for one value."""
        if not isinstance(table, (pd.DataFrame, pd.Series, pd.Index)):
            text = self._given.spelling(table) or values.text_of(table)
            return None if text is None else self._ask(False, question, ["value"], [(text,)], block=False)[0]
        frame = _frame(table)
        names = list(frame.columns) if columns is None else [columns] if isinstance(columns, str) else list(columns)
        if not len(frame):
            return None
        texts = [self._given.texts(_column(frame, name)) for name in names]
        rows = [dict(zip(map(str, names), row, strict=True)) for row in zip(*texts, strict=True)]
        block = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
        return self._ask(False, question, [", ".join(map(str, names))], [(block,)], block=True)[0]

    def _ask(
        self, per_row: bool, question: str, labels: list[str], inputs: list[tuple[str | None, ...]], block: bool = False
    ) -> list[Any]:
        if not inputs:
            return []
        asked = {"per_row": per_row, "question": str(question), "labels": labels, "inputs": inputs, "block": block}
        self._connection.sendall(frames.packed({"ask": asked}))
        answer, _ = frames.receive(self._connection)
        return [plain.restored(value) for value in answer["values"]]


def _frame(table: Any) -> pd.DataFrame:
    return table.to_frame() if isinstance(table, pd.Series) else pd.DataFrame(table)


def _column(frame: pd.DataFrame, name: Any) -> pd.Series:
    """The column of a name.

    Raises:
        KeyError: There is none, or several.
    """
    found = frame[name]
    if not isinstance(found, pd.Series):
        raise KeyError(f"the table has several columns {name!r}; rename them")
    return found
