"""What kill -9 at random moments costs. Run it by hand: ``python tests/bench_kills.py --kills 50``.

A benchmark's run, and the same questions asked with nothing but the cache, are killed and started again until they
are done, as often as it takes for so many kills. After each kill the cache and the run's files are checked, and at the
end the files compared with those of an unbroken run. Printed for each run to its end: the kills, the programs and
values that an unbroken run is sent, those that were sent again, and how many of these the killed process had read well
before the kill.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support import kills

Command = Callable[[Path, Path, str, int], list[str]]
RUNS: dict[str, Command] = {"benchmark": kills.benchmark, "cache alone": kills.asking}
SAMPLES, LONG = 3, 600.0
FLIGHT = 0.1
"""Seconds that a reply may take from the server's last byte until it is kept."""
SERVERS: dict[str, dict[str, int | bool]] = {
    "plain": {},
    "one sample at a time": {"at_once": 1},
    "leaves inputs out": {"careless": True},
}


@dataclass(frozen=True)
class Figures:
    """What one run to its end cost.

    Attributes:
        kills: How often it was killed.
        sent: The programs and values that an unbroken run is sent.
        again: Those that were sent to it again.
        lost: Those of them for which no reply was on its way at a kill: sent less than ``FLIGHT`` before it, or not yet
            read by the process that was killed, which may get no time on a busy machine.
    """

    kills: int
    sent: int
    again: int
    lost: int


def bench(command: Command, folder: Path, moments: list[float], server: dict[str, int | bool], delay: float) -> Figures:
    """Break a run off at these moments and compare it with an unbroken one; the moments that were used are taken away.

    Raises:
        AssertionError: A file is damaged, or is not that of an unbroken run.
    """
    data, whole, broken = folder / "data", folder / "whole", folder / "broken"
    with kills.serve(0.0, **server) as unbroken:
        assert not kills.break_off(command(data, whole, unbroken.url, SAMPLES), folder / "cache-whole", LONG)
    killed: list[float] = []
    with kills.serve(delay, **server) as telling:
        again = command(data, broken, telling.url, SAMPLES)
        while kills.break_off(again, folder / "cache", moments.pop() if moments else LONG):
            killed.append(time.monotonic())
            kills.check_cache(folder / "cache")
            kills.check_lines(broken)
    assert kills.result(broken) == kills.result(whole), folder
    return Figures(len(killed), len(unbroken.sent), *_paid_again(unbroken, telling, killed))


def _paid_again(unbroken: kills.Telling, telling: kills.Telling, killed: list[float]) -> tuple[int, int]:
    """How much was sent more often than to an unbroken run, and how much of that was not in flight at a kill."""
    # A run that starts anew may draw a sample that an unbroken one does without; sent once, it is not paid for again.
    once = Counter(dict.fromkeys(telling.counted(), 1)) | unbroken.counted()
    more = telling.counted() - once
    late = [(at, about) for at, about in telling.sent if any(0 <= end - at < FLIGHT for end in killed)]
    flying = Counter(about for _, about in {*late, *telling.unread})
    return more.total(), (more - flying).total()


def main() -> None:
    """Kill, count, print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=50)
    options.add_argument("--servers", nargs="*", choices=SERVERS, default=list(SERVERS))
    options.add_argument("--runs", nargs="*", choices=RUNS, default=list(RUNS))
    options.add_argument("--questions", type=int, default=48)
    options.add_argument("--longest", type=float, default=4.0, help="the longest life, in seconds")
    options.add_argument("--delay", type=float, default=0.3, help="seconds before each of the server's replies")
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    print("| run | server | kills | sent | sent again | of them lost |\n" + "| --- " * 6 + "|")
    for name in given.runs:
        for server in given.servers:
            moments = kills.moments(given.kills, given.longest, given.seed)
            while moments:
                with tempfile.TemporaryDirectory() as folder:
                    kills.write_data(Path(folder, "data"), given.questions, rows=40)
                    found = bench(RUNS[name], Path(folder), moments, SERVERS[server], given.delay)
                print(
                    f"| {name} | {server} | {found.kills} | {found.sent} | {found.again} | {found.lost} |", flush=True
                )


if __name__ == "__main__":
    main()
