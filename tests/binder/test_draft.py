"""How programs are drafted: settings that cannot work are refused at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from binder import ConfigurationError, Drafting
from grammars.language import Language


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ({"samples": 0}, "samples is 0; give a whole number of 1 or more"),
        ({"samples": True}, "samples is True"),
        ({"shots": -1}, "shots is -1; give a whole number of 0 or more"),
        ({"shots": 1.5}, "shots is 1.5"),
        ({"repairs": -2}, "repairs is -2"),
        ({"calls": "no"}, "calls is 'no'; give True or False"),
        ({"nearest": 1}, "nearest is 1; give True or False"),
        ({"temperature": -1}, "temperature is -1; give a number of 0 or more"),
        ({"temperature": "hot"}, "temperature is 'hot'"),
        ({"seed": "a"}, "seed is 'a'; give a whole number"),
        ({"folder": 3}, "folder is 3"),
        ({"exemplars": 3}, "exemplars is 3"),
        ({"language": "cobol"}, "no language 'cobol'; the languages are sql, python or auto"),
    ],
)
def test_a_setting_that_cannot_work_is_refused(setting: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Drafting(**setting)
    assert told in str(refused.value)


def test_a_folder_may_be_a_text(tmp_path: Path) -> None:
    assert Drafting(folder=str(tmp_path)).folder == tmp_path  # type: ignore[arg-type]


@pytest.mark.parametrize("first", range(4))
@pytest.mark.parametrize("last", range(4, 8))
def test_samples_drawn_in_parts_are_those_drawn_at_once(first: int, last: int) -> None:
    auto = Drafting(samples=8, language="auto")
    whole = {language: list(own) for language, own in auto.of_each(range(8))}
    assert [len(own) for own in whole.values()] == [4, 4]
    parts: dict[Language, list[int]] = {Language.SQL: [], Language.PYTHON: []}
    for numbers in (range(first), range(first, last), range(last, 8)):
        for language, own in auto.of_each(numbers):
            parts[language] += own
    assert parts == whole
