"""The views: what they show, that nothing in them is taken for markup, and what a real browser makes of them."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pandas
import pytest
from playwright.sync_api import Browser

import binder
from binder import Answer, Binder, ConfigurationError, ProgramError, Table
from binder.lm import Request, Scripted
from binder.notebook.html import html_of
from binder.trace import Sample
from tests.support.browser import contrast, opened

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


def test_calls_of_one_question_link_to_their_own_steps(engine: Binder, table: Table) -> None:
    answer = engine.run("SELECT QA('map@is it?'; name), QA('map@is it?'; land) FROM w", table)
    links = re.findall(r'<a class="asks" href="#[\w-]+-step-(\d)">', answer._repr_html_())
    assert links == ["1", "2"]


def test_a_reply_that_was_changed_says_so(engine: Binder, table: Table, answer: Answer) -> None:
    changed = engine.run(answer.program, table, replies=answer.trace.override(1, "Peru", "yes"))
    assert changed._repr_html_().count("(by hand)") == 1
    with pytest.raises(ConfigurationError, match="is no text"):
        answer.trace.override(1, "Peru", 5)  # type: ignore[arg-type]


def test_a_long_cell_folds(engine: Binder) -> None:
    long = Table.from_pandas(pandas.DataFrame({"text": ["x" * 5000]}))
    assert "4,700 characters more" in engine.run("SELECT text FROM w", long)._repr_html_()


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


def written(body: str, folder: Path) -> str:
    """The address of a page with views in it."""
    page = folder / "page.html"
    page.write_text(f"<!doctype html><meta charset=utf-8><title>quiet</title><body>{body}")
    return page.as_uri()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_call_leads_to_its_step(chromium: Browser, answer: Answer, tmp_path: Path, scheme: str) -> None:
    with opened(chromium, written(answer._repr_html_(), tmp_path), scheme) as page:
        step = page.locator("details.step").first
        inside = step.locator("table").first
        step.locator("summary").first.click()
        assert not inside.is_visible()
        page.locator("a.asks").first.focus()
        page.keyboard.press("Enter")  # a link into what is folded opens it
        inside.wait_for(state="visible")
        assert page.evaluate("document.querySelector(':target') !== null")
        ink, paper = page.evaluate("""() => {
          const view = getComputedStyle(document.querySelector(".binder"));
          return [view.color, view.backgroundColor];
        }""")
        assert contrast(ink, paper) > 7


def test_cells_stay_text(chromium: Browser, answer: Answer, table: Table, tmp_path: Path) -> None:
    with opened(chromium, written(answer._repr_html_() + table._repr_html_(), tmp_path)) as page:
        assert page.title() == "quiet"
        assert page.locator("script").count() == 0
        assert page.get_by_text("<script>document.title = 'run'</script>").count() > 0
        assert page.evaluate("performance.getEntriesByType('resource').length") == 0


def test_ten_thousand_rows_are_shown_at_once(chromium: Browser, tmp_path: Path) -> None:
    frame = pandas.DataFrame({f"c{at}": [f"cell {at} {row}" for row in range(10_000)] for at in range(5)})
    big = Table.from_pandas(frame)
    started = time.perf_counter()
    shown = big._repr_html_()
    made = time.perf_counter() - started
    with opened(chromium, written(shown, tmp_path)) as page:
        loaded, opening = page.evaluate("""() => {
          const loaded = performance.getEntriesByType("navigation")[0].domComplete;
          const begun = performance.now();
          document.querySelectorAll("details")[3].open = true;
          document.body.getBoundingClientRect();
          return [loaded, performance.now() - begun];
        }""")
        assert page.get_by_text("cell 4 1600", exact=True).is_visible()
        assert page.get_by_text("cell 4 9999", exact=True).count() == 1
    print(f"10,000 rows: {made:.2f} s to make, {loaded / 1000:.2f} s to show, {opening / 1000:.3f} s to open 500 more")


def test_the_extension_is_there() -> None:
    assert callable(binder.load_ipython_extension)
