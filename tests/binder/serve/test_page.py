"""The page of ``binder serve`` in a real browser: asked, answered, mended and stopped, by the keyboard alone."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import pandas
import pytest
from playwright.sync_api import Browser, Page, expect

from binder import Binder, Table
from binder.lm import Request, Scripted
from tests.support.browser import opened
from tests.support.serving import Served, served

NASTY = "<script>document.title = 'run'</script>"
PROGRAM = "SELECT name FROM peaks WHERE QA(\"map@is it in Asia?\"; land) = 'yes'"


class Model:
    """A model that is wrong about Peru, and can be made to wait; it counts what it is asked."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.go_on.set()
        self.inputs = 0

    def __call__(self, request: Request) -> str:
        self.go_on.wait(20)
        if request.purpose == "draft":
            nonsense = any("nonsense" in message.content for message in request.messages)
            return "SELECT nothing" if nonsense else PROGRAM
        self.inputs += len(request.inputs)
        return json.dumps({n: "no" if cells[0] == "Kenya" else "yes" for n, cells in enumerate(request.inputs, 1)})


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
def site(model: Model) -> Iterator[Served]:
    frame = pandas.DataFrame({"name": ["K2", NASTY, "Huascarán"], "land": ["Pakistan", "Kenya", "Peru"]})
    many = pandas.DataFrame({"word": [f"word {number}" for number in range(10_000)]})
    with (
        Binder(lm=Scripted(model), cache=False) as engine,
        served(engine, Table.from_pandas(frame, name="peaks"), Table.from_pandas(many, name="words")) as one,
    ):
        yield one


@pytest.fixture
def page(chromium: Browser, site: Served) -> Iterator[Page]:
    with opened(chromium, site.address) as one:
        yield one


def ask(page: Page, question: str) -> None:
    page.locator("#question").fill(question)
    page.keyboard.press("Control+Enter")


def expect_answer(page: Page, *values: str) -> None:
    """An answer of these values is shown, and has the focus."""
    shown = page.locator("#view .value" if len(values) == 1 else "#view .binder > .scroll:first-of-type tbody td")
    expect(shown).to_have_text(list(values))
    expect(page.locator("#answer")).to_be_focused()


def test_a_question_is_asked_and_its_answer_has_the_focus(page: Page, site: Served) -> None:
    assert page.url == f"{site.site}/"  # without the token
    assert page.evaluate("document.activeElement.id") == "question"
    page.keyboard.type("which are in Asia?")
    page.keyboard.press("Control+Enter")
    expect_answer(page, "K2", "Huascarán")
    assert page.locator("#program").input_value().endswith("= 'yes'")
    expect(page.locator("#history")).to_contain_text("which are in Asia?")
    page.locator("#view a.asks").click()
    assert page.locator("#view details.step table").first.is_visible()


def test_a_program_is_edited_and_run_again_without_asking_again(page: Page, model: Model) -> None:
    ask(page, "which are in Asia?")
    expect_answer(page, "K2", "Huascarán")
    asked = model.inputs
    page.locator("#program").focus()
    page.keyboard.press("Control+End")
    page.keyboard.type(" AND name LIKE 'k%'")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#history li")).to_have_count(2)
    expect_answer(page, "K2")
    assert model.inputs == asked == 3


def test_a_reply_is_changed_by_hand(page: Page, model: Model) -> None:
    ask(page, "which are in Asia?")
    expect_answer(page, "K2", "Huascarán")
    page.locator("details.change summary").focus()
    page.keyboard.press("Enter")
    page.locator("#input").select_option(label="Peru → yes")
    page.locator("#reply").fill("no")
    page.keyboard.press("Enter")
    expect(page.locator("#history li")).to_have_count(2)
    expect_answer(page, "K2")
    assert model.inputs == 3


def test_a_refusal_is_said_at_the_program(page: Page) -> None:
    page.locator("#program").fill("SELECT heihgt FROM peaks WHERE foo(1)")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#program-trouble")).to_be_focused()
    told = page.locator("#program-trouble")
    assert "heihgt" in told.locator("mark").first.inner_text()
    assert page.locator("#program").get_attribute("aria-invalid") == "true"


def test_a_draft_that_cannot_be_run_is_said_and_can_be_mended(page: Page) -> None:
    ask(page, "nonsense?")
    expect(page.locator("#program-trouble")).to_be_focused()
    assert page.locator("#program").input_value() == "SELECT nothing"


def test_nothing_to_ask_is_said_at_the_field(page: Page) -> None:
    page.locator("#question").focus()
    page.keyboard.press("Control+Enter")
    expect(page.locator("#question-trouble")).to_be_focused()


def test_what_a_program_would_ask_is_told_before(page: Page, model: Model) -> None:
    page.locator("#program").fill("SELECT COUNT(*) FROM words WHERE QA(\"map@is it long?\"; word) = 'yes'")
    page.locator("#explain").click()
    page.locator("#plan").wait_for(state="visible")
    assert "10,000" in page.locator("#plan").inner_text()
    assert model.inputs == 0


def test_progress_is_told_and_what_runs_is_stopped(page: Page, model: Model) -> None:
    model.go_on.clear()
    page.locator("#program").fill("SELECT COUNT(*) FROM words WHERE QA(\"map@is it long?\"; word) = 'yes'")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#told")).to_contain_text("of 10,000 inputs answered")
    page.locator("#stop").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_have_text("Stopped.")
    expect(page.locator("#history")).to_contain_text("stopped")
    model.go_on.set()
    ask(page, "which are in Asia?")
    expect_answer(page, "K2", "Huascarán")


def test_cells_stay_text_and_a_long_table_is_shown_at_once(page: Page) -> None:
    for number, text in ((0, NASTY), (1, "word 3")):
        table = page.locator("details.table").nth(number)
        table.locator("summary").first.click()
        table.get_by_text(text, exact=True).wait_for(timeout=5_000)
    assert page.title() == "peaks, words · binder"


def test_an_answer_is_opened_again_in_another_tab_and_a_narrow_dark_window(
    chromium: Browser, page: Page, site: Served
) -> None:
    ask(page, "which are in Asia?")
    expect_answer(page, "K2", "Huascarán")
    with opened(chromium, site.site, "dark", 400, page.context.storage_state()) as other:
        other.locator("#history button").click()
        expect_answer(other, "K2", "Huascarán")
        assert other.evaluate("document.documentElement.scrollWidth") <= 400


def test_every_control_is_reached_by_tab(page: Page) -> None:
    reached: list[str] = []
    for _ in range(8):
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
        page.keyboard.press("Tab")
    assert reached[0] == "question"
    assert {"program", "explain"} <= set(reached) and "BUTTON" in reached
