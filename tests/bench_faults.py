"""Questions against a server that fails. Run it by hand: ``python tests/bench_faults.py [--questions 1000]``.

Each fault alone strikes 20 % of the requests, then all of them mixed strike 20 % in all; then the same questions are
asked again, with the replies that the mixed faults left in a cache. An answer is right when it is the one that a
healthy server leads to. Prints a line for each: the faults that struck, the requests beyond those of a
healthy server, how many answers were right, wrong and refused with an error, and the time beside a healthy server's.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))

from binder.lm import Cache
from tests.support.fault_questions import Outcome, ask_all, questions
from tests.support.faulty_lm import KINDS

SHARE = 0.2
SECONDS = 0.02
MIXED, AGAIN = "mixed", "mixed, again"
HEADER = ("fault", "struck", "requests", "more", "right", "wrong", "refused", "seconds", "longest", "times healthy")


def line(name: str, found: Outcome, healthy: Outcome) -> tuple[str, ...]:
    """What one run says, cell by cell."""
    refused = sum(isinstance(one, Exception) for one in found.answers)
    right = sum(one == other for one, other in zip(found.answers, healthy.answers, strict=True))
    wrong = len(found.answers) - right - refused
    numbers = (sum(found.injected.values()), found.requests, found.requests - healthy.requests, right, wrong, refused)
    times = (f"{found.seconds:.1f}", f"{found.longest:.1f}", f"{found.seconds / healthy.seconds:.2f}")
    return (name, *map(str, numbers), *times)


def main() -> int:
    """Ask, print, and fail where an answer was wrong."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--questions", type=int, default=1000)
    kinds = [*KINDS, MIXED, AGAIN]
    options.add_argument("--kinds", nargs="*", default=kinds, help=f"faults, '{MIXED}' for all at once, or '{AGAIN}'")
    given = options.parse_args()
    asked = questions(given.questions)
    healthy = ask_all(asked, (), 0.0, SECONDS)
    errors: Counter[str] = Counter(str(one)[:300] for one in healthy.answers if isinstance(one, Exception))
    lines = [line("none", healthy, healthy)]
    print(("{:<18}" + "{:>14}" * 9).format(*HEADER))
    print(("{:<18}" + "{:>14}" * 9).format(*lines[0]), flush=True)
    for kind in given.kinds:
        with TemporaryDirectory() as folder, closing(Cache(Path(folder) / "replies.sqlite")) as cache:
            if kind == AGAIN:
                ask_all(asked, KINDS, SHARE, SECONDS, cache)
            struck = KINDS if kind in (MIXED, AGAIN) else (kind,)
            found = ask_all(asked, struck, SHARE, SECONDS, cache if kind == AGAIN else False)
        lines.append(line(kind, found, healthy))
        print(("{:<18}" + "{:>14}" * 9).format(*lines[-1]), flush=True)
        errors.update(f"{kind}: {str(one)[:300]}" for one in found.answers if isinstance(one, Exception))
        if kind == MIXED:
            print("struck:", ", ".join(f"{name} {times}" for name, times in sorted(found.injected.items())))
    for error, times in errors.most_common(40):
        print(f"{times} refused: {error}")
    return int(any(one[5] != "0" for one in lines))


if __name__ == "__main__":
    sys.exit(main())
