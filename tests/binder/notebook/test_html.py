"""The views: what they show, that nothing in them is taken for markup, and what a real browser makes of them."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pandas
import pytest

import binder
from binder import Answer, Binder, ProgramError, Table
from binder.lm import Request, Scripted
from binder.notebook.html import html_of
from binder.trace import Sample
from tests.support.browser import FLAGS, find

NASTY = "<script>document.title = 'run'</script><b>bold</b> &amp; \"quoted\""
SQL = "SELECT name, height FROM w WHERE QA(\"map@is it in Asia?\"; land) = 'yes'"
PYTHON = """
def solve(table):
    table = qa_map(table, "is it in Asia?", "land")
    return table[table["is it in Asia?"] == "yes"]["name"].tolist()
"""


def reply(request: Request) -> str:
    if request.purpose == "draft":
        return SQL if request.n == 1 or len(request.messages) % 2 else "SELECT 1"
    return json.dumps({n: "no" if cells[0] == "Peru" else "yes" for n, cells in enumerate(request.inputs, 1)})


@pytest.fixture(scope="module")
def table() -> Table:
    frame = pandas.DataFrame(
        {"name": ["K2", NASTY, "Huascarán"], "height": ["8,611", "1", "6,768"], "land": ["Pakistan", NASTY, "Peru"]}
    )
    return Table.from_pandas(frame, name="peaks", title=NASTY)


@pytest.fixture(scope="module")
def engine() -> Iterator[Binder]:
    with Binder(lm=Scripted(reply), cache=False) as one:
        yield one


@pytest.fixture(scope="module")
def answer(engine: Binder, table: Table) -> Answer:
    return engine.ask(f"which peaks are in Asia? {NASTY}", table, n=1)


class Reader(HTMLParser):
    """The tags, identifiers and links of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.ids += [value for name, value in attrs if name == "id" and value]
        self.links += [value for name, value in attrs if name in ("href", "src") and value]

    def handle_data(self, data: str) -> None:
        self.text += data


def refusal(engine: Binder, table: Table) -> ProgramError:
    with pytest.raises(ProgramError) as refused:
        engine.check("SELECT hihgt_x, '<script>1</script>' FROM w WHERE foo(1)", table)
    return refused.value


def test_an_answer_shows_values_program_steps_and_cost(answer: Answer) -> None:
    seen = Reader(answer._repr_html_())
    for text in ("8,611", "Pakistan", "yes", 'QA("map@is it in Asia?"; land)', "3 inputs", "2 requests", "scripted"):
        assert text in seen.text
    (link,) = seen.links
    assert link.removeprefix("#") in seen.ids


def test_views_of_one_page_do_not_clash(answer: Answer) -> None:
    ids = Reader(answer._repr_html_() + answer._repr_html_()).ids
    assert len(ids) == len(set(ids))


def test_nothing_is_taken_for_markup(engine: Binder, table: Table, answer: Answer) -> None:
    other = engine.run("SELECT 1", table)
    explained = engine.explain(SQL, table)
    for shown in (answer, answer.program, explained, answer.trace, table, refusal(engine, table), answer.diff(other)):
        seen = Reader(html_of(shown))
        assert "script" not in seen.tags
        assert not [link for link in seen.links if not link.startswith("#")]


def test_a_python_program_links_its_calls(engine: Binder, table: Table) -> None:
    shown = engine.run(PYTHON, table)._repr_html_()
    assert re.search(
        r'<a class="asks" href="#[\w-]+">qa_map\(table, &#34;is it in Asia\?&#34;, &#34;land&#34;\)</a>', shown
    )


def test_a_refusal_points_at_the_place(engine: Binder, table: Table) -> None:
    shown = html_of(refusal(engine, table))
    assert "<mark>hihgt_x</mark>" in shown and "hint:" in shown


def test_candidates_are_shown_with_their_votes(table: Table) -> None:
    samples = [Sample("SELECT 1"), Sample("SELECT 2"), Sample("SELECT 1")]
    with Binder(lm=Scripted(reply), cache=False) as engine:
        shown = Reader(html_of(engine.decide("what?", table, samples).answer())).text
    assert "2 distinct programs; this answer has 67 % of the vote" in shown


def test_the_rows_it_came_from_are_shown_and_marked(engine: Binder, table: Table, answer: Answer) -> None:
    shown = answer._repr_html_()
    assert '<th scope="col">row_id</th><th scope="col">● name</th><th scope="col">● height</th>' in shown
    assert "2 of 3 rows; ● marks what the program names" in shown
    assert "all 3 rows" in engine.run("SELECT COUNT(*) FROM w", table)._repr_html_()
    assert "not told: a Python program" in engine.run(PYTHON, table)._repr_html_()


def test_what_has_no_view_is_said() -> None:
    with pytest.raises(TypeError, match="no view of a int"):
        html_of(3)


def screen(body: str, folder: Path, script: str = "") -> str:
    """What a browser makes of a page, as its document after a script has run."""
    page = folder / "page.html"
    page.write_text(f"<!doctype html><meta charset=utf-8><title>quiet</title><body>{body}<script>{script}</script>")
    command = [find(), *FLAGS, f"--user-data-dir={folder / 'profile'}", "--dump-dom", page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=True).stdout


def test_a_browser_shows_it_and_follows_its_links(answer: Answer, table: Table, tmp_path: Path) -> None:
    script = """
      const link = document.querySelector("a.asks"); link.click();
      const step = document.querySelector(link.getAttribute("href"));
      const inner = step.querySelector("table").getBoundingClientRect().height;
      step.open = false; const folded = step.getBoundingClientRect().height; step.open = true;
      document.body.dataset.seen = JSON.stringify({target: step.matches(":target"), inner, folded,
        open: step.getBoundingClientRect().height, title: document.title,
        requested: performance.getEntriesByType("resource").length});
    """
    seen = re.search(r'data-seen="([^"]*)"', screen(answer._repr_html_() + table._repr_html_(), tmp_path, script))
    assert seen is not None
    report = json.loads(seen[1].replace("&quot;", '"'))
    assert report["target"] and report["inner"] > 0 and report["folded"] < report["open"]
    assert report["title"] == "quiet"
    assert report["requested"] == 0


def test_ten_thousand_rows_are_shown_at_once(tmp_path: Path) -> None:
    frame = pandas.DataFrame({f"c{at}": [f"cell {at} {row}" for row in range(10_000)] for at in range(5)})
    big = Table.from_pandas(frame)
    started = time.perf_counter()
    shown = big._repr_html_()
    made = time.perf_counter() - started
    script = """
      const begun = performance.now(); document.body.getBoundingClientRect();
      document.querySelectorAll("details")[3].open = true; document.body.getBoundingClientRect();
      document.body.dataset.seen = JSON.stringify([performance.now(), performance.now() - begun]);
    """
    seen = re.search(r'data-seen="([^"]*)"', screen(shown, tmp_path, script))
    assert seen is not None
    assert "cell 4 9999" in shown
    loaded, opened = json.loads(seen[1])
    print(f"10,000 rows: {made:.2f} s to make, {loaded / 1000:.2f} s to show, {opened / 1000:.3f} s to open 500 more")


def test_the_extension_is_there() -> None:
    assert callable(binder.load_ipython_extension)
