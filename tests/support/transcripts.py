"""Requests as texts that are read by eye and kept in files."""

from __future__ import annotations

from binder.lm import Request
from tests.support.pairs import FIXTURES


def transcript(request: Request) -> str:
    """The messages of a request, each under a line that names who says it."""
    return "".join(f"--- {message.role}\n{message.content}\n" for message in request.messages)


def kept(name: str) -> str:
    """The transcript in a fixture file."""
    return (FIXTURES / "prompts" / name).read_text(encoding="utf-8")
