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


def load(path: Path, examples: Sequence[Example]) -> dict[str, tuple[Sample, ...]]:
    """The programs of a file, by the id of the example they are for.

    Args:
        path: The file.
        examples: All examples of the split it was made from.

    Raises:
        DataSetError: The file is missing, is not in this format, or is about other examples.
    """
    try:
        content: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, Mapping):
            raise ValueError(f"it holds a {_JSON[type(content)]}")
        ids = [example.id for example in examples]
        return dict(_entry(place, entry, ids, set(ids)) for place, entry in content.items())
    except FileNotFoundError:
        raise DataSetError(f"there is no file {path}; --programs takes a file in the published Binder format") from None
    except (ValueError, TypeError, AttributeError, LookupError) as error:
        raise DataSetError(
            f"{path} is not in the published Binder format ({error}): an object from an example's place in the split "
            'to {"generations": [[program, log-probability], …]}'
        ) from error


def save(path: Path, examples: Sequence[Example], programs: Mapping[str, Sequence[Sample]]) -> None:
    """Write programs in the published format.

    Args:
        path: The file.
        examples: All examples of the split.
        programs: The programs, by the id of the example they are for.
    """
    path.write_text(json.dumps(dict(_entries(examples, programs)), ensure_ascii=False, indent=1), encoding="utf-8")


def _entry(place: str, entry: Mapping[str, Any], ids: Sequence[str], known: Set[str]) -> tuple[str, tuple[Sample, ...]]:
    key = next((key for key in PROGRAMS if key in entry), None)
    if key is None:
        raise ValueError(f"entry {place!r} has neither {' nor '.join(PROGRAMS)}")
    samples = tuple(Sample(str(text), None if logprob is None else float(logprob)) for text, logprob in entry[key])
    named = entry.get("ori_data_item", {}).get("id")
    if named in known:
        return named, samples
    if not 0 <= int(place) < len(ids):
        raise ValueError(f"entry {place!r} is about an example past the split's {len(ids)}")
    return ids[int(place)], samples


def _entries(examples: Sequence[Example], programs: Mapping[str, Sequence[Sample]]) -> Iterator[tuple[str, Any]]:
    for place, example in enumerate(examples):
        if example.id in programs:
            item = {"id": example.id, "question": example.question, "answer_text": list(example.target)}
            pairs = [[sample.text, sample.logprob] for sample in programs[example.id]]
            yield str(place), {"generations": pairs, "ori_data_item": item}
