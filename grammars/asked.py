"""asked: what an LM call's question asks for: one value a row (``map@``) or one value in all (``ans@``)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rapidfuzz.distance import DamerauLevenshtein

from grammars.calls import ANS, MAP

USAGE = 'write QA("map@question"; columns) for one value a row, or QA("ans@question"; input) for one value in all'
_KINDS = {"map": MAP, "ans": ANS}
_PREFIX = re.compile(r"\s*([^\W\d_]+)\s*@\s*")


@dataclass(frozen=True)
class Asked:
    """A question as it is written, read.

    Attributes:
        name: ``MAP`` or ``ANS``, or None when its prefix is neither.
        question: The question without its prefix.
        mend: What was mended to read it so, or an empty string.
    """

    name: str | None
    question: str
    mend: str = ""


def read_question(written: str, named: str | None = None) -> Asked:
    """What a question asks for.

    Args:
        written: The text that the call begins with.
        named: ``MAP`` or ``ANS`` where the call's own name says it, as in ``qa_map``; a prefix is then not needed.

    Example:
        >>> read_question("map@ is it big?")
        Asked(name='QA_MAP', question='is it big?', mend='')
        >>> read_question("mpa@is it big?").mend
        '`mpa@` read as `map@`'
        >>> read_question("foo@is it big?").name is None
        True
    """
    found = _PREFIX.match(written)
    prefix = found.group(1).lower() if found else ""
    rest = written[found.end() :].strip() if found else written.strip()
    if prefix in _KINDS:
        return Asked(named or _KINDS[prefix], rest)
    if named:
        return Asked(named, written.strip())
    if not prefix:
        return Asked(MAP, rest, "a question without `map@` or `ans@` taken for a map")
    meant = next((kind for kind in _KINDS if _is_meant(prefix, kind)), None)
    return Asked(_KINDS[meant], rest, f"`{prefix}@` read as `{meant}@`") if meant else Asked(None, rest)


def _is_meant(prefix: str, kind: str) -> bool:
    """Whether a prefix is a kind with one slip, or a longer word for it: ``mpa``, ``answer``."""
    return prefix.startswith(kind) or DamerauLevenshtein.distance(prefix, kind, score_cutoff=1) == 1
