"""Program files as the published Binder scripts read and write them.

A file is one JSON object, from an example's place in its split (``"0"``, ``"1"``, …) to ``generations`` (or
``nsqls``), a list of programs each with its log-probability, and ``ori_data_item``, the example. Where that names the
example's id, the id counts and not the place, so a file of some examples can be written and read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import Any

from binder.trace import Sample
from evaluation.example import DataSetError, Example

_JSON = {list: "list", str: "text", int: "number", float: "number", bool: "truth value", type(None): "null"}
PROGRAMS = ("generations", "nsqls")

_NOT = "is not in the published Binder format"
_FORMAT = 'Give an object from an example\'s place in the split to {"generations": [[program, log-probability], …]}'


def load(path: Path, examples: Sequence[Example]) -> dict[str, tuple[Sample, ...]]:
    """The programs of a file, by the id of the example they are for.

    Args:
        path: The file.
        examples: All examples of the split it was made from.

    Raises:
        DataSetError: The file is missing, is not in this format, or is about other examples.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataSetError(f"there is no file {path}; --programs takes a file in the published Binder format") from None
    except ValueError as error:
        raise DataSetError(f"{path} {_NOT}: it is no JSON ({error}). {_FORMAT}") from None
    try:
        if not isinstance(content, dict):
            raise ValueError(f"it holds {_named(content)} where an object should be")
        ids = [example.id for example in examples]
        return dict(_entry(place, entry, ids, set(ids)) for place, entry in content.items())
    except ValueError as error:
        raise DataSetError(f"{path} {_NOT}: {error}. {_FORMAT}") from None


def save(path: Path, examples: Sequence[Example], programs: Mapping[str, Sequence[Sample]]) -> None:
    """Write programs in the published format.

    Args:
        path: The file.
        examples: All examples of the split.
        programs: The programs, by the id of the example they are for.
    """
    path.write_text(json.dumps(dict(_entries(examples, programs)), ensure_ascii=False, indent=1), encoding="utf-8")


def _entry(place: str, entry: Any, ids: Sequence[str], known: Set[str]) -> tuple[str, tuple[Sample, ...]]:
    key = next((key for key in PROGRAMS if key in entry), None) if isinstance(entry, dict) else None
    if key is None:
        raise ValueError(f"entry {place!r} has neither {' nor '.join(PROGRAMS)}")
    if not isinstance(entry[key], list):
        raise ValueError(f"the {key} of entry {place!r} are {_named(entry[key])}, not a list")
    samples = tuple(_sample(place, pair) for pair in entry[key])
    item = entry.get("ori_data_item")
    named = item.get("id") if isinstance(item, dict) else None
    if named in known:
        return str(named), samples
    if not (place.isascii() and place.isdecimal() and int(place) < len(ids)):
        raise ValueError(f"entry {place!r} is about no example: the split's are 0 to {len(ids) - 1}")
    return ids[int(place)], samples


def _sample(place: str, pair: Any) -> Sample:
    """A program and its log-probability, which may be null."""
    if isinstance(pair, list) and len(pair) == 2:
        text, logprob = pair
        if isinstance(text, str) and (logprob is None or isinstance(logprob, int | float)):
            return Sample(text, None if logprob is None else float(logprob))
    raise ValueError(f"entry {place!r} holds {json.dumps(pair)[:60]} where [program, log-probability] should be")


def _named(value: Any) -> str:
    """What a JSON value is, in JSON's own terms."""
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "a truth value", type(None): "null"}
    return kinds.get(type(value), "a number")


def _entries(examples: Sequence[Example], programs: Mapping[str, Sequence[Sample]]) -> Iterator[tuple[str, Any]]:
    for place, example in enumerate(examples):
        if example.id in programs:
            item = {"id": example.id, "question": example.question, "answer_text": list(example.target)}
            pairs = [[sample.text, sample.logprob] for sample in programs[example.id]]
            yield str(place), {"generations": pairs, "ori_data_item": item}
