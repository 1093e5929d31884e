"""The sandbox: what programs give, how they fail, and that each runs alone."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas
import pytest

from binder import ConfigurationError, RunError, Table
from binder.pack import pack
from binder.sandbox import host
from binder.sandbox.host import Sandbox, Share

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox needs Linux's Landlock and seccomp")

SHARE = Share(seconds=5.0, memory=512_000_000, rows=1000)
PEAKS = Table.from_pandas(
    pandas.DataFrame(
        {
            "name": ["K2", "Elbrus", "Nanga Parbat", None],
            "height": ["8,611", "5,642", "8,126", "n/a"],
            "climbed": ["31 July 1954", "22 July 1874", "3 July 1953", None],
            "range": ["Karakoram", "Caucasus", "Himalaya", "Alps"],
        }
    ),
    name="peaks",
)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    one = Sandbox(SHARE)
    yield one
    one.close()


async def no_calls(asked: dict[str, Any]) -> list[Any]:
    raise AssertionError(asked)


def run(sandbox: Sandbox, body: str, ask: host.Ask = no_calls) -> dict[str, Any]:
    """What a function of such a body gives."""
    program = "def solve(table):\n" + "\n".join(f"    {line}" for line in body.splitlines())
    return asyncio.run(sandbox.run(program, pack([PEAKS]), ask))


@pytest.mark.parametrize(
    ("body", "columns", "rows", "texts"),
    [
        ("return 3", ["value"], [[3]], [[None]]),
        ("return None", ["value"], [[None]], [[None]]),
        ("return table['height'].max()", ["value"], [[8611.0]], [[None]]),
        ("return table['climbed'].max()", ["value"], [[["date", "1954-07-31"]]], [["31 July 1954"]]),
        ("return table['name'].head(2)", ["name"], [["K2"], ["Elbrus"]], [[None], [None]]),
        ("return table['name'].head(2).tolist()", ["value"], [["K2"], ["Elbrus"]], [[None], [None]]),
        ("return table[['height', 'name']].iloc[[0]]", ["height", "name"], [[8611.0, "K2"]], [["8,611", None]]),
        ("return table.iloc[[3]]['height']", ["height"], [[None]], [["n/a"]]),
        ("return table.merge(table, on='name')['climbed_x'].iloc[0]", ["value"], None, [["31 July 1954"]]),
        ("return table.groupby('range')['height'].max().head(1)", ["range", "height"], [["Alps", None]], None),
        ("return {'a': 1}", ["value", "value1"], [["a", 1]], None),
        ("return [('a', 1), ('b', 2)]", ["value", "value1"], [["a", 1], ["b", 2]], None),
        ("return np.array([1.5, np.nan])", ["value"], [[1.5], [None]], None),
        ("return table['height'] > 6000", ["height"], [[True], [False], [True], [False]], None),
        ("return float('inf')", ["value"], [[["number", "inf"]]], None),
        ("return pd.Timestamp('2024-01-01 05:00')", ["value"], [[["timestamp", "2024-01-01T05:00:00"]]], None),
        (
            "return table['climbed'].iloc[0] - table['climbed'].iloc[1]",
            ["value"],
            [[["seconds", "2525299200.0"]]],
            None,
        ),
        ("return []", ["value"], [], []),
        # What is the same number as a cell is no cell, and keeps no cell's spelling.
        ("return table.groupby('range')['height'].count().head(1)", ["range", "height"], None, [[None, None]]),
        ("return table['height'].rank().head(1)", ["height"], [[3.0]], [[None]]),
        ("return (table['height'] > 6000).head(1)", ["height"], [[True]], [[None]]),
        ("return table['height'].head(1) - 0.0", ["height"], [[8611.0]], [["8,611"]]),
        (
            "return table.groupby('range')['name'].apply(list).head(1)",
            ["range", "name"],
            [["Alps", ["list", [None]]]],
            None,
        ),
        ("return table[['name', 'range']].head(1).to_dict('records')", ["name", "range"], [["K2", "Karakoram"]], None),
        ("return np.array(5)", ["value"], [[5]], None),
        ("return list(set(['b', 'a', 'c']))[0]", ["value"], None, None),
    ],
)
def test_what_a_program_gives(
    sandbox: Sandbox, body: str, columns: list[str], rows: list[Any] | None, texts: list[Any] | None
) -> None:
    given = run(sandbox, body)
    assert given["columns"] == columns
    assert rows is None or given["rows"] == rows
    assert texts is None or given["texts"] == texts


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("return 1 / 0", r"failed while running \(line 2\): ZeroDivisionError: division by zero"),
        ("return table['hieght']", r"\(line 2\): KeyError"),
        ("return object()", "TypeError: a object is no value of a table"),
        ("return qa_map(pd.concat([table, table], axis=1), 'q?', 'name')", "several columns 'name'"),
        ("import os\nreturn os.stat('/etc/passwd').st_size", "tried what no program may"),
        ("import os\nreturn os.readlink('/proc/self/exe')", "tried what no program may"),
        ("import os\nreturn os.listdir('/')", "tried what no program may"),
        ("while True: pass", "longer than 5 s"),
        ("import time\ntime.sleep(60)", "longer than 5 s"),
        ("return 'x' * 10**10", "needed more than 512,000,000 bytes"),
        ("return [0] * 10**10", "needed more than 512,000,000 bytes"),
        ("return range(10**9)", "more than 1,000"),
        ("return 'x' * 10**8", "sends more than 16 MB"),
        ("f = lambda: f()\nreturn f()", "RecursionError"),
        ("import ctypes\nctypes.string_at(0)", "ended before it gave an answer .SIGSEGV"),
        ("import os\nos._exit(0)", "ended before it gave an answer .0"),
        ("import os\nos.write(3, b'x' * 8)", "sends more than 16 MB"),
        ("import os\nos.write(3, bytes([0, 0, 0, 2, 0, 0, 0, 0]) + b'[]')", "ended without an answer"),
        ("open('/etc/passwd')", "tried what no program may .line 2.*'/etc/passwd'"),
        ("open('/tmp/left-behind', 'w')", "tried what no program may"),
        ("import os\nos.fork()", "tried what no program may"),
        ("import socket\nsocket.socket()", "tried what no program may"),
        ("raise SystemExit", "SystemExit"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("return 10 ** 5000", "ValueError"),
    ],
)
def test_a_failing_program_fails_alone(sandbox: Sandbox, body: str, told: str) -> None:
    with pytest.raises(RunError, match=told):
        run(sandbox, body)
    assert run(sandbox, "return len(table)")["rows"] == [[4]]


# What a program says over its connection itself, as Python that makes the text.
FORGED = {
    "done that is no object": """'{"done": 5}'""",
    "an end by no signal": """'{"ended": -32}'""",
    "a long end": """'{"ended": "' + "x" * 10_000 + '"}'""",
    "a long failure": """'{"failed": {"kind": "E", "message": "' + "x" * 10_000 + '", "line": 1}}'""",
    "no number": """'{"done": {"columns": ["a"], "rows": [[NaN]], "texts": [[null]]}}'""",
    "deep": """'[' * 100_000 + ']' * 100_000""",
    "more rows than allowed": """'{"done": {"columns": [], "rows": [' + "[]," * 2000 + '[]], "texts": []}}'""",
    "a great many lists": """'{"done": {"rows": [' + "[]," * 3_000_000 + "[]]}}'""",
    "no JSON": """'{'""",
}
SEND = """
import os, time
data = len(sent).to_bytes(4, "big") + bytes(4) + sent.encode()
while data:
    data = data[os.write(3, data):]
time.sleep(9)
"""


