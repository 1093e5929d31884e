"""The examples in docstrings work: those of every module, and so all that the reference shows."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

ROOMS = ("grammars", "exemplars", "binder", "evaluation")


def modules() -> list[str]:
    """Every module of the four packages; ``__main__`` is a program, not to be imported."""
    found = [
        info.name
        for room in ROOMS
        for info in pkgutil.walk_packages(importlib.import_module(room).__path__, f"{room}.")
        if not info.name.endswith("__main__")
    ]
    return [*ROOMS, *found]


@pytest.mark.parametrize("name", modules())
def test_examples_give_what_they_say(name: str) -> None:
    failed, _ = doctest.testmod(importlib.import_module(name))
    assert failed == 0, f"examples in {name}; python -m doctest shows them"


def test_there_are_examples_to_run() -> None:
    finder = doctest.DocTestFinder(exclude_empty=True)
    found = [test for name in modules() for test in finder.find(importlib.import_module(name)) if test.examples]
    assert len(found) > 50
