"""A small data set in WikiTableQuestions' layout, for runs over it."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluation import wikitq
from evaluation.example import Example

ANIMALS = ["bat", "cow", "owl", "yak", "elk", "eel", "ant", "ape"]


@pytest.fixture
def farm(tmp_path: Path) -> Path:
    """Twenty-four questions about eight tables; by turns about big animals, a count, and nothing that is there."""
    items = []
    for number in range(24):
        house = number // 3
        rows = [["animal", "house", "weight"]]
        rows += [[f"{animal} {house}", str(house), str(100 * place + house)] for place, animal in enumerate(ANIMALS)]
        question, target = (
            (f"which animals of house {house} are big?", (f"yak {house}", f"elk {house}")),
            (f"how many animals has house {house}?", ("8",)),
            (f"which dragon lives in house {house}?", ("none",)),
        )[number % 3]
        items.append((Example(f"x-{number}", question, tmp_path, f"House {house}", target), rows))
    wikitq.write(tmp_path / "farm", "dev", items)
    return tmp_path / "farm"