@pytest.mark.parametrize("name", FORGED)
def test_what_a_program_forges_is_no_more_than_an_error(sandbox: Sandbox, name: str) -> None:
    with pytest.raises(RunError) as failed:
        run(sandbox, f"sent = {FORGED[name]}{SEND}")
    assert len(str(failed.value)) < 1000


def test_the_order_of_a_set_is_the_same_each_time() -> None:
    first = []
    for _ in range(2):
        fresh = Sandbox(SHARE)
        try:
            first.append(run(fresh, "return list(set(table['name'].dropna()))")["rows"])
        finally:
            fresh.close()
    assert first[0] == first[1]


def test_calls_cross_the_connection_by_key(sandbox: Sandbox) -> None:
    asked: list[dict[str, Any]] = []

    async def ask(call: dict[str, Any]) -> list[Any]:
        asked.append(call)
        return ["yes" if cells[0] != "Elbrus" else "no" for cells in call["inputs"]]

    body = (
        "t = qa_map(pd.concat([table, table]), 'is it high?', ['name', 'height'])\nreturn t[t['is it high?'] == 'yes']"
    )
    assert [row[0] for row in run(sandbox, body, ask)["rows"]] == ["K2", "Nanga Parbat", None] * 2
    assert asked == [
        {
            "per_row": True,
            "question": "is it high?",
            "labels": ["name", "height"],
            "inputs": [["K2", "8,611"], ["Elbrus", "5,642"], ["Nanga Parbat", "8,126"], [None, "n/a"]],
            "block": False,
        }
    ]


