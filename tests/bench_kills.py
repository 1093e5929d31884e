"""What kill -9 at random moments costs. Run it by hand: ``python tests/bench_kills.py --kills 50``.

A benchmark's run, and the same questions asked with nothing but the cache, are killed and started again until they
are done, as often as it takes for so many kills. Printed for each: the kills, the requests of an unbroken run, those
that were paid for again (in flight when killed, so at most the concurrency for each kill), the longest time between
such a reply's last byte and the kill, and whether the files are those of an unbroken run.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support import kills

Command = Callable[[Path, Path, str, int], list[str]]
SAMPLES, LONG = 2, 600.0
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
        asked: The requests of an unbroken run.
        again: The replies that were sent whole more often than to an unbroken run.
        seconds: The longest time from the last byte of a reply that was paid for again to the next kill.
    """

    kills: int
    asked: int
    again: int
    seconds: float


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
    paid = telling.counted() - unbroken.counted()
    # Of a request that was answered twice, the first answer is the one that was lost.
    first = {asked: at for at, asked in reversed(telling.sent) if asked in paid}
    waits = [min((end - at for end in killed if end > at), default=LONG) for at in first.values()]
    return Figures(len(killed), len(unbroken.sent), paid.total(), max(waits, default=0.0))


def main() -> None:
    """Kill, count, print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=50)
    options.add_argument("--questions", type=int, default=48)
    options.add_argument("--longest", type=float, default=4.0, help="the longest life, in seconds")
    options.add_argument("--delay", type=float, default=0.1, help="seconds before each of the server's replies")
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    print("| run | server | kills | requests | paid again | at most | longest before the kill |\n" + "| --- " * 7 + "|")
    for name, command in (("benchmark", kills.benchmark), ("cache alone", kills.asking)):
        for server, ways in SERVERS.items():
            moments = kills.moments(given.kills, given.longest, given.seed)
            while moments:
                with tempfile.TemporaryDirectory() as folder:
                    kills.write_data(Path(folder, "data"), given.questions, rows=40)
                    found = bench(command, Path(folder), moments, ways, given.delay)
                limit = found.kills * kills.CONCURRENCY
                spent = f"{found.asked} | {found.again} | {limit} | {found.seconds * 1000:.0f} ms"
                print(f"| {name} | {server} | {found.kills} | {spent} |", flush=True)


if __name__ == "__main__":
    main()
