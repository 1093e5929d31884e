"""views: what the page shows: itself, answers with what may be changed in them, and where what went wrong belongs."""

from __future__ import annotations

import base64
import hashlib
import re
import time
import traceback
from dataclasses import replace
from typing import Any

from binder.console import render_error
from binder.errors import BinderError, ProgramError, RunError
from binder.explain import Explanation
from binder.notebook.html import environment, html_of
from binder.serve.conversation import Asked, Conversation, Place
from binder.table import Table

MOST_ROWS = 10_000
"""Rows of a table that are shown; a browser is slow with more."""
MOST_INPUTS = 2_000
"""Inputs that are offered for another reply."""

BANNER = "banner"
"""Where things are said that belong to no field."""


def page(conversation: Conversation, unavailable: str) -> str:
    """The page.

    Args:
        conversation: What is asked on it.
        unavailable: Why the language model cannot answer, or an empty string.
    """
    template = environment().get_template("serve.html.jinja")
    return template.render(tables=conversation.tables, unavailable=unavailable)


def style_hash() -> str:
    """The hash of the style that every view holds, as a content security policy names it."""
    text = str(environment().get_template("parts.html.jinja").module.style())  # type: ignore[attr-defined]
    style = re.search(r"<style>(.*)</style>", text, re.DOTALL)
    assert style is not None
    return f"sha256-{base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()}"


def table(shown: Table) -> str:
    """The view of a table, or of its first rows."""
    if shown.num_rows <= MOST_ROWS:
        return html_of(shown)
    first = html_of(replace(shown, data=shown.data.slice(0, MOST_ROWS)))
    return f"<p>The first {MOST_ROWS:,} of {shown.num_rows:,} rows:</p>{first}"


def heading(asked: Asked) -> dict[str, Any]:
    """What is said of something in the list of all that was asked."""
    return {"number": asked.number, "title": asked.title, "place": asked.place, "state": _state(asked)}


def state(asked: Asked, progress: tuple[int, int]) -> dict[str, Any]:
    """How something stands: under way, stopped, or what came of it.

    Args:
        asked: What was asked.
        progress: How many inputs the model has answered, and how many are wanted so far.
    """
    told = heading(asked)
    if asked.answer is not None:
        return {**told, "html": _answer(asked), "program": str(asked.answer.program)}
    if told["state"] == "failed":
        error = asked.task.exception()
        assert error is not None
        return {**told, "trouble": trouble(error, asked.place)}
    answered, wanted = progress
    return {**told, "seconds": time.monotonic() - asked.started, "answered": answered, "wanted": wanted}


def trouble(error: BaseException, place: Place) -> dict[str, str | None]:
    """What went wrong, and where it is shown.

    Args:
        error: What was raised.
        place: What it came from.
    """
    if isinstance(error, ProgramError):
        return {"place": Place.PROGRAM, "message": render_error(error), "html": html_of(error), "program": error.text}
    if isinstance(error, RunError):
        return {"place": place, "message": render_error(error)}
    if isinstance(error, BinderError):
        return {"place": BANNER, "message": render_error(error)}
    traceback.print_exception(error)
    return {"place": BANNER, "message": f"a fault of binder's own: {error!r}; the terminal shows where"}


def begun(what: Asked | Explanation | None) -> dict[str, Any]:
    """What the page's script is told of something that was begun, or done."""
    if isinstance(what, Asked):
        return {"number": what.number}
    return {"html": html_of(what)} if what is not None else {}


def refusal(error: BinderError, place: Place) -> dict[str, Any]:
    """What is told where nothing was begun: the fault is in what was given, so it is said there."""
    if isinstance(error, ProgramError):
        return {"trouble": trouble(error, place)}
    return {"trouble": {"place": place, "message": render_error(error)}}


def _state(asked: Asked) -> str:
    if not asked.task.done():
        return "running"
    if asked.task.cancelled():
        return "stopped"
    return "answered" if asked.answer is not None else "failed"


def _answer(asked: Asked) -> str:
    """An answer's view, with a form that changes a reply."""
    answer = asked.answer
    assert answer is not None
    template = environment().get_template("served.html.jinja")
    return template.render(view=html_of(answer), calls=answer.trace.calls, most=MOST_INPUTS, title=asked.title)
