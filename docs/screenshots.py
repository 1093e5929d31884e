"""Takes the pictures of a notebook's view and of the local page: ``make screenshots``.

Both show a real answer of the embedded model; the page is `binder serve`, opened in Chromium.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

import binder

ROOT = Path(__file__).parents[1]
IMAGES = Path(__file__).parent / "images"
PEAKS = ROOT / "examples" / "peaks.csv"
NOVELS = ROOT / "examples" / "novels.csv"
SERVE = [sys.executable, "-c", "from binder.cli import main; main()", "serve", str(PEAKS), "--no-browser"]


def of_a_view(page: Page) -> None:
    """An answer as a notebook shows it."""
    with binder.Binder(lm=binder.lm.Local()) as engine:
        answer = engine.ask("Which of these novels were written in Russian?", binder.Table.from_csv(NOVELS), n=1)
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "view.html"
        written.write_text(f"<!doctype html><meta charset=utf-8><body>{answer._repr_html_()}", encoding="utf-8")
        page.goto(written.as_uri())
        page.screenshot(path=IMAGES / "notebook.png", full_page=True)


def of_the_page(page: Page) -> None:
    """The page of ``binder serve`` with an answer."""
    with subprocess.Popen(SERVE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        page.goto(server.stdout.readline().strip())
        page.locator("#question").fill("Which of these peaks are in South America?")
        page.keyboard.press("Control+Enter")
        expect(page.locator("#answer")).to_be_focused(timeout=240_000)
        expect(page.locator("#history")).to_contain_text("question")
        page.screenshot(path=IMAGES / "serve.png", full_page=True)
        server.terminate()


def main() -> None:
    """Take both."""
    os.environ["BINDER_CACHE"] = "off"  # so that the cost is that of asking
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1180, "height": 600}, color_scheme="light")
        of_a_view(page)
        of_the_page(page)
        browser.close()


if __name__ == "__main__":
    main()
