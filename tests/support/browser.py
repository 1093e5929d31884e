"""A real browser, driven by Playwright, that looks at pages."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")

# What can be seen of a page once everything in it is open.
LOOK = """() => {
  for (const details of document.querySelectorAll("details")) details.open = true;
  const seen = element => element && element.getBoundingClientRect().height > 0;
  const style = name => { const element = document.querySelector(name); return element && getComputedStyle(element); };
  return {
    background: style("body").backgroundColor,
    colours: Object.fromEntries(["body", ".note", ".status.right", ".status.refused", "pre"]
      .map(name => [name, style(name) && style(name).color])),
    box: style("pre") && style("pre").backgroundColor,
    examples: [...document.querySelectorAll("details.example")].map(element => element.innerText),
    drawn: [...document.querySelectorAll("svg.interval circle, svg.outcomes rect")].filter(seen).length,
    requested: performance.getEntriesByType("resource").map(entry => entry.name),
    wide: document.documentElement.scrollWidth > document.documentElement.clientWidth,
  };
}"""


@contextmanager
def launched() -> Iterator[Browser]:
    """A browser without a window; skips the test where none is installed."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser is installed (looked for {', '.join(NAMES)})")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])  # root has no other way
        yield browser
        browser.close()


@contextmanager
def opened(
    browser: Browser, address: str, scheme: str = "light", width: int = 1200, cookies: Any = None
) -> Iterator[Page]:
    """A page in a browser, with neither errors nor requests that leave this machine by the end of the context.

    Args:
        browser: The browser.
        address: What to open.
        scheme: ``light`` or ``dark``, what the reader prefers.
        width: The window's width.
        cookies: The ``storage_state`` of another page's context, whose cookies this one is to have.
    """
    size: Any = {"width": width, "height": 900}
    wanted: Any = scheme
    context = browser.new_context(color_scheme=wanted, viewport=size, storage_state=cookies)
    errors: list[str] = []
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    context.on("weberror", lambda error: errors.append(str(error.error)))
    context.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.goto(address)
    try:
        yield page
    finally:
        context.close()
    assert not errors
    assert not [url for url in asked if urlsplit(url).hostname not in (None, "", "127.0.0.1")]


def look(browser: Browser, page: Path, scheme: str, width: int = 1200) -> dict[str, Any]:
    """What a browser sees of a page whose details are all open, as ``opened`` opens it."""
    with opened(browser, page.as_uri(), scheme, width) as shown:
        report: dict[str, Any] = shown.evaluate(LOOK)
        return report


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, from 1 to 21, as the Web Content Accessibility Guidelines define it."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
