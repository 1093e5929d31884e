"""A real browser that looks at a page and says what it sees."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SCHEMES = {"dark": 0, "light": 1}

# Opens everything, and writes into the page's own text what can be seen of it.
LOOK = """
<script id="looking">
const errors = []; addEventListener("error", event => errors.push(String(event.message)));
addEventListener("load", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
  const seen = element => element && element.getBoundingClientRect().height > 0;
  const style = name => { const element = document.querySelector(name); return element && getComputedStyle(element); };
  const report = {
    errors,
    background: style("body").backgroundColor,
    colours: Object.fromEntries(["body", ".note", ".status.right", ".status.refused", "pre"]
      .map(name => [name, style(name) && style(name).color])),
    box: style("pre") && style("pre").backgroundColor,
    examples: [...document.querySelectorAll("details.example")].map(element => element.innerText),
    drawn: [...document.querySelectorAll("svg.interval circle, svg.outcomes rect")].filter(seen).length,
    wide: document.documentElement.scrollWidth > document.documentElement.clientWidth,
    requested: performance.getEntriesByType("resource").map(entry => entry.name),
  };
  const out = document.createElement("textarea");
  out.id = "seen"; out.textContent = JSON.stringify(report); document.body.append(out);
});
</script>
"""


def find() -> str:
    """The browser's program; skips the test where there is none."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser is installed (looked for {', '.join(NAMES)})")
    return found


def look(page: Path, scheme: str, folder: Path, width: int = 1200) -> dict[str, Any]:
    """What a browser sees of a page whose details are all open.

    Args:
        page: The page.
        scheme: ``light`` or ``dark``, what the reader prefers.
        folder: An empty folder for the browser.
        width: The window's width.
    """
    watched = folder / "watched.html"
    watched.write_text(page.read_text("utf-8").replace("<head>", "<head>" + LOOK, 1), "utf-8")
    options = [f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}", f"--window-size={width},900"]
    command = [find(), *FLAGS, *options, f"--user-data-dir={folder / 'profile'}", "--dump-dom", watched.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=True)
    seen = re.search(r'<textarea id="seen">(.*?)</textarea>', done.stdout, re.S)
    assert seen is not None, done.stdout[-500:]
    text = seen[1].replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", "\u00a0").replace("&amp;", "&")
    report: dict[str, Any] = json.loads(text)
    return report


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, from 1 to 21, as the Web Content Accessibility Guidelines define it."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
