"""Questions against a server that fails. Run it by hand: ``python tests/bench_faults.py [--questions 1000]``.

Each fault alone strikes 20 % of the requests, then all of them mixed strike 20 % in all. An answer is right when it is
the one that a healthy server leads to. Prints a line for each: the faults that struck, the requests beyond those of a
healthy server, how many answers were right, wrong and refused with an error, and the time beside a healthy server's.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.fault_questions import Outcome, ask_all, questions
from tests.support.faulty_lm import KINDS

SHARE = 0.2
SECONDS = 0.02
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
    options.add_argument("--kinds", nargs="*", default=[*KINDS, "mixed"], help="faults, or 'mixed' for all at once")
    given = options.parse_args()
    asked = questions(given.questions)
    healthy = ask_all(asked, (), 0.0, SECONDS)
    errors: Counter[str] = Counter(str(one)[:300] for one in healthy.answers if isinstance(one, Exception))
    lines = [line("none", healthy, healthy)]
    print(("{:<18}" + "{:>14}" * 9).format(*HEADER))
    print(("{:<18}" + "{:>14}" * 9).format(*lines[0]), flush=True)
    for kind in given.kinds:
        found = ask_all(asked, KINDS if kind == "mixed" else (kind,), SHARE, SECONDS)
        lines.append(line(kind, found, healthy))
        print(("{:<18}" + "{:>14}" * 9).format(*lines[-1]), flush=True)
        errors.update(f"{kind}: {str(one)[:300]}" for one in found.answers if isinstance(one, Exception))
        if kind == "mixed":
            print("struck:", ", ".join(f"{name} {times}" for name, times in sorted(found.injected.items())))
    for error, times in errors.most_common(40):
        print(f"{times} refused: {error}")
    return int(any(one[5] != "0" for one in lines))


if __name__ == "__main__":
    sys.exit(main())
