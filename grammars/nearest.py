"""Which of several names a name nearly right stands for."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping

from rapidfuzz import fuzz
from rapidfuzz.distance import DamerauLevenshtein

from grammars.sql import fold_name as fold

_CLOSE = 85  # rapidfuzz's ratio from which one name is a misspelling of another, if no other is as close
_KEPT = 20_000  # names whose readings are kept: a program of many wrong names compares each with every column
_UNIT = re.compile(r"[(\[][^)\]]*[)\]]\s*\Z")


def nearest(name: str, spellings: Mapping[str, str]) -> tuple[str | None, list[str]]:
    """The one thing that a name can mean, or None, and the likeliest ones for a hint.

    Args:
        name: The name as written.
        spellings: What there is, by each of its spellings.

    Example:
        >>> nearest("total_votes", {"Total votes": "Total votes", "Name": "Name"})
        ('Total votes', ['Total votes'])
        >>> nearest("hieght", {"Height (m)": "Height (m)", "Name": "Name"})
        ('Height (m)', ['Height (m)'])
        >>> nearest("party", {"Name": "Name", "Votes": "Votes"})
        (None, [])
    """
    for alike in (same_name, _same_letters, _shortened, _slipped):
        found = list(dict.fromkeys(meant for spelled, meant in spellings.items() if alike(name, spelled)))
        if found:
            return (found[0] if len(found) == 1 else None), found[:3]
    scores: dict[str, float] = {}
    for spelled, meant in spellings.items():
        scores[meant] = max(scores.get(meant, 0), fuzz.ratio(fold_name(name), fold_name(spelled)))
    ranked = sorted(scores, key=lambda meant: -scores[meant])
    close = [meant for meant in ranked[:3] if scores[meant] >= 60]
    clear = len(ranked) == 1 or (len(ranked) > 1 and scores[ranked[0]] - scores[ranked[1]] >= 5)
    numbered = {meant for spelled, meant in spellings.items() if _digits(spelled) == _digits(name)}
    if clear and scores[ranked[0]] >= _CLOSE and len(fold_name(name)) >= 6 and ranked[0] in numbered:
        return ranked[0], close
    return None, close


@functools.lru_cache(_KEPT)
def fold_name(name: str) -> str:
    return fold(name)


def same_name(name: str, candidate: str) -> bool:
    """Whether two names are one, case ignored."""
    return name.casefold() == candidate.casefold()


def _same_letters(name: str, candidate: str) -> bool:
    return fold_name(name) == fold_name(candidate)


def _shortened(name: str, candidate: str) -> bool:
    """Whether a name is some of a longer header's words, in order, or its beginning."""
    written, full = _words(name), _words(candidate)
    if len("".join(written)) < 3 or len(written) > len(full):
        return False
    remaining = iter(full)
    return all(word in remaining for word in written)


def _slipped(name: str, candidate: str) -> bool:
    """Whether one letter is wrong, missing, too many or in its neighbour's place; a header's unit may be left out.

    The first letter is seldom what a slip changes, and another first letter often makes another word: game and name.
    """
    written = fold_name(name)
    if len(written) < 3 or _digits(name) != _digits(candidate):
        return False
    full = (fold_name(candidate), fold_name(_UNIT.sub("", candidate)))
    return any(
        written[:1] == each[:1] and DamerauLevenshtein.distance(written, each, score_cutoff=1) == 1 for each in full
    )


@functools.lru_cache(_KEPT)
def _digits(name: str) -> str:
    """The digits of a name: another number is another name, not a slip."""
    return "".join(character for character in name if character.isdigit())


@functools.lru_cache(_KEPT)
def _words(name: str) -> list[str]:
    return re.findall(r"[^\W_]+", name.casefold())