def test_an_input_without_a_cell_is_not_asked(sandbox: Sandbox) -> None:
    async def ask(call: dict[str, Any]) -> list[Any]:
        assert [None] not in call["inputs"]
        return [1.0] * len(call["inputs"])

    given = run(sandbox, "return qa_map(table, 'how high?', 'name')['how high?']", ask)
    assert given["rows"] == [[1.0], [1.0], [1.0], [None]]


def test_ans_gives_the_rows_as_their_cells_spell_them(sandbox: Sandbox) -> None:
    asked: list[dict[str, Any]] = []

    async def ask(call: dict[str, Any]) -> list[Any]:
        asked.append(call)
        return [["date", "1954-07-31"]]

    given = run(sandbox, "return qa_ans(table.head(1), 'when?', ['name', 'climbed'])", ask)
    assert given["rows"] == [[["date", "1954-07-31"]]]
    assert asked[0]["inputs"] == [['[{"name":"K2","climbed":"31 July 1954"}]']]
    assert asked[0]["block"]


def test_waiting_for_the_model_is_not_running() -> None:
    hasty = Sandbox(replace(SHARE, seconds=1.0))

    async def ask(call: dict[str, Any]) -> list[Any]:
        await asyncio.sleep(1.5)
        return ["late"]

    try:
        assert run(hasty, "return qa_ans(table, 'what?')", ask)["rows"] == [["late"]]
    finally:
        hasty.close()


def test_nothing_of_a_program_reaches_the_next(sandbox: Sandbox) -> None:
    poison = (
        "import builtins\nbuiltins.len = lambda x: 99\npd.DataFrame.sum = None\ntable.loc[0, 'name'] = 'x'\nreturn 1"
    )
    with contextlib.suppress(RunError):
        run(sandbox, poison)
    assert run(sandbox, "return [len(table), table['name'].iloc[0]]")["rows"] == [[4], ["K2"]]


