"""language: the two languages that programs are written in, and which of them a text is in."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache

from grammars.program import Program
from grammars.python import PythonProgram

AnyProgram = Program | PythonProgram


class Language(StrEnum):
    """What a program is written in."""

    SQL = "sql"
    PYTHON = "python"


_PYTHON = re.compile(
    r"^\s*((async )?def \w+\(|solve\s*=|import \w|from [\w.]+ import |print\(|\w+ = |```python|```py\b)",
    re.MULTILINE | re.IGNORECASE,
)


@lru_cache(maxsize=256)
def language_of(text: str) -> Language:
    """Which language a program's text is in.

    Example:
        >>> language_of("def solve(table):\\n    return len(table)"), language_of("SELECT COUNT(*) FROM w")
        (<Language.PYTHON: 'python'>, <Language.SQL: 'sql'>)
    """
    return Language.PYTHON if _PYTHON.search(text) else Language.SQL
