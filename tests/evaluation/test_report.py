"""What a report adds up, and what a reader sees of it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from binder.errors import ConfigurationError
from binder.lm import Scripted
from evaluation import report, wikitq
from evaluation.display import Price, Tally, accuracy
from evaluation.groups import question_type, table_size
from evaluation.intervals import paired, wilson
from evaluation.run import run
from evaluation.settings import Mode, Settings
from tests.evaluation import knowing
from tests.support import browser

HOSTILE = "<script>alert('x')</script>"


@pytest.fixture
def runs(farm: Path, tmp_path: Path) -> list[Path]:
    """A run with programs, and one of the model alone over half of the examples."""
    questions = farm / "data" / "dev.tsv"
    questions.write_text(
        questions.read_text("utf-8").replace("house 0 are big?", f"house 0 {HOSTILE} are big?"), "utf-8"
    )
    settings = Settings("wikitq", str(farm), "dev", "knowing", samples=1, repairs=0)
    examples = wikitq.examples(farm, "dev")
    outs = [tmp_path / "programs", tmp_path / "whole"]
    run(outs[0], settings, examples, Scripted(knowing.answer))
    run(outs[1], replace(settings, mode=Mode.QA), examples[:12], Scripted(knowing.answer))
    return outs


def test_shares_come_with_their_interval() -> None:
    assert accuracy(15, 60) == "25.0 % [16-37] of 60"
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(10, 10)[1] == pytest.approx(1.0)
    for n in (1, 7, 50):
        for successes in range(n + 1):
            low, high = wilson(successes, n)
            assert 0 <= low < high <= 1
            assert low - 1e-9 <= successes / n <= high + 1e-9


def test_runs_are_compared_example_by_example() -> None:
    pair = paired([True] * 6 + [False] * 4, [True] * 5 + [False] + [True] * 4)
    assert (pair.n, pair.both, pair.first, pair.second) == (10, 5, 1, 4)
    assert pair.difference == pytest.approx(0.3)
    assert pair.p == pytest.approx(2 * (1 + 5) / 2**5)
    assert pair.interval[0] < 0.3 < pair.interval[1]
    assert paired([True], [True]).p == 1.0


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("how many boats won?", "how many"),
        ("what is the difference between them?", "how much, how long"),
        ("in what year did he win?", "when"),
        ("who came after Bo?", "next, previous, first, last"),
        ("which boat is the fastest?", "most, least"),
        ("whose boat sank?", "who, where"),
        ("which boat sank?", "which, what"),
        ("is it so?", "other"),
    ],
)
def test_questions_are_sorted_by_what_they_ask(question: str, kind: str) -> None:
    assert question_type({"question": question, "judged": False}) == kind


def test_statements_are_sorted_by_label_and_tables_by_size() -> None:
    assert question_type({"judged": True, "gold": ["1"]}) == "entailed"
    assert [table_size({"rows": rows}) for rows in (1, 10, 11, 500, 501)] == [
        *("1-10 rows", "1-10 rows", "11-20 rows", "201-500 rows", "more than 500 rows")
    ]


def test_the_display_adds_up() -> None:
    tally = Tally()
    spent = {"requests": 2, "prompt_tokens": 1000, "completion_tokens": 500}
    tally.add({"usage": spent})
    assert tally.text(Price()) == "2 requests · 1,500 tokens"
    tally.add({"usage": spent, "right": True})
    assert tally.text(Price(1000, 2000)) == "100.0 % [21-100] of 1 · 4 requests · 3,000 tokens · $4.00"


def test_a_report_adds_up(runs: list[Path], tmp_path: Path) -> None:
    text = report.write(runs, tmp_path / "both", Price(10, 20))
    made = json.loads((tmp_path / "both" / "report.json").read_text("utf-8"))
    programs, whole = made["runs"]
    assert programs["accuracy"]["right"] == 16
    assert programs["statuses"] == {"right": 16, "refused": 8}
    assert {group["group"]: (group["right"], group["n"]) for group in programs["groups"]["program kind"]} == {
        "plain": (8, 8),
        "map": (8, 8),
        "none": (0, 8),
    }
    assert programs["per_question"]["requests"] == pytest.approx(32 / 24)
    assert whole["per_question"]["dollars"] > 0
    (pair,) = made["comparisons"]
    assert (pair["n"], pair["both"], pair["first"], pair["second"]) == (12, 4, 4, 0)
    assert sorted(pair["differ"]) == ["x-0", "x-3", "x-6", "x-9"]
    assert made["near_official"] is True
    assert "66.7 % [47-82] of 24" in text
    assert (tmp_path / "both" / "report.md").read_text("utf-8") == text


def test_a_page_holds_everything_and_runs_nothing(runs: list[Path], tmp_path: Path) -> None:
    report.write(runs, tmp_path, Price())
    page = (tmp_path / "report.html").read_text("utf-8")
    assert re.findall(r"""(?:src|href)=|url\(|@import|<script|<link|<iframe""", page) == []
    assert "&lt;script&gt;" in page


def test_a_page_does_without_the_data(runs: list[Path], farm: Path, tmp_path: Path) -> None:
    farm.rename(tmp_path / "moved")
    report.write(runs[:1], tmp_path, Price())
    assert "how many animals has house 1?" in (tmp_path / "report.html").read_text("utf-8")


def test_runs_must_be_there_and_of_one_kind(runs: list[Path], tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no run in"):
        report.load([tmp_path / "nowhere"])
    replace(report.load(runs)[0].settings, split="train").settle(tmp_path / "other")
    with pytest.raises(ConfigurationError, match="no results yet"):
        report.load([tmp_path / "other"])
    (tmp_path / "other" / "results.jsonl").write_bytes((runs[0] / "results.jsonl").read_bytes())
    with pytest.raises(ConfigurationError, match="cannot be compared"):
        report.load([runs[0], tmp_path / "other"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_reader_sees_the_report(runs: list[Path], tmp_path: Path, scheme: str, chromium: Browser) -> None:
    report.write(runs, tmp_path, Price())
    seen = browser.look(chromium, tmp_path / "report.html", scheme)
    assert seen["requested"] == []
    assert (browser.contrast(seen["background"], "rgb(0, 0, 0)") > 10) is (scheme == "light")
    faint = [name for name, colour in seen["colours"].items() if browser.contrast(colour, seen["background"]) < 4.5]
    assert faint == []
    assert browser.contrast(seen["colours"]["pre"], seen["box"]) >= 4.5
    assert len(seen["examples"]) == 24
    hostile = next(text for text in seen["examples"] if "x-0" in text)
    for shown in (HOSTILE, "yak 0", 'QA("map@is it big?"; animal)', "Gold", "House 0", "8 inputs"):
        assert shown in hostile
    assert seen["drawn"] > 10


def test_a_reader_with_a_narrow_window_scrolls_down_only(runs: list[Path], tmp_path: Path, chromium: Browser) -> None:
    report.write(runs, tmp_path, Price())
    assert browser.look(chromium, tmp_path / "report.html", "light", width=520)["wide"] is False
