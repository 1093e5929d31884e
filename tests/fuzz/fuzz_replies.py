"""Coverage-guided fuzzing of reply parsing: any text is answers to inputs that are there, or none, soon.

Run by hand, where ``pip install atheris`` works (Linux), from the checkout; the corpus grows in the folder named last:

    PYTHONPATH=. python tests/fuzz/fuzz_replies.py -max_total_time=600 -timeout=10 /tmp/corpus-replies

What it finds becomes a case of ``tests/binder/test_replies.py``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["binder.replies", "binder.coerce"]):
    from binder.coerce import coerce
    from binder.replies import read_ans, read_bare, read_map
    from grammars.reply import Expected, ReplyKind

SEEDS = (
    '{"1": "yes", "2": null, "3": 4.50, "4": true}',
    '```json\n{"1": "yes",\n "2": "no"}\n```',
    '<think>{"1": "no"}</think>{"1": "yes"}',
    "1. yes\n2) no\n- 3 = maybe",
    '{"answer": ["cumin", 1e400, "1,200 km", "5 Mar 1990"]}',
    "Two of them:\n- cumin\n- clove",
    '["a", "b"]',
)


def fuzz(data: bytes) -> None:
    """Read one reply in every way."""
    text = data.decode("utf-8", "surrogateescape")
    answers = read_map(text, 3)
    assert set(answers) <= {1, 2, 3}
    values = [*answers.values(), read_bare(text, Expected(ReplyKind.NUMBER))]
    for many in (False, True):
        found = read_ans(text, many)
        assert found is None or isinstance(found, list)
        values += found or []
    for value in values:
        assert value is None or isinstance(value, str)
        for kind in ReplyKind:
            if value is not None:
                coerce(value, Expected(kind))


if __name__ == "__main__":
    corpus = Path(sys.argv[-1])
    corpus.mkdir(parents=True, exist_ok=True)
    for number, text in enumerate(SEEDS):
        (corpus / f"seed-{number}").write_text(text, encoding="utf-8")
    atheris.Setup(sys.argv, fuzz)
    atheris.Fuzz()
