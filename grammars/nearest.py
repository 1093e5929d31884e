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
_LETTERS_A_SLIP = 6  # how many letters a word must have for each slip in it but the first

JOINING = "an|as|at|by|for|from|in|is|of|on|per|the|to"
"""Words that tell nothing by themselves, and are no marks however short: ``height in cm`` is ``Height (cm)``."""

MARK = (
    r"..?|(?:xl|l?x{0,3})(?:ix|iv|v?i{0,3})|min|max|avg|mph|kph|kmh|mpg|rpm|kwh|mwh|gwh|lbs|yds|hrs|sec"
    r"|usd|eur|gbp|aud|cad|nzd|jpy|cny|inr"
)
"""The words that tell a name from its neighbours, as digits do: letters (``Group B``), Roman numerals, units, and any
that are too short for a slip. With another of them it is another name. Python and DuckDB both read this pattern."""


def nearest(name: str, spellings: Mapping[str, str], slips: bool = True) -> tuple[str | None, list[str]]:
    """The one thing that a name can mean, or None, and the likeliest ones for a hint.

    Args:
        name: The name as written.
        spellings: What there is, by each of its spellings.
        slips: Whether it may be misspelled.

    Example:
        >>> nearest("total_votes", {"Total votes": "Total votes", "Name": "Name"})
        ('Total votes', ['Total votes'])
        >>> nearest("hieght", {"Height (m)": "Height (m)", "Name": "Name"})
        ('Height (m)', ['Height (m)'])
        >>> nearest("party", {"Name": "Name", "Votes": "Votes"})
        (None, [])
    """
    for alike in (same_name, _same_letters, _shortened_or_slipped if slips else _shortened):
        found = list(dict.fromkeys(meant for spelled, meant in spellings.items() if alike(name, spelled)))
        if found:
            return (found[0] if len(found) == 1 else None), found[:3]
    scores: dict[str, float] = {}
    for spelled, meant in spellings.items():
        scores[meant] = max(scores.get(meant, 0), fuzz.ratio(fold_name(name), fold_name(spelled)))
    ranked = sorted(scores, key=lambda meant: -scores[meant])
    close = [meant for meant in ranked[:3] if scores[meant] >= 60]
    clear = len(ranked) == 1 or (len(ranked) > 1 and scores[ranked[0]] - scores[ranked[1]] >= 5)
    if not (slips and clear and scores[ranked[0]] >= _CLOSE and len(fold_name(name)) >= 6):
        return None, close
    misspelled = any(_misspelled(name, spelled) for spelled, meant in spellings.items() if meant == ranked[0])
    return (ranked[0] if misspelled else None), close


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
    if written == _joining(name):  # nothing else to go by: a column may be called `From (km)`
        full = _parts(candidate)
    if len("".join(written)) < 3 or len(written) > len(full) or not _joined_alike(name, candidate):
        return False
    remaining = iter(full)
    return all(word in remaining for word in written)


def _shortened_or_slipped(name: str, candidate: str) -> bool:
    """Both at once: where ``Lap`` may be short for ``Best lap`` and a slip for ``Laps``, neither is sure."""
    return _shortened(name, candidate) or _slipped(name, candidate)


def _slipped(name: str, candidate: str) -> bool:
    """Whether one letter is wrong, missing, too many or in its neighbour's place; a header's unit may be left out."""
    return len(fold_name(name)) >= 3 and any(
        _same_frame(name, each) and _slips(fold_name(name), fold_name(each), most=1) == 1
        for each in (candidate, _UNIT.sub("", candidate))
    )


def _misspelled(name: str, candidate: str) -> bool:
    """Whether each word is another's with few slips: ``Home atendance`` is not ``Home audience``."""
    pairs = list(zip(_words(name), _words(candidate), strict=False))
    return (
        _same_frame(name, candidate)
        and len(_words(name)) == len(_words(candidate))
        and all(_slips(*pair, most=max(1, len(pair[1]) // _LETTERS_A_SLIP)) is not None for pair in pairs)
    )


def _slips(written: str, there: str, most: int) -> int | None:
    """How many slips make one text of another, or None if more than so many."""
    distance = DamerauLevenshtein.distance(written, there, score_cutoff=most)
    return distance if distance <= most else None


def _same_frame(name: str, candidate: str) -> bool:
    """Whether two names have what no slip changes: their marks, and the words' first letters.

    Another first letter often makes another word: game and name, home wins and home sins.
    """
    ours, theirs = ([word[0] for word in _words(each)] for each in (name, candidate))
    joined = min(len(ours), len(theirs)) == 1
    return (
        _joined_alike(name, candidate)
        and marks(name) == marks(candidate)
        and (ours == theirs or (joined and ours[:1] == theirs[:1]))
    )


def _joined_alike(name: str, candidate: str) -> bool:
    """Whether two names have the same joining words, or one of them has none: ``Won at`` is not ``Won as``."""
    ours, theirs = _joining(name), _joining(candidate)
    return ours == theirs or not ours or not theirs


@functools.lru_cache(_KEPT)
def _joining(name: str) -> list[str]:
    return [word for word in _parts(name) if re.fullmatch(JOINING, word)]


@functools.lru_cache(_KEPT)
def marks(name: str) -> list[str]:
    """The digits and the words of a name that make another name if they are others.

    Example:
        >>> marks("Season II, 2009"), marks("GroupB"), marks("Height cm")
        (['ii', '2', '0', '0', '9'], ['b'], ['cm'])
    """
    apart = re.sub(r"(?<=[a-z])(?=[A-Z]\b)", " ", re.sub("['’]", "", name)).casefold()
    parts = re.findall(r"[^\W\d_]+|\d", apart)
    return [part for part in parts if re.fullmatch(MARK, part) and not re.fullmatch(JOINING, part)]


@functools.lru_cache(_KEPT)
def _words(name: str) -> list[str]:
    """The words of a name, those that join others left out where there are any others."""
    return [word for word in _parts(name) if not re.fullmatch(JOINING, word)] or _parts(name)


def _parts(name: str) -> list[str]:
    return re.findall(r"[^\W_]+", re.sub("['’]", "", name).casefold())
