"""replies: from what an LM wrote to one text an input, by number.

Read are a JSON object (alone, fenced, or with prose around it) and lines such as ``3: yes``; where a list is wanted,
also a JSON array that has its lines to itself, and numbered or bulleted lines. What is read is never guessed: a number
given twice with different answers counts as not given, a number that no input has spoils the whole reply (the model may
have counted from another start), and a list without numbers says nothing about which is whose. A reply that was cut
short is not for reading: its last answer may be half of one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from itertools import chain
from typing import Any

from grammars.reply import Expected, ReplyKind

Answers = dict[int, str | None]

LONGEST_BARE = 200
BARE_WORDS = 3
LONGEST_KEY = 4

_LINE = re.compile(r'^[ \t*•-]*"?(\d{1,4})"?(?:[ \t]*[:)=]|\.)[ \t]+(\S.*)$', re.MULTILINE)
_ARRAY = re.compile(r"^[ \t]*(?=\[)", re.MULTILINE)
_ITEM = re.compile(r"^([ \t]*)(?:([*•-])|(\d{1,4})[.):])[ \t]+(\S.*)$", re.MULTILINE)
_THINKING = re.compile(r"^\s*<think>.*?</think>", re.DOTALL)


def read_map(text: str, count: int) -> Answers:
    """The replies to a map's inputs, by number.

    Args:
        text: What the LM wrote.
        count: How many inputs there were, numbered from 1.

    Returns:
        Number to text, None where the LM gave null. Numbers that are missing or doubtful are left out.

    Example:
        >>> read_map('Sure: {"1": "yes", "2": null}', 2)
        {1: 'yes', 2: None}
        >>> read_map("1. yes\\n2. no\\n2. yes", 2)
        {1: 'yes'}
        >>> read_map('{"0": "yes", "1": "no"}', 2)
        {}
    """
    text = _THINKING.sub("", text)
    objects, prose = _objects(text)
    if not objects and "{" in prose:
        return {}  # an object without its end: its last line may be half of one
    lines = [] if objects else _lines(prose)
    said = [(key, value) for key, value in chain(*objects, lines) if key.isdecimal()]
    if any(len(key) > LONGEST_KEY for key, _ in said):
        return {}
    numbered = [(int(key), value) for key, value in said]
    if any(not 1 <= number <= count for number, _ in numbered):
        return {}
    return _agreed(numbered)


def read_ans(text: str, many: bool = False) -> list[str | None] | None:
    """The reply to an ans: its values, one for a single value, or None where there is no reply to be read.

    Args:
        text: What the LM wrote.
        many: Whether a list is wanted; then a bare JSON array and marked lines are one.

    Example:
        >>> read_ans('{"answer": ["cumin", "clove"]}')
        ['cumin', 'clove']
        >>> read_ans('{"answer": null}')
        [None]
        >>> read_ans("{}") is None
        True
        >>> read_ans("Two of them:\\n- cumin\\n- clove", many=True)
        ['cumin', 'clove']
    """
    text = _THINKING.sub("", text)
    found = [value for key, value in chain(*_objects(text)[0]) if key == "answer"]
    if not found and many:
        found = [values for values in (_array(text), _items(text)) if values is not None][:1]
    if not found or any(value != found[0] for value in found):
        return None
    values = found[0] if type(found[0]) is list else found[:1]
    return None if any(isinstance(value, list) for value in values) else [_scalar(value) for value in values]


def read_bare(text: str, expected: Expected) -> str | None:
    """A reply that is nothing but the value that is expected, or None. Only fit where a request has one input.

    Where any text would do there is none: it may be a refusal, or an error's words, as well as the answer.

    Example:
        >>> read_bare("Yes.", Expected(ReplyKind.YES_NO, ("yes", "no")))
        'Yes.'
        >>> read_bare("No, sorry.", Expected(ReplyKind.YES_NO, ("yes", "no"))) is None
        True
        >>> read_bare("Rate limit exceeded", Expected()) is None
        True
    """
    text = _THINKING.sub("", text).strip().strip("`").strip()
    few = len(text) <= LONGEST_BARE and 1 <= len(text.split()) <= BARE_WORDS
    if not few or "\n" in text or text[0] in "{[<" or (expected.kind is ReplyKind.TEXT and not expected.closed):
        return None
    either = ("yes", "no") if expected.kind is ReplyKind.YES_NO else ()
    labels = {label.casefold() for label in (*expected.labels, *either)}
    return text if not labels or text.strip(" .!'\"").casefold() in labels else None


def _lines(prose: str) -> list[tuple[str, str]]:
    """Replies on numbered lines; none where anything else is said, since the lines may then be of another matter."""
    lines = [line for line in prose.splitlines() if line.strip(" \t`")]
    found = [_LINE.match(line) for line in lines]
    return [(one[1], one[2].rstrip(" \t,")) for one in found if one] if all(found) else []


def _objects(text: str) -> tuple[list[_Pairs], str]:
    """The outermost JSON objects in a text, each as its pairs, so that a key given twice is seen; and the rest."""
    found: list[_Pairs] = []
    prose: list[str] = []
    done, at = 0, text.find("{")
    while at >= 0:
        try:
            value, end = _DECODER.raw_decode(text, at)
        except ValueError:
            at = text.find("{", at + 1)
            continue
        except RecursionError:  # each object inside would take as long, and be as deep but for one
            break
        found.append(value)
        prose.append(text[done:at])
        done, at = end, text.find("{", end)
    return found, "\n".join([*prose, text[done:]])


class _Pairs(list[tuple[str, Any]]):
    """A JSON object as its pairs, told from a JSON list."""


_DECODER = json.JSONDecoder(object_pairs_hook=_Pairs, parse_int=str, parse_float=str, strict=False)


def _array(text: str) -> list[Any] | None:
    """The JSON array of a text that holds one and, on its lines, nothing else."""
    match = _ARRAY.search(text)
    try:
        values, end = _DECODER.raw_decode(text, match.end()) if match else (None, 0)
    except (ValueError, RecursionError):
        return None
    alone = not text[end:].partition("\n")[0].strip() and not _ARRAY.search(text, end)
    return values if alone else None


def _items(text: str) -> list[Any] | None:
    """The marked lines of a text, if all are marked alike: bullets, or numbers that count from 1."""
    items = _ITEM.findall(text)
    marks = {(indent, bullet) for indent, bullet, _, _ in items}
    numbers = [int(number) for _, _, number, _ in items if number]
    counted = numbers == list(range(1, len(numbers) + 1))
    return [item.rstrip() for _, _, _, item in items] if len(marks) == 1 and counted else None


def _agreed(numbered: Iterable[tuple[int, Any]]) -> Answers:
    """The numbers whose answers are single values and do not contradict each other."""
    given: dict[int, list[Any]] = {}
    for number, value in numbered:
        given.setdefault(number, []).append(value)
    return {
        number: _scalar(values[0])
        for number, values in given.items()
        if not isinstance(values[0], list) and all(value == values[0] for value in values)
    }


def _scalar(value: Any) -> str | None:
    """A JSON value as text; numbers keep their digits."""
    return ("true" if value else "false") if isinstance(value, bool) else None if value is None else str(value)
