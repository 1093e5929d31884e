"""Coverage-guided fuzzing of the grammar: any text is a program or has complaints, soon and without an exception.

Run by hand, where ``pip install atheris`` works (Linux), from the checkout; the corpus grows in the folder named last:

    PYTHONPATH=. python tests/fuzz/fuzz_programs.py -max_total_time=600 -timeout=20 /tmp/corpus-programs

What it finds becomes a case of ``tests/fixtures/check/fuzzed.sql``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["grammars", "sqlglot"]):
    from grammars.check import check
    from grammars.program import Program

from tests.support.pairs import FIXTURES, read_pairs
from tests.support.schemas import TWO


def fuzz(data: bytes) -> None:
    """Check one text; bytes that are no UTF-8 become lone surrogates."""
    text = data.decode("utf-8", "surrogateescape")
    checked = check(text, TWO)
    assert (checked.program is None) == bool(checked.complaints)
    assert checked.program is None or isinstance(checked.program, Program)
    for complaint in checked.complaints:
        complaint.render(checked.text).encode()  # what an error shows must be printable


def seed(corpus: Path) -> None:
    """Put the fixtures' programs into an empty corpus."""
    corpus.mkdir(parents=True, exist_ok=True)
    names = ["identity.sql", *(f"check/{path.name}" for path in sorted((FIXTURES / "check").glob("*.sql")))]
    for name in names if not any(corpus.iterdir()) else ():
        for number, pair in enumerate(read_pairs(name)):
            (corpus / f"{name.replace('/', '-')}-{number}").write_text(pair.given, encoding="utf-8")


if __name__ == "__main__":
    seed(Path(sys.argv[-1]))
    atheris.Setup(sys.argv, fuzz)
    atheris.Fuzz()
