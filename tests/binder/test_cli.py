"""The command line, run in this process; a stub server on loopback is the language model."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from binder.cli import app
from tests.support.fault_server import Reply, completion, serve

IN_ASIA = "SELECT name FROM w WHERE QA(\"map@is it in Asia?\"; country) = 'yes'"


@pytest.fixture
def peaks(tmp_path: Path) -> str:
    path = tmp_path / "peaks.csv"
    path.write_text('name,country,height\nK2,Pakistan,"8,611"\nElbrus,Russia,"5,642"\nFuji,Japan,"3,776"\n')
    return str(path)


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """A stub that drafts ``IN_ASIA`` and says yes to every input but Russia; gives the requests it was sent."""

    def behave(body: Any) -> Reply:
        prompt = body["messages"][-1]["content"]
        if body["messages"][0]["content"].startswith("You write"):
            return completion(*[IN_ASIA] * body.get("n", 1))
        lines = [line.split(": ", 1) for line in prompt.splitlines() if line[:1].isdigit()]
        return completion(json.dumps({number: "no" if "Russia" in cell else "yes" for number, cell in lines}))

    with serve(behave) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("BINDER_MODEL", "stub")
        monkeypatch.delenv("OPENAI_API_KEY", raising=False)
        yield server.bodies


def command(*words: str, given: str | None = None) -> Result:
    return CliRunner().invoke(app, list(words), input=given)


def test_ask_shows_program_calls_answer_and_cost(peaks: str, model: list[Any]) -> None:
    shown = command("ask", "which peaks are in Asia?", "-t", peaks, "-n", "3")
    assert shown.exit_code == 0, shown.stderr
    assert 'QA("map@is it in Asia?"; country)' in shown.stdout
    assert "Russia -> no" in shown.stdout
    assert "answer    K2, Fuji" in shown.stdout
    assert "2 requests" in shown.stdout
    assert len(model) == 2


def test_ask_prints_json(peaks: str, model: list[Any]) -> None:
    shown = command("ask", "which peaks are in Asia?", "-t", peaks, "--json")
    document = json.loads(shown.stdout)
    assert document["values"] == ["K2", "Fuji"]
    assert document["candidates"][0]["samples"] == 20
    assert document["usage"]["requests"] == 2


def test_run_asks_only_what_is_needed(peaks: str, model: list[Any]) -> None:
    assert command("run", IN_ASIA + " AND height > 4000", "-t", peaks, "--json").exit_code == 0
    assert len(model) == 1
    plain = command("run", "-", "-t", peaks, given="SELECT MAX(height) FROM w")
    assert "answer    8,611" in plain.stdout
    assert len(model) == 1


def test_check_and_explain_ask_nothing(peaks: str, model: list[Any]) -> None:
    checked = command("check", "SELECT age FROM w WHERE hight > 4000", "-t", peaks)
    assert checked.exit_code == 1
    assert "no column 'age'" in checked.stderr
    assert command("check", "SELECT name FROM w WHERE hight > 4000", "-t", peaks).stdout.splitlines() == [
        "SELECT name FROM peaks AS w WHERE height > 4000",
        "mended: column `hight` read as `height`",
    ]
    explained = command("explain", IN_ASIA, "-t", peaks, "--json")
    assert json.loads(explained.stdout)["steps"][0]["inputs"] == 3
    assert "3 distinct inputs" in command("explain", IN_ASIA, "-t", peaks).stdout
    assert model == []


def test_explain_with_a_price_and_analyzed(peaks: str, model: list[Any]) -> None:
    priced = json.loads(
        command("explain", IN_ASIA, "-t", peaks, "--json", "--price-read", "1", "--price-written", "0").stdout
    )
    total = priced["total"]
    assert total["dollars"]["most"] == pytest.approx(total["tokens_read"]["most"] / 1_000_000)
    assert model == []
    analyzed = command("explain", IN_ASIA, "-t", peaks, "--analyze")
    assert "actual: 3 inputs, 1 request; tokens: " in analyzed.stdout
    assert len(model) == 1


def test_explain_needs_no_model(peaks: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.delenv("BINDER_MODEL", raising=False)
    assert "3 distinct inputs" in command("explain", IN_ASIA, "-t", peaks).stdout
    assert command("explain", IN_ASIA, "-t", peaks, "--analyze").exit_code == 2


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["check", "DROP TABLE w", "-t", "PEAKS"], 1, "DROP is not a query"),
        (["check", "SELECT 1", "-t", "missing.csv"], 1, "missing.csv"),
        (["check", "SELECT 1", "-t", "visits=missing.csv"], 1, "no file missing.csv"),
        (["check", "SELECT 1", "-t", "https://a.org/peaks.csv"], 1, "curl -LO https://a.org/peaks.csv"),
        (["check", "SELECT 1", "-t", "https://a.org/peaks.csv", "--query", "SELECT 1"], 1, "download it first"),
        (["ask", "which?", "-t", "PEAKS", "--temperature", "inf"], 2, "temperature is inf"),
        (["ask", "which?", "-t", "PEAKS", "--temperature", "hot"], 2, "'--temperature'"),
        (["ask", "which?", "-t", "PEAKS", "--samples", "0"], 2, "'--samples'"),
        (["ask", "which?", "-t", "PEAKS", "--favour", "K2"], 2, "--vote answer"),
        (["ask", "which?", "-t", "PEAKS", "--vote", "answer"], 2, "--favour"),
        (["run", "SELECT 1", "-t", "PEAKS", "--max-requests", "-1"], 2, "'--max-requests'"),
        (["check", "SELECT 1", "-t", "sqlite:///x.db"], 2, "--query: sqlite://… is a database"),
        (["check", "SELECT 1", "-t", "PEAKS", "--query", "SELECT 1"], 2, "--query: it is for a database's URL"),
        (["check", "SELECT 1", "-t", "PEAKS", "-t", "PEAKS"], 2, "2 tables are named 'peaks'; name them yourself"),
        (["check", "SELECT 1", "-t", "PEAKS", "-t", "b=PEAKS", "--title", "x"], 2, "--title: it is for a single table"),
        (["ask", " ", "-t", "PEAKS"], 2, "question is empty"),
        (["ask", "which?"], 2, "--table"),
        (["ask", "which?", "-t", "PEAKS", "--vote", "loudest"], 2, "loudest"),
        (["fly"], 2, "fly"),
        (["--fly", "ask"], 2, "No such option: --fly"),
        (["models", "--fly"], 2, "No such option: --fly"),
    ],
)
def test_a_mistake_is_said_without_a_traceback(
    peaks: str, model: list[Any], words: list[str], status: int, said: str
) -> None:
    words = [word.replace("PEAKS", peaks) for word in words]
    shown = command(*words)
    assert shown.exit_code == status
    assert said in shown.stderr
    assert shown.stderr.startswith("binder: ")
    assert shown.stderr.count("\n") == 1 or words[1] == "DROP TABLE w"
    assert shown.stdout == ""
    document = json.loads(command(*words, "--json").stdout)
    assert document["error"].endswith("Error") and document["message"]


@pytest.mark.parametrize(
    ("variable", "value", "words", "said"),
    [
        ("OPENAI_BASE_URL", "8080", ["ask", "which?", "-t", "PEAKS"], "'8080' is no server's address"),
        ("OPENAI_BASE_URL", "http://localhost:99999", ["ask", "which?", "-t", "PEAKS"], "is no server's address"),
        ("BINDER_MODEL", "stub", ["ask", "which?", "-t", "PEAKS"], "Set OPENAI_BASE_URL"),
        ("BINDER_LOCAL_MODEL", "/nowhere.gguf", ["ask", "which?", "-t", "PEAKS"], "which is no file"),
        ("BINDER_CACHE", "PEAKS", ["cache"], "which is a file. Give a folder, or off"),
    ],
)
def test_a_variable_that_cannot_work_is_said_in_one_line(
    peaks: str, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, words: list[str], said: str
) -> None:
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "BINDER_MODEL", "BINDER_LOCAL_MODEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, value.replace("PEAKS", peaks))
    shown = command(*[word.replace("PEAKS", peaks) for word in words])
    assert (shown.exit_code, shown.stdout) == (2, "")
    assert said in shown.stderr
    assert shown.stderr.startswith("binder: ") and shown.stderr.count("\n") == 1


def test_a_warning_is_one_line() -> None:
    code = "import binder.failing, typer, warnings; app = typer.Typer(); app.command()(lambda: warnings.warn('a\\nb'))"
    code += "; binder.failing.start(app, 'binder')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr == "binder: a\\nb\n"


def test_a_failure_to_answer_is_one_line_and_nothing_else(peaks: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("BINDER_MODEL", "stub")
    shown = command("ask", "which?", "-t", peaks)
    assert shown.exit_code == 1
    assert shown.stderr.startswith("binder: stub at ") and shown.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (f"SELECT height * {2**63 - 1} FROM w", "failed while running: a number grows beyond 64 bits"),
        (
            "SELECT altitude FROM w",
            "the program that was drafted cannot be run: line 1, column 8: no column 'altitude'",
        ),
    ],
)
def test_why_a_drafted_program_gave_no_answer_is_said(
    peaks: str, monkeypatch: pytest.MonkeyPatch, program: str, said: str
) -> None:
    with serve(lambda body: completion(program)) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("BINDER_MODEL", "stub")
        shown = command("ask", "which?", "-t", peaks, "-n", "1")
    assert shown.exit_code == 1
    first, *others = shown.stderr.splitlines()
    assert said in first
    assert (others == []) == ("failed while running" in said)


def test_text_that_cannot_be_read_is_wrong_usage(peaks: str) -> None:
    shown = CliRunner().invoke(app, ["check", "-", "-t", peaks], input=b"SELECT '\xff'")
    assert shown.exit_code == 2
    assert "what is read is not utf-8 text" in shown.stderr


def test_tables_are_named_by_their_files_or_as_one_says(tmp_path: Path) -> None:
    for folder, cells in (("a", "k,v\n1,x\n"), ("b", "k,u\n1,y\n")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "log.csv").write_text(cells)
    (tmp_path / "n=1.csv").write_text("k,v\n1,z\n")
    a, b, equals = (str(tmp_path / name) for name in ("a/log.csv", "b/log.csv", "n=1.csv"))
    joined = "SELECT v, u FROM log JOIN other ON log.k = other.k"
    assert "answer    x | y" in command("run", joined, "-t", a, "-t", f"other={b}").stdout
    assert "answer    z" in command("run", "SELECT v FROM n_1", "-t", equals).stdout
    assert "answer    z" in command("run", "SELECT v FROM m", "-t", f"m={equals}").stdout


def test_a_file_in_this_folder_whose_name_holds_an_equals_sign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("n=1.csv").write_text("k,v\n1,z\n")
    assert "answer    z" in command("run", "SELECT v FROM n_1", "-t", "n=1.csv").stdout


def test_failures_are_json_where_json_is_asked_for(peaks: str) -> None:
    shown = command("check", "SELECT age FROM w", "-t", peaks, "--json")
    assert shown.exit_code == 1
    document = json.loads(shown.stdout)
    assert document["error"] == "ProgramError"
    assert document["complaints"][0]["span"] == {"start": 7, "end": 10}


def test_a_database_is_a_table(tmp_path: Path) -> None:
    path = tmp_path / "peaks.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE peaks (name TEXT, height INTEGER)")
        database.execute("INSERT INTO peaks VALUES ('K2', 8611), ('Fuji', 3776)")
    database.close()
    query = "SELECT * FROM peaks"
    shown = command("run", "SELECT name FROM w WHERE height > 5000", "-t", f"sqlite:///{path}", "--query", query)
    assert "answer    K2" in shown.stdout
    named = command("run", "SELECT name FROM p", "-t", f"p=sqlite:///{path}", "--query", query)
    assert "answer    K2, Fuji" in named.stdout


def test_models_says_who_would_answer(model: list[Any]) -> None:
    shown = command("models")
    assert shown.stdout.startswith("stub at http://127.0.0.1:")
    assert "OPENAI_BASE_URL" in shown.stdout
    assert json.loads(command("models", "--json").stdout)["ready"] is True


@pytest.mark.parametrize("as_json", [False, True])
def test_models_fails_where_none_is_ready(monkeypatch: pytest.MonkeyPatch, as_json: bool) -> None:
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BINDER_MODEL", "gpt")
    shown = command("models", *["--json"] * as_json)
    assert shown.exit_code == 1
    assert ('"ready": false' if as_json else "not ready: BINDER_MODEL names 'gpt'") in shown.stdout


def test_what_is_cut_shows_that_it_is(tmp_path: Path, model: list[Any]) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"country\n{'x' * 99} y z\n{'y' * 100}\n")
    shown = command("run", 'SELECT QA("map@is it in Asia?"; country) FROM w', "-t", str(path))
    assert f"            {'x' * 99}… -> yes" in shown.stdout
    assert f"            {'y' * 100} -> yes" in shown.stdout


def test_one_is_one(tmp_path: Path, model: list[Any]) -> None:
    path = tmp_path / "t.csv"
    path.write_text("country\nRussia\n")
    shown = command("run", 'SELECT QA("map@is it in Asia?"; country) FROM w', "-t", str(path)).stdout
    assert "1 input, 1 request, " in shown
    assert "cost      1 request, " in shown


def test_what_a_table_says_cannot_drive_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b\n\x1b[2Jboo,1\n")
    assert "\x1b" not in command("run", "SELECT a FROM w", "-t", str(path)).stdout
    assert "\x1b" not in command("run", "SELECT a FROM \x1b[2J", "-t", str(path)).stderr


def test_a_limit_ends_a_question_in_one_line(peaks: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(lambda body: completion("SELECT name FROM w WHERE QA(\"map@is it high?\"; name) = 'yes'")) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("BINDER_MODEL", "stub")
        shown = command("ask", "which are high?", "-t", peaks, "-n", "1", "--max-requests", "1")
    assert shown.exit_code == 1
    assert "1 request" in shown.stderr
    assert shown.stderr.count("\n") == 1