def test_nothing_of_this_process_is_there(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BINDER_CANARY_SECRET", "canary")
    fresh = Sandbox(SHARE)
    try:
        body = "import os, sys\nreturn [repr(dict(os.environ)), repr(sys.argv), repr(sorted(sys.modules))]"
        told = "".join(str(row) for row in run(fresh, body)["rows"])
    finally:
        fresh.close()
    assert "canary" not in told
    assert "openai" not in told and "duckdb" not in told


def test_programs_run_at_the_same_time(sandbox: Sandbox) -> None:
    async def together() -> list[dict[str, Any]]:
        program = "def solve(t):\n import time\n time.sleep(2)\n return 1"
        return await asyncio.gather(*(sandbox.run(program, pack([PEAKS]), no_calls) for _ in range(6)))

    run(sandbox, "return 1")
    started = time.perf_counter()
    assert [given["rows"] for given in asyncio.run(together())] == [[[1]]] * 6
    assert time.perf_counter() - started < 8  # one after another they take 12


def test_a_given_up_program_is_ended(sandbox: Sandbox) -> None:
    async def given_up() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await sandbox.run("def solve(t):\n while True: pass", pack([PEAKS]), no_calls)

    run(sandbox, "return 1")
    before = processes()
    asyncio.run(given_up())
    settle(lambda: processes() <= before)


def test_a_program_given_up_before_it_began_is_ended() -> None:
    async def given_up(sandbox: Sandbox) -> None:
        asked = asyncio.create_task(sandbox.run("def solve(t):\n while True: pass", pack([PEAKS]), no_calls))
        await asyncio.sleep(0.01)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked

    sandbox = Sandbox(SHARE)
    try:
        asyncio.run(given_up(sandbox))  # which waits for the thread that starts it
        assert sandbox._warm is not None
        warm = sandbox._warm._process.pid
        settle(lambda: processes(warm) == set())
        gc.collect()  # which complains of a connection that is left open
    finally:
        sandbox.close()


def test_many_programs_leave_nothing(sandbox: Sandbox) -> None:
    run(sandbox, "return 1")
    before, files = processes(), open_files()
    for number in range(60):
        assert run(sandbox, f"return {number}")["rows"] == [[number]]
    settle(lambda: processes() <= before)
    assert open_files() <= files


def test_it_starts_again_after_its_process_was_killed() -> None:
    sandbox = Sandbox(SHARE)
    try:
        run(sandbox, "return 1")
        assert sandbox._warm is not None
        killed = sandbox._warm._process
        killed.kill()
        killed.wait()
        assert run(sandbox, "return 2")["rows"] == [[2]]
        ours = processes(sandbox._warm._process.pid) | {sandbox._warm._process.pid}
    finally:
        sandbox.close()
    settle(lambda: not any(map(alive, ours)))


def test_a_killed_engine_leaves_no_process(tmp_path: Path) -> None:
    script = (
        "import asyncio, pandas, sys\nfrom binder import Table\nfrom binder.pack import pack\n"
        "from binder.sandbox.host import Sandbox, Share\n"
        "table = Table.from_pandas(pandas.DataFrame({'a': [1]}))\n"
        "program = 'def solve(t):\\n import time\\n time.sleep(60)'\n"
        "async def main():\n"
        "    run = asyncio.ensure_future(Sandbox(Share(60.0, 10**9, 10)).run(program, pack([table]), None))\n"
        "    await asyncio.sleep(0.5)\n    print('ready', flush=True)\n    await run\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as engine:
        try:
            assert engine.stdout is not None and engine.stdout.readline() == "ready\n"
            settle(lambda: len(processes(engine.pid)) == 2, 30)  # the warm process and the program's
            ours = processes(engine.pid)
        finally:
            engine.kill()
    settle(lambda: not any(map(alive, ours)))


def test_without_the_kernels_help_it_refuses_until_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = host._BOOT.replace(
        "main(int",
        "from binder.sandbox import policy; "
        "policy.keep_from_files = lambda: (_ for _ in ()).throw(policy.Unconfined('no Landlock')); main(int",
    )
    monkeypatch.setattr(host, "_BOOT", broken)
    refusing, trusting = Sandbox(SHARE), Sandbox(SHARE, unconfined=True)
    with pytest.raises(ConfigurationError, match=r"no Landlock.*Use SQL; or .*unconfined_python=True"):
        run(refusing, "return 1")
    try:
        assert run(trusting, "return 1")["rows"] == [[1]]
    finally:
        trusting.close()


def open_files() -> int:
    """How many files this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def processes(of: int | None = None) -> set[int]:
    """The processes that live and descend from one, this one unless another is given."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit():
                state, parent, *_ = (entry / "stat").read_text().rpartition(")")[2].split()
                if state != "Z":
                    parents[int(entry.name)] = int(parent)
    found, wanted = set[int](), {of or os.getpid()}
    while wanted:
        wanted = {child for child, parent in parents.items() if parent in wanted} - found
        found |= wanted
    return found


def alive(pid: int) -> bool:
    """Whether a process is there."""
    return Path(f"/proc/{pid}").exists()


def settle(condition: Any, seconds: float = 5.0) -> None:
    """Wait until something holds."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)
