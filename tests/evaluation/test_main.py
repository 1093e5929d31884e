"""The command line: what it writes and prints, and how it fails."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from evaluation.__main__ import app

KNOWING = f"{Path(__file__).with_name('knowing.py')}:answer"


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


def test_a_benchmark_is_run_exported_and_run_again_from_the_file(farm: Path, tmp_path: Path) -> None:
    programs, out = tmp_path / "programs.json", tmp_path / "out"
    common = ("--data", farm, "--split", "dev", "--quiet")
    done = call("wikitq", *common, "--out", out, "--lm", KNOWING, "--samples", 1, "--repairs", 0, "--export", programs)
    assert (done.exit_code, "66.7 % [47-82] of 24" in done.output) == (0, True)
    assert {path.name for path in out.iterdir()} == {
        *("run.json", "journal.jsonl", "drafts.jsonl", "results.jsonl", "report.html", "report.json", "report.md")
    }
    again = call("wikitq", *common, "--out", tmp_path / "again", "--programs", programs)
    assert again.exit_code == 0
    assert json.loads((tmp_path / "again" / "report.json").read_text())["runs"][0]["statuses"] == {
        "right": 8,
        "failed": 8,
        "refused": 8,
    }
    both = call("report", out, tmp_path / "again", "--to", tmp_path / "both")
    assert (both.exit_code, "out and again" in both.output) == (0, True)
    timed = call("timing", "wikitq", "--data", farm, "--split", "dev", "--programs", programs)
    assert (timed.exit_code, "24 questions" in timed.output) == (0, True)
    wide = call("harder", "wikitq", *common[:4], "--distracting-columns", 1, "--out", tmp_path / "wide")
    assert (wide.exit_code, "24 of 24" in wide.output) == (0, True)


def test_every_option_that_decides_the_results_is_kept_with_them(farm: Path, tmp_path: Path) -> None:
    options = ["--samples", "2", "--temperature", "0.7", "--shots", "3", "--exemplars", "tabfact", "--nearest"]
    options += ["--repairs", "1", "--vote", "answer", "--favour", "8", "--weight", "5", "--seed", "9", "--mode", "sql"]
    usual = ["--data", farm, "--split", "dev", "--lm", KNOWING, "--out", tmp_path / "out", "--quiet", "--limit", "2"]
    assert call("wikitq", *usual, *options).exit_code == 0
    assert json.loads((tmp_path / "out" / "run.json").read_text()) == {
        **{"benchmark": "wikitq", "data": str(farm), "split": "dev", "lm": KNOWING, "raw": False, "mode": "sql"},
        **{"samples": 2, "temperature": 0.7, "shots": 3, "exemplars": "tabfact", "nearest": True, "repairs": 1},
        **{"vote": "answer", "favour": "8", "weight": 5.0, "programs": None, "seed": 9},
    }


def test_a_file_may_make_the_model_itself(farm: Path, tmp_path: Path) -> None:
    code = "from binder.lm import Scripted\nmodel = Scripted(lambda asked: 'SELECT COUNT(*) FROM w', name='counting')"
    (tmp_path / "lm.py").write_text(code)
    out = tmp_path / "out"
    options = ("--data", farm, "--split", "dev", "--out", out, "--samples", 1, "--quiet", "--ids", "x-1")
    done = call("wikitq", *options, "--lm", f"{tmp_path / 'lm.py'}:model")
    assert (done.exit_code, "of 1" in done.output) == (0, True)
    assert json.loads((out / "run.json").read_text())["lm"] == "counting"


def test_some_examples_and_one_phase(farm: Path, tmp_path: Path) -> None:
    options = ("--data", farm, "--split", "dev", "--lm", KNOWING, "--samples", 1, "--quiet", "--out", tmp_path / "out")
    assert call("wikitq", *options, "--ids", "x-4,x-1", "--phase", "annotate").exit_code == 0
    drafts = (tmp_path / "out" / "drafts.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in drafts] == ["x-1", "x-4"]
    assert not (tmp_path / "out" / "report.html").exists()
    assert call("wikitq", *options, "--ids", "x-4,x-1", "--phase", "execute").exit_code == 0
    assert (tmp_path / "out" / "report.html").exists()


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (["--split", "tset"], 1, "there is no split 'tset'"),
        (["--lm", "nowhere.py:answer"], 2, "there is no file nowhere.py"),
        (["--lm", KNOWING.replace("answer", "guess")], 2, "has no function 'guess'"),
        (["--ids", "x-99"], 2, "holds no x-99"),
        (["--ids", " , "], 2, "--ids names no example"),
        (["--lm", "nowhere.py"], 2, "give --lm nowhere.py:FUNCTION"),
        (["--lm", KNOWING.replace("answer", "guess")], 2, "; it has answer"),
        (["--lm", "none"], 2, "--lm none drafts no programs"),
        (["--exemplars", "nowhere"], 2, "no exemplar set 'nowhere'"),
        (["--export", "nowhere/at/all.json"], 2, "--export nowhere/at/all.json cannot be written"),
        (["--vote", "answer"], 2, "--favour"),
        (["--temperature", "inf"], 2, "temperature is inf"),
        (["--temperature", "hot"], 2, "'--temperature'"),
        (["--limit", "-1"], 2, "'--limit'"),
        (["--lm", "some", "--base-url", "8080"], 2, "'8080' is no server's address"),
        (["--raw"], 2, "--raw is for TabFact"),
        (["--programs", "nowhere.json"], 2, "cannot read nowhere.json"),
        (["--data", "nowhere"], 1, "git clone"),
        (["--out", __file__], 1, "name another file or folder"),
        (["--mode", "guess"], 2, "guess"),
        (["--samples", "0"], 2, "greater than or equal"),
    ],
)
def test_a_mistake_is_said(farm: Path, tmp_path: Path, options: list[str], status: int, said: str) -> None:
    usual = ["--data", farm, "--split", "dev", "--lm", KNOWING, "--out", tmp_path / "out", "--quiet"]
    done = call("wikitq", *usual, *options)
    assert done.exit_code == status
    assert said in done.stderr
    assert done.stderr.startswith("binder-eval: ") and done.stderr.count("\n") == 1


@pytest.mark.parametrize("words", [["--fly"], ["fly"], ["wikitq"], ["report"], ["harder", "--fly"]])
def test_wrong_usage_is_one_line(words: list[str]) -> None:
    done = call(*words)
    assert done.exit_code == 2 and done.stdout == ""
    assert done.stderr.startswith("binder-eval: ") and done.stderr.count("\n") == 1
    assert "--help" in done.stderr


@pytest.mark.parametrize(
    ("content", "status", "said"),
    [
        ("import nothere", 2, "lm.py, line 1, cannot be loaded: ModuleNotFoundError: No module named 'nothere'"),
        ("x = 1\ndef answer(:", 2, "lm.py, line 2, cannot be loaded: SyntaxError: invalid syntax"),
        ("raise SystemExit(3)", 2, "lm.py, line 1, cannot be loaded: SystemExit: 3"),
        ("def answer(request):\n    raise KeyError('x')", 1, "lm.py, line 2, failed: KeyError: 'x'. Mend it"),
        ("def answer():\n    return ''", 1, "lm.py failed: TypeError: answer() takes 0 positional arguments"),
        ("async def answer(request):\n    raise OSError", 1, "lm.py, line 2, failed: OSError. Mend it"),
    ],
)
def test_a_function_that_fails_is_said_with_its_place(
    farm: Path, tmp_path: Path, content: str, status: int, said: str
) -> None:
    (tmp_path / "lm.py").write_text(content)
    options = ("--data", farm, "--split", "dev", "--out", tmp_path / "out", "--samples", 1, "--quiet")
    done = call("wikitq", *options, "--lm", f"{tmp_path / 'lm.py'}:answer")
    assert (done.exit_code, done.stdout) == (status, "")
    assert said in done.stderr
    assert all(line.startswith("binder-eval: ") for line in done.stderr.splitlines())
    assert ("goes on from" in done.stderr) == (status == 1)
    (tmp_path / "lm.py").write_text("def answer(request):\n    return 'SELECT COUNT(*) FROM w'")
    assert call("wikitq", *options, "--lm", f"{tmp_path / 'lm.py'}:answer").exit_code == 0
