"""Functions that stand for a language model; ``--lm knowing.py:answer`` names one."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from binder.lm import Request

BIG = ("yak", "elk")


def answer(request: Request) -> str:
    """Knows which animals are big."""
    if request.purpose == "map":
        return json.dumps(
            {n: "yes" if str(cells[0]).startswith(BIG) else "no" for n, cells in enumerate(request.inputs, 1)}
        )
    if request.purpose == "ans":
        return json.dumps({"answer": ["8"] if "a list" in request.prompt.rpartition("Answer: ")[2] else "yes"})
    asked = request.messages[-1].content
    if "big?" in asked:
        return "SELECT animal FROM w WHERE QA(\"map@is it big?\"; animal) = 'yes'"
    if "how many" in asked:
        return "SELECT COUNT(*) FROM w"
    return "SELECT animal FROM w WHERE kind = 'dragon'"


def slow(request: Request) -> str:
    """``answer``, which takes a while, and writes down what it is asked in the file that ``REQUESTS`` names."""
    with Path(os.environ["REQUESTS"]).open("a", encoding="utf-8") as file:
        file.write(json.dumps([request.purpose, request.prompt]) + "\n")
    time.sleep(0.03)
    return answer(request)


def first_row(request: Request) -> str:
    """One fixed program for every question, valid over every table: for measuring what is not the model."""
    return "SELECT * FROM w LIMIT 1" if request.purpose == "draft" else "{}"
